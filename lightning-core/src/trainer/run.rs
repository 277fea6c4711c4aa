//! What all loops share: the call of a hook, and the way of logged values to callbacks and loggers.

use super::{State, Trainer, TrainerError};
use crate::callbacks::Kind;
use crate::context::{ManualHooks, Moment, Progress, Shared, StepCx};
use crate::hook::{Hook, Stage};
use crate::loggers::{Metric, MetricsRow, RunStatus};
use crate::profiler::Span;
use crate::{Float, Hyperparameters, LightningModule, Tape};
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// A run of one of the loops.
pub(super) struct Run<'a, F: Float> {
    pub(super) trainer: &'a mut Trainer<F>,
    /// For training.
    pub(super) tape: Tape<F>,
    /// For everything without gradients.
    pub(super) eval_tape: Tape<F>,
    pub(super) shared: Shared<F>,
    pub(super) warnings: Vec<String>,
    /// The newest row, whose memory is used again.
    row: Vec<Metric>,
}

impl<'a, F: Float> Run<'a, F> {
    /// Puts callbacks in order and learns what the module is.
    pub(super) fn new<M>(trainer: &'a mut Trainer<F>, module: &M) -> Result<Self, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        module.assign_names();
        trainer.adopt_callbacks(module)?;
        let hyperparameters = module.hyperparameters().cloned();
        let accumulate = trainer.accumulate_grad_batches;
        let mut shared = Shared::new(module.named_parameters(), hyperparameters, accumulate);
        let (mut tape, mut eval_tape) = (Tape::new(), Tape::inference());
        if let Some(profiler) = &trainer.profiler {
            shared.profiler = Some(profiler.clone());
            tape.set_observer(Some(Arc::new(profiler.clone())));
            eval_tape.set_observer(Some(Arc::new(profiler.clone())));
        }
        Ok(Run { trainer, tape, eval_tape, shared, warnings: Vec::new(), row: Vec::new() })
    }

    /// Measures a part of the run that is no hook.
    pub(super) fn span(&self, name: &'static str) -> Span {
        Span::of(self.shared.profiler.as_ref(), "", name)
    }

