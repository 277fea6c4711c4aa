//! Passes without learning: validation, test, prediction.

use super::loaders::Loaders;
use super::run::Run;
use super::{Limit, Metrics, Trainer, TrainerError};
use crate::context::{Moment, Shared, StepCx};
use crate::data::Loader;
use crate::hook::{Hook, Stage};
use crate::loggers::RunStatus;
use crate::nn::SavedModes;
use crate::profiler::Timed;
use crate::{BatchSize, Float, LightningModule, Progress, Tape};

type Own<M, F> = fn(&mut M, &StepCx<'_, F>);
type OwnBatch<M, F, B> = fn(&mut M, &StepCx<'_, F>, &B, usize, usize);
type Step<M, F, B, O> = fn(&mut M, &StepCx<'_, F>, &B, usize) -> Option<O>;
type Outputs<M, F, O> = fn(&mut M, &StepCx<'_, F>, &mut Vec<O>);
type OwnOutput<M, F, B, O> = fn(&mut M, &StepCx<'_, F>, Option<&O>, &B, usize, usize);

/// A stage's hooks in their order: what callbacks are told, and the module's own.
pub(super) struct Pass<M: ?Sized, F: Float, B, O> {
    stage: Stage,
    model_eval: (Hook, Own<M, F>),
    start: (Hook, Own<M, F>),
    epoch_start: (Hook, Own<M, F>),
    batch_start: (Hook, OwnBatch<M, F, B>),
    step: (Hook, Step<M, F, B, O>),
    batch_end: (Hook, OwnOutput<M, F, B, O>),
    /// Gets all outputs; what it leaves, the pass returns.
    outputs: (Hook, Outputs<M, F, O>),
    epoch_end: (Hook, Own<M, F>),
    end: (Hook, Own<M, F>),
    model_train: Option<(Hook, Own<M, F>)>,
}

impl<F: Float> Trainer<F> {
    /// Runs the validation loop once and gives what it logged.
    ///
    /// # Errors
    /// If the module has no `validation_step`, a loader no batch, or a callback or logger fails.
    pub fn validate<M, L>(&mut self, module: &mut M, loaders: L) -> Result<Metrics, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        L: Loaders<Batch = M::Batch>,
    {
        let limit = self.limit_val_batches;
        self.evaluate(module, &loaders, limit, Progress::default(), &validation()).map(|(metrics, _)| metrics)
    }

    /// Runs the test loop once and gives what it logged.
    ///
    /// # Errors
    /// If the module has no `test_step`, a loader no batch, or a callback or logger fails.
    pub fn test<M, L>(&mut self, module: &mut M, loaders: L) -> Result<Metrics, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        L: Loaders<Batch = M::Batch>,
    {
        let limit = self.limit_test_batches;
        self.evaluate(module, &loaders, limit, Progress::default(), &test()).map(|(metrics, _)| metrics)
    }

    /// The predictions for every batch, in order, with all hooks.
    ///
    /// # Errors
    /// If the module has no `predict_step`, a loader no batch, or a callback fails.
    pub fn predict<M, L>(&mut self, module: &mut M, loaders: L) -> Result<Vec<M::Prediction>, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        L: Loaders<Batch = M::Batch>,
    {
        let limit = self.limit_predict_batches;
        self.evaluate(module, &loaders, limit, Progress::default(), &prediction())
            .map(|(_, predictions)| predictions)
    }

    /// The predictions for every batch of a module that others use at the same time: as
    /// [`predict`](Self::predict), but nothing is changed and no hook runs. The module must be in evaluation mode.
    ///
    /// # Errors
    /// If the module has no `predict_step` or the loader no batch.
    pub fn predict_shared<M, L>(&self, module: &M, loader: &L) -> Result<Vec<M::Prediction>, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        L: Loader<Batch = M::Batch> + ?Sized,
    {
        let (mut tape, shared) = (Tape::inference(), Shared::new(Vec::new(), None, 1));
        let mut predictions = Vec::with_capacity(loader.batches());
        for (batch_idx, batch) in loader.epoch(0).enumerate() {
            tape.reset();
            let batch_size = batch.batch_size();
            let moment = Moment { batch_idx, batch_size, ..Moment::new(Hook::PredictStep, Stage::Predict) };
            predictions.extend(module.predict_step(&StepCx::new(&tape, &shared, moment), &batch, batch_idx));
        }
        check_pass(Stage::Predict, loader.batches(), shared.missing.get())?;
        Ok(predictions)
    }

    pub(super) fn evaluate<M, L, O>(
        &mut self,
        module: &mut M,
        loaders: &L,
        limit: Limit,
        progress: Progress,
        pass: &Pass<M, F, M::Batch, O>,
    ) -> Result<(Metrics, Vec<O>), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        L: Loaders<Batch = M::Batch>,
    {
        let limit = self.fast_dev_run.map_or(limit, Limit::Batches);
        let limits = limits(pass.stage, loaders, limit)?;
        let mut run = Run::new(self, module)?;
        run.shared.progress = progress;
        let result = run.evaluation(module, loaders, &limits, pass);
        match result {
            Ok(outputs) => Ok((run.shared.views.callback, outputs)),
            Err(error) => Err(run.fail(module, error)),
        }
    }
}

/// Batches that are looked at, of each loader.
pub(super) fn limits<L: Loaders>(
    stage: Stage,
    loaders: &L,
    limit: Limit,
) -> Result<Vec<usize>, TrainerError> {
    let of =
        |loader| limit.of(loaders.batches(loader)).map_err(|problem| TrainerError::Limit { stage, problem });
    (0..loaders.count()).map(of).collect()
}

impl<F: Float> Run<'_, F> {
    /// A pass that is a run of its own.
    fn evaluation<M, L, O>(
        &mut self,
        module: &mut M,
        loaders: &L,
        limits: &[usize],
        pass: &Pass<M, F, M::Batch, O>,
    ) -> Result<Vec<O>, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        L: Loaders<Batch = M::Batch>,
    {
        let stage = pass.stage;
        self.hook(module, Moment::new(Hook::Setup, stage), |m, cx| m.setup(cx, stage))?;
        let outputs = self.pass(module, loaders, limits, pass)?;
        self.hook(module, Moment::new(Hook::Teardown, stage), |m, cx| m.teardown(cx, stage))?;
        self.finalize_loggers(RunStatus::Success)?;
        Ok(outputs)
    }

    /// The validation loop in a fit.
    pub(super) fn validation_loop<M, L>(
        &mut self,
        module: &mut M,
        loaders: &L,
        limits: &[usize],
    ) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        L: Loaders<Batch = M::Batch>,
    {
        self.pass(module, loaders, limits, &validation()).map(drop)
    }

    /// In evaluation mode and without gradients: every hook of a pass, in Lightning's order.
    fn pass<M, L, O>(
        &mut self,
        module: &mut M,
        loaders: &L,
        limits: &[usize],
        pass: &Pass<M, F, M::Batch, O>,
    ) -> Result<Vec<O>, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        L: Loaders<Batch = M::Batch>,
    {
        let stage = pass.stage;
        let _span = self.span(stage.name());
        let at = |hook| Moment::new(hook, stage);
        self.shared.loaders = loaders.count();
        let modes = SavedModes::remember(module);
        self.own(module, at(pass.model_eval.0), pass.model_eval.1);
        self.hook(module, at(pass.start.0), pass.start.1)?;
        self.hook(module, at(pass.epoch_start.0), pass.epoch_start.1)?;
        let mut outputs = Vec::new();
        for (dataloader_idx, &limit) in limits.iter().enumerate() {
            let profiler = self.shared.profiler.clone();
            let items = Timed { items: loaders.iter(dataloader_idx), profiler, name: "dataloader_next" };
            for (batch_idx, batch) in items.take(limit).enumerate() {
                let batch_size = batch.batch_size();
                let moment = Moment { batch_idx, batch_size, dataloader_idx, ..at(pass.step.0) };
                outputs.extend(self.eval_batch(module, &batch, moment, pass)?);
            }
        }
        self.eval_tape.reset();
        let moment = at(pass.outputs.0);
        (pass.outputs.1)(module, &StepCx::new(&self.eval_tape, &self.shared, moment), &mut outputs);
        self.hook(module, at(pass.epoch_end.0), pass.epoch_end.1)?;
        self.shared.progress.validations +=
            u64::from(stage == Stage::Validate && !self.shared.is_sanity_check);
        self.end_pass(stage)?;
        self.hook(module, at(pass.end.0), pass.end.1)?;
        modes.restore(module);
        if let Some((hook, own)) = pass.model_train {
            self.own(module, at(hook), own);
        }
        check_pass(stage, limits.iter().sum(), self.shared.missing.replace(false))?;
        Ok(outputs)
    }

    fn eval_batch<M, O>(
        &mut self,
        module: &mut M,
        batch: &M::Batch,
        moment: Moment,
        pass: &Pass<M, F, M::Batch, O>,
    ) -> Result<Option<O>, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        let Moment { batch_idx, dataloader_idx, stage, .. } = moment;
        self.eval_tape.reset();
        self.hook(module, moment.at(pass.batch_start.0), |m, cx| {
            (pass.batch_start.1)(m, cx, batch, batch_idx, dataloader_idx);
        })?;
        let output =
            (pass.step.1)(module, &StepCx::new(&self.eval_tape, &self.shared, moment), batch, batch_idx);
        self.hook(module, moment.at(pass.batch_end.0), |m, cx| {
            (pass.batch_end.1)(m, cx, output.as_ref(), batch, batch_idx, dataloader_idx);
        })?;
        self.show_step(stage)?;
        if !self.shared.is_sanity_check {
            let batch = self.shared.progress.val_batches;
            self.shared.progress.val_batches += 1;
            let step = if self.trainer.compat.row_axis { batch } else { self.row_step() };
            self.write_step(stage, step)?;
        }
        self.shared.eval_log.end_step();
        Ok(output)
    }

    /// The metrics of the pass are complete: callbacks see them, loggers get their row.
    fn end_pass(&mut self, stage: Stage) -> Result<(), TrainerError> {
        self.show_epoch(stage)?;
        if !self.shared.is_sanity_check {
            self.write_epoch(stage)?;
        }
        self.shared.eval_log.end_epoch();
        Ok(())
    }

    /// A hook that callbacks do not have.
    pub(super) fn own<M: ?Sized>(
        &mut self,
        module: &mut M,
        moment: Moment,
        own: impl FnOnce(&mut M, &StepCx<'_, F>),
    ) {
        own(module, &StepCx::new(&self.eval_tape, &self.shared, moment));
    }
}

fn check_pass(stage: Stage, batches: usize, is_missing: bool) -> Result<(), TrainerError> {
    if batches == 0 {
        return Err(TrainerError::NoBatches(stage));
    }
    if is_missing {
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

pub(super) fn validation<M, F>() -> Pass<M, F, M::Batch, M::ValOutput>
where
    F: Float,
    M: LightningModule<F> + ?Sized,
{
    Pass {
        stage: Stage::Validate,
        model_eval: (Hook::OnValidationModelEval, M::on_validation_model_eval),
        start: (Hook::OnValidationStart, M::on_validation_start),
        epoch_start: (Hook::OnValidationEpochStart, M::on_validation_epoch_start),
        batch_start: (Hook::OnValidationBatchStart, M::on_validation_batch_start),
        step: (Hook::ValidationStep, M::validation_step),
        batch_end: (Hook::OnValidationBatchEnd, M::on_validation_batch_end),
        outputs: (Hook::ValidationEpochEnd, |m, cx, outputs| {
            m.validation_epoch_end(cx, std::mem::take(outputs))
        }),
        epoch_end: (Hook::OnValidationEpochEnd, M::on_validation_epoch_end),
        end: (Hook::OnValidationEnd, M::on_validation_end),
        model_train: Some((Hook::OnValidationModelTrain, M::on_validation_model_train)),
    }
}

pub(super) fn test<M, F>() -> Pass<M, F, M::Batch, M::TestOutput>
where
    F: Float,
    M: LightningModule<F> + ?Sized,
{
    Pass {
        stage: Stage::Test,
        model_eval: (Hook::OnTestModelEval, M::on_test_model_eval),
        start: (Hook::OnTestStart, M::on_test_start),
        epoch_start: (Hook::OnTestEpochStart, M::on_test_epoch_start),
        batch_start: (Hook::OnTestBatchStart, M::on_test_batch_start),
        step: (Hook::TestStep, M::test_step),
        batch_end: (Hook::OnTestBatchEnd, M::on_test_batch_end),
        outputs: (Hook::TestEpochEnd, |m, cx, outputs| m.test_epoch_end(cx, std::mem::take(outputs))),
        epoch_end: (Hook::OnTestEpochEnd, M::on_test_epoch_end),
        end: (Hook::OnTestEnd, M::on_test_end),
        model_train: Some((Hook::OnTestModelTrain, M::on_test_model_train)),
    }
}

fn prediction<M, F>() -> Pass<M, F, M::Batch, M::Prediction>
where
    F: Float,
    M: LightningModule<F> + ?Sized,
{
    Pass {
        stage: Stage::Predict,
        model_eval: (Hook::OnPredictModelEval, M::on_predict_model_eval),
        start: (Hook::OnPredictStart, M::on_predict_start),
        epoch_start: (Hook::OnPredictEpochStart, M::on_predict_epoch_start),
        batch_start: (Hook::OnPredictBatchStart, M::on_predict_batch_start),
        step: (Hook::PredictStep, |m, cx, batch, batch_idx| m.predict_step(cx, batch, batch_idx)),
        batch_end: (Hook::OnPredictBatchEnd, M::on_predict_batch_end),
        outputs: (Hook::PredictStep, |_, _, _| ()),
        epoch_end: (Hook::OnPredictEpochEnd, M::on_predict_epoch_end),
        end: (Hook::OnPredictEnd, M::on_predict_end),
        model_train: None,
    }
}
