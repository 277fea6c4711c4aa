//! What a step sees of the training it is part of.

use crate::log::{LogOptions, LogSink, LogValue};
use crate::optim::{Interval, Optimizer, Optimizers, SchedulerError};
use crate::{Float, Tape, Var};
use ndarray::{ArcArray, Dimension};
use std::cell::{Cell, RefCell};

/// Which loop a hook runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Training.
    Train,
    /// Validation, in a fit or alone.
    Validate,
    /// Test.
    Test,
    /// Prediction.
    Predict,
}

impl Stage {
    /// `train`, `val`, `test` or `predict`.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Train => "train",
            Stage::Validate => "val",
            Stage::Test => "test",
            Stage::Predict => "predict",
        }
    }
}

/// Where a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Finished epochs, which is also the index of the running one.
    pub epoch: usize,
    /// Steps of optimizers, over all of them.
    pub global_step: u64,
    /// Training batches seen.
    pub batches: u64,
}

/// The optimizers of a fit and what counts their steps.
pub(crate) struct Optimization<F: Float> {
    pub(crate) optimizers: Optimizers<F>,
    pub(crate) automatic: bool,
    pub(crate) steps: u64,
    /// How often each schedule came up for a step, whatever its frequency.
    pub(crate) due: Vec<u64>,
    pub(crate) error: Option<SchedulerError>,
}

impl<F: Float> Optimization<F> {
    pub(crate) fn new(optimizers: Optimizers<F>, automatic: bool) -> Self {
        let due = vec![0; optimizers.schedules.len()];
        Optimization { optimizers, automatic, steps: 0, due, error: None }
    }

    pub(crate) fn step(&mut self, optimizer: usize) {
        self.optimizers.optimizers[optimizer].step();
        self.steps += 1;
    }

    /// Moves the schedules of this interval on whose frequency has come round. A plateau scheduler looks up its
    /// metric; the others are given none.
    pub(crate) fn step_schedules(
        &mut self,
        interval: Interval,
        plateau: bool,
        metric: impl Fn(&str) -> Option<f64>,
    ) -> Result<(), SchedulerError> {
        for (i, schedule) in self.optimizers.schedules.iter_mut().enumerate() {
            if schedule.interval != interval || schedule.scheduler.needs_metric() != plateau {
                continue;
            }
            self.due[i] += 1;
            if self.due[i].is_multiple_of(schedule.frequency) {
                let value = schedule.monitor.as_deref().and_then(&metric);
                let optimizer = self.optimizers.optimizers[schedule.optimizer].as_mut();
                schedule.scheduler.step(optimizer, value)?;
            }
        }
        Ok(())
    }
}

/// The context of a step: the tape, the log, the optimizers, and where the run is.
///
/// The one lifetime `'s` is that of the step; values made in it cannot outlive it.
pub struct StepCx<'s, F: Float = f32> {
    tape: &'s Tape<F>,
    log: &'s LogSink,
    optimization: Option<&'s RefCell<Optimization<F>>>,
    missing: &'s Cell<bool>,
    stage: Stage,
    progress: Progress,
    /// `None` in an epoch-end hook.
    batch_size: Option<usize>,
}

impl<'s, F: Float> StepCx<'s, F> {
    pub(crate) fn new(
        parts: StepParts<'s, F>,
        stage: Stage,
        progress: Progress,
        batch_size: Option<usize>,
    ) -> Self {
        let StepParts { tape, log, optimization, missing } = parts;
        StepCx { tape, log, optimization, missing, stage, progress, batch_size }
    }

