//! Ablations, the noise-aware confidence and weighted losses, against PyTorch and against finite differences.

mod torch_support;

use lightning_core::data::DataLoader;
use lightning_core::nn::Module;
use lightning_core::{Float, Seed, Tape, Trainer};
use mmdynamic::{
    Confidence, Config, Hyperparameters, LossWeights, MmDynamic, MultiViewBatch, MultiViewDataset,
};
use ndarray::{ArrayD, Ix2};
use serde_json::Value;
use std::collections::BTreeMap;
use torch_support::{Close, fixture, named, tensor, usizes};

fn config(fixture: &Value, variant: &Value) -> Config {
    let (parts, weights) = (&variant["parts"], &variant["weights"]);
    Config {
        hidden_dim: usizes(&fixture["config"]["hidden_dim"]),
        dropout: 0.0,
        gates: parts["gates"].as_bool().unwrap_or(true),
        confidence: match &parts["confidence"] {
            Value::Null => Confidence::Linear,
            name => serde_json::from_value(name.clone()).expect("a kind of confidence"),
        },
        loss: serde_json::from_value::<LossWeights>(weights.clone()).expect("weights"),
        ..Config::default()
    }
}

fn batch<F: Float>(variant: &Value) -> MultiViewBatch<F> {
    let view = |view: &Value| tensor(view).into_dimensionality::<Ix2>().expect("a matrix").into_shared();
    MultiViewBatch {
        views: variant["data"].as_array().expect("a list").iter().map(view).collect(),
        labels: usizes(&variant["labels"]),
    }
}

/// A model with the recorded weights; its reference, where it has one, is the data itself.
fn model<F: Float>(fixture: &Value, variant: &Value) -> MmDynamic<F> {
    let hparams = Hyperparameters {
        in_dim: usizes(&fixture["config"]["in_dim"]),
        num_class: 3,
        binary: false,
        config: config(fixture, variant),
    };
    let model = MmDynamic::new(hparams, Seed(0)).expect("a model");
    let mut state: BTreeMap<String, ArrayD<F>> = named(&variant["state_dict"]);
    let batch = batch::<F>(variant);
    for (view, (reference, rows)) in model.view_reference.iter().zip(&batch.views).enumerate() {
        reference.see(rows.view());
        let of = |name: &str| format!("ViewReference.{view}.{name}");
        state.insert(of("mean"), reference.mean.value().into_owned());
        state.insert(of("variance"), reference.variance.value().into_owned());
        state.insert(of("count"), reference.count.value().into_owned());
    }
    model.load_state_dict(&state).expect("the same names and shapes");
    let numbers: usize = state.values().map(|array| array.len()).sum();
    assert_eq!(model.hparams().parameter_count(), numbers as u64, "{}", variant["name"]);
    model
}

fn variants(fixture: &Value) -> &Vec<Value> {
    fixture["variants"].as_array().expect("a list")
}

fn check<F: Close>() {
    let fixture = fixture("mmdynamic_variants");
    assert_eq!(variants(&fixture).len(), 9);
    for variant in variants(&fixture) {
        let (model, batch, run) =
            (model::<F>(&fixture, variant), batch::<F>(variant), &variant["runs"][F::DTYPE]);
        let what = |part: &str| format!("{}: {part}", variant["name"]);
        let tape = Tape::new();
        let data: Vec<_> = batch.views.iter().map(|view| tape.constant(view.clone())).collect();
        let forward = model.forward(&data);
        F::check(&what("MMlogit"), &forward.mm_logit.value().to_owned(), &tensor(&run["MMlogit"]));
        let confidences = run["TCPConfidence"].as_array().expect("a list");
        assert_eq!(forward.tcp_confidence.len(), confidences.len(), "{}", what("confidences"));
        for (ours, torch) in forward.tcp_confidence.iter().zip(confidences) {
            F::check(&what("TCPConfidence"), &ours.value().to_owned(), &tensor(torch));
        }
        let terms = model.loss_terms(&forward, &batch.labels);
        let scalar = |x: f64| ndarray::arr0(F::of(x)).into_dyn();
        let total = run["loss"]["total"].as_f64().expect("a number");
        F::check(&what("total"), &terms.total().value().to_owned(), &scalar(total));
        assert!((terms.values().total() - total).abs() < 1e-5, "{}", what("total of numbers"));
        // A term of weight 0 is not there at all.
        for (name, weight) in variant["weights"].as_object().expect("weights") {
            let ours: Vec<f64> = match name.as_str() {
                "classifier" => terms.values().classifier_ce.into_iter().collect(),
                "gate_l1" => terms.values().gate_l1,
                "confidence" => terms.values().tcp_regression,
                _ => terms.values().tcp_ce,
            };
            if weight.as_f64() == Some(0.0) {
                assert!(ours.is_empty(), "{}", what(name));
            }
        }
        terms.total().backward();
        let expected = named::<F>(&run["gradients"]);
        for (name, parameter) in model.named_parameters().iter().filter(|(_, p)| p.requires_grad()) {
            // PyTorch computes the gradient of a term and multiplies it by 0.
            let ours = parameter.grad().unwrap_or_else(|| ArrayD::zeros(parameter.shape()));
            let none = ArrayD::zeros(parameter.shape());
            F::check(&what(name), &ours, expected.get(name).unwrap_or(&none));
        }
    }
}

