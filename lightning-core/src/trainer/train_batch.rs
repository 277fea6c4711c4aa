//! One training batch: its step, the backward pass, the optimizer, and the schedulers that move on with them.

use super::TrainerError;
use super::backward::{check_anomaly, check_loss, loss_and_gradients};
use super::fit::{FitLoop, at};
use super::run::Manual;
use crate::context::{Moment, StepCx};
use crate::hook::{Hook, Stage};
use crate::optim::Interval;
use crate::optimization::Optimization;
use crate::{BatchSize, Float, LightningModule, OptimizerRef};
use std::cell::RefCell;
use std::ops::ControlFlow;

impl<F: Float> FitLoop<'_, F> {
    /// All that belongs to a batch but its validation. A break leaves out the rest of the epoch.
    pub(super) fn train_batch<M>(
        &mut self,
        module: &mut M,
        batch: &M::Batch,
        batch_idx: usize,
    ) -> Result<ControlFlow<()>, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        let _span = self.run.span("train_batch");
        let moment = Moment { batch_idx, batch_size: batch.batch_size(), ..at(Hook::TrainingStep) };
        self.rng.step = self.progress().batches;
        self.run.tape.set_rng(self.rng);
        self.has_stepped = false;
        if self.batch_start(module, batch, moment)?.is_break() {
            // The gradients of an open window are not lost.
            self.update(module, moment)?;
            self.step_schedules(module, Interval::Step, false, batch_idx)?;
            self.step_schedules(module, Interval::Epoch, false, batch_idx)?;
            return Ok(ControlFlow::Break(()));
        }
        let is_automatic = self.optimization().borrow().automatic;
        let loss = if is_automatic {
            self.automatic(module, batch, moment)
        } else {
            self.manual(module, batch, moment)
        }?;
        self.run.shared.progress.batches += 1;
        self.step_schedules(module, Interval::Step, false, batch_idx)?;
        if batch_idx + 1 == self.plan.batches {
            self.step_schedules(module, Interval::Epoch, false, batch_idx)?;
        }
        if let Some(profiler) = &self.run.shared.profiler {
            profiler.note_tape(self.run.tape.pooled_bytes());
        }
        self.batch_end(module, batch, Moment { loss, ..moment })?;
        Ok(ControlFlow::Continue(()))
    }

    fn batch_start<M>(
        &mut self,
        module: &mut M,
        batch: &M::Batch,
        moment: Moment,
    ) -> Result<ControlFlow<()>, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        let moment = moment.at(Hook::OnTrainBatchStart);
        self.run.callbacks(moment)?;
        let cx = StepCx::new(&self.run.tape, &self.run.shared, moment);
        Ok(module.on_train_batch_start(&cx, batch, moment.batch_idx))
    }

    fn batch_end<M>(&mut self, module: &mut M, batch: &M::Batch, moment: Moment) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        self.run.show_step(Stage::Train)?;
        self.run.hook(module, moment.at(Hook::OnTrainBatchEnd), |m, cx| {
            m.on_train_batch_end(cx, moment.loss, batch, moment.batch_idx);
        })?;
        self.run.show_step(Stage::Train)?;
        self.write_step_row()
    }

    /// `training_step → zero_grad → backward`, and the update when the accumulation window closes.
    fn automatic<M>(
        &mut self,
        module: &mut M,
        batch: &M::Batch,
        moment: Moment,
    ) -> Result<Option<f64>, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        let factor = self.run.shared.wishes.accumulate_grad_batches.get();
        let remaining = self.plan.batches - moment.batch_idx;
        self.window.open(factor, remaining, self.run.trainer.compat.partial_window);
        let loss = loss_and_gradients(&mut self.run, module, batch, moment, &self.window)?;
        if self.progress().batches == 0 && loss.is_some() {
            self.warn_of_parameters_without_gradient();
        }
        // The tape lets go of the parameters first, so that the update writes in place.
        self.run.tape.reset();
        self.skipped += u64::from(loss.is_none());
        if self.window.take(loss.is_some()) {
            self.update(module, Moment { loss, ..moment })?;
        }
        Ok(loss)
    }

    /// The training step does all of it; callbacks are called through its context.
    fn manual<M>(
        &mut self,
        module: &mut M,
        batch: &M::Batch,
        moment: Moment,
    ) -> Result<Option<f64>, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        let (tape, shared) = (&self.run.tape, &self.run.shared);
        let hooks = Manual::new(self.run.trainer, shared);
        let cx = StepCx::new(tape, shared, moment).manual(&hooks);
        let loss = module.training_step(&cx, batch, moment.batch_idx);
        check_anomaly(shared, moment.batch_idx, tape.take_anomaly())?;
        let loss = loss.map(|loss| check_loss(shared, loss, moment.batch_idx)).transpose()?;
        hooks.into_result()?;
        self.run.tape.reset();
        self.count_step();
        self.check_schedules()?;
        Ok(loss)
    }

    /// Closes the accumulation window: clips, and lets the optimizer step if the window has gradients.
    fn update<M>(&mut self, module: &mut M, moment: Moment) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        let window = std::mem::take(&mut self.window);
        if !window.is_open() || (window.is_empty() && !self.run.trainer.compat.count_skipped_steps) {
            return Ok(());
        }
        if let Some(scale) = window.correction() {
            self.scale_gradients(scale);
        }
        self.run.callbacks(moment.at(Hook::OnBeforeOptimizerStep))?;
        let clip = self.run.trainer.gradient_clip.filter(|clip| !clip.is_off());
        let shared = &self.run.shared;
        let cx = |hook| StepCx::new(&self.run.tape, shared, moment.at(hook));
        let optimizer = OptimizerRef::new(shared, 0, None).expect("automatic optimization has an optimizer");
        module.on_before_optimizer_step(&cx(Hook::OnBeforeOptimizerStep), optimizer);
        module.configure_gradient_clipping(&cx(Hook::ConfigureGradientClipping), optimizer, clip);
        module.optimizer_step(&cx(Hook::OptimizerStep), optimizer);
        self.count_step();
        Ok(())
    }

    fn count_step(&mut self) {
        self.has_stepped = true;
        let steps = self.optimization().borrow().steps;
        let progress = &mut self.run.shared.progress;
        progress.global_step = steps;
        progress.batches_that_stepped += 1;
    }

    fn scale_gradients(&self, scale: f64) {
        for (_, parameter) in &self.run.shared.parameters {
            parameter.scale_grad(F::of(scale));
        }
    }

    fn warn_of_parameters_without_gradient(&mut self) {
        let without: Vec<&str> = self
            .run
            .shared
            .parameters
            .iter()
            .filter(|(_, parameter)| parameter.requires_grad() && !parameter.has_grad())
            .map(|(name, _)| name.as_str())
            .collect();
        if !without.is_empty() {
            let names = without.join(", ");
            let warning = format!("no gradient reached these parameters in the first step: {names}");
            self.run.warnings.push(warning);
        }
    }

    pub(super) fn optimization(&self) -> &RefCell<Optimization<F>> {
        self.run.shared.optimization.as_ref().expect("a fit has optimizers from its set-up on")
    }
}
