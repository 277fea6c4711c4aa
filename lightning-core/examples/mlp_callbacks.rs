//! A classifier of three classes with the callbacks and the logger of a real run.
//!
//! Teaches `ModelCheckpoint` and the handle that knows the best file, `EarlyStopping`, `LearningRateMonitor` and
//! `CsvLogger`, all in a temporary folder here; and how the best weights come back.
//!
//! `cargo run -p lightning-core --example mlp_callbacks`

use lightning_core::callbacks::{EarlyStopping, LearningRateMonitor, ModelCheckpoint};
use lightning_core::checkpoint::Checkpoint;
use lightning_core::data::DataLoader;
use lightning_core::loggers::CsvLogger;
use lightning_core::nn::{Collector, Dropout, Layer, Linear, Module, Relu, Sequential, init};
use lightning_core::optim::Optimizers;
use lightning_core::{LightningModule, Seed, StepCx, Trainer, Var};
use lightning_optim::{Adam, AdamOptions, StepLr};
use ndarray::{ArcArray2, ArrayD, Ix2};

type Batch = (ArcArray2<f32>, Vec<usize>);

struct Mlp {
    net: Sequential,
}

impl Module for Mlp {
    fn collect<'a>(&'a self, into: &mut Collector<'a>) {
        into.child("net", &self.net);
    }
}

impl LightningModule for Mlp {
    type Batch = Batch;
    type ValOutput = ();
    type TestOutput = ();
    type Prediction = ();

    fn training_step<'s>(&mut self, cx: &StepCx<'s>, (x, labels): &Batch, _: usize) -> Option<Var<'s>> {
        let loss = self.net.forward(cx.input(x)).cross_entropy(labels);
        cx.log("train_loss", loss);
        Some(loss)
    }

    fn validation_step(&mut self, cx: &StepCx<'_>, (x, labels): &Batch, _: usize) -> Option<()> {
        let logits = self.net.forward(cx.input(x));
        cx.log("val_loss", logits.cross_entropy(labels));
        let logits = logits.value().into_dimensionality::<Ix2>().expect("a row a sample");
        let is_right =
            |(row, &label): (ndarray::ArrayView1<'_, f32>, &usize)| row.iter().all(|&z| z <= row[label]);
        let hits = logits.rows().into_iter().zip(labels).filter(|&pair| is_right(pair)).count();
        cx.log("val_acc", hits as f64 / labels.len() as f64);
        Some(())
    }

    fn configure_optimizers(&self) -> Optimizers {
        let options = AdamOptions { lr: 0.02, ..Default::default() };
        let opt = Adam::new(self.parameters(), options).expect("sound options");
        Optimizers::new(opt).scheduler(StepLr::new(5, 0.5))
    }
}

/// Three clouds around the corners of a triangle.
fn clouds(n: usize, name: &str) -> Batch {
    let labels: Vec<usize> = (0..n).map(|i| i % 3).collect();
    let mut x: ArrayD<f32> = init::normal(&[n, 2], 0.0, 0.5, &mut Seed(5).stream(name));
    for (mut row, &label) in x.outer_iter_mut().zip(&labels) {
        row[[label % 2]] += 2.0 * label as f32;
    }
    (x.into_dimensionality::<Ix2>().expect("two axes").into_shared(), labels)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (seed, folder) = (Seed(5), tempfile::tempdir()?);
    let train = DataLoader::new(clouds(300, "train"), 32).shuffled(seed);
    let validation = DataLoader::new(clouds(90, "validation"), 90);
    let rng = &mut seed.stream("init");
    let net = Sequential::new().then(Linear::new(2, 16, rng)).then(Relu).then(Dropout::new(0.1));
    let mut model = Mlp { net: net.then(Linear::new(16, 3, rng)) };

    let checkpoint = ModelCheckpoint::monitoring(folder.path().join("checkpoints"), "val_loss");
    let stopping = EarlyStopping { patience: 5, min_delta: 1e-3, ..EarlyStopping::monitoring("val_loss") };
    let (best, stopped) = (checkpoint.handle(), stopping.handle());
    let csv = CsvLogger::new(folder.path());
    let table = csv.path();
    let (monitor, max_epochs) = (LearningRateMonitor::default(), 100);
    let callbacks = vec![Box::new(checkpoint) as _, Box::new(stopping) as _, Box::new(monitor) as _];
    let mut trainer =
        Trainer { max_epochs, seed, callbacks, loggers: vec![Box::new(csv)], ..Trainer::default() };
    let report = trainer.fit(&mut model, &train, Some(&validation))?;

    let file = best.best_model_path().expect("a best epoch");
    Checkpoint::read(&file)?.load_weights(&model, true)?;
    let metrics = trainer.validate(&mut model, &validation)?;
    println!("{} epochs, ended because: {}", report.epochs, report.stop);
    println!("the best weights have {:.1} % right", 100.0 * metrics["val_acc"]);
    assert!(stopped.stopped_epoch().is_some() && report.epochs < max_epochs);
    assert!(metrics["val_acc"] > 0.9);
    assert!(std::fs::read_to_string(table)?.lines().next().is_some_and(|header| header.contains("lr-Adam")));
    Ok(())
}
