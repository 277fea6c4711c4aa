//! What can be hooked into a fit without touching the module.

mod model_checkpoint;

pub use model_checkpoint::{Mode, ModelCheckpoint};

use crate::Float;
use crate::trainer::State;

/// What an event gives back: an error ends the fit with [`TrainerError::Callback`](crate::TrainerError::Callback).
pub type CallbackResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Something that follows a fit. Override the one or two events it needs; to end the fit call [`State::stop`].
///
/// ```
/// use lightning_core::callbacks::{Callback, CallbackResult};
/// use lightning_core::{State, Trainer};
///
/// struct StopBelow(f64);
/// impl Callback for StopBelow {
///     fn name(&self) -> &str { "StopBelow" }
///     fn on_train_epoch_end(&mut self, state: &State<'_>) -> CallbackResult {
///         if state.metrics.get("loss").is_some_and(|&loss| loss < self.0) {
///             state.stop("the loss is small enough");
///         }
///         Ok(())
///     }
/// }
/// let trainer = Trainer { callbacks: vec![Box::new(StopBelow(0.1))], ..Trainer::default() };
/// # let _ = trainer;
/// ```
pub trait Callback<F: Float = f32>: Send {
    /// A name for messages.
    fn name(&self) -> &str;

    /// Before the first epoch, after the sanity check.
    fn on_fit_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Before the first batch of an epoch.
    fn on_train_epoch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// After each training batch, when parameters and schedulers have moved on.
    fn on_train_batch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// After a pass over the validation data in a fit.
    fn on_validation_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// At the end of an epoch, after its validation.
    fn on_train_epoch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// After the last epoch, also of an interrupted fit.
    fn on_fit_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
}
