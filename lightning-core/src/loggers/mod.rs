//! Where logged values go.
//!
//! | logger | file | holds |
//! |---|---|---|
//! | [`CsvLogger`] | `metrics.csv`, `hparams.yaml` | a table: one row for each stage and step |
//! | [`JsonLinesLogger`] | `metrics.jsonl`, `figures/` | every event in the order it came: the source of truth |
//! | `TensorBoardLogger` | `events.out.tfevents.*` | curves, histograms, figures and the HParams tab of TensorBoard; feature `tensorboard` |
//! | [`MemoryLogger`] | none | rows, for tests and notebooks |
//!
//! Any number of them can be given to one trainer. A checkpoint keeps how far each one had come
//! ([`positions`]); a run that goes on from there cuts its files back to that place ([`rewind`]), so that no row
//! is lost and none is there twice, whenever the first run was killed.

mod csv;
mod figure;
mod histogram;
mod jsonl;
mod memory;
#[cfg(feature = "tensorboard")]
mod tensorboard;

pub use csv::CsvLogger;
pub use figure::Figure;
pub use histogram::Histogram;
pub use jsonl::JsonLinesLogger;
pub use memory::{MemoryLogger, OwnedRow};
#[cfg(feature = "tensorboard")]
pub use tensorboard::TensorBoardLogger;

use crate::{Hyperparameters, Stage};
use serde_json::{Value, json};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A number under its name. The name is shared: a clone copies no text.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The name, as it was logged.
    pub name: Arc<str>,
    /// The number; NaN and the infinities are values like others.
    pub value: f64,
}

impl Metric {
    /// A number under a name.
    pub fn new(name: impl Into<Arc<str>>, value: f64) -> Self {
        Metric { name: name.into(), value }
    }
}

/// Values logged at one moment of a run. Making and passing one allocates nothing.
#[derive(Clone, Copy, Debug)]
pub struct MetricsRow<'a> {
    /// The loop they come from.
    pub stage: Stage,
    /// Index of the epoch.
    pub epoch: usize,
    /// Steps of optimizers so far, also in a row of validation: all curves share this axis.
    pub step: u64,
    /// Batches of this stage so far, over all epochs.
    pub batches: u64,
    /// The values.
    pub metrics: &'a [Metric],
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// As it was meant to; stopping early is that too.
    Success,
    /// With an error.
    Failed,
    /// By a signal.
    Interrupted,
}

impl RunStatus {
    /// `success`, `failed` or `interrupted`.
    pub fn name(self) -> &'static str {
        match self {
            RunStatus::Success => "success",
            RunStatus::Failed => "failed",
            RunStatus::Interrupted => "interrupted",
        }
    }
}

/// Writes what is logged somewhere. Only rows have to be taken; what a logger has no place for it passes over.
///
/// The order of calls: [`rewind`](Self::rewind) if the run goes on from a checkpoint, then
/// [`log_hyperparameters`](Self::log_hyperparameters), rows and the rest,
/// [`log_final_metrics`](Self::log_final_metrics), [`finalize`](Self::finalize). After that a logger may be used
/// again and goes on behind what it wrote.
///
/// ```
/// use lightning_core::loggers::{Logger, MetricsRow};
/// use std::io;
///
/// struct Print;
/// impl Logger for Print {
///     fn name(&self) -> &str { "print" }
///     fn log_metrics(&mut self, row: &MetricsRow<'_>) -> io::Result<()> {
///         for metric in row.metrics {
///             println!("{} {} {} = {}", row.stage.name(), row.step, metric.name, metric.value);
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Logger: Send {
    /// A name for messages, and for finding its position in a checkpoint again.
    fn name(&self) -> &str;

    /// Takes what the module was made from, at the start of a fit. A logger that has it already, because it was
    /// rewound, does not write it twice.
    ///
    /// # Errors
    /// If it cannot be written.
    fn log_hyperparameters(&mut self, hparams: &Hyperparameters) -> io::Result<()> {
        let _ = hparams;
        Ok(())
    }

    /// Takes a row.
    ///
    /// # Errors
    /// If it cannot be written.
    fn log_metrics(&mut self, row: &MetricsRow<'_>) -> io::Result<()>;

    /// Takes the distribution of many values, such as a parameter's weights.
    ///
    /// # Errors
    /// If it cannot be written.
    fn log_histogram(&mut self, tag: &str, histogram: &Histogram, step: u64) -> io::Result<()> {
        let _ = (tag, histogram, step);
        Ok(())
    }

    /// Takes a picture.
    ///
    /// # Errors
    /// If it cannot be written.
    fn log_figure(&mut self, tag: &str, figure: &Figure<'_>, step: u64) -> io::Result<()> {
        let _ = (tag, figure, step);
        Ok(())
    }

    /// Takes the numbers by which runs with other hyperparameters are compared, at the end of a fit.
    ///
    /// # Errors
    /// If it cannot be written.
    fn log_final_metrics(&mut self, metrics: &[Metric], step: u64) -> io::Result<()> {
        let _ = (metrics, step);
        Ok(())
    }

    /// Hands everything so far to the system and says where the files stand, for a checkpoint. It does not wait for
    /// the disk: whoever writes the checkpoint makes [`files`](Self::files) durable first.
    ///
    /// # Errors
    /// If it cannot be written.
    fn position(&mut self) -> io::Result<Value> {
        Ok(Value::Null)
    }

    /// The files that a position speaks of.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Goes on exactly where [`position`](Self::position) was called: what the files hold behind that place is cut
    /// off. A file that is not there is begun anew, so that a run can go on in another folder.
    ///
    /// # Errors
    /// If the position is not this logger's, or a file is shorter than it was or cannot be written.
    fn rewind(&mut self, position: &Value) -> io::Result<()> {
        let _ = position;
        Ok(())
    }

    /// Writes out what is buffered and notes how the run ended.
    ///
    /// # Errors
    /// If it cannot be written.
    fn finalize(&mut self, status: RunStatus) -> io::Result<()> {
        let _ = status;
        Ok(())
    }
}

/// Where all loggers stand, for a checkpoint.
///
/// # Errors
/// If one of them cannot be written.
pub fn positions(loggers: &mut [Box<dyn Logger>]) -> io::Result<Vec<Value>> {
    let each = loggers.iter_mut().map(|logger| {
        let position = logger.position()?;
        Ok(json!({ "name": logger.name(), "position": position }))
    });
    each.collect()
}

/// Sends each logger back to its place in what [`positions`] gave. They are matched by name, the first of a name
/// with the first: a logger that was not there starts a log of its own.
///
/// # Errors
/// If a logger refuses its place.
pub fn rewind(loggers: &mut [Box<dyn Logger>], positions: &[Value]) -> io::Result<()> {
    let mut saved: Vec<&Value> = positions.iter().collect();
    for logger in loggers {
        if let Some(found) = saved.iter().position(|one| one["name"] == logger.name()) {
            logger.rewind(&saved.remove(found)["position"])?;
        }
    }
    Ok(())
}

/// An error that names the file.
fn at(path: &Path) -> impl Fn(io::Error) -> io::Error + '_ {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn refused(path: &Path, problem: &str) -> io::Error {
    let message = format!("{}: {problem}; resume in another folder to begin a new log", path.display());
    io::Error::new(io::ErrorKind::InvalidData, message)
}
