//! What a hook of a module sees of the run it is part of.

use crate::hook::{Hook, Stage};
use crate::log::{LogOptions, LogSink, LogValue, MetricViews, Metrics, Record};
use crate::optimization::{Optimization, OptimizerRef, SchedulerRef};
use crate::profiler::{Profiler, Span};
use crate::{Float, Hyperparameters, LightningModule, Parameter, Tape, Var};
use ndarray::{ArcArray, Dimension};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};

/// Where a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Finished epochs, which is also the index of the running one.
    pub epoch: usize,
    /// Steps of optimizers, over all of them.
    pub global_step: u64,
    /// Training batches seen.
    pub batches: u64,
    /// Training batches that closed an accumulation window; in manual optimization all of them.
    pub batches_that_stepped: u64,
    /// Validation batches seen, without those of the sanity check; in a test or a prediction, its batches.
    pub val_batches: u64,
    /// Passes over the validation data, without the sanity check.
    pub validations: u64,
}

/// What callbacks and module may read and ask for, whatever the hook.
pub(crate) struct Shared<F: Float> {
    /// `None` in a run without training.
    pub(crate) optimization: Option<RefCell<Optimization<F>>>,
    pub(crate) train_log: LogSink,
    pub(crate) eval_log: LogSink,
    pub(crate) views: MetricViews,
    pub(crate) progress: Progress,
    pub(crate) wishes: Wishes,
    pub(crate) limits: Limits,
    pub(crate) is_sanity_check: bool,
    pub(crate) is_interrupted: bool,
    /// Whether gradients wait for more batches.
    pub(crate) is_window_open: bool,
    /// Loaders of the pass over validation, test or prediction data that runs.
    pub(crate) loaders: usize,
    pub(crate) parameters: Vec<(String, Parameter<F>)>,
    pub(crate) hyperparameters: Option<Hyperparameters>,
    /// A default step was called: the module has none.
    pub(crate) missing: Cell<bool>,
    pub(crate) profiler: Option<Profiler>,
}

/// What hooks ask of the trainer.
#[derive(Debug)]
pub(crate) struct Wishes {
    pub(crate) stop: RefCell<Option<String>>,
    pub(crate) checkpoint: Cell<bool>,
    pub(crate) accumulate_grad_batches: Cell<usize>,
}

/// How far a run goes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) max_epochs: usize,
    pub(crate) max_steps: Option<u64>,
    pub(crate) train_batches: usize,
    pub(crate) val_batches: usize,
    pub(crate) is_validation_at_epoch_end: bool,
    pub(crate) is_fast_dev_run: bool,
    pub(crate) log_every_n_steps: u64,
}

/// One hook of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) hook: Hook,
    pub(crate) stage: Stage,
    pub(crate) batch_idx: usize,
    /// 1 in a hook without a batch.
    pub(crate) batch_size: usize,
    pub(crate) dataloader_idx: usize,
    pub(crate) optimizer_idx: usize,
    pub(crate) loss: Option<f64>,
}

impl Moment {
    pub(crate) fn new(hook: Hook, stage: Stage) -> Self {
        Moment { hook, stage, batch_idx: 0, batch_size: 1, dataloader_idx: 0, optimizer_idx: 0, loss: None }
    }

    pub(crate) fn at(self, hook: Hook) -> Self {
        Moment { hook, ..self }
    }
}

/// Callbacks, as a training step that optimizes by hand reaches them.
pub(crate) trait ManualHooks<F: Float> {
    fn call(&self, moment: Moment);
}

impl<F: Float> Shared<F> {
    pub(crate) fn new(
        parameters: Vec<(String, Parameter<F>)>,
        hyperparameters: Option<Hyperparameters>,
        accumulate_grad_batches: usize,
    ) -> Self {
        Shared {
            optimization: None,
            train_log: LogSink::default(),
            eval_log: LogSink::default(),
            views: MetricViews::default(),
            progress: Progress::default(),
            wishes: Wishes {
                stop: RefCell::new(None),
                checkpoint: Cell::new(false),
                accumulate_grad_batches: Cell::new(accumulate_grad_batches),
            },
            limits: Limits::default(),
            is_sanity_check: false,
            is_interrupted: false,
            is_window_open: false,
            loaders: 1,
            parameters,
            hyperparameters,
            missing: Cell::new(false),
            profiler: None,
        }
    }

