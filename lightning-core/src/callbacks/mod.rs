//! What can be hooked into a run without touching the module.

mod averaged_weights;
mod early_stopping;
mod ema;
mod file_name;
mod freeze_schedule;
mod gradient_accumulation_scheduler;
mod lambda_callback;
mod learning_rate_monitor;
mod mode;
mod model_checkpoint;
mod model_summary;
mod progress_bar;
mod ranking;
mod swa;
mod timer;
mod weight_histograms;

pub use early_stopping::{EarlyStopping, EarlyStoppingRun, StoppingReason};
pub use ema::{EmaWeights, ExponentialMovingAverage};
pub use freeze_schedule::FreezeSchedule;
pub use gradient_accumulation_scheduler::GradientAccumulationScheduler;
pub use lambda_callback::LambdaCallback;
pub use learning_rate_monitor::LearningRateMonitor;
pub use mode::Mode;
pub use model_checkpoint::{CheckpointHandle, CheckpointRun, ModelCheckpoint, SaveEvery, SaveLast, TopK};
pub use model_summary::{ModelSummary, Summary, SummaryRow};
pub use progress_bar::{BarTimes, ProgressBar};
pub use swa::{Annealing, StochasticWeightAveraging, SwaWeights};
pub use timer::{Timer, TimerClock};
pub use weight_histograms::{NormMonitor, WeightHistograms};

use crate::checkpoint::Checkpoint;
use crate::trainer::{State, TrainerError};
use crate::{Float, Hook};
use serde_json::Value;
use std::sync::Arc;

/// What a hook gives back: an error ends the run with [`TrainerError::Callback`].
pub type CallbackResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// When a callback's turn comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// In the given order.
    #[default]
    Plain,
    /// In the given order, but `on_train_epoch_end` runs after the module's, so that what is logged there can be
    /// monitored.
    Monitor,
    /// As [`Monitor`](Self::Monitor), and after all others in every hook.
    Checkpoint,
}