#[test]
fn every_variant_equals_pytorch_in_f64() {
    check::<f64>();
}

#[test]
fn every_variant_equals_pytorch_in_f32() {
    check::<f32>();
}

/// Relative to the loss at one element of a parameter, moved by ±h.
fn slope(model: &MmDynamic<f64>, batch: &MultiViewBatch<f64>, name: &str, at: usize) -> f64 {
    const H: f64 = 1e-6;
    let parameters: BTreeMap<_, _> = model.named_parameters().into_iter().collect();
    let parameter = &parameters[name];
    let start = parameter.value().into_owned();
    let loss_at = |move_by: f64| {
        let mut moved = start.clone();
        *moved.iter_mut().nth(at).expect("an element") += move_by;
        parameter.set_value(moved.view());
        model.loss_of(batch).total()
    };
    let slope = (loss_at(H) - loss_at(-H)) / (2.0 * H);
    parameter.set_value(start.view());
    slope
}

#[test]
fn gradients_of_every_variant_are_the_slopes_of_its_loss() {
    let fixture = fixture("mmdynamic_variants");
    for variant in variants(&fixture) {
        let (model, batch) = (model::<f64>(&fixture, variant), batch::<f64>(variant));
        let tape = Tape::new();
        let data: Vec<_> = batch.views.iter().map(|view| tape.constant(view.clone())).collect();
        model.loss_terms(&model.forward(&data), &batch.labels).total().backward();
        for (name, parameter) in model.named_parameters().iter().filter(|(_, p)| p.requires_grad()) {
            let gradient = parameter.grad().unwrap_or_else(|| ArrayD::zeros(parameter.shape()));
            for (at, gradient) in gradient.iter().enumerate() {
                let slope = slope(&model, &batch, name, at);
                let close = (slope - gradient).abs() <= 1e-7 * (1.0 + gradient.abs());
                assert!(close, "{}, {name}[{at}]: gradient {gradient}, slope {slope}", variant["name"]);
            }
        }
    }
}

#[test]
fn the_reference_is_gathered_in_the_first_epoch_and_then_stands_still() {
    let fixture = fixture("mmdynamic_variants");
    let variant =
        variants(&fixture).iter().find(|v| v["name"] == "noise-aware confidence").expect("it is there");
    let rows = batch::<f64>(variant);
    let trained = |epochs: usize| {
        let hparams = Hyperparameters {
            in_dim: usizes(&fixture["config"]["in_dim"]),
            num_class: 3,
            binary: false,
            config: config(&fixture, variant),
        };
        let mut model = MmDynamic::<f64>::new(hparams, Seed(1)).expect("a model");
        let loader = DataLoader::new(MultiViewDataset::new(rows.clone()), 4).shuffled(Seed(1));
        let mut trainer = Trainer { max_epochs: epochs, ..Trainer::default() };
        trainer.fit(&mut model, &loader, None::<&Vec<_>>).expect("a fit");
        model
    };
    let (one, three) = (trained(1), trained(3));
    for (view, (a, b)) in one.view_reference.iter().zip(&three.view_reference).enumerate() {
        assert_eq!(a.mean.value(), b.mean.value());
        let all = mmdynamic::Reference::<f64>::unknown(rows.views[view].ncols());
        all.see(rows.views[view].view());
        f64::check("mean", &a.mean.value().into_owned(), &all.mean.value().into_owned());
        f64::check("variance", &a.variance.value().into_owned(), &all.variance.value().into_owned());
        assert_eq!(a.count.value().sum(), 11.0);
    }
}
