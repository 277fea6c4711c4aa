//! Closures as a callback.

use super::{Callback, CallbackResult};
use crate::trainer::State;
use crate::{Float, Hook};
use std::fmt;

type Action<F> = Box<dyn FnMut(&State<'_, F>) -> CallbackResult + Send>;

/// Lightning's `LambdaCallback`: closures for any hooks.
///
/// ```
/// use lightning_core::callbacks::LambdaCallback;
/// use lightning_core::testing::{Line, LineBatch, line_batches};
/// use lightning_core::{Hook, Trainer};
/// use std::sync::mpsc::channel;
///
/// let (say, hear) = channel();
/// let report = LambdaCallback::new().on(Hook::OnTrainEpochEnd, move |state| {
///     Ok(say.send((state.progress.epoch, state.metrics["loss"]))?)
/// });
/// let mut trainer = Trainer { max_epochs: 2, callbacks: vec![Box::new(report)], ..Trainer::default() };
/// trainer.fit(&mut Line::default(), &line_batches(), None::<&Vec<LineBatch>>)?;
/// let losses: Vec<(usize, f64)> = hear.try_iter().collect();
/// assert!(losses.len() == 2 && losses[1].1 < losses[0].1);
/// # Ok::<(), lightning_core::TrainerError>(())
/// ```
#[derive(Default)]
pub struct LambdaCallback<F: Float = f32> {
    actions: Vec<(Hook, Action<F>)>,
}

impl<F: Float> LambdaCallback<F> {
    /// One that does nothing yet.
    pub fn new() -> Self {
        LambdaCallback { actions: Vec::new() }
    }

    /// Calls `action` at `hook`, after those that were added before.
    #[must_use]
    pub fn on(
        mut self,
        hook: Hook,
        action: impl FnMut(&State<'_, F>) -> CallbackResult + Send + 'static,
    ) -> Self {
        self.actions.push((hook, Box::new(action)));
        self
    }
}

impl<F: Float> fmt::Debug for LambdaCallback<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.actions.iter().map(|(hook, _)| hook)).finish()
    }
}

impl<F: Float> Callback<F> for LambdaCallback<F> {
    fn name(&self) -> &str {
        "LambdaCallback"
    }

    fn on_hook(&mut self, hook: Hook, state: &State<'_, F>) -> CallbackResult {
        self.actions.iter_mut().filter(|(at, _)| *at == hook).try_for_each(|(_, action)| action(state))
    }
}
