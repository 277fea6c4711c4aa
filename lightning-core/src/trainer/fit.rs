//! The training loop.
//!
//! The order of events is Lightning's: epoch schedulers move on after the last batch, before validation;
//! plateau schedulers at the very end of the epoch, when their metric is known.

use super::eval::{self, EvalLoop};
use super::{Metrics, State, StopReason, Trainer, TrainerError};
use crate::callbacks::{Callback, CallbackResult};
use crate::context::{Optimization, Progress, Stage, StepCx, StepParts};
use crate::data::Loader;
use crate::log::{LogSink, Logged};
use crate::loggers::MetricsRow;
use crate::optim::{Interval, SchedulerError};
use crate::{BatchSize, Float, LightningModule, Parameter, Tape, Var};
use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What a fit did.
#[derive(Clone, Debug)]
pub struct FitReport {
    /// Why it ended.
    pub stop: StopReason,
    /// Finished epochs.
    pub epochs: usize,
    /// Steps of optimizers.
    pub global_step: u64,
    /// Batches whose training step returned `None`.
    pub skipped_batches: u64,
    /// The newest value of everything that was logged.
    pub metrics: Metrics,
    /// What looked wrong but did not stop the fit.
    pub warnings: Vec<String>,
    /// Wall-clock time.
    pub duration: Duration,
}

impl<F: Float> Trainer<F> {
    /// Trains `module` on `train` and, if there is one, validates on `validation`.
    ///
    /// # Errors
    /// If a setting, the optimizers or the loss make no sense, the run diverges, or a callback or logger fails.
    pub fn fit<M, T, V>(
        &mut self,
        module: &mut M,
        train: &T,
        validation: Option<&V>,
    ) -> Result<FitReport, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        T: Loader<Batch = M::Batch> + ?Sized,
        V: Loader<Batch = M::Batch> + ?Sized,
    {
        let start = Instant::now();
        let mut run = FitLoop::new(self, module, train.batches())?;
        run.log_hyperparameters(module)?;
        run.sanity_check(module, validation)?;
        run.each_callback(module, |callback, state| callback.on_fit_start(state))?;
        while run.progress.epoch < run.trainer.max_epochs && run.stop_reason().is_none() {
            run.each_callback(module, |callback, state| callback.on_train_epoch_start(state))?;
            for (batch_idx, batch) in train.epoch(run.progress.epoch as u64).enumerate() {
                run.train_batch(module, &batch, batch_idx)?;
                if batch_idx + 1 == run.batches {
                    run.step_schedules(Interval::Epoch, false)?;
                }
                run.write_step_metrics()?;
                run.each_callback(module, |callback, state| callback.on_train_batch_end(state))?;
                if run.is_interrupted() {
                    break;
                }
            }
            if run.is_interrupted() {
                break;
            }
            run.check_parameters()?;
            if let Some(validation) = validation
                && (run.progress.epoch + 1).is_multiple_of(run.trainer.check_val_every_n_epoch)
            {
                run.validate(module, validation)?;
            }
            run.write_epoch_metrics()?;
            run.each_callback(module, |callback, state| callback.on_train_epoch_end(state))?;
            run.step_schedules(Interval::Epoch, true)?;
            run.progress.epoch += 1;
        }
        run.each_callback(module, |callback, state| callback.on_fit_end(state))?;
        run.finish(start)
    }
}

/// The state of one fit.
struct FitLoop<'a, F: Float> {
    trainer: &'a mut Trainer<F>,
    tape: Tape<F>,
    optimization: RefCell<Optimization<F>>,
    log: LogSink,
    parameters: Vec<(String, Parameter<F>)>,
    progress: Progress,
    batch_idx: usize,
    batches: usize,
    loss: Option<f64>,
    skipped: u64,
    metrics: Metrics,
    prog_bar: Vec<String>,
    warnings: Vec<String>,
    stop: Cell<Option<StopReason>>,
}

