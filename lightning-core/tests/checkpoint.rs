//! Weights of a training go into another model, and a training into one that fits.

use lightning_core::checkpoint::{Checkpoint, Position, RestoreError};
use lightning_core::nn::{Collector, Linear, Module};
use lightning_core::optim::Optimizers;
use lightning_core::{Parameter, Seed};
use lightning_optim::{Adam, AdamOptions, StepLr};
use ndarray::ArrayD;

/// An encoder that is shared, and a head of its own.
struct Net {
    encoder: Linear,
    head: (&'static str, Linear),
}

impl Net {
    fn new(head: &'static str, classes: usize, seed: u64) -> Self {
        let mut rng = Seed(seed).stream("init");
        Net { encoder: Linear::new(4, 3, &mut rng), head: (head, Linear::new(3, classes, &mut rng)) }
    }
    fn optimizers(&self) -> Optimizers {
        let adam = Adam::new(self.parameters(), AdamOptions::default()).expect("sound options");
        let mut optimizers = Optimizers::new(adam).scheduler(StepLr::new(1, 0.5));
        optimizers.start().expect("one of each");
        optimizers
    }
}

impl Module for Net {
    fn collect<'a>(&'a self, into: &mut Collector<'a>) {
        into.child("encoder", &self.encoder);
        into.child(self.head.0, &self.head.1);
    }
}

fn gradients(net: &Net, value: f32) {
    for parameter in net.parameters() {
        parameter.set_grad(Some(ArrayD::from_elem(parameter.shape(), value)));
    }
}

fn step(optimizers: &mut Optimizers) {
    optimizers.optimizers[0].step();
    optimizers.schedules[0].scheduler.step(optimizers.optimizers[0].as_mut(), None).expect("a step");
}

/// After two steps, with gradients that wait for the next.
fn trained() -> (Net, Optimizers, Checkpoint) {
    let net = Net::new("head", 2, 1);
    let mut optimizers = net.optimizers();
    for value in [0.5, -0.25] {
        gradients(&net, value);
        step(&mut optimizers);
    }
    gradients(&net, 0.125);
    let captured = Checkpoint::capture(&net.named_parameters(), &optimizers, true);
    let position = Position { batches: 3, ..Position::default() };
    let checkpoint = Checkpoint { position, loops: true.into(), ..captured };
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.ckpt");
    checkpoint.write(&path).expect("written");
    (net, optimizers, Checkpoint::read(&path).expect("whole"))
}

fn bits(net: &Net) -> Vec<u32> {
    net.state_dict()
        .into_values()
        .flat_map(|array| array.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn a_training_goes_on_in_another_process_as_if_it_were_this_one() {
    let (net, mut optimizers, saved) = trained();
    let other = Net::new("head", 2, 9);
    let mut theirs = other.optimizers();
    saved.restore(&other, &mut theirs).expect("the same model");
    let gradient = |net: &Net| net.parameters().iter().map(Parameter::grad).collect::<Vec<_>>();
    assert_eq!(gradient(&other), gradient(&net));
    step(&mut optimizers);
    step(&mut theirs);
    assert_eq!(bits(&other), bits(&net));
    assert_eq!(theirs.optimizers[0].lr(0), optimizers.optimizers[0].lr(0));
}

#[test]
fn weights_alone_go_into_another_model_with_a_list_of_what_differs() {
    let (net, _, saved) = trained();
    let other = Net::new("classifier", 5, 9);
    let before = bits(&other);
    let error = saved.load_weights(&other, true).expect_err("another head");
    assert_eq!(error.0.missing, ["classifier.weight", "classifier.bias"]);
    assert_eq!(bits(&other), before, "nothing moves if it must all fit");
    let report = saved.load_weights(&other, false).expect("what fits");
    assert_eq!(report.missing, ["classifier.weight", "classifier.bias"]);
    assert_eq!(report.unexpected, ["head.bias", "head.weight"]);
    assert_eq!(other.encoder.weight.value(), net.encoder.weight.value());

    let wider = Net::new("head", 5, 9);
    let report = saved.load_weights(&wider, false).expect("what fits");
    let shapes = [("head.weight", [2, 3].to_vec(), [5, 3].to_vec()), ("head.bias", vec![2], vec![5])];
    assert_eq!(report.misshapen, shapes.map(|(name, found, here)| (name.to_owned(), found, here)));
}

#[test]
fn a_training_of_something_else_is_refused_and_changes_no_weight() {
    let (_, _, saved) = trained();
    let other = Net::new("classifier", 2, 9);
    let before = bits(&other);
    let error = saved.restore(&other, &mut other.optimizers()).expect_err("another head").to_string();
    assert!(error.contains("head"), "{error}");
    assert_eq!(bits(&other), before);

    let same = Net::new("head", 2, 9);
    let error = saved.restore(&same, &mut Optimizers::default()).expect_err("no optimizer");
    assert_eq!(error.to_string(), "it has 1 optimizers, configure_optimizers returned 0");
    let weights = Checkpoint { loops: serde_json::Value::Null, ..saved };
    let error = weights.restore(&same, &mut same.optimizers()).expect_err("weights alone");
    assert_eq!(error, RestoreError::WeightsAlone);
}
