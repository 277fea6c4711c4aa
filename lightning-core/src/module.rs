//! The six sections of a model: PyTorch Lightning's `LightningModule`.

#[cfg(feature = "trainer")]
use crate::callbacks::Callback;
use crate::nn::Module;
use crate::optim::{GradientClip, Optimizers};
use crate::{Float, Hyperparameters, OptimizerRef, SchedulerRef, Stage, StepCx, Var};
use ndarray::{ArrayBase, Dimension, RawData};
use serde_json::Value;
use std::ops::ControlFlow;

/// A model organised for a trainer.
///
/// | section | here |
/// |---|---|
/// | computations | the type itself, its constructor and [`Module::collect`] |
/// | train loop | [`training_step`](Self::training_step) |
/// | validation loop | [`validation_step`](Self::validation_step), [`validation_epoch_end`](Self::validation_epoch_end) |
/// | test loop | [`test_step`](Self::test_step), [`test_epoch_end`](Self::test_epoch_end) |
/// | prediction loop | [`predict_step`](Self::predict_step) |
/// | optimizers and schedulers | [`configure_optimizers`](Self::configure_optimizers) |
///
/// `training_step` and `configure_optimizers` are required, all else has a default. Steps and hooks get a
/// [`StepCx`] instead of reaching into a trainer: it holds the tape, `log` and the optimizers.
///
/// The hooks have Lightning's names and come in Lightning's order; [`Trainer::explain`](crate::Trainer::explain)
/// prints it. Where a callback has the same hook it runs before the module's. Data hooks (`prepare_data`,
/// `train_dataloader`, `transfer_batch_to_device` and the like) belong to loaders here, and `configure_model` to the
/// constructor.
///
/// Outputs of validation and test steps are plain values of the module's own type, without a graph. They are
/// collected for the `…_epoch_end` hooks, which Lightning removed in 2.0 because keeping whole graphs alive
/// filled the memory; a module that only logs chooses `()`, of which a million need no byte.
pub trait LightningModule<F: Float = f32>: Module<F> {
    /// What a data loader gives.
    type Batch: BatchSize;
    /// What a validation step leaves for [`validation_epoch_end`](Self::validation_epoch_end).
    type ValOutput;
    /// What a test step leaves for [`test_epoch_end`](Self::test_epoch_end).
    type TestOutput;
    /// What a prediction step gives.
    type Prediction;

    /// The optimizers and schedulers of a fit. Called once, before the first step.
    fn configure_optimizers(&self) -> Optimizers<F>;

