//! The trainer: runs a module's loops. [`fit`](Trainer::fit) reads on one screen in `fit.rs`.

mod error;
mod eval;
mod fit;
mod state;

pub use error::TrainerError;
pub use fit::FitReport;
pub use state::{State, StopReason};

use crate::callbacks::Callback;
use crate::loggers::Logger;
use crate::{Float, Seed};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Logged values by name: Lightning's `callback_metrics`.
pub type Metrics = BTreeMap<String, f64>;

/// Runs the loops of a [`LightningModule`](crate::LightningModule). The knobs are the fields.
///
/// ```
/// use lightning_core::testing::{Line, line_batches};
/// use lightning_core::Trainer;
/// let mut line: Line = Line::default();
/// let mut trainer = Trainer { max_epochs: 50, ..Trainer::default() };
/// let report = trainer.fit(&mut line, &line_batches(), None::<&Vec<_>>)?;
/// assert_eq!(report.epochs, 50);
/// assert!(report.metrics["loss"] < 1e-3);
/// # Ok::<(), lightning_core::TrainerError>(())
/// ```
pub struct Trainer<F: Float = f32> {
    /// Epochs of a fit.
    pub max_epochs: usize,
    /// The seed of dropout; initial weights and the order of samples belong to the module and the loader.
    pub seed: Seed,
    /// Validate after every so many epochs; at least 1.
    pub check_val_every_n_epoch: usize,
    /// Validation batches tried before the first epoch, so that a mistake there shows at once. Nothing that is
    /// logged in them is kept.
    pub num_sanity_val_steps: usize,
    /// Write step values to the loggers after every so many steps; at least 1.
    pub log_every_n_steps: u64,
    /// Called in order.
    pub callbacks: Vec<Box<dyn Callback<F>>>,
    /// Written to in order.
    pub loggers: Vec<Box<dyn Logger>>,
    /// Set by a signal handler: the fit ends after the running batch with [`StopReason::Interrupted`].
    pub interrupt: Option<Arc<AtomicBool>>,
}

impl<F: Float> Default for Trainer<F> {
    /// Lightning's defaults.
    fn default() -> Self {
        Trainer {
            max_epochs: 1000,
            seed: Seed(0),
            check_val_every_n_epoch: 1,
            num_sanity_val_steps: 2,
            log_every_n_steps: 50,
            callbacks: Vec::new(),
            loggers: Vec::new(),
            interrupt: None,
        }
    }
}
