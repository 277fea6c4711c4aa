//! A run that stops anywhere and goes on ends as if it had never stopped: the same bits everywhere.

use lightning_core::callbacks::{Callback, CallbackResult, Kind};
use lightning_core::checkpoint::Checkpoint;
use lightning_core::data::{DataLoader, Dataset};
use lightning_core::loggers::{Logger, MetricsRow};
use lightning_core::nn::{Collector, Dropout, Layer, Linear, Module};
use lightning_core::optim::{
    GradientClip, Interval, LrScheduler, Optimizer, Optimizers, Schedule, SchedulerError, StateDict,
    StateError,
};
use lightning_core::trainer::{Resume, ValCheckInterval};
use lightning_core::{
    FitReport, LightningModule, LogOptions, Parameter, Seed, State, StepCx, StopReason, Trainer, Var,
};
use ndarray::{ArcArray2, Array2, ArrayD};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Rows of a line with noise.
struct Rows;
impl Dataset for Rows {
    type Batch = (ArcArray2<f32>, ArcArray2<f32>);
    fn len(&self) -> usize {
        23
    }
    fn batch(&self, indices: &[usize]) -> Self::Batch {
        let x =
            Array2::from_shape_fn((indices.len(), 3), |(i, j)| ((indices[i] * 7 + j * 5) % 11) as f32 / 11.0);
        let y = Array2::from_shape_fn((indices.len(), 1), |(i, _)| (indices[i] % 5) as f32 / 5.0);
        (x.into_shared(), y.into_shared())
    }
}

struct Net {
    hidden: Linear,
    dropout: Dropout,
    out: Linear,
    /// Something of the module's own that learns from what it sees.
    seen: u64,
    skips: fn(usize, usize) -> bool,
}

impl Net {
    fn new() -> Self {
        let mut rng = Seed(3).stream("init");
        Net {
            hidden: Linear::new(3, 8, &mut rng),
            dropout: Dropout::new(0.5),
            out: Linear::new(8, 1, &mut rng),
            seen: 0,
            skips: |_, _| false,
        }
    }
    fn forward<'s>(&self, x: Var<'s>) -> Var<'s> {
        self.out.forward(self.dropout.forward(self.hidden.forward(x).relu()))
    }
}

impl Module for Net {
    fn collect<'a>(&'a self, into: &mut Collector<'a>) {
        into.child("hidden", &self.hidden);
        into.child("dropout", &self.dropout);
        into.child("out", &self.out);
    }
}

impl LightningModule for Net {
    type Batch = (ArcArray2<f32>, ArcArray2<f32>);
    type ValOutput = ();
    type TestOutput = ();
    type Prediction = ();

    fn training_step<'s>(
        &mut self,
        cx: &StepCx<'s>,
        (x, y): &Self::Batch,
        batch_idx: usize,
    ) -> Option<Var<'s>> {
        self.seen += x.nrows() as u64;
        let loss = self.forward(cx.input(x)).mse_loss(cx.input(y));
        cx.log_with("loss", loss, LogOptions::on_step_and_epoch());
        cx.log_with("seen", self.seen, LogOptions::on_epoch());
        // Every seventh batch is left out.
        (!(cx.progress().batches + batch_idx as u64).is_multiple_of(7)).then_some(loss)
    }
    fn on_train_batch_start(
        &mut self,
        cx: &StepCx<'_>,
        _: &Self::Batch,
        batch_idx: usize,
    ) -> ControlFlow<()> {
        match (self.skips)(cx.current_epoch(), batch_idx) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
    fn validation_step(&mut self, cx: &StepCx<'_>, (x, y): &Self::Batch, _: usize) -> Option<()> {
        cx.log("val_loss", self.forward(cx.input(x)).mse_loss(cx.input(y)));
        Some(())
    }
    fn configure_optimizers(&self) -> Optimizers {
        let plateau = Schedule {
            monitor: Some("val_loss".into()),
            strict: false,
            interval: Interval::Step,
            ..Schedule::new(Fading { watches: true, best: f64::INFINITY, steps: 0 })
        };
        let epochs = Schedule {
            monitor: Some("loss".into()),
            ..Schedule::new(Fading { watches: true, best: 0.0, steps: 0 })
        };
        let steps =
            Schedule { frequency: 2, ..Schedule::every_step(Fading { watches: false, best: 0.0, steps: 0 }) };
        Optimizers::new(Momentum::new(self.parameters())).schedule(steps).schedule(plateau).schedule(epochs)
    }
    fn on_save_checkpoint(&self) -> serde_json::Value {
        self.seen.into()
    }
    fn on_load_checkpoint(&mut self, saved: &serde_json::Value) {
        self.seen = saved.as_u64().expect("a number");
    }
}