    /// The loss of a batch. In automatic optimization the trainer then does
    /// `zero_grad → backward → step`; `None` skips the batch. In manual optimization the step does these
    /// itself, and the returned loss is only shown.
    fn training_step<'s>(
        &mut self,
        cx: &StepCx<'s, F>,
        batch: &Self::Batch,
        batch_idx: usize,
    ) -> Option<Var<'s, F>>;

    /// Whether the trainer optimizes (the default) or [`training_step`](Self::training_step) does: the post's
    /// `self.automatic_optimization`.
    fn automatic_optimization(&self) -> bool {
        true
    }

    /// Looks at a validation batch, in evaluation mode and without gradients.
    fn validation_step(
        &mut self,
        cx: &StepCx<'_, F>,
        batch: &Self::Batch,
        batch_idx: usize,
    ) -> Option<Self::ValOutput> {
        let _ = (batch, batch_idx);
        cx.step_is_missing();
        None
    }

    /// Gets all outputs of a pass over the validation data, in order.
    fn validation_epoch_end(&mut self, cx: &StepCx<'_, F>, outputs: Vec<Self::ValOutput>) {
        let _ = (cx, outputs);
    }

    /// Looks at a test batch, in evaluation mode and without gradients.
    fn test_step(
        &mut self,
        cx: &StepCx<'_, F>,
        batch: &Self::Batch,
        batch_idx: usize,
    ) -> Option<Self::TestOutput> {
        let _ = (batch, batch_idx);
        cx.step_is_missing();
        None
    }

    /// Gets all outputs of a pass over the test data, in order.
    fn test_epoch_end(&mut self, cx: &StepCx<'_, F>, outputs: Vec<Self::TestOutput>) {
        let _ = (cx, outputs);
    }

    /// The prediction for a batch, in evaluation mode and without gradients. It changes nothing, so that many
    /// threads can share a model.
    fn predict_step(
        &self,
        cx: &StepCx<'_, F>,
        batch: &Self::Batch,
        batch_idx: usize,
    ) -> Option<Self::Prediction> {
        let _ = (batch, batch_idx);
        cx.step_is_missing();
        None
    }

    /// What the module was made from, for loggers and checkpoints: Lightning's `save_hyperparameters`.
    fn hyperparameters(&self) -> Option<&Hyperparameters> {
        None
    }

    /// Callbacks that the module brings along; one replaces the trainer's of the same
    /// [`state_key`](Callback::state_key).
    #[cfg(feature = "trainer")]
    fn configure_callbacks(&self) -> Vec<Box<dyn Callback<F>>> {
        Vec::new()
    }

    /// What the module wants back when a run is resumed, beside its parameters.
    fn on_save_checkpoint(&self) -> Value {
        Value::Null
    }
    /// Takes back what [`on_save_checkpoint`](Self::on_save_checkpoint) gave; the parameters are loaded after it.
    fn on_load_checkpoint(&mut self, saved: &Value) {
        let _ = saved;
    }

    /// Before anything else of a run.
    fn setup(&mut self, cx: &StepCx<'_, F>, stage: Stage) {
        let _ = (cx, stage);
    }
    /// After everything else of a run; not after an error.
    fn teardown(&mut self, cx: &StepCx<'_, F>, stage: Stage) {
        let _ = (cx, stage);
    }
    /// When the optimizers are there, before the sanity check.
    fn on_fit_start(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// At the end of a fit.
    fn on_fit_end(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// Before the first epoch.
    fn on_train_start(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// After the last epoch.
    fn on_train_end(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// Before the first batch of an epoch.
    fn on_train_epoch_start(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// After an epoch and its validation. Callbacks that monitor a value run after it, all others before.
    fn on_train_epoch_end(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// Before a batch; [`ControlFlow::Break`] leaves out this batch and the rest of the epoch.
    fn on_train_batch_start(
        &mut self,
        cx: &StepCx<'_, F>,
        batch: &Self::Batch,
        batch_idx: usize,
    ) -> ControlFlow<()> {
        let _ = (cx, batch, batch_idx);
        ControlFlow::Continue(())
    }
    /// After a batch, when parameters and schedulers have moved on.
    fn on_train_batch_end(
        &mut self,
        cx: &StepCx<'_, F>,
        loss: Option<f64>,
        batch: &Self::Batch,
        batch_idx: usize,
    ) {
        let _ = (cx, loss, batch, batch_idx);
    }
    /// Before gradients are forgotten.
    fn on_before_zero_grad(&mut self, cx: &StepCx<'_, F>, optimizer: OptimizerRef<'_, F>) {
        let _ = (cx, optimizer);
    }
    /// Forgets the gradients.
    fn optimizer_zero_grad(&mut self, cx: &StepCx<'_, F>, optimizer: OptimizerRef<'_, F>) {
        let _ = cx;
        optimizer.zero_grad();
    }
    /// Between loss and gradients. The loss is already divided by the batches of its accumulation window.
    fn on_before_backward<'s>(&mut self, cx: &StepCx<'s, F>, loss: Var<'s, F>) {
        let _ = (cx, loss);
    }
    /// The backward pass.
    fn backward<'s>(&mut self, cx: &StepCx<'s, F>, loss: Var<'s, F>) {
        let _ = cx;
        loss.backward();
    }
    /// When the batch's gradients are there.
    fn on_after_backward(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// When all gradients of a step are there, before they are clipped.
    fn on_before_optimizer_step(&mut self, cx: &StepCx<'_, F>, optimizer: OptimizerRef<'_, F>) {
        let _ = (cx, optimizer);
    }
    /// Clips the gradients as the trainer is set.
    fn configure_gradient_clipping(
        &mut self,
        cx: &StepCx<'_, F>,
        optimizer: OptimizerRef<'_, F>,
        clip: Option<GradientClip>,
    ) {
        let _ = cx;
        if let Some(clip) = clip {
            optimizer.clip_gradients(clip);
        }
    }
    /// The update itself. Lightning's wraps the training step as well; here it runs after it, and a step that does not
    /// call [`OptimizerRef::step`] is none and is not counted.
    fn optimizer_step(&mut self, cx: &StepCx<'_, F>, optimizer: OptimizerRef<'_, F>) {
        let _ = cx;
        optimizer.step();
    }
    /// A scheduler's step in automatic optimization; a plateau scheduler gets the value it watches.
    fn lr_scheduler_step(&mut self, cx: &StepCx<'_, F>, scheduler: SchedulerRef<'_, F>, metric: Option<f64>) {
        let _ = cx;
        scheduler.step_with(metric);
    }
    /// When the run ends with an error, after the callbacks.
    fn on_exception(&mut self, cx: &StepCx<'_, F>, error: &dyn std::error::Error) {
        let _ = (cx, error);
    }
    /// Before validation in a fit, unless an accumulation window is open: frees the gradients' memory.
    fn on_validation_model_zero_grad(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
        self.zero_grad();
    }
    /// Switches to evaluation.
    fn on_validation_model_eval(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
        self.eval();
    }
    /// After the switches are back as they were.
    fn on_validation_model_train(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// Before a pass over the validation data.
    fn on_validation_start(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// Before its first batch.
    fn on_validation_epoch_start(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// Before a batch.
    fn on_validation_batch_start(
        &mut self,
        cx: &StepCx<'_, F>,
        batch: &Self::Batch,
        batch_idx: usize,
        dataloader_idx: usize,
    ) {
        let _ = (cx, batch, batch_idx, dataloader_idx);
    }
    /// After a batch, with what its step returned.
    fn on_validation_batch_end(
        &mut self,
        cx: &StepCx<'_, F>,
        output: Option<&Self::ValOutput>,
        batch: &Self::Batch,
        batch_idx: usize,
        dataloader_idx: usize,
    ) {
        let _ = (cx, output, batch, batch_idx, dataloader_idx);
    }
    /// After the last batch, the last chance to log.
    fn on_validation_epoch_end(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// When the metrics of the pass are complete.
    fn on_validation_end(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// Switches to evaluation.
    fn on_test_model_eval(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
        self.eval();
    }
    /// After the switches are back as they were.
    fn on_test_model_train(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// Before a pass over the test data.
    fn on_test_start(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// Before its first batch.
    fn on_test_epoch_start(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// Before a batch.
    fn on_test_batch_start(
        &mut self,
        cx: &StepCx<'_, F>,
        batch: &Self::Batch,
        batch_idx: usize,
        dataloader_idx: usize,
    ) {
        let _ = (cx, batch, batch_idx, dataloader_idx);
    }
    /// After a batch, with what its step returned.
    fn on_test_batch_end(
        &mut self,
        cx: &StepCx<'_, F>,
        output: Option<&Self::TestOutput>,
        batch: &Self::Batch,
        batch_idx: usize,
        dataloader_idx: usize,
    ) {
        let _ = (cx, output, batch, batch_idx, dataloader_idx);
    }
    /// After the last batch, the last chance to log.
    fn on_test_epoch_end(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// When the metrics of the pass are complete.
    fn on_test_end(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// Switches to evaluation.
    fn on_predict_model_eval(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
        self.eval();
    }
    /// Before a pass of predictions.
    fn on_predict_start(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// Before its first batch.
    fn on_predict_epoch_start(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// Before a batch.
    fn on_predict_batch_start(
        &mut self,
        cx: &StepCx<'_, F>,
        batch: &Self::Batch,
        batch_idx: usize,
        dataloader_idx: usize,
    ) {
        let _ = (cx, batch, batch_idx, dataloader_idx);
    }
    /// After a batch, with its prediction.
    fn on_predict_batch_end(
        &mut self,
        cx: &StepCx<'_, F>,
        output: Option<&Self::Prediction>,
        batch: &Self::Batch,
        batch_idx: usize,
        dataloader_idx: usize,
    ) {
        let _ = (cx, output, batch, batch_idx, dataloader_idx);
    }
    /// After the last batch.
    fn on_predict_epoch_end(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
    /// After the pass.
    fn on_predict_end(&mut self, cx: &StepCx<'_, F>) {
        let _ = cx;
    }
}

/// Something that knows how many samples it holds, the weight of its logged values in an epoch's mean.
pub trait BatchSize {
    /// Number of samples.
    fn batch_size(&self) -> usize;
}

/// The length of the first axis; 1 without axes.
impl<S: RawData, D: Dimension> BatchSize for ArrayBase<S, D> {
    fn batch_size(&self) -> usize {
        self.shape().first().copied().unwrap_or(1)
    }
}

/// One sample an element.
impl BatchSize for Vec<usize> {
    fn batch_size(&self) -> usize {
        self.len()
    }
}

/// Inputs and targets have one size; the inputs are asked.
impl<A: BatchSize, B> BatchSize for (A, B) {
    fn batch_size(&self) -> usize {
        self.0.batch_size()
    }
}
