//! MMDynamic in burn, on its own CPU backend.

use crate::job::{Job, Model};
use crate::serve::Run;
use crate::products::numbers;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Initializer, Linear, LinearConfig};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::{log_softmax, relu, sigmoid, softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};
use std::hint::black_box;

#[derive(Module, Debug)]
struct MmDynamic {
    gates: Vec<Linear>,
    encoders: Vec<Linear>,
    confidences: Vec<Linear>,
    classifiers: Vec<Linear>,
    fused: Linear,
    dropout: Dropout,
}

impl MmDynamic {
    fn new(model: &Model, device: &Device) -> Self {
        let linear = |inputs, outputs| {
            let initializer = Initializer::XavierNormal { gain: 1.0 };
            LinearConfig::new(inputs, outputs).with_initializer(initializer).init(device)
        };
        let (widths, hidden) = (&model.widths, model.hidden);
        MmDynamic {
            gates: widths.iter().map(|&width| linear(width, width)).collect(),
            encoders: widths.iter().map(|&width| linear(width, hidden)).collect(),
            confidences: widths.iter().map(|_| linear(hidden, 1)).collect(),
            classifiers: widths.iter().map(|_| linear(hidden, model.classes)).collect(),
            fused: linear(widths.len() * hidden, model.classes),
            dropout: DropoutConfig::new(0.5).init(),
        }
    }

    /// Logits of the fused classifier, and the terms of the loss that belong to the views.
    fn forward(&self, data: &[Tensor<2>], labels: Option<&Tensor<2, Int>>) -> (Tensor<2>, Option<Tensor<1>>) {
        let (mut features, mut terms) = (Vec::new(), None);
        for (view, x) in data.iter().enumerate() {
            let gate = sigmoid(self.gates[view].forward(x.clone()));
            let h = self.dropout.forward(relu(self.encoders[view].forward(x.clone() * gate.clone())));
            let confidence = self.confidences[view].forward(h.clone());
            if let Some(labels) = labels {
                let logits = self.classifiers[view].forward(h.clone());
                let target = softmax(logits.clone(), 1).gather(1, labels.clone());
                let mse = (confidence.clone() - target).powi_scalar(2).mean();
                let term = gate.mean() + mse + cross_entropy(logits, labels);
                terms = Some(terms.map_or_else(|| term.clone(), |sum: Tensor<1>| sum + term.clone()));
            }
            features.push(h * confidence);
        }
        (self.fused.forward(Tensor::cat(features, 1)), terms)
    }

    fn loss(&self, data: &[Tensor<2>], labels: &Tensor<2, Int>) -> Tensor<1> {
        let (logits, terms) = self.forward(data, Some(labels));
        cross_entropy(logits, labels) + terms.expect("there are labels")
    }
}

fn cross_entropy(logits: Tensor<2>, labels: &Tensor<2, Int>) -> Tensor<1> {
    log_softmax(logits, 1).gather(1, labels.clone()).mean().neg()
}

/// A batch: one matrix per view, and the labels as a column.
fn batch(model: &Model, device: &Device) -> (Vec<Tensor<2>>, Tensor<2, Int>) {
    let view = |&width: &usize| {
        let values: Vec<f32> = numbers(model.rows * width).map(|x| x as f32).collect();
        Tensor::from_data(TensorData::new(values, [model.rows, width]), device)
    };
    let labels: Vec<i64> = (0..model.rows).map(|row| (row % model.classes) as i64).collect();
    let labels = Tensor::from_data(TensorData::new(labels, [model.rows, 1]), device);
    (model.widths.iter().map(view).collect(), labels)
}

/// The job of a model, ready to be run.
pub(crate) fn prepare(job: &Job) -> Result<Run, String> {
    let config = AdamConfig::new().with_epsilon(1e-8).with_weight_decay(Some(WeightDecayConfig::new(1e-4)));
    match job {
        Job::Step(shape) => {
            let device = Device::flex().autodiff();
            let (mut model, mut adam) = (Some(MmDynamic::new(shape, &device)), config.init());
            let (data, labels) = batch(shape, &device);
            Ok(Box::new(move || {
                let before = model.take().expect("put back after each step");
                let grads = GradientsParams::from_grads(before.loss(&data, &labels).backward(), &before);
                model = Some(adam.step(1e-4, before, grads));
            }))
        }
        Job::Inference(shape) => {
            let device = Device::flex();
            let (model, (data, _)) = (MmDynamic::new(shape, &device), batch(shape, &device));
            Ok(Box::new(move || drop(black_box(softmax(model.forward(&data, None).0, 1).into_data()))))
        }
        _ => Err("its gradients are used up by a step, so Adam alone is not measured".into()),
    }
}
