//! Rows kept in memory.

use super::{Logger, Metric, MetricsRow, RunStatus};
use crate::Stage;
use serde_json::Value;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A row as [`MemoryLogger`] keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedRow {
    /// The loop it comes from.
    pub stage: Stage,
    /// Index of the epoch.
    pub epoch: usize,
    /// Steps of optimizers so far.
    pub step: u64,
    /// Batches of the stage so far.
    pub batches: u64,
    /// The values.
    pub metrics: Vec<Metric>,
}

/// Keeps the rows; a clone is a handle on the same rows, to look at after the fit.
///
/// ```
/// use lightning_core::loggers::{Logger, MemoryLogger, Metric, MetricsRow};
/// use lightning_core::{Stage, Trainer};
/// let kept = MemoryLogger::default();
/// let mut trainer: Trainer = Trainer { loggers: vec![Box::new(kept.clone())], ..Trainer::default() };
/// # let loss = [Metric::new("loss", 0.5)];
/// # trainer.loggers[0].log_metrics(&MetricsRow { stage: Stage::Train, epoch: 0, step: 1, batches: 1, metrics: &loss })?;
/// // … trainer.fit(…) …
/// assert_eq!(kept.rows()[0].metrics[0].value, 0.5);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryLogger(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    rows: Vec<OwnedRow>,
    status: Option<RunStatus>,
}

impl MemoryLogger {
    /// All rows so far.
    pub fn rows(&self) -> Vec<OwnedRow> {
        self.kept().rows.clone()
    }

    /// How the run ended, once it has.
    pub fn status(&self) -> Option<RunStatus> {
        self.kept().status
    }

    /// A row is pushed whole or not at all, so a panic elsewhere leaves nothing half done.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Logger for MemoryLogger {
    fn name(&self) -> &str {
        "memory"
    }

    fn log_metrics(&mut self, row: &MetricsRow<'_>) -> io::Result<()> {
        let &MetricsRow { stage, epoch, step, batches, metrics } = row;
        self.kept().rows.push(OwnedRow { stage, epoch, step, batches, metrics: metrics.to_vec() });
        Ok(())
    }

    fn position(&mut self) -> io::Result<Value> {
        Ok(self.kept().rows.len().into())
    }

    fn rewind(&mut self, position: &Value) -> io::Result<()> {
        let rows = position.as_u64().and_then(|rows| usize::try_from(rows).ok());
        self.kept().rows.truncate(rows.unwrap_or(0));
        Ok(())
    }

    fn finalize(&mut self, status: RunStatus) -> io::Result<()> {
        self.kept().status = Some(status);
        Ok(())
    }
}