    /// Takes a logged value in.
    #[track_caller]
    pub(crate) fn log(&self, moment: Moment, name: &str, value: f64, options: LogOptions) {
        let (on_step, on_epoch) = match options.resolve(moment.hook) {
            Ok(resolved) => resolved,
            Err(reason) => panic!("log: `{name}` {reason}"),
        };
        let sink = if moment.stage == Stage::Train { &self.train_log } else { &self.eval_log };
        let loader = (moment.stage != Stage::Train && self.loaders > 1 && moment.hook.has_batch())
            .then_some(moment.dataloader_idx);
        let options = LogOptions { on_step: None, on_epoch: None, ..options };
        sink.record(Record {
            name,
            loader,
            value,
            options,
            on_step,
            on_epoch,
            batch_size: moment.batch_size,
        });
    }
}

/// The context of a hook: the tape, the log, the optimizers, and where the run is.
///
/// The one lifetime `'s` is that of the hook; values made in it cannot outlive it.
pub struct StepCx<'s, F: Float = f32> {
    tape: &'s Tape<F>,
    shared: &'s Shared<F>,
    manual: Option<&'s dyn ManualHooks<F>>,
    moment: Moment,
    /// A context lives as long as its hook runs.
    _span: Span,
}

impl<'s, F: Float> StepCx<'s, F> {
    pub(crate) fn new(tape: &'s Tape<F>, shared: &'s Shared<F>, moment: Moment) -> Self {
        let span = Span::of(shared.profiler.as_ref(), "", moment.hook.name());
        StepCx { tape, shared, manual: None, moment, _span: span }
    }

    pub(crate) fn manual(self, hooks: &'s dyn ManualHooks<F>) -> Self {
        StepCx { manual: Some(hooks), ..self }
    }

