//! The six sections of a model: PyTorch Lightning's `LightningModule`.

use crate::nn::Module;
use crate::optim::Optimizers;
use crate::{Float, Hyperparameters, StepCx, Var};
use ndarray::{ArrayBase, Dimension, RawData};

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
/// `training_step` and `configure_optimizers` are required, all else has a default. Steps get a
/// [`StepCx`] instead of reaching into a trainer: it holds the tape, `log` and, for manual optimization, the
/// optimizers.
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
