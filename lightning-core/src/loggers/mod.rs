//! Where logged values go.

mod csv;

pub use csv::CsvLogger;

use crate::{Hyperparameters, Metrics, Stage};
use std::io;

/// Values logged at one moment of a run.
#[derive(Clone, Copy, Debug)]
pub struct MetricsRow<'a> {
    /// The loop they come from.
    pub stage: Stage,
    /// Index of the epoch.
    pub epoch: usize,
    /// Steps of optimizers so far.
    pub step: u64,
    /// The values.
    pub metrics: &'a Metrics,
}

/// Writes logged values somewhere.
pub trait Logger: Send {
    /// Takes what the module was made from; once, at the start.
    ///
    /// # Errors
    /// If it cannot be written.
    fn log_hyperparameters(&mut self, hparams: &Hyperparameters) -> io::Result<()>;

    /// Takes a row.
    ///
    /// # Errors
    /// If it cannot be written.
    fn log_metrics(&mut self, row: &MetricsRow<'_>) -> io::Result<()>;

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// If it cannot be written.
    fn finalize(&mut self) -> io::Result<()>;
}