impl<'a, F: Float> FitLoop<'a, F> {
    fn new<M>(trainer: &'a mut Trainer<F>, module: &mut M, batches: usize) -> Result<Self, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        for (setting, found) in [
            ("check_val_every_n_epoch", trainer.check_val_every_n_epoch as u64),
            ("log_every_n_steps", trainer.log_every_n_steps),
        ] {
            if found == 0 {
                return Err(TrainerError::Setting { setting, found });
            }
        }
        if batches == 0 {
            return Err(TrainerError::NoBatches(Stage::Train));
        }
        module.assign_names();
        let mut optimizers = module.configure_optimizers();
        let automatic = module.automatic_optimization();
        if automatic && optimizers.optimizers.len() != 1 {
            return Err(TrainerError::OptimizerCount(optimizers.optimizers.len()));
        }
        optimizers.start()?;
        Ok(FitLoop {
            trainer,
            tape: Tape::new(),
            optimization: RefCell::new(Optimization::new(optimizers, automatic)),
            log: LogSink::default(),
            parameters: module.named_parameters(),
            progress: Progress::default(),
            batch_idx: 0,
            batches,
            loss: None,
            skipped: 0,
            metrics: Metrics::new(),
            prog_bar: Vec::new(),
            warnings: Vec::new(),
            stop: Cell::new(None),
        })
    }

    fn sanity_check<M, V>(&mut self, module: &mut M, validation: Option<&V>) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        V: Loader<Batch = M::Batch> + ?Sized,
    {
        let Some(validation) = validation else { return Ok(()) };
        if self.trainer.num_sanity_val_steps > 0 {
            let limit = Some(self.trainer.num_sanity_val_steps);
            eval::validation_loop(module, validation, EvalLoop { progress: self.progress, limit })?;
        }
        Ok(())
    }

    fn train_batch<M>(
        &mut self,
        module: &mut M,
        batch: &M::Batch,
        batch_idx: usize,
    ) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        self.batch_idx = batch_idx;
        self.tape.reset();
        self.tape.set_rng(self.trainer.seed.step(self.progress.batches));
        let missing = Cell::new(false);
        let (stepped, warning) = {
            let parts = StepParts {
                tape: &self.tape,
                log: &self.log,
                optimization: Some(&self.optimization),
                missing: &missing,
            };
            let cx = StepCx::new(parts, Stage::Train, self.progress, Some(batch.batch_size()));
            let loss = module.training_step(&cx, batch, batch_idx);
            self.loss = loss.map(|loss| self.check_loss(loss)).transpose()?;
            let automatic = self.optimization.borrow().automatic;
            self.skipped += u64::from(automatic && loss.is_none());
            match loss {
                Some(loss) if automatic => (true, self.backward(loss)),
                _ => (false, None),
            }
        };
        self.warnings.extend(warning);
        if stepped {
            // The tape lets go of the parameters first, so that the step writes in place.
            self.tape.reset();
            self.optimization.borrow_mut().step(0);
            self.step_schedules(Interval::Step, false)?;
        }
        self.progress.batches += 1;
        self.progress.global_step = self.optimization.borrow().steps;
        match self.optimization.borrow_mut().error.take() {
            Some(source) => Err(TrainerError::Scheduler { epoch: self.progress.epoch, source }),
            None => Ok(()),
        }
    }

    fn check_loss(&self, loss: Var<'_, F>) -> Result<f64, TrainerError> {
        let (epoch, batch) = (self.progress.epoch, self.batch_idx);
        let problem = |problem: String| TrainerError::Loss { epoch, batch, problem };
        if loss.len() != 1 {
            return Err(problem(format!("has shape {:?}; return its mean or sum", loss.shape())));
        }
        if self.optimization.borrow().automatic && !loss.requires_grad() {
            return Err(problem("depends on no parameter that requires a gradient".into()));
        }
        let value = loss.item().as_f64();
        if !value.is_finite() {
            let weight = self.first_bad_parameter().map(|name| format!(", parameter `{name}` is not finite"));
            let what = format!("the loss is {value}{}", weight.unwrap_or_default());
            return Err(TrainerError::Diverged { epoch, batch, what });
        }
        Ok(value)
    }

    /// The gradients of a batch; on the first one, a warning of parameters that got none.
    fn backward(&self, loss: Var<'_, F>) -> Option<String> {
        self.optimization.borrow_mut().optimizers.optimizers[0].zero_grad();
        loss.backward();
        if self.progress.batches > 0 {
            return None;
        }
        let forgotten =
            |parameter: &Parameter<F>| parameter.requires_grad() && parameter.with_grad(|_| ()).is_none();
        let without: Vec<&str> =
            self.parameters.iter().filter(|(_, p)| forgotten(p)).map(|(name, _)| name.as_str()).collect();
        (!without.is_empty()).then(|| {
            format!("no gradient reached these parameters in the first step: {}", without.join(", "))
        })
    }

    fn first_bad_parameter(&self) -> Option<String> {
        let bad = |parameter: &Parameter<F>| parameter.value().iter().any(|x| !x.is_finite());
        self.parameters.iter().find(|(_, parameter)| bad(parameter)).map(|(name, _)| name.clone())
    }

    /// A gradient that overflowed shows in the weights before anything is saved or scored.
    fn check_parameters(&self) -> Result<(), TrainerError> {
        let (epoch, batch) = (self.progress.epoch, self.batch_idx);
        match self.first_bad_parameter() {
            Some(name) => Err(TrainerError::Diverged {
                epoch,
                batch,
                what: format!("parameter `{name}` is not finite"),
            }),
            None => Ok(()),
        }
    }

    fn step_schedules(&mut self, interval: Interval, plateau: bool) -> Result<(), TrainerError> {
        let mut optimization = self.optimization.borrow_mut();
        if !optimization.automatic {
            return Ok(());
        }
        let epoch = self.progress.epoch;
        optimization.step_schedules(interval, plateau, |name| self.metrics.get(name).copied()).map_err(
            |source| {
                let monitor =
                    optimization.optimizers.schedules.iter().find_map(|schedule| schedule.monitor.clone());
                match (source, monitor) {
                    (SchedulerError::MissingMetric, Some(monitor)) => {
                        let logged = self.metrics.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                        TrainerError::Monitor { epoch, monitor, logged }
                    }
                    (source, _) => TrainerError::Scheduler { epoch, source },
                }
            },
        )
    }

    fn validate<M, V>(&mut self, module: &mut M, validation: &V) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        V: Loader<Batch = M::Batch> + ?Sized,
    {
        let logged =
            eval::validation_loop(module, validation, EvalLoop { progress: self.progress, limit: None })?;
        self.publish(Stage::Validate, logged)?;
        self.each_callback_in(module, Stage::Validate, |callback, state| callback.on_validation_end(state))
    }

    /// The newest values go to callbacks and progress bar at once, to the loggers as one row.
    fn publish(&mut self, stage: Stage, logged: Vec<Logged>) -> Result<(), TrainerError> {
        let mut row = Metrics::new();
        for Logged { name, value, prog_bar, logger } in logged {
            if prog_bar && !self.prog_bar.contains(&name) {
                self.prog_bar.push(name.clone());
            }
            if logger {
                row.insert(name.clone(), value);
            }
            // Early stopping and schedulers ask for the bare name of what is logged both ways.
            if let Some(bare) = name.strip_suffix("_epoch").or_else(|| name.strip_suffix("_step")) {
                self.metrics.insert(bare.to_owned(), value);
            }
            self.metrics.insert(name, value);
        }
        self.write_row(stage, &row)
    }

    fn write_row(&mut self, stage: Stage, metrics: &Metrics) -> Result<(), TrainerError> {
        if metrics.is_empty() {
            return Ok(());
        }
        let row = MetricsRow { stage, epoch: self.progress.epoch, step: self.progress.global_step, metrics };
        self.trainer
            .loggers
            .iter_mut()
            .try_for_each(|logger| logger.log_metrics(&row))
            .map_err(TrainerError::Logger)
    }

    fn write_step_metrics(&mut self) -> Result<(), TrainerError> {
        let logged = self.log.take_step();
        let due = self.progress.batches.is_multiple_of(self.trainer.log_every_n_steps);
        let logged = logged.into_iter().map(|one| Logged { logger: one.logger && due, ..one }).collect();
        self.publish(Stage::Train, logged)
    }

    fn write_epoch_metrics(&mut self) -> Result<(), TrainerError> {
        let logged = self.log.take_epoch();
        self.publish(Stage::Train, logged)
    }

    fn log_hyperparameters<M: LightningModule<F> + ?Sized>(
        &mut self,
        module: &M,
    ) -> Result<(), TrainerError> {
        let Some(hparams) = module.hyperparameters() else { return Ok(()) };
        self.trainer
            .loggers
            .iter_mut()
            .try_for_each(|logger| logger.log_hyperparameters(hparams))
            .map_err(TrainerError::Logger)
    }

    fn each_callback<M: LightningModule<F> + ?Sized>(
        &mut self,
        module: &M,
        event: impl Fn(&mut dyn Callback<F>, &State<'_, F>) -> CallbackResult,
    ) -> Result<(), TrainerError> {
        self.each_callback_in(module, Stage::Train, event)
    }

    fn each_callback_in<M: LightningModule<F> + ?Sized>(
        &mut self,
        module: &M,
        stage: Stage,
        event: impl Fn(&mut dyn Callback<F>, &State<'_, F>) -> CallbackResult,
    ) -> Result<(), TrainerError> {
        if self.trainer.callbacks.is_empty() {
            return Ok(());
        }
        let lrs: Vec<f64> =
            self.optimization.borrow().optimizers.optimizers.iter().map(|o| o.lr(0)).collect();
        let state = State {
            stage,
            progress: self.progress,
            max_epochs: self.trainer.max_epochs,
            batch_idx: self.batch_idx,
            batches: self.batches,
            loss: self.loss,
            metrics: &self.metrics,
            prog_bar: &self.prog_bar,
            lrs: &lrs,
            parameters: &self.parameters,
            hyperparameters: module.hyperparameters(),
            stop: &self.stop,
        };
        for callback in &mut self.trainer.callbacks {
            event(callback.as_mut(), &state)
                .map_err(|source| TrainerError::Callback { callback: callback.name().to_owned(), source })?;
        }
        Ok(())
    }

    fn is_interrupted(&self) -> bool {
        self.trainer.interrupt.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    fn stop_reason(&self) -> Option<StopReason> {
        if self.is_interrupted() {
            return Some(StopReason::Interrupted);
        }
        let reason = self.stop.take();
        self.stop.set(reason.clone());
        reason
    }

    fn finish(self, start: Instant) -> Result<FitReport, TrainerError> {
        for logger in &mut self.trainer.loggers {
            logger.finalize().map_err(TrainerError::Logger)?;
        }
        let interrupted = self.stop_reason();
        Ok(FitReport {
            stop: interrupted.unwrap_or(StopReason::MaxEpochs),
            epochs: self.progress.epoch,
            global_step: self.progress.global_step,
            skipped_batches: self.skipped,
            metrics: self.metrics,
            warnings: self.warnings,
            duration: start.elapsed(),
        })
    }
}
