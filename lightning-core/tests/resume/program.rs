//! The training that is interrupted: dropout, shuffling, accumulation, clipping, three schedulers, early stopping,
//! top-k checkpoints and loggers, all at once.

use crate::callbacks::{Pace, Patience, TopK};
use lightning_core::callbacks::{self, Callback, ModelCheckpoint, SaveLast};
use lightning_core::checkpoint::write_atomically;
use lightning_core::data::{DataLoader, Prefetch};
use lightning_core::loggers::{CsvLogger, JsonLinesLogger, Logger};
use lightning_core::nn::{Collector, Dropout, Layer, Linear, Module, Relu, Sequential};
use lightning_core::optim::{GradientClip, Optimizers, Schedule};
use lightning_core::trainer::Resume;
use lightning_core::{
    FitReport, Hyperparameters, LightningModule, LogOptions, Seed, StepCx, Trainer, TrainerError, Var,
};
use lightning_optim::{
    Adam, AdamOptions, ExponentialLr, ReduceLrOnPlateau, ReduceLrOnPlateauOptions, StepLr,
};
use ndarray::{ArcArray2, Array2};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub(crate) type Batch = (ArcArray2<f32>, Vec<usize>);

pub(crate) struct Net {
    net: Sequential,
    hparams: Hyperparameters,
}

impl Net {
    pub(crate) fn new() -> Self {
        let mut rng = Seed(11).stream("init");
        let net = Sequential::new()
            .then(Linear::new(2, 12, &mut rng))
            .then(Relu)
            .then(Dropout::new(0.3))
            .then(Linear::new(12, 3, &mut rng));
        Net { net, hparams: serde_json::json!({ "hidden": 12 }).into() }
    }
}

impl Module for Net {
    fn collect<'a>(&'a self, into: &mut Collector<'a>) {
        into.child("net", &self.net);
    }
}

impl LightningModule for Net {
    type Batch = Batch;
    type ValOutput = ();
    type TestOutput = ();
    type Prediction = ();

    fn training_step<'s>(&mut self, cx: &StepCx<'s>, (x, y): &Batch, _: usize) -> Option<Var<'s>> {
        let loss = self.net.forward(cx.input(x)).cross_entropy(y);
        cx.log_with("loss", loss, LogOptions::on_step_and_epoch());
        Some(loss)
    }
    fn validation_step(&mut self, cx: &StepCx<'_>, (x, y): &Batch, _: usize) -> Option<()> {
        cx.log("val_loss", self.net.forward(cx.input(x)).cross_entropy(y));
        Some(())
    }
    fn configure_optimizers(&self) -> Optimizers {
        let adam = Adam::new(self.parameters(), AdamOptions { lr: 0.1, ..Default::default() });
        let plateau = ReduceLrOnPlateau::new(ReduceLrOnPlateauOptions { patience: 1, ..Default::default() });
        let plateau =
            Schedule { monitor: Some("val_loss".into()), ..Schedule::new(plateau.expect("sound options")) };
        Optimizers::new(adam.expect("sound options"))
            .scheduler(StepLr::new(2, 0.9))
            .schedule(Schedule { frequency: 2, ..Schedule::every_step(ExponentialLr::new(0.99)) })
            .schedule(plateau)
    }
    fn hyperparameters(&self) -> Option<&Hyperparameters> {
        Some(&self.hparams)
    }
}

/// Points in three classes; some labels that are held out contradict the rest, so that learning by heart shows.
fn points(n: usize, from: usize) -> Batch {
    let x = Array2::from_shape_fn((n, 2), |(i, j)| (((i + from) * (7 + 4 * j)) % 23) as f32 / 11.5 - 1.0);
    let y = x.rows().into_iter().map(|row| usize::from(row[0] > row[1]) + usize::from(row[0] * row[1] > 0.1));
    let y = y.enumerate().map(|(i, y)| if from > 0 && i % 4 == 0 { (y + 1) % 3 } else { y }).collect();
    (x.into_shared(), y)
}

/// What a run may be told.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) resume: bool,
    /// The fit ends after so many batches, as by a signal.
    pub(crate) stop_after: Option<u64>,
    /// Time that a batch takes.
    pub(crate) slow: std::time::Duration,
    /// The library's own callback keeps checkpoints, one an epoch, instead of one at every second batch.
    pub(crate) by_epoch: bool,
}

