//! Passes without learning: validation, test, prediction.

use super::{Metrics, Trainer, TrainerError};
use crate::context::{Progress, Stage, StepCx, StepParts};
use crate::data::Loader;
use crate::log::{LogSink, Logged};
use crate::loggers::MetricsRow;
use crate::nn::SavedModes;
use crate::{BatchSize, Float, LightningModule, Tape};
use std::cell::Cell;

/// Where a pass stands in a run, and how much of the data it looks at.
#[derive(Clone, Copy, Default)]
pub(super) struct EvalLoop {
    pub(super) progress: Progress,
    pub(super) limit: Option<usize>,
}

impl<F: Float> Trainer<F> {
    /// Runs the validation loop once and gives what it logged.
    ///
    /// # Errors
    /// If the module has no `validation_step`, the loader no batch, or a logger fails.
    pub fn validate<M, L>(&mut self, module: &mut M, loader: &L) -> Result<Metrics, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        L: Loader<Batch = M::Batch> + ?Sized,
    {
        let logged = validation_loop(module, loader, EvalLoop::default())?;
        self.report(Stage::Validate, logged)
    }

    /// Runs the test loop once and gives what it logged.
    ///
    /// # Errors
    /// If the module has no `test_step`, the loader no batch, or a logger fails.
    pub fn test<M, L>(&mut self, module: &mut M, loader: &L) -> Result<Metrics, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        L: Loader<Batch = M::Batch> + ?Sized,
    {
        let logged = EvalLoop::default().run(Stage::Test, module, loader, M::test_step, M::test_epoch_end)?;
        self.report(Stage::Test, logged)
    }

    /// The predictions for every batch, in order.
    ///
    /// # Errors
    /// If the module has no `predict_step` or the loader no batch.
    pub fn predict<M, L>(&self, module: &M, loader: &L) -> Result<Vec<M::Prediction>, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        L: Loader<Batch = M::Batch> + ?Sized,
    {
        let modes = SavedModes::eval(module);
        let (mut tape, log, missing) = (Tape::inference(), LogSink::default(), Cell::new(false));
        let mut predictions = Vec::with_capacity(loader.batches());
        for (batch_idx, batch) in loader.epoch(0).enumerate() {
            tape.reset();
            let parts = StepParts { tape: &tape, log: &log, optimization: None, missing: &missing };
            let cx = StepCx::new(parts, Stage::Predict, Progress::default(), Some(batch.batch_size()));
            predictions.extend(module.predict_step(&cx, &batch, batch_idx));
        }
        modes.restore(module);
        check_pass(Stage::Predict, loader.batches(), &missing)?;
        Ok(predictions)
    }

    fn report(&mut self, stage: Stage, logged: Vec<Logged>) -> Result<Metrics, TrainerError> {
        let all: Metrics = logged.iter().map(|one| (one.name.clone(), one.value)).collect();
        let metrics: Metrics =
            logged.into_iter().filter(|one| one.logger).map(|one| (one.name, one.value)).collect();
        if !metrics.is_empty() {
            let row = MetricsRow { stage, epoch: 0, step: 0, metrics: &metrics };
            for logger in &mut self.loggers {
                logger.log_metrics(&row).and_then(|()| logger.finalize()).map_err(TrainerError::Logger)?;
            }
        }
        Ok(all)
    }
}

/// The validation loop, in a fit or alone.
pub(super) fn validation_loop<F, M, L>(
    module: &mut M,
    loader: &L,
    pass: EvalLoop,
) -> Result<Vec<Logged>, TrainerError>
where
    F: Float,
    M: LightningModule<F> + ?Sized,
    L: Loader<Batch = M::Batch> + ?Sized,
{
    pass.run(Stage::Validate, module, loader, M::validation_step, M::validation_epoch_end)
}

impl EvalLoop {
    /// In evaluation mode and without gradients: a step per batch, then the end with all outputs.
    fn run<F, M, L, O>(
        self,
        stage: Stage,
        module: &mut M,
        loader: &L,
        step: impl Fn(&mut M, &StepCx<'_, F>, &M::Batch, usize) -> Option<O>,
        end: impl Fn(&mut M, &StepCx<'_, F>, Vec<O>),
    ) -> Result<Vec<Logged>, TrainerError>
    where
        F: Float,
        M: LightningModule<F> + ?Sized,
        L: Loader<Batch = M::Batch> + ?Sized,
    {
        module.assign_names();
        let modes = SavedModes::eval(module);
        let (mut tape, log, missing) = (Tape::inference(), LogSink::default(), Cell::new(false));
        let mut outputs = Vec::new();
        for (batch_idx, batch) in loader.epoch(0).take(self.limit.unwrap_or(usize::MAX)).enumerate() {
            tape.reset();
            let parts = StepParts { tape: &tape, log: &log, optimization: None, missing: &missing };
            let cx = StepCx::new(parts, stage, self.progress, Some(batch.batch_size()));
            outputs.extend(step(module, &cx, &batch, batch_idx));
        }
        tape.reset();
        let parts = StepParts { tape: &tape, log: &log, optimization: None, missing: &missing };
        end(module, &StepCx::new(parts, stage, self.progress, None), outputs);
        modes.restore(module);
        check_pass(stage, loader.batches(), &missing)?;
        Ok(log.take_epoch())
    }
}

fn check_pass(stage: Stage, batches: usize, missing: &Cell<bool>) -> Result<(), TrainerError> {
    if batches == 0 {
        return Err(TrainerError::NoBatches(stage));
    }
    if missing.get() {
        let step = match stage {
            Stage::Train => "training",
            Stage::Validate => "validation",
            Stage::Test => "test",
            Stage::Predict => "predict",
        };
        return Err(TrainerError::MissingStep(step));
    }
    Ok(())
}
