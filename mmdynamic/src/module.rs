//! The six sections of the post, in its order.

use crate::batch::MultiViewBatch;
use crate::config::{ConfigError, Hyperparameters};
use crate::loss::LossTerms;
use crate::model::MmDynamic;
use lightning_core::nn::{LoadError, Module};
use lightning_core::optim::Optimizers;
use lightning_core::{Float, LightningModule, LogOptions, Seed, StepCx, Var};
use metrics::{Evaluation, accuracy_score, argmax_rows, evaluate};
use ndarray::{Array2, ArrayD, Axis, Ix2, concatenate};
use std::collections::BTreeMap;

/// What the model says of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Probability of each class, (samples, classes).
    pub probabilities: Array2<f64>,
    /// Confidence of each view, (samples, views). Not bounded to [0, 1] with the post's head; 1 without confidences.
    pub confidences: Array2<f64>,
    /// The mean gate of each view over samples and features; 1 without gates.
    pub mean_gates: Vec<f64>,
}

/// What a test step leaves: probabilities and labels.
pub type TestOutput = (Array2<f64>, Vec<usize>);

impl<F: Float> LightningModule<F> for MmDynamic<F> {
    type Batch = MultiViewBatch<F>;
    type ValOutput = f64;
    type TestOutput = TestOutput;
    type Prediction = Prediction;

    fn training_step<'s>(
        &mut self,
        cx: &StepCx<'s, F>,
        batch: &MultiViewBatch<F>,
        _: usize,
    ) -> Option<Var<'s, F>> {
        if cx.current_epoch() == 0 {
            self.view_reference
                .iter()
                .zip(&batch.views)
                .for_each(|(reference, view)| reference.see(view.view()));
        }
        let terms = self.loss_terms(&self.forward_batch(cx, batch), &batch.labels);
        let loss = terms.total();
        log_terms(cx, loss.item().as_f64(), &terms.values());
        Some(loss)
    }

    fn configure_optimizers(&self) -> Optimizers<F> {
        self.hparams.config.optimizers(self.parameters()).expect("the hyperparameters were checked")
    }

    fn validation_step(&mut self, cx: &StepCx<'_, F>, batch: &MultiViewBatch<F>, _: usize) -> Option<f64> {
        let mm_logit = self.forward_batch(cx, batch).mm_logit;
        let loss = mm_logit.cross_entropy(&batch.labels).item().as_f64();
        cx.log("val_loss", loss);
        cx.log_with(
            "val_acc",
            accuracy(mm_logit, &batch.labels),
            LogOptions { prog_bar: true, ..Default::default() },
        );
        Some(loss)
    }

    /// The post's mean over batches, each alike; `val_loss` is the mean over samples.
    fn validation_epoch_end(&mut self, cx: &StepCx<'_, F>, outputs: Vec<f64>) {
        let avg_loss = outputs.iter().sum::<f64>() / outputs.len() as f64;
        cx.log_with("ptl/val_loss", avg_loss, LogOptions { prog_bar: true, ..Default::default() });
    }

    fn test_step(&mut self, cx: &StepCx<'_, F>, batch: &MultiViewBatch<F>, _: usize) -> Option<TestOutput> {
        Some((probabilities(self.forward_batch(cx, batch).mm_logit), batch.labels.clone()))
    }

    fn test_epoch_end(&mut self, cx: &StepCx<'_, F>, outputs: Vec<TestOutput>) {
        let (probabilities, labels): (Vec<_>, Vec<_>) = outputs.into_iter().unzip();
        let views: Vec<_> = probabilities.iter().map(|p| p.view()).collect();
        let probabilities = concatenate(Axis(0), &views).unwrap_or_default();
        let result = evaluate(&labels.concat(), probabilities.view(), self.hparams.binary);
        for (name, value) in result.iter().flat_map(Evaluation::named) {
            cx.log(&format!("test_{name}"), value);
        }
        self.test_result = Some(result);
    }

    fn predict_step(&self, cx: &StepCx<'_, F>, batch: &MultiViewBatch<F>, _: usize) -> Option<Prediction> {
        let forward = self.forward_batch(cx, batch);
        let views = self.hparams.in_dim.len();
        let confidences = match forward.tcp_confidence.as_slice() {
            [] => Array2::ones((batch.labels.len(), views)),
            each => matrix(lightning_core::concat(each, 1)),
        };
        let mean_gates = match forward.feature_info.as_slice() {
            [] => vec![1.0; views],
            each => each.iter().map(|info| info.mean().item().as_f64()).collect(),
        };
        Some(Prediction { probabilities: probabilities(forward.mm_logit), confidences, mean_gates })
    }

    fn hyperparameters(&self) -> Option<&lightning_core::Hyperparameters> {
        Some(&self.saved)
    }
}

impl<F: Float> MmDynamic<F> {
    /// A model with these weights, in evaluation mode: what a checkpoint holds becomes a model again.
    ///
    /// # Errors
    /// If the hyperparameters make no model or the weights are not its own.
    pub fn from_state_dict(
        hparams: Hyperparameters,
        state_dict: &BTreeMap<String, ArrayD<F>>,
    ) -> Result<Self, FromStateError> {
        let model = MmDynamic::new(hparams, Seed::default())?;
        model.load_state_dict(state_dict)?;
        model.eval();
        Ok(model)
    }

    fn forward_batch<'s>(&self, cx: &StepCx<'s, F>, batch: &MultiViewBatch<F>) -> crate::Forward<'s, F> {
        let data_list: Vec<_> = batch.views.iter().map(|view| cx.input(view)).collect();
        self.forward(&data_list)
    }
}

/// A state that makes no model.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum FromStateError {
    /// The hyperparameters are out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The weights belong to another model.
    #[error(transparent)]
    Weights(#[from] LoadError),
}

/// One by one, as means over the epoch; the loss itself is shown while training.
fn log_terms<F: Float>(cx: &StepCx<'_, F>, loss: f64, terms: &LossTerms<f64>) {
    let epoch = LogOptions { on_step: Some(false), on_epoch: Some(true), ..Default::default() };
    cx.log_with("train_loss", loss, LogOptions { prog_bar: true, ..epoch });
    for (name, term) in terms.named() {
        cx.log_with(&format!("train_{name}"), term, epoch);
    }
}

fn probabilities<F: Float>(logits: Var<'_, F>) -> Array2<f64> {
    matrix(logits.softmax(1))
}

fn matrix<F: Float>(value: Var<'_, F>) -> Array2<f64> {
    value.value().mapv(F::as_f64).into_dimensionality::<Ix2>().expect("samples by columns")
}

/// NaN when a logit is not finite: a diverging model has no accuracy.
fn accuracy<F: Float>(logits: Var<'_, F>, labels: &[usize]) -> f64 {
    let predictions = argmax_rows(matrix(logits).view());
    predictions.and_then(|predictions| accuracy_score(labels, &predictions)).unwrap_or(f64::NAN)
}