    /// The tape of this step.
    pub fn tape(&self) -> &'s Tape<F> {
        self.tape
    }

    /// Puts data on the tape; shares its memory.
    pub fn input<D: Dimension>(&self, data: &ArcArray<F, D>) -> Var<'s, F> {
        self.tape.constant(data.clone())
    }

    /// The hook that runs.
    pub fn hook(&self) -> Hook {
        self.moment.hook
    }

    /// The running loop.
    pub fn stage(&self) -> Stage {
        self.moment.stage
    }

    /// Whether this is the sanity check before training, of which nothing is kept.
    pub fn is_sanity_check(&self) -> bool {
        self.shared.is_sanity_check
    }

    /// Index of the running epoch.
    pub fn current_epoch(&self) -> usize {
        self.shared.progress.epoch
    }

    /// Steps of optimizers before this hook's batch.
    pub fn global_step(&self) -> u64 {
        self.shared.progress.global_step
    }

    /// Counters of the run.
    pub fn progress(&self) -> Progress {
        self.shared.progress
    }

    /// Which of several loaders the batch is from.
    pub fn dataloader_idx(&self) -> usize {
        self.moment.dataloader_idx
    }

    /// The newest value of everything that was logged: Lightning's `callback_metrics`.
    pub fn metrics(&self) -> &'s Metrics {
        &self.shared.views.callback
    }

    /// Asks the trainer to end, as a callback can with [`State::stop`](crate::State::stop): Lightning's
    /// `trainer.should_stop = True`.
    pub fn stop(&self, reason: impl Into<String>) {
        self.shared.wishes.stop.borrow_mut().get_or_insert_with(|| reason.into());
    }

    /// Logs a number, or a value with one element, with the defaults of this hook: each step's own value in the
    /// hooks of a training step, the epoch's mean weighted by batch size elsewhere.
    ///
    /// # Panics
    /// If a value has not exactly one element, the name was logged with other options, or nothing can be logged in
    /// this hook.
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

    /// Logs several values alike.
    ///
    /// # Panics
    /// As [`log_with`](Self::log_with).
    #[track_caller]
    pub fn log_dict<N: AsRef<str>, V: LogValue>(
        &self,
        values: impl IntoIterator<Item = (N, V)>,
        options: LogOptions,
    ) {
        for (name, value) in values {
            self.log_with(name.as_ref(), value, options);
        }
    }

    /// The first optimizer: the post's `self.optimizers()`.
    ///
    /// # Panics
    /// Outside a fit, or if there is no optimizer.
    #[track_caller]
    pub fn optimizers(&self) -> OptimizerRef<'s, F> {
        self.optimizer(0)
    }

    /// One of several optimizers.
    ///
    /// # Panics
    /// Outside a fit, or if there is no such optimizer.
    #[track_caller]
    pub fn optimizer(&self, index: usize) -> OptimizerRef<'s, F> {
        let count = self.optimization("optimizer").borrow().optimizers.optimizers.len();
        OptimizerRef::new(self.shared, index, self.manual.map(|hooks| (hooks, self.moment)))
            .unwrap_or_else(|| panic!("optimizer {index}: configure_optimizers returned {count}"))
    }

    /// The first scheduler: the post's `self.lr_schedulers()`. In manual optimization nobody else steps it.
    ///
    /// # Panics
    /// Outside a fit, or if there is no scheduler.
    #[track_caller]
    pub fn lr_schedulers(&self) -> SchedulerRef<'s, F> {
        self.lr_scheduler(0)
    }

    /// One of several schedulers.
    ///
    /// # Panics
    /// Outside a fit, or if there is no such scheduler.
    #[track_caller]
    pub fn lr_scheduler(&self, index: usize) -> SchedulerRef<'s, F> {
        let count = self.optimization("lr_scheduler").borrow().optimizers.schedules.len();
        SchedulerRef::new(self.shared, index)
            .unwrap_or_else(|| panic!("lr_scheduler {index}: configure_optimizers returned {count}"))
    }

    /// Computes gradients in manual optimization: the post's `self.manual_backward(loss)`. The backward hooks of
    /// callbacks run around it; for the module's own see [`manual_backward_with`](Self::manual_backward_with).
    ///
    /// # Panics
    /// In automatic optimization, where the trainer does it; and as [`Var::backward`].
    #[track_caller]
    pub fn manual_backward(&self, loss: Var<'s, F>) {
        self.check_manual();
        let moment = Moment { loss: Some(loss.item().as_f64()), ..self.moment };
        self.announce(moment.at(Hook::OnBeforeBackward));
        loss.backward();
        self.announce(moment.at(Hook::OnAfterBackward));
    }

    /// As [`manual_backward`](Self::manual_backward), with the module's `on_before_backward`, `backward` and
    /// `on_after_backward` as well. Give it `self`: inside its own step a module is borrowed, and the trainer cannot
    /// reach its hooks.
    ///
    /// # Panics
    /// As [`manual_backward`](Self::manual_backward).
    #[track_caller]
    pub fn manual_backward_with<M: LightningModule<F> + ?Sized>(&self, module: &mut M, loss: Var<'s, F>) {
        self.check_manual();
        let moment = Moment { loss: Some(loss.item().as_f64()), ..self.moment };
        self.announce(moment.at(Hook::OnBeforeBackward));
        module.on_before_backward(self, loss);
        module.backward(self, loss);
        self.announce(moment.at(Hook::OnAfterBackward));
        module.on_after_backward(self);
    }

    /// As [`OptimizerRef::step`], with the module's `on_before_optimizer_step` as well.
    pub fn step_with<M: LightningModule<F> + ?Sized>(&self, module: &mut M, optimizer: OptimizerRef<'_, F>) {
        let moment = Moment { optimizer_idx: optimizer.index(), ..self.moment };
        self.announce(moment.at(Hook::OnBeforeOptimizerStep));
        module.on_before_optimizer_step(self, optimizer);
        optimizer.step_unannounced();
    }

    #[track_caller]
    fn check_manual(&self) {
        assert!(
            !self.optimization("manual_backward").borrow().automatic,
            "manual_backward in automatic optimization: let automatic_optimization() return false, or return the loss"
        );
    }

    fn announce(&self, moment: Moment) {
        if let Some(hooks) = self.manual {
            hooks.call(moment);
        }
    }

    /// Called by the default steps: the module has no such step.
    pub(crate) fn step_is_missing(&self) {
        self.shared.missing.set(true);
    }

    #[track_caller]
    fn optimization(&self, what: &str) -> &'s RefCell<Optimization<F>> {
        let stage = self.moment.stage.name();
        self.shared
            .optimization
            .as_ref()
            .unwrap_or_else(|| panic!("{what}: there are no optimizers in the {stage} loop"))
    }
}
