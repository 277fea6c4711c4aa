//! What callbacks see of a run.

use crate::context::{Moment, Progress, Shared};
use crate::hook::{Hook, Stage};
use crate::log::{LogOptions, LogValue, Metrics};
use crate::loggers::Logger;
use crate::optim::{Interval, Schedule};
use crate::{Float, Hyperparameters, OptimizerRef, Parameter, SchedulerRef};
use std::cell::RefCell;
use std::fmt;

/// Why a fit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// All epochs are done.
    MaxEpochs,
    /// All steps are done.
    MaxSteps,
    /// The time is over.
    MaxTime,
    /// The interrupt flag was set.
    Interrupted,
    /// A callback or the module asked for it, with its reason.
    Requested(String),
    /// The run that was to be resumed had done all that was asked for.
    NothingToDo {
        /// Epochs that it had done.
        epochs: usize,
        /// Steps that it had done.
        global_step: u64,
    },
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StopReason::MaxEpochs => write!(f, "all epochs are done"),
            StopReason::MaxSteps => write!(f, "all steps are done"),
            StopReason::MaxTime => write!(f, "the time is over"),
            StopReason::Interrupted => write!(f, "interrupted"),
            StopReason::Requested(reason) => write!(f, "{reason}"),
            StopReason::NothingToDo { epochs, global_step } => {
                write!(f, "nothing to do: {epochs} epochs and {global_step} steps were done before")
            }
        }
    }
}

/// What a callback can ask of a [`Schedule`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleSettings {
    /// Index of its optimizer.
    pub optimizer: usize,
    /// By epoch or by step.
    pub interval: Interval,
    /// Its name for monitors.
    pub name: Option<String>,
}

/// A run as a callback sees it. Callbacks never see the module's type, so that one serves all modules.
pub struct State<'a, F: Float = f32> {
    /// The hook that runs.
    pub hook: Hook,
    /// Training, or a pass over other data.
    pub stage: Stage,
    /// Whether this is the sanity check before training, of which nothing is kept.
    pub is_sanity_check: bool,
    /// Whether a fit runs; a validation can be part of one or a run of its own.
    pub is_fitting: bool,
    /// Epochs, steps and batches so far.
    pub progress: Progress,
    /// Epochs that the fit will have.
    pub max_epochs: usize,
    /// Steps that the fit will have, if they are limited.
    pub max_steps: Option<u64>,
    /// Index of the batch in its loader.
    pub batch_idx: usize,
    /// Samples of the batch; 1 in a hook without a batch.
    pub batch_size: usize,
    /// Training batches of an epoch.
    pub batches: usize,
    /// Validation batches of a pass, over all loaders.
    pub val_batches: usize,
    /// Whether every epoch ends with the one validation that it has, or there is none.
    pub is_validation_at_epoch_end: bool,
    /// Batches that stepped between two rows of step values.
    pub log_every_n_steps: u64,
    /// Whether this run only tries everything out and leaves no file.
    pub is_fast_dev_run: bool,
    /// Whether the fit ends because the interrupt flag was set.
    pub is_interrupted: bool,
    /// Index of the batch's loader, where there are several.
    pub dataloader_idx: usize,
    /// Index of the optimizer that a hook is about.
    pub optimizer_idx: usize,
    /// The batch's loss, if the training step returned one.
    pub loss: Option<f64>,
    /// All values logged so far, the newest of each name: Lightning's `callback_metrics`.
    pub metrics: &'a Metrics,
    /// The newest values that loggers got, under the names they got them: Lightning's `logged_metrics`.
    pub logged_metrics: &'a Metrics,
    /// The newest values for the progress bar: Lightning's `progress_bar_metrics`.
    pub progress_bar_metrics: &'a Metrics,
    /// The module's parameters under their names.
    pub parameters: &'a [(String, Parameter<F>)],
    /// What the module was made from.
    pub hyperparameters: Option<&'a Hyperparameters>,
    pub(super) shared: &'a Shared<F>,
    pub(super) moment: Moment,
    pub(super) loggers: &'a RefCell<&'a mut Vec<Box<dyn Logger>>>,
}

impl<'a, F: Float> State<'a, F> {
    pub(super) fn new(
        shared: &'a Shared<F>,
        moment: Moment,
        loggers: &'a RefCell<&'a mut Vec<Box<dyn Logger>>>,
    ) -> Self {
        let Moment { hook, stage, batch_idx, batch_size, dataloader_idx, optimizer_idx, loss } = moment;
        State {
            hook,
            stage,
            is_sanity_check: shared.is_sanity_check,
            is_fitting: shared.optimization.is_some(),
            progress: shared.progress,
            max_epochs: shared.limits.max_epochs,
            max_steps: shared.limits.max_steps,
            batch_idx,
            batch_size,
            batches: shared.limits.train_batches,
            val_batches: shared.limits.val_batches,
            is_validation_at_epoch_end: shared.limits.is_validation_at_epoch_end,
            log_every_n_steps: shared.limits.log_every_n_steps,
            is_fast_dev_run: shared.limits.is_fast_dev_run,
            is_interrupted: shared.is_interrupted,
            dataloader_idx,
            optimizer_idx,
            loss,
            metrics: &shared.views.callback,
            logged_metrics: &shared.views.logged,
            progress_bar_metrics: &shared.views.progress_bar,
            parameters: &shared.parameters,
            hyperparameters: shared.hyperparameters.as_ref(),
            shared,
            moment,
            loggers,
        }
    }

