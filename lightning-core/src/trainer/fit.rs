//! The training loop.
//!
//! The order of hooks is Lightning's. A batch ends, and with it a moment from which a run can be resumed exactly,
//! when its validation is done and all schedulers have moved on; an epoch ends when its metrics are written.

use super::clock::Clock;
use super::loaders::Loaders;
use super::plan::{Ending, Plan};
use super::position::{Pending, Window};
use super::resume::Found;
use super::run::{Run, notify};
use super::{FitReport, StopReason, Trainer, TrainerError};
use crate::callbacks::Kind;
use crate::context::{Moment, StepCx};
use crate::data::Loader;
use crate::hook::{Hook, Stage};
use crate::loggers::RunStatus;
use crate::optim::Interval;
use crate::optimization::Optimization;
use crate::profiler::Timed;
use crate::{Float, LightningModule, StepRng, loggers};
use serde_json::{Value, json};
use std::cell::RefCell;

impl<F: Float> Trainer<F> {
    /// Trains `module` on `train` and validates on `validation`: `Some(&loader)`, `None::<&Vec<_>>` for no
    /// validation, or [`Several`](super::Several).
    ///
    /// # Errors
    /// If a setting, the optimizers or the loss make no sense, the run diverges, or a callback or logger fails.
    pub fn fit<M, T, V>(
        &mut self,
        module: &mut M,
        train: &T,
        validation: V,
    ) -> Result<FitReport, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        T: Loader<Batch = M::Batch> + ?Sized,
        V: Loaders<Batch = M::Batch>,
    {
        let data = || json!({ "train": train.identity() });
        let found = self.find_checkpoint()?;
        self.fit_from(found, module, train, validation, &data)
    }

    pub(super) fn fit_from<M, T, V>(
        &mut self,
        found: Found<F>,
        module: &mut M,
        train: &T,
        validation: V,
        data: &dyn Fn() -> Value,
    ) -> Result<FitReport, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        T: Loader<Batch = M::Batch> + ?Sized,
        V: Loaders<Batch = M::Batch>,
    {
        let mut fit = FitLoop::new(self, module, train.batches(), &validation, data)?;
        match fit.run(found, module, train, &validation) {
            Ok(stop) => Ok(fit.report(stop)),
            Err(error) => Err(fit.run.fail(module, error)),
        }
    }
}

/// The state of one fit.
pub(super) struct FitLoop<'a, F: Float> {
    pub(super) run: Run<'a, F>,
    pub(super) clock: Clock,
    pub(super) rng: StepRng,
    /// What the data says of itself.
    pub(super) data: &'a dyn Fn() -> Value,
    pub(super) plan: Plan,
    /// The next batch of the running epoch, if it has begun.
    pub(super) next_batch: Option<usize>,
    /// The batch before it, if its end is still to come.
    pub(super) pending: Option<Pending>,
    pub(super) is_resumed: bool,
    /// Whether a wish to stop stood when the resumed run was saved.
    pub(super) was_asked_to_stop: bool,
    pub(super) window: Window,
    /// Whether an optimizer stepped in this batch.
    pub(super) has_stepped: bool,
    pub(super) skipped: u64,
    /// Checkpoints so far.
    pub(super) saves: u64,
    /// Whether every name that callbacks need must have been logged by now.
    pub(super) monitors_checked: bool,
}

impl<'a, F: Float> FitLoop<'a, F> {
    fn run<M, T, V>(
        &mut self,
        found: Found<F>,
        module: &mut M,
        train: &T,
        validation: &V,
    ) -> Result<StopReason, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        T: Loader<Batch = M::Batch> + ?Sized,
        V: Loaders<Batch = M::Batch>,
    {
        let _span = self.run.span("fit");
        self.set_up(module, found)?;
        self.sanity_check(module, validation)?;
        let mut stop = self.nothing_to_do();
        if stop.is_none() {
            self.hook(module, Hook::OnTrainStart, M::on_train_start)?;
            stop = self.wish_at_start();
            while stop.is_none() {
                self.begin_epoch(module)?;
                stop = self.epoch(module, train, validation)?.or_else(|| self.is_over());
            }
            if stop == Some(StopReason::Interrupted) {
                self.run.shared.is_interrupted = true;
                self.save(module)?;
            }
            self.hook(module, Hook::OnTrainEnd, M::on_train_end)?;
        }
        self.hook(module, Hook::OnFitEnd, M::on_fit_end)?;
        self.save_if_asked(module)?;
        self.run.hook(module, at(Hook::Teardown), |m, cx| m.teardown(cx, Stage::Train))?;
        let stop = stop.unwrap_or(StopReason::MaxEpochs);
        self.run.finalize_loggers(match stop {
            StopReason::Interrupted => RunStatus::Interrupted,
            _ => RunStatus::Success,
        })?;
        Ok(stop)
    }

