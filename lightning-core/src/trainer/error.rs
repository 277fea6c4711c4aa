//! Why a run ended without a result.

use crate::Anomaly;
use crate::checkpoint::CheckpointError;
use crate::hook::Stage;
use crate::log::SharedName;
use crate::optim::{OptimizersError, SchedulerError};
use std::path::PathBuf;

/// A run that could not be finished. Stopping early is no error: see [`StopReason`](super::StopReason).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainerError {
    /// A setting of the trainer that makes no sense.
    #[error("{setting} is {found}; it must be at least 1")]
    Setting {
        /// The field.
        setting: &'static str,
        /// Its value.
        found: u64,
    },
    /// A limit on the batches of a loop that makes no sense.
    #[error("the limit on {} batches is {problem}", .stage.name())]
    Limit {
        /// The loop.
        stage: Stage,
        /// What it is, and what would do.
        problem: String,
    },
    /// A setting of the trainer that cannot be used.
    #[error("{setting} is {problem}")]
    Knob {
        /// The field.
        setting: &'static str,
        /// What it is, and what would do.
        problem: String,
    },
    /// Two callbacks with a state under one key.
    #[error("two callbacks have the state key `{0}`; keep one of them, or let state_key() tell them apart")]
    StateKey(String),
    /// Two loops logged one name.
    #[error(
        "`{name}` is logged in the {} loop and in the {} loop, and whoever monitors it cannot know which is meant; \
         call one of the two `{}_{name}`", .stages[0].name(), .stages[1].name(), .stages[1].name()
    )]
    SharedName {
        /// The name.
        name: String,
        /// The first loop and the second.
        stages: [Stage; 2],
    },
    /// A callback watches a value that is never logged.
    #[error("{callback} monitors `{monitor}`, which nobody logged in the first epoch; logged are: {logged}")]
    CallbackMonitor {
        /// Its name.
        callback: String,
        /// The name it watches.
        monitor: String,
        /// What was logged.
        logged: String,
    },
    /// The module has no step for this loop.
    #[error("the module has no {0}_step; override it")]
    MissingStep(&'static str),
    /// A loader without batches.
    #[error("the {} loader has no batch", .0.name())]
    NoBatches(Stage),
    /// A checkpoint that cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A checkpoint that this run cannot go on from.
    #[error("{}: cannot be resumed: {reason}", path.display())]
    Resume {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// Automatic optimization with a number of optimizers other than one.
    #[error(
        "automatic optimization wants one optimizer, configure_optimizers returned {0}; \
         let automatic_optimization() return false to step several by hand"
    )]
    OptimizerCount(usize),
    /// What `configure_optimizers` returned does not fit together.
    #[error(transparent)]
    Optimizers(#[from] OptimizersError),
    /// A schedule cannot go on.
    #[error("epoch {epoch}: {source}")]
    Scheduler {
        /// The epoch, from 0.
        epoch: usize,
        /// Why.
        source: SchedulerError,
    },
    /// A plateau scheduler watches a value that was never logged.
    #[error("epoch {epoch}: a scheduler monitors `{monitor}`, which was not logged; logged are: {logged}")]
    Monitor {
        /// The epoch, from 0.
        epoch: usize,
        /// The name it watches.
        monitor: String,
        /// What was logged.
        logged: String,
    },
    /// The training step returned something that cannot be optimized.
    #[error("epoch {epoch}, batch {batch}: the loss {problem}")]
    Loss {
        /// The epoch, from 0.
        epoch: usize,
        /// The batch within the epoch, from 0.
        batch: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A loss or a weight is no longer a finite number.
    #[error("diverged in epoch {epoch}, batch {batch}: {what}; try a smaller learning rate")]
    Diverged {
        /// The epoch, from 0.
        epoch: usize,
        /// The batch within the epoch, from 0.
        batch: usize,
        /// The loss, or the first parameter that is not finite.
        what: String,
    },
    /// `detect_anomaly` found a NaN.
    #[error("epoch {epoch}, batch {batch}: {anomaly}")]
    Anomaly {
        /// The epoch, from 0.
        epoch: usize,
        /// The batch within the epoch, from 0.
        batch: usize,
        /// The operation and the parameter.
        anomaly: Anomaly,
    },
    /// A data module failed.
    #[error("the data module: {0}")]
    Data(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A callback failed.
    #[error("{callback}: {source}")]
    Callback {
        /// Which one.
        callback: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A logger could not write.
    #[error("writing the log failed: {0}")]
    Logger(#[source] std::io::Error),
}

impl From<SharedName> for TrainerError {
    fn from(SharedName { name, stages }: SharedName) -> Self {
        TrainerError::SharedName { name, stages }
    }
}