/// Something that follows a run. Override the one or two hooks it needs; they have Lightning's names and order.
///
/// A callback sees the run's [`State`], never the module's type, so that one serves all modules. Through it a
/// callback logs, changes learning rates, freezes or swaps parameters, asks to end the fit or for a checkpoint.
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

    /// When its turn comes.
    fn kind(&self) -> Kind {
        Kind::Plain
    }

    /// The logged value without which it cannot work. The fit ends with an error when everything that can log was
    /// called once and this name was not logged.
    fn monitor(&self) -> Option<&str> {
        None
    }

    /// The key of its state in a checkpoint, other than that of any other callback of the trainer that has a state.
    fn state_key(&self) -> String {
        self.name().to_owned()
    }

    /// Everything that a resumed run must know; null for nothing.
    fn state_dict(&self) -> Value {
        Value::Null
    }

    /// Continues from a [`state_dict`](Self::state_dict).
    ///
    /// # Errors
    /// If the state belongs to something else.
    fn load_state_dict(&mut self, saved: &Value) -> CallbackResult {
        let _ = saved;
        Ok(())
    }

    /// Gets the complete state of the run, its own included, after it asked with [`State::request_checkpoint`]: at
    /// the end of the batch, or of the epoch if it asked in `on_train_epoch_end`, when every other callback,
    /// scheduler and logger has done its part. A run that is resumed from there continues exactly. An interrupted
    /// run calls it unasked, before `on_train_end`.
    ///
    /// # Errors
    /// If it cannot be kept.
    fn on_checkpoint(&mut self, state: &State<'_, F>, checkpoint: &Arc<Checkpoint<F>>) -> CallbackResult {
        let _ = (state, checkpoint);
        Ok(())
    }

    /// May change what goes into a checkpoint, for example exchange the weights for averaged ones.
    fn on_save_checkpoint(&self, checkpoint: &mut Checkpoint<F>) {
        let _ = checkpoint;
    }

    /// Sees the checkpoint from which a run continues, before the parameters are loaded.
    ///
    /// # Errors
    /// If it does not fit.
    fn on_load_checkpoint(&mut self, checkpoint: &Checkpoint<F>) -> CallbackResult {
        let _ = checkpoint;
        Ok(())
    }

    /// When the run ends with an error.
    fn on_exception(&mut self, state: &State<'_, F>, error: &TrainerError) {
        let _ = (state, error);
    }

    /// Calls the method of this hook. A callback that treats all hooks alike overrides this one instead of them.
    ///
    /// # Errors
    /// That of the method.
    fn on_hook(&mut self, hook: Hook, state: &State<'_, F>) -> CallbackResult {
        match hook {
            Hook::Setup => self.setup(state),
            Hook::Teardown => self.teardown(state),
            Hook::OnFitStart => self.on_fit_start(state),
            Hook::OnFitEnd => self.on_fit_end(state),
            Hook::OnSanityCheckStart => self.on_sanity_check_start(state),
            Hook::OnSanityCheckEnd => self.on_sanity_check_end(state),
            Hook::OnTrainStart => self.on_train_start(state),
            Hook::OnTrainEnd => self.on_train_end(state),
            Hook::OnTrainEpochStart => self.on_train_epoch_start(state),
            Hook::OnTrainEpochEnd => self.on_train_epoch_end(state),
            Hook::OnTrainBatchStart => self.on_train_batch_start(state),
            Hook::OnTrainBatchEnd => self.on_train_batch_end(state),
            Hook::OnBeforeZeroGrad => self.on_before_zero_grad(state),
            Hook::OnBeforeBackward => self.on_before_backward(state),
            Hook::OnAfterBackward => self.on_after_backward(state),
            Hook::OnBeforeOptimizerStep => self.on_before_optimizer_step(state),
            Hook::OnValidationStart => self.on_validation_start(state),
            Hook::OnValidationEpochStart => self.on_validation_epoch_start(state),
            Hook::OnValidationBatchStart => self.on_validation_batch_start(state),
            Hook::OnValidationBatchEnd => self.on_validation_batch_end(state),
            Hook::OnValidationEpochEnd => self.on_validation_epoch_end(state),
            Hook::OnValidationEnd => self.on_validation_end(state),
            Hook::OnTestStart => self.on_test_start(state),
            Hook::OnTestEpochStart => self.on_test_epoch_start(state),
            Hook::OnTestBatchStart => self.on_test_batch_start(state),
            Hook::OnTestBatchEnd => self.on_test_batch_end(state),
            Hook::OnTestEpochEnd => self.on_test_epoch_end(state),
            Hook::OnTestEnd => self.on_test_end(state),
            Hook::OnPredictStart => self.on_predict_start(state),
            Hook::OnPredictEpochStart => self.on_predict_epoch_start(state),
            Hook::OnPredictBatchStart => self.on_predict_batch_start(state),
            Hook::OnPredictBatchEnd => self.on_predict_batch_end(state),
            Hook::OnPredictEpochEnd => self.on_predict_epoch_end(state),
            Hook::OnPredictEnd => self.on_predict_end(state),
            _ => Ok(()),
        }
    }

    /// Before anything else of a run.
    fn setup(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// After everything else of a run; not after an error.
    fn teardown(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// When the optimizers are there, before the sanity check.
    fn on_fit_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// At the end of a fit, also of an interrupted one.
    fn on_fit_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Before the validation batches that are tried first.
    fn on_sanity_check_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// After them; then all they logged is forgotten.
    fn on_sanity_check_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Before the first epoch.
    fn on_train_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// After the last epoch, also of an interrupted fit.
    fn on_train_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Before the first batch of an epoch.
    fn on_train_epoch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// After an epoch and its validation; see [`Kind`] for the order.
    fn on_train_epoch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Before a batch.
    fn on_train_batch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// After a batch, when parameters and schedulers have moved on.
    fn on_train_batch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Before gradients are forgotten.
    fn on_before_zero_grad(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Between loss and gradients.
    fn on_before_backward(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// When the batch's gradients are there.
    fn on_after_backward(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// When all gradients of a step are there, before they are clipped.
    fn on_before_optimizer_step(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Before a pass of this loop.
    fn on_validation_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Before its first batch.
    fn on_validation_epoch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Before a batch.
    fn on_validation_batch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// After a batch.
    fn on_validation_batch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// After the last batch. The last chance to log.
    fn on_validation_epoch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// When the metrics of the pass are complete.
    fn on_validation_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Before a pass of this loop.
    fn on_test_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Before its first batch.
    fn on_test_epoch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Before a batch.
    fn on_test_batch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// After a batch.
    fn on_test_batch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// After the last batch. The last chance to log.
    fn on_test_epoch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// When the metrics of the pass are complete.
    fn on_test_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Before a pass of this loop.
    fn on_predict_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Before its first batch.
    fn on_predict_epoch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// Before a batch.
    fn on_predict_batch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// After a batch.
    fn on_predict_batch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// After the last batch.
    fn on_predict_epoch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
    /// After the pass.
    fn on_predict_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let _ = state;
        Ok(())
    }
}