    /// The tape of this step.
    pub fn tape(&self) -> &'s Tape<F> {
        self.tape
    }

    /// Puts data on the tape; shares its memory.
    pub fn input<D: Dimension>(&self, data: &ArcArray<F, D>) -> Var<'s, F> {
        self.tape.constant(data.clone())
    }

    /// The running loop.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Index of the running epoch.
    pub fn current_epoch(&self) -> usize {
        self.progress.epoch
    }

    /// Steps of optimizers before this hook.
    pub fn global_step(&self) -> u64 {
        self.progress.global_step
    }

    /// Logs a number, or a value with one element, with the defaults of this hook: each step's own value in
    /// `training_step`, the epoch's mean weighted by batch size elsewhere.
    ///
    /// # Panics
    /// If a value has not exactly one element, or the name was logged with other options.
    #[track_caller]
    pub fn log(&self, name: &str, value: impl LogValue) {
        self.log_with(name, value, LogOptions::default());
    }

    /// [`log`](Self::log) with options.
    ///
    /// # Panics
    /// As [`log`](Self::log); and in an epoch-end hook with `on_step`.
    #[track_caller]
    pub fn log_with(&self, name: &str, value: impl LogValue, options: LogOptions) {
        let at_step = self.batch_size.is_some();
        assert!(
            at_step || options.on_step != Some(true),
            "log: `{name}` cannot be logged on_step at the end of an epoch"
        );
        let training = at_step && self.stage == Stage::Train;
        self.log.record(
            name,
            value.log_value(),
            options,
            (training, !training),
            self.batch_size.unwrap_or(1),
        );
    }

    /// The first optimizer: the post's `self.optimizers()`.
    ///
    /// # Panics
    /// Outside training, or if there is no optimizer.
    #[track_caller]
    pub fn optimizers(&self) -> OptimizerRef<'s, F> {
        self.optimizer(0)
    }

    /// One of several optimizers.
    ///
    /// # Panics
    /// Outside training, or if there is no such optimizer.
    #[track_caller]
    pub fn optimizer(&self, index: usize) -> OptimizerRef<'s, F> {
        let cell = self.optimization("optimizer");
        let count = cell.borrow().optimizers.optimizers.len();
        assert!(index < count, "optimizer {index}: configure_optimizers returned {count}");
        OptimizerRef { cell, index }
    }

    /// The first scheduler: the post's `self.lr_schedulers()`. In manual optimization nobody else steps it.
    ///
    /// # Panics
    /// Outside training, or if there is no scheduler.
    #[track_caller]
    pub fn lr_schedulers(&self) -> SchedulerRef<'s, F> {
        self.lr_scheduler(0)
    }

    /// One of several schedulers.
    ///
    /// # Panics
    /// Outside training, or if there is no such scheduler.
    #[track_caller]
    pub fn lr_scheduler(&self, index: usize) -> SchedulerRef<'s, F> {
        let cell = self.optimization("lr_scheduler");
        let count = cell.borrow().optimizers.schedules.len();
        assert!(index < count, "lr_scheduler {index}: configure_optimizers returned {count}");
        SchedulerRef { cell, index }
    }

    /// Computes gradients in manual optimization: the post's `self.manual_backward(loss)`.
    ///
    /// # Panics
    /// In automatic optimization, where the trainer does it; and as [`Var::backward`].
    #[track_caller]
    pub fn manual_backward(&self, loss: Var<'s, F>) {
        let automatic = self.optimization("manual_backward").borrow().automatic;
        assert!(
            !automatic,
            "manual_backward in automatic optimization: let automatic_optimization() return false, or return the loss"
        );
        loss.backward();
    }

    /// Called by the default steps: the module has no such step.
    pub(crate) fn step_is_missing(&self) {
        self.missing.set(true);
    }

    #[track_caller]
    fn optimization(&self, what: &str) -> &'s RefCell<Optimization<F>> {
        self.optimization
            .unwrap_or_else(|| panic!("{what}: there are no optimizers in the {} loop", self.stage.name()))
    }
}

/// What the trainer lends to a context.
pub(crate) struct StepParts<'s, F: Float> {
    pub(crate) tape: &'s Tape<F>,
    pub(crate) log: &'s LogSink,
    pub(crate) optimization: Option<&'s RefCell<Optimization<F>>>,
    pub(crate) missing: &'s Cell<bool>,
}

/// A handle of an optimizer in manual optimization.
#[derive(Clone, Copy)]
pub struct OptimizerRef<'s, F: Float = f32> {
    cell: &'s RefCell<Optimization<F>>,
    index: usize,
}

impl<F: Float> OptimizerRef<'_, F> {
    /// Forgets the gradients of its parameters.
    pub fn zero_grad(&self) {
        self.with(|optimizer| optimizer.zero_grad());
    }

    /// Changes its parameters by their gradients and counts a global step.
    pub fn step(&self) {
        self.cell.borrow_mut().step(self.index);
    }

    /// The learning rate of its first group.
    pub fn lr(&self) -> f64 {
        self.with(|optimizer| optimizer.lr(0))
    }

    /// Calls `f` with the optimizer itself.
    pub fn with<R>(&self, f: impl FnOnce(&mut dyn Optimizer<F>) -> R) -> R {
        f(self.cell.borrow_mut().optimizers.optimizers[self.index].as_mut())
    }
}

/// A handle of a scheduler in manual optimization.
#[derive(Clone, Copy)]
pub struct SchedulerRef<'s, F: Float = f32> {
    cell: &'s RefCell<Optimization<F>>,
    index: usize,
}

impl<F: Float> SchedulerRef<'_, F> {
    /// Moves on by one step. If the schedule is over, the trainer ends the fit with that error after this step.
    pub fn step(&self) {
        self.step_with(None);
    }

    /// Moves a plateau scheduler on with the value it watches.
    pub fn step_metric(&self, metric: f64) {
        self.step_with(Some(metric));
    }

    fn step_with(&self, metric: Option<f64>) {
        let mut cell = self.cell.borrow_mut();
        let cell = &mut *cell;
        let schedule = &mut cell.optimizers.schedules[self.index];
        let optimizer = cell.optimizers.optimizers[schedule.optimizer].as_mut();
        if let Err(error) = schedule.scheduler.step(optimizer, metric) {
            cell.error.get_or_insert(error);
        }
    }
}
