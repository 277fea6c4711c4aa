//! What callbacks see of a run.

use super::Metrics;
use crate::context::{Progress, Stage};
use crate::{Float, Hyperparameters, Parameter};
use std::cell::Cell;

/// Why a fit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// All epochs are done.
    MaxEpochs,
    /// The interrupt flag was set.
    Interrupted,
    /// A callback asked for it, with its reason.
    Requested(String),
}

/// A run as a callback sees it. Callbacks never see the module's type, so that one serves all modules.
pub struct State<'a, F: Float = f32> {
    /// Training, or a pass over other data.
    pub stage: Stage,
    /// Epochs, steps and batches so far.
    pub progress: Progress,
    /// Epochs that the fit will have.
    pub max_epochs: usize,
    /// Index of the batch in the epoch.
    pub batch_idx: usize,
    /// Batches of the epoch.
    pub batches: usize,
    /// The last batch's loss, if the training step returned one.
    pub loss: Option<f64>,
    /// All values logged so far, the newest of each name.
    pub metrics: &'a Metrics,
    /// Names of the values that the progress bar shows.
    pub prog_bar: &'a [String],
    /// The learning rate of each optimizer's first group.
    pub lrs: &'a [f64],
    /// The module's parameters under their names.
    pub parameters: &'a [(String, Parameter<F>)],
    /// What the module was made from.
    pub hyperparameters: Option<&'a Hyperparameters>,
    pub(super) stop: &'a Cell<Option<StopReason>>,
}

impl<F: Float> State<'_, F> {
    /// Asks the trainer to end after the running epoch. The first reason stays.
    pub fn stop(&self, reason: impl Into<String>) {
        let first = self.stop.take();
        self.stop.set(Some(first.unwrap_or_else(|| StopReason::Requested(reason.into()))));
    }
}