    /// The batches of an epoch from where it stands, and its end.
    fn epoch<M, T, V>(
        &mut self,
        module: &mut M,
        train: &T,
        validation: &V,
    ) -> Result<Option<StopReason>, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        T: Loader<Batch = M::Batch> + ?Sized,
        V: Loaders<Batch = M::Batch>,
    {
        let first = self.next_batch.unwrap_or(0);
        let overfits = self.run.trainer.overfit_batches.is_some();
        let order = if overfits { 0 } else { self.progress().epoch as u64 };
        let mut is_over = match self.pending {
            Some(_) => self.finish_batch(module, validation, first - 1)?,
            None => first >= self.plan.batches || self.are_steps_done(),
        };
        let profiler = self.run.shared.profiler.clone();
        let items = train.epoch_from(order, first);
        let batches = Timed { items, profiler, name: "train_dataloader_next" };
        let mut batches = (first..self.plan.batches).zip(batches);
        while !is_over && let Some((batch_idx, batch)) = batches.next() {
            let skips_rest = self.train_batch(module, &batch, batch_idx)?.is_break();
            self.next_batch = Some(batch_idx + 1);
            self.pending = Some(Pending { skips_rest, has_stepped: self.has_stepped });
            if self.is_interrupted() {
                return Ok(Some(StopReason::Interrupted));
            }
            is_over = self.finish_batch(module, validation, batch_idx)?;
        }
        self.end_epoch(module)
    }

    /// Validation, if it is due, and the schedulers that wait for it; whether the epoch ends here.
    fn finish_batch<M, V>(
        &mut self,
        module: &mut M,
        validation: &V,
        batch_idx: usize,
    ) -> Result<bool, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        V: Loaders<Batch = M::Batch>,
    {
        let Pending { skips_rest, has_stepped } = self.pending.take().expect("a batch that was trained");
        self.has_stepped = has_stepped;
        let stops = self.wish_to_stop(self.progress().epoch).is_some();
        let is_out_of_steps = self.are_steps_done();
        let ending = Ending { batch_idx, skips_rest, stops, is_out_of_steps };
        if self.plan.is_validation_due(self.progress(), ending) {
            self.validate(module, validation)?;
        }
        self.step_schedules(module, Interval::Step, true, batch_idx)?;
        if skips_rest || stops {
            self.next_batch = Some(self.plan.batches);
        }
        self.save_if_asked(module)?;
        Ok(skips_rest || stops || is_out_of_steps)
    }

    fn begin_epoch<M: LightningModule<F> + ?Sized>(&mut self, module: &mut M) -> Result<(), TrainerError> {
        if self.next_batch.is_some() {
            return Ok(());
        }
        self.hook(module, Hook::OnTrainEpochStart, M::on_train_epoch_start)?;
        self.next_batch = Some(0);
        Ok(())
    }

