//! The trainer: runs a module's loops. The training loop reads on one screen in `fit.rs`.

mod at_checkpoint;
mod backward;
mod clock;
mod error;
mod eval;
mod explain;
mod fit;
mod loaders;
mod plan;
mod position;
mod report;
mod resume;
mod rows;
mod run;
mod schedules;
mod settings;
mod state;
mod stop;
mod train_batch;
mod with_data;

pub use error::TrainerError;
pub use loaders::{Loaders, Several};
pub use report::FitReport;
pub use resume::Resume;
pub use settings::{Compat, Limit, ValCheckInterval};
pub use state::{ScheduleSettings, State, StopReason};

pub use crate::log::Metrics;

use crate::callbacks::Callback;
use crate::loggers::Logger;
use crate::optim::GradientClip;
use crate::profiler::Profiler;
use crate::{Float, Seed};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Runs the loops of a [`LightningModule`](crate::LightningModule). The knobs are the fields, with Lightning's names
/// and defaults.
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
    /// Epochs of a fit; `usize::MAX` for no limit.
    pub max_epochs: usize,
    /// Epochs before which nobody's wish to stop is heard. It never makes a fit longer than `max_epochs`.
    pub min_epochs: usize,
    /// Steps of optimizers of a fit.
    pub max_steps: Option<u64>,
    /// Steps before which nobody's wish to stop is heard.
    pub min_steps: u64,
    /// Wall-clock time of a fit, that before a resume included; looked at after every batch.
    pub max_time: Option<Duration>,
    /// The seed of dropout; initial weights and the order of samples belong to the module and the loader.
    pub seed: Seed,
    /// Training batches of an epoch.
    pub limit_train_batches: Limit,
    /// Validation batches of a pass, of each loader.
    pub limit_val_batches: Limit,
    /// Test batches of a pass, of each loader.
    pub limit_test_batches: Limit,
    /// Batches that are predicted, of each loader.
    pub limit_predict_batches: Limit,
    /// Trains and validates on so many batches only, the same ones in every epoch: a model that cannot learn these
    /// by heart has a mistake. They are those of the loader's first epoch. Overrides the limits for training and
    /// validation.
    pub overfit_batches: Option<Limit>,
    /// Runs so many batches of every loop, once, without sanity check, loggers and checkpoints: to see whether
    /// everything fits together.
    pub fast_dev_run: Option<usize>,
    /// When validation is due within an epoch.
    pub val_check_interval: ValCheckInterval,
    /// Validate in every so many epochs only; at least 1.
    pub check_val_every_n_epoch: usize,
    /// Validation batches of each loader tried before the first epoch, so that a mistake there shows at once.
    /// Nothing that is logged in them is kept.
    pub num_sanity_val_steps: usize,
    /// Write step values to the loggers after every so many batches that stepped; at least 1.
    pub log_every_n_steps: u64,
    /// Batches whose gradients are put together for one step; at least 1.
    pub accumulate_grad_batches: usize,
    /// How gradients are clipped before a step, in automatic optimization.
    pub gradient_clip: Option<GradientClip>,
    /// Looks for the first value and the first gradient that is NaN, and names the operation and the parameter. Slow.
    pub detect_anomaly: bool,
    /// Where the next fit goes on, instead of beginning anew.
    pub resume: Option<Resume>,
    /// Where Lightning's arithmetic is wanted instead of ours.
    pub compat: Compat,
    /// Called in order, those of [`Kind::Checkpoint`](crate::callbacks::Kind::Checkpoint) last.
    pub callbacks: Vec<Box<dyn Callback<F>>>,
    /// Written to in order.
    pub loggers: Vec<Box<dyn Logger>>,
    /// Measures hooks and operations, if there is one.
    pub profiler: Option<Profiler>,
    /// Set by a signal handler: the fit ends after the running batch with [`StopReason::Interrupted`].
    pub interrupt: Option<Arc<AtomicBool>>,
}

impl<F: Float> Default for Trainer<F> {
    /// Lightning's defaults, but for loggers and callbacks: there are none.
    fn default() -> Self {
        Trainer {
            max_epochs: 1000,
            min_epochs: 0,
            max_steps: None,
            min_steps: 0,
            max_time: None,
            seed: Seed(0),
            limit_train_batches: Limit::All,
            limit_val_batches: Limit::All,
            limit_test_batches: Limit::All,
            limit_predict_batches: Limit::All,
            overfit_batches: None,
            fast_dev_run: None,
            val_check_interval: ValCheckInterval::default(),
            check_val_every_n_epoch: 1,
            num_sanity_val_steps: 2,
            log_every_n_steps: 50,
            accumulate_grad_batches: 1,
            gradient_clip: None,
            detect_anomaly: false,
            resume: None,
            compat: Compat::default(),
            callbacks: Vec::new(),
            loggers: Vec::new(),
            profiler: None,
            interrupt: None,
        }
    }
}