/// Gradient descent with a memory.
struct Momentum {
    parameters: Vec<Parameter>,
    lr: f64,
    velocity: Vec<ArrayD<f32>>,
}
impl Momentum {
    fn new(parameters: Vec<Parameter>) -> Self {
        let velocity = parameters.iter().map(|p| ArrayD::zeros(p.shape())).collect();
        Momentum { parameters, lr: 0.1, velocity }
    }
}
impl Optimizer for Momentum {
    fn name(&self) -> &'static str {
        "Momentum"
    }
    fn step(&mut self) {
        for (parameter, velocity) in self.parameters.iter().zip(&mut self.velocity) {
            parameter.update(|mut value, grad| {
                velocity.zip_mut_with(&grad, |v, g| *v = 0.9 * *v + g);
                value.scaled_add(-self.lr as f32, velocity);
            });
        }
    }
    fn groups(&self) -> usize {
        1
    }
    fn parameters(&self, _: usize) -> &[Parameter] {
        &self.parameters
    }
    fn lr(&self, _: usize) -> f64 {
        self.lr
    }
    fn set_lr(&mut self, _: usize, lr: f64) {
        self.lr = lr;
    }
    fn momentum(&self, _: usize) -> Option<f64> {
        None
    }
    fn set_momentum(&mut self, _: usize, _: f64) {}
    fn state_dict(&self) -> StateDict {
        let arrays = self.velocity.iter().enumerate().map(|(i, v)| (i.to_string(), v.clone())).collect();
        StateDict { numbers: [("lr".to_owned(), self.lr)].into(), arrays }
    }
    fn load_state_dict(&mut self, state: &StateDict) -> Result<(), StateError> {
        self.lr = state.number("lr")?;
        for (i, velocity) in self.velocity.iter_mut().enumerate() {
            *velocity = state.array(&i.to_string(), velocity.shape())?.clone();
        }
        Ok(())
    }
}

/// Lowers the rate at every step, or when what it watches got worse.
struct Fading {
    watches: bool,
    best: f64,
    steps: u64,
}
impl LrScheduler for Fading {
    fn start(&mut self, _: &mut dyn Optimizer) {}
    fn step(&mut self, optimizer: &mut dyn Optimizer, metric: Option<f64>) -> Result<(), SchedulerError> {
        self.steps += 1;
        let is_worse = metric.is_none_or(|metric| metric >= self.best);
        self.best = metric.map_or(self.best, |metric| metric.min(self.best));
        if is_worse {
            optimizer.set_lr(0, optimizer.lr(0) * (1.0 - 0.01 / self.steps as f64));
        }
        Ok(())
    }
    fn needs_metric(&self) -> bool {
        self.watches
    }
    fn state_dict(&self) -> StateDict {
        let numbers = [("best".to_owned(), self.best), ("steps".to_owned(), self.steps as f64)].into();
        StateDict { numbers, ..StateDict::default() }
    }
    fn load_state_dict(&mut self, state: &StateDict) -> Result<(), StateError> {
        (self.best, self.steps) = (state.number("best")?, state.number("steps")? as u64);
        Ok(())
    }
}

/// Keeps every checkpoint it is given, and the learning rate after every batch.
struct Keep {
    dir: PathBuf,
    lrs: Vec<f64>,
}
impl Callback for Keep {
    fn name(&self) -> &str {
        "Keep"
    }
    fn kind(&self) -> Kind {
        Kind::Checkpoint
    }
    fn on_train_batch_end(&mut self, state: &State<'_>) -> CallbackResult {
        self.lrs.push(state.optimizer(0).lr());
        state.request_checkpoint();
        Ok(())
    }
    fn on_train_epoch_end(&mut self, state: &State<'_>) -> CallbackResult {
        state.request_checkpoint();
        Ok(())
    }
    fn on_checkpoint(&mut self, _: &State<'_>, checkpoint: &Arc<Checkpoint>) -> CallbackResult {
        let path = self.dir.join(format!("{:03}.ckpt", checkpoint.position.saves));
        Ok(checkpoint.write(&path)?)
    }
    fn state_dict(&self) -> serde_json::Value {
        serde_json::json!(self.lrs)
    }
    fn load_state_dict(&mut self, saved: &serde_json::Value) -> CallbackResult {
        self.lrs = serde_json::from_value(saved.clone())?;
        Ok(())
    }
}

