//! Finds settings before a training, by short trials that leave no trace: Lightning's `Tuner`.
//!
//! A trial is a fit of a [`Trainer`](crate::Trainer) of its own, made from the arithmetic of the given one (seed,
//! accumulation, clipping, [`Compat`](crate::trainer::Compat)): its callbacks, loggers and limits take no part. Of the
//! callbacks that the module brings along, those that stop or save do not run either. Afterwards weights, gradients and the switches between
//! training and evaluation are what they were, bit for bit, also after an error; what a module keeps in other fields is
//! its own to put back.

mod batch_size;
mod chart;
mod curve;
mod lr_find;
mod memory;
mod trial;

pub use batch_size::{BatchSizeReport, ScaleBatchSize, ScaleMode, Trial, scale_batch_size};
pub use curve::{LrCurve, SuggestionError};
pub use lr_find::{LrFind, LrMode, lr_find};

use crate::trainer::TrainerError;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TunerError {
    /// A setting that makes no sense.
    #[error("{setting} is {problem}")]
    Setting {
        /// The field.
        setting: &'static str,
        /// What it is, and what would do.
        problem: String,
    },
    /// The module steps its optimizers itself.
    #[error("the module optimizes by hand; its learning rates are its own, and only it knows what a step is")]
    ManualOptimization,
    /// Even the first batch size takes too much memory.
    #[error(
        "batches of {batch_size} take {found} bytes, the budget is {budget}; begin with a smaller init_val"
    )]
    OverBudget {
        /// The size.
        batch_size: usize,
        /// Resident memory of the process.
        found: u64,
        /// What it may be.
        budget: u64,
    },
    /// A trial failed.
    #[error(transparent)]
    Trainer(#[from] TrainerError),
}

fn setting(setting: &'static str, problem: String) -> TunerError {
    TunerError::Setting { setting, problem }
}