    /// Callbacks first, then the module.
    pub(super) fn hook<M: ?Sized>(
        &mut self,
        module: &mut M,
        moment: Moment,
        own: impl FnOnce(&mut M, &StepCx<'_, F>),
    ) -> Result<(), TrainerError> {
        self.callbacks(moment)?;
        own(module, &StepCx::new(&self.eval_tape, &self.shared, moment));
        Ok(())
    }

    /// The callbacks' part of a hook.
    pub(super) fn callbacks(&mut self, moment: Moment) -> Result<(), TrainerError> {
        notify(self.trainer, &self.shared, moment, |_| true)
    }

    /// The new values of a step, for callbacks and progress bar.
    pub(super) fn show_step(&mut self, stage: Stage) -> Result<(), TrainerError> {
        let sink = if stage == Stage::Train { &self.shared.train_log } else { &self.shared.eval_log };
        self.shared.views.show_step(stage, sink).map_err(TrainerError::from)
    }

    /// The values of the epoch so far, for callbacks and progress bar.
    pub(super) fn show_epoch(&mut self, stage: Stage) -> Result<(), TrainerError> {
        let sink = if stage == Stage::Train { &self.shared.train_log } else { &self.shared.eval_log };
        self.shared.views.show_epoch(stage, sink).map_err(TrainerError::from)
    }

    /// The values of this step as a row for the loggers.
    pub(super) fn write_step(&mut self, stage: Stage, step: u64) -> Result<(), TrainerError> {
        let Shared { views, train_log, eval_log, .. } = &mut self.shared;
        views.step_row(if stage == Stage::Train { train_log } else { eval_log }, &mut self.row);
        self.write_row(stage, step)
    }

    /// The values of the epoch as a row for the loggers.
    pub(super) fn write_epoch(&mut self, stage: Stage) -> Result<(), TrainerError> {
        let Shared { views, train_log, eval_log, .. } = &mut self.shared;
        views.epoch_row(if stage == Stage::Train { train_log } else { eval_log }, &mut self.row);
        self.write_row(stage, self.row_step())
    }

    fn write_row(&mut self, stage: Stage, step: u64) -> Result<(), TrainerError> {
        if self.row.is_empty() || self.trainer.fast_dev_run.is_some() {
            return Ok(());
        }
        let Progress { epoch, batches, val_batches, .. } = self.shared.progress;
        let batches = if stage == Stage::Train { batches } else { val_batches };
        let row = MetricsRow { stage, epoch, step, batches, metrics: &self.row };
        self.trainer
            .loggers
            .iter_mut()
            .try_for_each(|logger| logger.log_metrics(&row))
            .map_err(TrainerError::Logger)
    }

    pub(super) fn log_hyperparameters(&mut self) -> Result<(), TrainerError> {
        let hparams: Option<&Hyperparameters> = self.shared.hyperparameters.as_ref();
        let (Some(hparams), None) = (hparams, self.trainer.fast_dev_run) else { return Ok(()) };
        self.trainer
            .loggers
            .iter_mut()
            .try_for_each(|logger| logger.log_hyperparameters(hparams))
            .map_err(TrainerError::Logger)
    }

    pub(super) fn finalize_loggers(&mut self, status: RunStatus) -> Result<(), TrainerError> {
        if self.trainer.fast_dev_run.is_some() {
            return Ok(());
        }
        self.trainer
            .loggers
            .iter_mut()
            .try_for_each(|logger| logger.finalize(status))
            .map_err(TrainerError::Logger)
    }

    /// Callbacks and module learn of the error, loggers write what they have; the error itself stays the first.
    pub(super) fn fail<M>(mut self, module: &mut M, error: TrainerError) -> TrainerError
    where
        M: LightningModule<F> + ?Sized,
    {
        let moment = Moment::new(Hook::OnException, Stage::Train);
        let Run { trainer, shared, eval_tape, .. } = &mut self;
        {
            let Trainer { callbacks, loggers, .. } = &mut **trainer;
            let loggers = RefCell::new(loggers);
            let state = State::new(shared, moment, &loggers);
            callbacks.iter_mut().for_each(|callback| callback.on_exception(&state, &error));
        }
        module.on_exception(&StepCx::new(eval_tape, shared, moment), &error);
        // The error to report is the first one.
        let _ = self.finalize_loggers(RunStatus::Failed);
        error
    }
}

/// Calls the hook of every callback whose turn it is.
pub(super) fn notify<F: Float>(
    trainer: &mut Trainer<F>,
    shared: &Shared<F>,
    moment: Moment,
    turn: impl Fn(Kind) -> bool,
) -> Result<(), TrainerError> {
    let Trainer { callbacks, loggers, fast_dev_run, .. } = trainer;
    if callbacks.is_empty() {
        return Ok(());
    }
    let loggers = RefCell::new(loggers);
    let state = State::new(shared, moment, &loggers);
    for callback in callbacks {
        let kind = callback.kind();
        // A trial run leaves no checkpoint behind and is not stopped early.
        if turn(kind) && (fast_dev_run.is_none() || kind == Kind::Plain) {
            let _span = Span::of(shared.profiler.as_ref(), callback.name(), moment.hook.name());
            callback
                .on_hook(moment.hook, &state)
                .map_err(|source| TrainerError::Callback { callback: callback.name().to_owned(), source })?;
        }
    }
    Ok(())
}

/// Callbacks behind a training step that optimizes by hand.
pub(super) struct Manual<'a, F: Float> {
    trainer: RefCell<&'a mut Trainer<F>>,
    shared: &'a Shared<F>,
    error: Cell<Option<TrainerError>>,
}

impl<'a, F: Float> Manual<'a, F> {
    pub(super) fn new(trainer: &'a mut Trainer<F>, shared: &'a Shared<F>) -> Self {
        Manual { trainer: RefCell::new(trainer), shared, error: Cell::new(None) }
    }

    /// The first error of a callback.
    pub(super) fn into_result(self) -> Result<(), TrainerError> {
        self.error.into_inner().map_or(Ok(()), Err)
    }
}

impl<F: Float> ManualHooks<F> for Manual<'_, F> {
    fn call(&self, moment: Moment) {
        let result = notify(&mut self.trainer.borrow_mut(), self.shared, moment, |_| true);
        if let Err(error) = result {
            let first = self.error.take().unwrap_or(error);
            self.error.set(Some(first));
        }
    }
}

impl<F: Float> Trainer<F> {
    /// Takes over what the module brings along, and puts checkpoints last.
    fn adopt_callbacks<M>(&mut self, module: &M) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        for callback in module.configure_callbacks() {
            let key = callback.state_key();
            match self.callbacks.iter_mut().find(|own| own.state_key() == key) {
                Some(own) => *own = callback,
                None => self.callbacks.push(callback),
            }
        }
        self.callbacks.sort_by_key(|callback| callback.kind() == Kind::Checkpoint);
        let mut keys: Vec<String> = self
            .callbacks
            .iter()
            .filter(|callback| !callback.state_dict().is_null())
            .map(|callback| callback.state_key())
            .collect();
        keys.sort();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(TrainerError::StateKey(pair[0].clone())),
            None => Ok(()),
        }
    }
}