/// Sets a flag after so many batches.
struct Pull(Arc<AtomicBool>, u64);
impl Callback for Pull {
    fn name(&self) -> &str {
        "Pull"
    }
    fn on_after_backward(&mut self, state: &State<'_>) -> CallbackResult {
        if state.progress.batches == self.1 {
            self.0.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// All rows with their places.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);
impl Logger for Log {
    fn name(&self) -> &str {
        "log"
    }
    fn log_metrics(&mut self, row: &MetricsRow<'_>) -> std::io::Result<()> {
        let metrics: Vec<String> = row.metrics.iter().map(|m| format!("{} {:?}", m.name, m.value)).collect();
        let text = format!("{} {} {} {metrics:?}", row.stage.name(), row.epoch, row.step);
        self.0.lock().expect("no panic before").push(text);
        Ok(())
    }
}

struct Outcome {
    net: Net,
    report: FitReport,
    rows: Vec<String>,
}

fn run(dir: &Path, change: impl FnOnce(&mut Trainer, &mut Net)) -> Outcome {
    let log = Log::default();
    let mut trainer = Trainer {
        max_epochs: 4,
        seed: Seed(5),
        accumulate_grad_batches: 3,
        gradient_clip: Some(GradientClip::Norm(0.5)),
        val_check_interval: ValCheckInterval::Batches(5),
        log_every_n_steps: 1,
        callbacks: vec![Box::new(Keep { dir: dir.to_owned(), lrs: Vec::new() })],
        loggers: vec![Box::new(log.clone())],
        ..Trainer::default()
    };
    let mut net = Net::new();
    change(&mut trainer, &mut net);
    let train = DataLoader::new(Rows, 3).shuffled(Seed(5));
    let validation = DataLoader::new(Rows, 10);
    let report = trainer.fit(&mut net, &train, Some(&validation)).expect("a fit");
    let rows = log.0.lock().expect("no panic before").clone();
    Outcome { net, report, rows }
}

fn checkpoints(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("the folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// Weights, rate, counters, metrics; the time is the only thing that differs.
fn same_end(found: &Outcome, whole: &Outcome, dirs: [&Path; 2], what: &str) {
    assert_eq!(found.net.state_dict(), whole.net.state_dict(), "weights, {what}");
    assert_eq!(found.net.seen, whole.net.seen, "{what}");
    let numbers = |o: &Outcome| {
        (
            o.report.epochs,
            o.report.global_step,
            o.report.batches,
            o.report.skipped_batches,
            o.report.metrics.clone(),
        )
    };
    assert_eq!(numbers(found), numbers(whole), "{what}");
    let last = |dir: &Path| {
        let mut last: Checkpoint = Checkpoint::read(checkpoints(dir).last().expect("one")).expect("whole");
        last.loops["seconds"] = 0.into();
        last
    };
    assert_eq!(last(dirs[0]), last(dirs[1]), "the last checkpoint, {what}");
}

#[test]
fn a_run_resumed_from_any_of_its_checkpoints_ends_with_the_same_bits() {
    let whole_dir = tempfile::tempdir().expect("a folder");
    let whole = run(whole_dir.path(), |_, _| ());
    assert!(whole.report.skipped_batches > 0 && whole.report.global_step > 8);
    let saved = checkpoints(whole_dir.path());
    assert_eq!(saved.len(), 4 * 8 + 4, "one a batch and one an epoch");
    for path in &saved {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::copy(path, dir.path().join(path.file_name().expect("a name"))).expect("a copy");
        let resumed = run(dir.path(), |trainer, _| trainer.resume = Some(Resume::Path(path.clone())));
        same_end(&resumed, &whole, [dir.path(), whole_dir.path()], &path.display().to_string());
        let rest = &whole.rows[whole.rows.len() - resumed.rows.len()..];
        assert_eq!(resumed.rows, rest, "no row is lost and none is there twice");
    }
}

#[test]
fn an_interrupted_run_finishes_its_batch_and_goes_on_from_there() {
    let whole_dir = tempfile::tempdir().expect("a folder");
    let whole = run(whole_dir.path(), |_, _| ());
    for batch in 0..16 {
        let dir = tempfile::tempdir().expect("a folder");
        let flag = Arc::new(AtomicBool::new(false));
        let first = run(dir.path(), |trainer, _| {
            trainer.interrupt = Some(flag.clone());
            trainer.callbacks.insert(0, Box::new(Pull(flag, batch)));
        });
        if first.report.stop != StopReason::Interrupted {
            continue; // that batch was skipped: there was no backward pass
        }
        assert_eq!(first.report.batches, batch + 1);
        let resumed = run(dir.path(), |trainer, _| {
            trainer.resume = Some(Resume::Last(dir.path().to_owned()));
        });
        assert_eq!(resumed.net.state_dict(), whole.net.state_dict(), "interrupted in batch {batch}");
        assert_eq!([first.rows, resumed.rows].concat(), whole.rows, "interrupted in batch {batch}");
    }
}

#[test]
fn an_epoch_that_the_module_cut_stays_cut() {
    let skips: fn(usize, usize) -> bool = |epoch, batch_idx| epoch == 1 && batch_idx == 4;
    let whole_dir = tempfile::tempdir().expect("a folder");
    let whole = run(whole_dir.path(), |_, net| net.skips = skips);
    assert_eq!(whole.report.batches, 8 * 3 + 4);
    for path in checkpoints(whole_dir.path()) {
        let dir = tempfile::tempdir().expect("a folder");
        let resumed = run(dir.path(), |trainer, net| {
            trainer.resume = Some(Resume::Path(path.clone()));
            net.skips = skips;
        });
        assert_eq!(resumed.net.state_dict(), whole.net.state_dict(), "{}", path.display());
        let rest = &whole.rows[whole.rows.len() - resumed.rows.len()..];
        assert_eq!(resumed.rows, rest, "{}", path.display());
    }
}

#[test]
fn a_run_that_had_done_all_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    run(dir.path(), |trainer, _| trainer.max_epochs = 3);
    for (max_epochs, max_steps) in [(3, None), (2, None), (9, Some(5))] {
        let again = run(dir.path(), |trainer, _| {
            trainer.resume = Some(Resume::Last(dir.path().to_owned()));
            (trainer.max_epochs, trainer.max_steps) = (max_epochs, max_steps);
        });
        let text = again.report.stop.to_string();
        assert!(text.starts_with("nothing to do: 3 epochs and "), "{text}");
    }
    let longer = run(dir.path(), |trainer, _| {
        trainer.resume = Some(Resume::Last(dir.path().to_owned()));
        trainer.max_epochs = 4;
    });
    assert_eq!((longer.report.stop, longer.report.epochs), (StopReason::MaxEpochs, 4));
}

#[test]
fn a_damaged_checkpoint_is_passed_over_by_name_and_other_data_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let whole = run(dir.path(), |_, _| ());
    let paths = checkpoints(dir.path());
    let newest = paths.last().expect("one");
    let mut bytes = std::fs::read(newest).expect("the file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(newest, bytes).expect("written");
    let resumed = run(dir.path(), |trainer, _| trainer.resume = Some(Resume::Last(dir.path().to_owned())));
    let name = newest.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(
        resumed.report.warnings.iter().any(|warning| warning.contains(&name)),
        "{:?}",
        resumed.report.warnings
    );
    assert_eq!(resumed.net.state_dict(), whole.net.state_dict());

    let mut trainer: Trainer = Trainer { resume: Some(Resume::Path(paths[6].clone())), ..Trainer::default() };
    let shorter = DataLoader::new(Rows, 10);
    let error =
        trainer.fit(&mut Net::new(), &shorter, None::<&DataLoader<Rows>>).expect_err("another loader");
    let text = error.to_string();
    assert!(text.contains("its training loader was "), "{text}");
}

#[test]
fn an_empty_folder_begins_anew_and_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let fresh = run(dir.path(), |trainer, _| {
        trainer.resume = Some(Resume::Last(dir.path().to_owned()));
        trainer.max_epochs = 1;
    });
    assert!(fresh.report.warnings[0].ends_with("nothing to resume, beginning anew"));
    assert_eq!(fresh.report.epochs, 1);
}
