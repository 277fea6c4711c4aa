//! MMDynamic in candle.
//!
//! candle has no Adam with the decay in the gradient; its AdamW does the same amount of work.

use crate::job::{Job, Model};
use crate::serve::Run;
use crate::products::numbers;
use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::ops::{dropout, log_softmax, sigmoid, softmax};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use std::hint::black_box;

struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// `variables` takes what is to be learnt; without it nothing is recorded for a backward pass.
    fn new(inputs: usize, outputs: usize, variables: &mut Option<Vec<Var>>) -> Result<Self> {
        let deviation = (2.0 / (inputs + outputs) as f64).sqrt();
        let weight = Var::randn_f64(0.0, deviation, (outputs, inputs), DType::F32, &Device::Cpu)?;
        let bias = Var::zeros(outputs, DType::F32, &Device::Cpu)?;
        let Some(variables) = variables else {
            return Ok(Linear { weight: weight.as_detached_tensor(), bias: bias.as_detached_tensor() });
        };
        variables.extend([weight.clone(), bias.clone()]);
        Ok(Linear { weight: weight.into_inner(), bias: bias.into_inner() })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.matmul(&self.weight.t()?)?.broadcast_add(&self.bias)
    }
}

struct View {
    gate: Linear,
    encoder: Linear,
    confidence: Linear,
    classifier: Linear,
}

struct MmDynamic {
    views: Vec<View>,
    fused: Linear,
}

impl MmDynamic {
    fn new(model: &Model, variables: &mut Option<Vec<Var>>) -> Result<Self> {
        let mut linear = |inputs, outputs| Linear::new(inputs, outputs, variables);
        let mut views = Vec::new();
        for &width in &model.widths {
            views.push(View {
                gate: linear(width, width)?,
                encoder: linear(width, model.hidden)?,
                confidence: linear(model.hidden, 1)?,
                classifier: linear(model.hidden, model.classes)?,
            });
        }
        Ok(MmDynamic { views, fused: linear(model.widths.len() * model.hidden, model.classes)? })
    }

    /// Logits of the fused classifier, and the terms of the loss that belong to the views.
    fn forward(&self, data: &[Tensor], labels: Option<&Tensor>) -> Result<(Tensor, Option<Tensor>)> {
        let (mut features, mut terms) = (Vec::new(), None);
        for (view, x) in self.views.iter().zip(data) {
            let gate = sigmoid(&view.gate.forward(x)?)?;
            let mut h = view.encoder.forward(&(x * &gate)?)?.relu()?;
            if labels.is_some() {
                h = dropout(&h, 0.5)?;
            }
            let confidence = view.confidence.forward(&h)?;
            if let Some(labels) = labels {
                let logits = view.classifier.forward(&h)?;
                let target = softmax(&logits, D::Minus1)?.gather(labels, 1)?;
                let mse = (&confidence - target)?.sqr()?.mean_all()?;
                let term = ((gate.mean_all()? + mse)? + cross_entropy(&logits, labels)?)?;
                terms = Some(match terms {
                    None => term,
                    Some(sum) => (sum + term)?,
                });
            }
            features.push(h.broadcast_mul(&confidence)?);
        }
        Ok((self.fused.forward(&Tensor::cat(&features, 1)?)?, terms))
    }

    fn loss(&self, data: &[Tensor], labels: &Tensor) -> Result<Tensor> {
        let (logits, terms) = self.forward(data, Some(labels))?;
        cross_entropy(&logits, labels)? + terms.expect("there are labels")
    }
}

fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    log_softmax(logits, D::Minus1)?.gather(labels, 1)?.mean_all()?.neg()
}

/// A batch: one matrix per view, and the labels as a column.
fn batch(model: &Model) -> Result<(Vec<Tensor>, Tensor)> {
    let view = |&width: &usize| {
        let values: Vec<f32> = numbers(model.rows * width).map(|x| x as f32).collect();
        Tensor::from_vec(values, (model.rows, width), &Device::Cpu)
    };
    let labels: Vec<u32> = (0..model.rows).map(|row| (row % model.classes) as u32).collect();
    let labels = Tensor::from_vec(labels, (model.rows, 1), &Device::Cpu)?;
    Ok((model.widths.iter().map(view).collect::<Result<_>>()?, labels))
}

/// The job of a model, ready to be run.
pub(crate) fn prepare(job: &Job) -> std::result::Result<Run, String> {
    ready(job).map_err(|error| error.to_string())
}

fn ready(job: &Job) -> Result<Run> {
    let (Job::Step(shape) | Job::Inference(shape) | Job::Update(shape)) = job else {
        candle_core::bail!("candle's products are those of the crate gemm");
    };
    let mut variables = if let Job::Inference(_) = job { None } else { Some(Vec::new()) };
    let (model, (data, labels)) = (MmDynamic::new(shape, &mut variables)?, batch(shape)?);
    let Some(variables) = variables else {
        let probabilities = move || -> Result<Vec<Vec<f32>>> {
            softmax(&model.forward(&data, None)?.0, D::Minus1)?.to_vec2()
        };
        return Ok(Box::new(move || drop(black_box(probabilities().expect("shapes that fit")))));
    };
    let params = ParamsAdamW { lr: 1e-4, weight_decay: 1e-4, ..ParamsAdamW::default() };
    let mut adam = AdamW::new(variables, params)?;
    if let Job::Update(_) = job {
        let grads = model.loss(&data, &labels)?.backward()?;
        return Ok(Box::new(move || adam.step(&grads).expect("shapes that fit")));
    }
    Ok(Box::new(move || {
        let loss = model.loss(&data, &labels).expect("shapes that fit");
        adam.backward_step(&loss).expect("shapes that fit");
    }))
}