    /// Asks the trainer to end: after the running batch or, asked at the end of an epoch, before the next one. The
    /// first reason stays. A wish that comes before `min_epochs` and `min_steps` are done is dropped, so that whoever
    /// has it must ask again: Lightning would remember it and stop a run that has recovered since. A resumed run
    /// forgets wishes, too: a callback whose state still calls for the end asks again in `on_train_start`.
    pub fn stop(&self, reason: impl Into<String>) {
        self.shared.wishes.stop.borrow_mut().get_or_insert_with(|| reason.into());
    }

    /// Whether somebody asked to end.
    pub fn should_stop(&self) -> bool {
        self.shared.wishes.stop.borrow().is_some()
    }

    /// Asks for a checkpoint of the complete state: it is given to every callback's
    /// [`on_checkpoint`](crate::callbacks::Callback::on_checkpoint) at the next moment from which a run can continue.
    pub fn request_checkpoint(&self) {
        self.shared.wishes.checkpoint.set(true);
    }

    /// The stage that logs this name, if any did so far.
    pub fn stage_of(&self, name: &str) -> Option<Stage> {
        self.shared.views.owners.get(name).copied()
    }

    /// Number of optimizers; 0 outside a fit.
    pub fn optimizers(&self) -> usize {
        self.shared.optimization.as_ref().map_or(0, |cell| cell.borrow().optimizers.optimizers.len())
    }

    /// One of the optimizers: its learning rates, momenta, groups and parameters.
    ///
    /// # Panics
    /// If there is no such optimizer.
    #[track_caller]
    pub fn optimizer(&self, index: usize) -> OptimizerRef<'a, F> {
        OptimizerRef::new(self.shared, index, None).unwrap_or_else(|| {
            panic!("optimizer {index}: there are {} in {}", self.optimizers(), self.hook.name())
        })
    }

    /// Number of schedulers; 0 outside a fit.
    pub fn lr_schedulers(&self) -> usize {
        self.shared.optimization.as_ref().map_or(0, |cell| cell.borrow().optimizers.schedules.len())
    }

    /// The settings of the schedules.
    pub fn schedule_settings(&self) -> Vec<ScheduleSettings> {
        let Some(cell) = self.shared.optimization.as_ref() else { return Vec::new() };
        let settings = |schedule: &Schedule<F>| ScheduleSettings {
            optimizer: schedule.optimizer,
            interval: schedule.interval,
            name: schedule.name.clone(),
        };
        cell.borrow().optimizers.schedules.iter().map(settings).collect()
    }

    /// Leaves the schedules out of the rest of a fit with automatic optimization, for a trial that has none.
    pub(crate) fn forget_schedules(&self) {
        let Some(cell) = self.shared.optimization.as_ref() else { return };
        let cell = &mut *cell.borrow_mut();
        if cell.automatic {
            cell.optimizers.schedules.clear();
        }
    }

    /// One of the schedulers.
    ///
    /// # Panics
    /// If there is no such scheduler.
    #[track_caller]
    pub fn lr_scheduler(&self, index: usize) -> SchedulerRef<'a, F> {
        SchedulerRef::new(self.shared, index).unwrap_or_else(|| {
            panic!("lr_scheduler {index}: there are {} in {}", self.lr_schedulers(), self.hook.name())
        })
    }

    /// Batches of an accumulation window.
    pub fn accumulate_grad_batches(&self) -> usize {
        self.shared.wishes.accumulate_grad_batches.get()
    }

    /// Sets the batches of an accumulation window, from the next window on; at least 1.
    pub fn set_accumulate_grad_batches(&self, batches: usize) {
        self.shared.wishes.accumulate_grad_batches.set(batches.max(1));
    }

    /// Logs a number with the defaults of this hook, as the module's [`StepCx::log`](crate::StepCx::log) does.
    ///
    /// # Panics
    /// If the name was logged with other options, or nothing can be logged in this hook.
    #[track_caller]
    pub fn log(&self, name: &str, value: impl LogValue) {
        self.log_with(name, value, LogOptions::default());
    }

    /// [`log`](Self::log) with options.
    ///
    /// # Panics
    /// As [`log`](Self::log); and with `on_step` in a hook without a step.
    #[track_caller]
    pub fn log_with(&self, name: &str, value: impl LogValue, options: LogOptions) {
        self.shared.log(self.moment, name, value.log_value(), options);
    }

    /// Calls `f` with each logger: for figures, histograms and rows of one's own.
    pub fn each_logger<E>(&self, mut f: impl FnMut(&mut dyn Logger) -> Result<(), E>) -> Result<(), E> {
        self.loggers.borrow_mut().iter_mut().try_for_each(|logger| f(logger.as_mut()))
    }
}