pub(crate) const BATCHES: usize = 7;

/// Trains in a folder, from its newest checkpoint on if asked to, and leaves `weights` and `result.json` there.
pub(crate) fn run(folder: &Path, settings: Settings) -> Result<FitReport, TrainerError> {
    let checkpoints = folder.join("checkpoints");
    let train = Prefetch::new(DataLoader::new(points(26, 0), 4).shuffled(Seed(5)), 2);
    let validation = DataLoader::new(points(20, 100), 8);
    let interrupt = Arc::new(AtomicBool::new(false));
    let pace = Pace { stop: (Arc::clone(&interrupt), settings.stop_after), slow: settings.slow };
    let top = TopK::new(&checkpoints);
    let by_epoch = ModelCheckpoint {
        save_top_k: callbacks::TopK::Best(2),
        save_last: SaveLast::Yes,
        ..ModelCheckpoint::monitoring(&checkpoints, "val_loss")
    };
    let (best, handle) = (top.best(), by_epoch.handle());
    let keeper: Box<dyn Callback> = if settings.by_epoch { Box::new(by_epoch) } else { Box::new(top) };
    let loggers: Vec<Box<dyn Logger>> =
        vec![Box::new(CsvLogger::new(folder)), Box::new(JsonLinesLogger::new(folder))];
    let mut trainer = Trainer {
        max_epochs: 20,
        // Early stopping wants to stop two epochs before it may.
        min_epochs: 11,
        seed: Seed(5),
        accumulate_grad_batches: 3,
        gradient_clip: Some(GradientClip::Norm(0.5)),
        log_every_n_steps: 1,
        callbacks: vec![Box::new(pace), Box::new(Patience::default()), keeper],
        loggers,
        resume: settings.resume.then(|| Resume::Last(checkpoints.clone())),
        interrupt: Some(interrupt),
        ..Trainer::default()
    };
    let mut net = Net::new();
    let report = trainer.fit(&mut net, &train, Some(&validation))?;
    let weights: BTreeMap<String, Vec<u32>> = net
        .state_dict()
        .into_iter()
        .map(|(name, array)| (name, array.iter().map(|x| x.to_bits()).collect()))
        .collect();
    let result = serde_json::json!({
        "stop": report.stop.to_string(),
        "epochs": report.epochs,
        "steps": report.global_step,
        "best": *best.lock().expect("no panic before"),
        "best_model": handle.best_model_path().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned())),
        "weights": weights,
    });
    write_atomically(&folder.join("result.json"), result.to_string().as_bytes())
        .map_err(TrainerError::Logger)?;
    Ok(report)
}

/// All that a finished run leaves, by file; the end of a log that says how often it was stopped is left out.
pub(crate) fn remains(folder: &Path) -> BTreeMap<String, String> {
    let mut remains = BTreeMap::new();
    for name in ["result.json", "metrics.csv", "metrics.jsonl", "hparams.yaml"] {
        let text = fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        remains.insert(name.to_owned(), text);
    }
    let mut kept: Vec<String> = fs::read_dir(folder.join("checkpoints"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    kept.sort();
    remains.insert("checkpoints".into(), kept.join("\n"));
    remains
}

/// A run that nothing disturbs.
pub(crate) fn undisturbed(by_epoch: bool) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let report = run(folder.path(), Settings { by_epoch, ..Settings::default() }).expect("a fit");
    // Everything that a resume could get wrong has happened.
    assert_eq!(report.stop.to_string(), "no improvement", "{}", remains(folder.path())["metrics.csv"]);
    let remains = remains(folder.path());
    assert_eq!(remains["checkpoints"].lines().count(), 3, "two of the best and the last: {remains:?}");
    assert!(
        !remains["result.json"].contains(&format!("epoch={}-", report.epochs - 1)),
        "the best is not the last"
    );
    remains
}

/// Compares part by part, so that a difference is named.
pub(crate) fn same(found: &BTreeMap<String, String>, whole: &BTreeMap<String, String>, what: &str) {
    for (name, expected) in whole {
        assert_eq!(&found[name], expected, "{name}, {what}");
    }
}