    fn end_epoch<M>(&mut self, module: &mut M) -> Result<Option<StopReason>, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        self.check_parameters()?;
        self.run.show_epoch(Stage::Train)?;
        let moment = at(Hook::OnTrainEpochEnd);
        notify(self.run.trainer, &self.run.shared, moment, |kind| kind == Kind::Plain)?;
        self.run.own(module, moment, M::on_train_epoch_end);
        self.run.show_epoch(Stage::Train)?;
        self.check_monitors()?;
        notify(self.run.trainer, &self.run.shared, moment, |kind| kind != Kind::Plain)?;
        self.step_schedules(module, Interval::Epoch, true, 0)?;
        self.write_epoch_row()?;
        self.run.shared.progress.epoch += 1;
        self.next_batch = None;
        self.save_if_asked(module)?;
        Ok(self.wish_to_stop(self.progress().epoch))
    }

    fn validate<M, V>(&mut self, module: &mut M, validation: &V) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        V: Loaders<Batch = M::Batch>,
    {
        self.check_parameters()?;
        if !self.window.is_open() {
            self.run.own(module, at(Hook::OnValidationModelZeroGrad), M::on_validation_model_zero_grad);
        }
        self.run.validation_loop(module, validation, &self.plan.val_batches)
    }

    fn sanity_check<M, V>(&mut self, module: &mut M, validation: &V) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        V: Loaders<Batch = M::Batch>,
    {
        if self.plan.sanity_batches.iter().all(|&batches| batches == 0) || self.next_batch.is_some() {
            return Ok(());
        }
        self.run.shared.is_sanity_check = true;
        let kept = std::mem::take(&mut self.run.shared.views);
        self.run.callbacks(at(Hook::OnSanityCheckStart))?;
        self.run.validation_loop(module, validation, &self.plan.sanity_batches)?;
        self.run.callbacks(at(Hook::OnSanityCheckEnd))?;
        self.run.shared.views = kept;
        self.run.shared.is_sanity_check = false;
        Ok(())
    }

    fn set_up<M>(&mut self, module: &mut M, found: Found<F>) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        self.run.warnings.extend(found.notes);
        let found = found.checkpoint;
        self.run.hook(module, at(Hook::Setup), |m, cx| m.setup(cx, Stage::Train))?;
        if let Some((path, saved)) = &found {
            self.load(module, path, saved)?;
        }
        let mut optimizers = module.configure_optimizers();
        let automatic = module.automatic_optimization();
        if automatic && optimizers.optimizers.len() != 1 {
            return Err(TrainerError::OptimizerCount(optimizers.optimizers.len()));
        }
        if !automatic {
            self.run.trainer.check_manual()?;
        }
        optimizers.start()?;
        self.run.shared.optimization = Some(RefCell::new(Optimization::new(optimizers, automatic)));
        self.hook(module, Hook::OnFitStart, M::on_fit_start)?;
        if let Some((_, saved)) = &found {
            loggers::rewind(&mut self.run.trainer.loggers, &saved.loggers).map_err(TrainerError::Logger)?;
        }
        self.run.log_hyperparameters()?;
        match &found {
            Some((path, saved)) => self.resume(module, path, saved),
            None => Ok(()),
        }
    }

    fn new<M, V>(
        trainer: &'a mut Trainer<F>,
        module: &mut M,
        train_batches: usize,
        validation: &V,
        data: &'a dyn Fn() -> Value,
    ) -> Result<Self, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        V: Loaders<Batch = M::Batch>,
    {
        trainer.check()?;
        let plan = Plan::new(trainer, train_batches, validation)?;
        let rng = trainer.seed.step(0);
        let mut run = Run::new(trainer, module)?;
        run.tape.detect_anomaly(run.trainer.detect_anomaly);
        run.shared.limits = plan.limits(run.trainer);
        Ok(FitLoop {
            run,
            clock: Clock::start(),
            rng,
            data,
            plan,
            next_batch: None,
            pending: None,
            is_resumed: false,
            was_asked_to_stop: false,
            window: Window::default(),
            has_stepped: false,
            skipped: 0,
            saves: 0,
            monitors_checked: false,
        })
    }

    fn report(self, stop: StopReason) -> FitReport {
        let progress = self.progress();
        FitReport {
            stop,
            epochs: progress.epoch,
            global_step: progress.global_step,
            batches: progress.batches,
            skipped_batches: self.skipped,
            metrics: self.run.shared.views.callback,
            warnings: self.run.warnings,
            duration: self.clock.elapsed(),
        }
    }

    /// A hook of training without a batch.
    pub(super) fn hook<M>(
        &mut self,
        module: &mut M,
        hook: Hook,
        own: impl FnOnce(&mut M, &StepCx<'_, F>),
    ) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        self.run.hook(module, at(hook), own)
    }

    pub(super) fn progress(&self) -> crate::Progress {
        self.run.shared.progress
    }
}

/// A hook of training without a batch.
pub(super) fn at(hook: Hook) -> Moment {
    Moment::new(hook, Stage::Train)
}
