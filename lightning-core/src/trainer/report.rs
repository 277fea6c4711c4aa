//! What a fit did.

use super::{Metrics, StopReason};
use std::time::Duration;

/// What a fit did.
#[derive(Clone, Debug)]
pub struct FitReport {
    /// Why it ended.
    pub stop: StopReason,
    /// Finished epochs, those before a resume included.
    pub epochs: usize,
    /// Steps of optimizers.
    pub global_step: u64,
    /// Training batches seen.
    pub batches: u64,
    /// Batches whose training step returned `None`.
    pub skipped_batches: u64,
    /// The newest value of everything that was logged.
    pub metrics: Metrics,
    /// What looked wrong but did not stop the fit.
    pub warnings: Vec<String>,
    /// Wall-clock time; with `max_time` that before a resume included.
    pub duration: Duration,
}
