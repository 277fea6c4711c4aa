//! The trainer's promises, on the smallest module there is.

use lightning_core::callbacks::{Callback, CallbackResult, Mode, ModelCheckpoint, SaveLast};
use lightning_core::checkpoint::Checkpoint;
use lightning_core::loggers::CsvLogger;
use lightning_core::nn::{Collector, Layer, Linear, Module};
use lightning_core::optim::{
    Interval, LrScheduler, Optimizer, Optimizers, Schedule, SchedulerError, StateDict, StateError,
};
use lightning_core::testing::{GradientDescent, Line, LineBatch, line_batches};
use lightning_core::{
    LightningModule, LogOptions, Parameter, Seed, State, StepCx, StopReason, Trainer, TrainerError, Var,
};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

type NoLoader = Option<&'static Vec<LineBatch>>;
const NO_VALIDATION: NoLoader = None;

fn trainer(max_epochs: usize) -> Trainer {
    Trainer { max_epochs, ..Trainer::default() }
}

fn weights(line: &Line) -> (u32, u32) {
    let bits = |parameter: &Parameter| parameter.value().first().expect("one number").to_bits();
    (bits(&line.layer.weight), bits(line.layer.bias.as_ref().expect("a bias")))
}

/// A module around `Line` whose parts a test can change.
struct Custom {
    line: Line,
    automatic: bool,
    optimizers: fn(&Line) -> Optimizers,
    step: fn(&Custom, Loss<'_, '_>),
    returns: fn(usize) -> bool,
    events: Arc<Mutex<Vec<String>>>,
}

struct Loss<'a, 's> {
    cx: &'a StepCx<'s>,
    loss: Var<'s>,
}

impl Default for Custom {
    fn default() -> Self {
        Custom {
            line: Line::default(),
            automatic: true,
            optimizers: |line| line.configure_optimizers(),
            step: |_, _| (),
            returns: |_| true,
            events: Arc::default(),
        }
    }
}

impl Custom {
    fn note(&self, event: &str) {
        self.events.lock().expect("no panic before").push(event.to_owned());
    }
}

impl Module for Custom {
    fn collect<'a>(&'a self, into: &mut Collector<'a>) {
        self.line.collect(into);
    }
}

impl LightningModule for Custom {
    type Batch = LineBatch;
    type ValOutput = f64;
    type TestOutput = usize;
    type Prediction = ();

    fn automatic_optimization(&self) -> bool {
        self.automatic
    }
    fn training_step<'s>(
        &mut self,
        cx: &StepCx<'s>,
        (x, y): &LineBatch,
        batch_idx: usize,
    ) -> Option<Var<'s>> {
        self.note(&format!("training_step {batch_idx}"));
        let loss = self.line.layer.forward(cx.input(x)).mse_loss(cx.input(y));
        (self.step)(self, Loss { cx, loss });
        (self.returns)(batch_idx).then_some(loss)
    }
    fn validation_step(&mut self, cx: &StepCx<'_>, batch: &LineBatch, batch_idx: usize) -> Option<f64> {
        self.note(&format!("validation_step {batch_idx}"));
        cx.log("val_rows", batch.0.nrows() as f64);
        Some(batch_idx as f64)
    }
    fn validation_epoch_end(&mut self, cx: &StepCx<'_>, outputs: Vec<f64>) {
        self.note(&format!("validation_epoch_end {}", outputs.len()));
        cx.log("ptl/val_loss", cx.current_epoch() as f64);
    }
    fn test_step(&mut self, cx: &StepCx<'_>, _: &LineBatch, batch_idx: usize) -> Option<usize> {
        cx.log("rows", 1.0);
        Some(batch_idx)
    }
    fn test_epoch_end(&mut self, cx: &StepCx<'_>, outputs: Vec<usize>) {
        assert_eq!(outputs, [0, 1]);
        cx.log("outputs", outputs.len() as f64);
    }
    fn configure_optimizers(&self) -> Optimizers {
        (self.optimizers)(&self.line)
    }
}

/// Halves the learning rate at every step; the value it watches, if it does, is noted.
struct Halving {
    watches: bool,
    seen: Arc<Mutex<Vec<f64>>>,
}
impl LrScheduler for Halving {
    fn start(&mut self, _: &mut dyn Optimizer) {}
    fn step(&mut self, optimizer: &mut dyn Optimizer, metric: Option<f64>) -> Result<(), SchedulerError> {
        if self.watches {
            self.seen.lock().expect("no panic before").push(metric.ok_or(SchedulerError::MissingMetric)?);
        }
        optimizer.set_lr(0, optimizer.lr(0) / 2.0);
        Ok(())
    }
    fn needs_metric(&self) -> bool {
        self.watches
    }
    fn state_dict(&self) -> StateDict {
        StateDict::default()
    }
    fn load_state_dict(&mut self, _: &StateDict) -> Result<(), StateError> {
        Ok(())
    }
}
fn halving() -> Halving {
    Halving { watches: false, seen: Arc::default() }
}
fn descent(line: &Line) -> Optimizers {
    Optimizers::new(GradientDescent { parameters: line.parameters(), lr: 0.1 })
}

/// Writes down every event with the learning rate of the moment.
struct Recorder(Arc<Mutex<Vec<String>>>);
impl Recorder {
    fn note(&self, event: &str, state: &State<'_>) -> CallbackResult {
        let text = format!("{event} lr {}", state.optimizer(0).lr());
        self.0.lock().expect("no panic before").push(text);
        Ok(())
    }
}
impl Callback for Recorder {
    fn name(&self) -> &str {
        "Recorder"
    }
    fn on_fit_start(&mut self, state: &State<'_>) -> CallbackResult {
        assert!(state.metrics.is_empty(), "nothing of the sanity check is kept: {:?}", state.metrics);
        self.note("on_fit_start", state)
    }
    fn on_train_epoch_start(&mut self, state: &State<'_>) -> CallbackResult {
        self.note("on_train_epoch_start", state)
    }
    fn on_train_batch_end(&mut self, state: &State<'_>) -> CallbackResult {
        self.note("on_train_batch_end", state)
    }
    fn on_validation_end(&mut self, state: &State<'_>) -> CallbackResult {
        self.note("on_validation_end", state)
    }
    fn on_train_epoch_end(&mut self, state: &State<'_>) -> CallbackResult {
        self.note("on_train_epoch_end", state)
    }
    fn on_fit_end(&mut self, state: &State<'_>) -> CallbackResult {
        self.note("on_fit_end", state)
    }
}

#[test]
fn manual_optimization_equals_automatic_bit_for_bit() {
    let train = |manual| {
        let mut line = Line { manual, ..Line::default() };
        let report = trainer(4).fit(&mut line, &line_batches(), NO_VALIDATION).expect("a fit");
        assert_eq!(report.global_step, 8);
        weights(&line)
    };
    assert_eq!(train(false), train(true));
}

#[test]
fn a_scheduler_by_batch_gives_the_same_bits_in_automatic_and_manual_optimization() {
    let mut automatic = Custom {
        optimizers: |line| descent(line).schedule(Schedule::every_step(halving())),
        ..Custom::default()
    };
    let mut manual = Custom {
        automatic: false,
        optimizers: |line| descent(line).scheduler(halving()),
        step: |_, Loss { cx, loss }| {
            let opt = cx.optimizers();
            opt.zero_grad();
            cx.manual_backward(loss);
            opt.step();
            cx.lr_schedulers().step();
        },
        ..Custom::default()
    };
    trainer(3).fit(&mut automatic, &line_batches(), NO_VALIDATION).expect("a fit");
    trainer(3).fit(&mut manual, &line_batches(), NO_VALIDATION).expect("a fit");
    assert_eq!(weights(&automatic.line), weights(&manual.line));
}

#[test]
fn events_come_in_lightnings_order() {
    let mut module = Custom { optimizers: |line| descent(line).scheduler(halving()), ..Custom::default() };
    let mut trainer = Trainer {
        num_sanity_val_steps: 1,
        callbacks: vec![Box::new(Recorder(module.events.clone()))],
        ..trainer(2)
    };
    let batches = line_batches();
    trainer.fit(&mut module, &batches, Some(&batches)).expect("a fit");
    let events = module.events.lock().expect("no panic before").join("\n");
    let expected = "\
on_fit_start lr 0.1
validation_step 0
validation_epoch_end 1
on_validation_end lr 0.1
on_train_epoch_start lr 0.1
training_step 0
on_train_batch_end lr 0.1
training_step 1
on_train_batch_end lr 0.05
validation_step 0
validation_step 1
validation_epoch_end 2
on_validation_end lr 0.05
on_train_epoch_end lr 0.05
on_train_epoch_start lr 0.05
training_step 0
on_train_batch_end lr 0.05
training_step 1
on_train_batch_end lr 0.025
validation_step 0
validation_step 1
validation_epoch_end 2
on_validation_end lr 0.025
on_train_epoch_end lr 0.025
on_fit_end lr 0.025";
    assert_eq!(events, expected);
}

#[test]
fn schedules_count_their_frequency_over_epochs_and_steps() {
    let lrs = |interval, frequency| {
        let optimizers: fn(&Line) -> Optimizers = match (interval, frequency) {
            (Interval::Step, 3) => {
                |line| descent(line).schedule(Schedule { frequency: 3, ..Schedule::every_step(halving()) })
            }
            (Interval::Epoch, 2) => {
                |line| descent(line).schedule(Schedule { frequency: 2, ..Schedule::new(halving()) })
            }
            _ => unreachable!("two cases"),
        };
        let mut module = Custom { optimizers, ..Custom::default() };
        let events: Arc<Mutex<Vec<String>>> = Arc::default();
        let mut trainer = Trainer { callbacks: vec![Box::new(Recorder(events.clone()))], ..trainer(4) };
        trainer.fit(&mut module, &line_batches(), NO_VALIDATION).expect("a fit");
        let events = events.lock().expect("no panic before");
        events
            .iter()
            .filter_map(|e| e.strip_prefix("on_train_batch_end lr "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(lrs(Interval::Step, 3), ["0.1", "0.1", "0.05", "0.05", "0.05", "0.025", "0.025", "0.025"]);
    assert_eq!(lrs(Interval::Epoch, 2), ["0.1", "0.1", "0.1", "0.05", "0.05", "0.05", "0.05", "0.025"]);
}

#[test]
fn a_plateau_scheduler_sees_the_validation_of_its_epoch() {
    static SEEN: Mutex<Vec<f64>> = Mutex::new(Vec::new());
    let mut module = Custom {
        optimizers: |line| {
            let seen: Arc<Mutex<Vec<f64>>> = Arc::default();
            let watching = Halving { watches: true, seen };
            descent(line).schedule(Schedule {
                monitor: Some("ptl/val_loss".into()),
                ..Schedule::new(Noting(watching))
            })
        },
        ..Custom::default()
    };
    struct Noting(Halving);
    impl LrScheduler for Noting {
        fn start(&mut self, optimizer: &mut dyn Optimizer) {
            self.0.start(optimizer);
        }
        fn step(&mut self, optimizer: &mut dyn Optimizer, metric: Option<f64>) -> Result<(), SchedulerError> {
            SEEN.lock().expect("no panic before").extend(metric);
            self.0.step(optimizer, metric)
        }
        fn needs_metric(&self) -> bool {
            true
        }
        fn state_dict(&self) -> StateDict {
            StateDict::default()
        }
        fn load_state_dict(&mut self, _: &StateDict) -> Result<(), StateError> {
            Ok(())
        }
    }
    let batches = line_batches();
    trainer(3).fit(&mut module, &batches, Some(&batches)).expect("a fit");
    assert_eq!(*SEEN.lock().expect("no panic before"), [0.0, 1.0, 2.0]);
}

#[test]
fn a_plateau_scheduler_without_its_value_names_what_is_logged() {
    let mut module = Custom {
        optimizers: |line| {
            let watching = Halving { watches: true, seen: Arc::default() };
            descent(line).schedule(Schedule { monitor: Some("val_los".into()), ..Schedule::new(watching) })
        },
        ..Custom::default()
    };
    let batches = line_batches();
    let error = trainer(3).fit(&mut module, &batches, Some(&batches)).expect_err("a misspelt name");
    assert_eq!(
        error.to_string(),
        "epoch 0: a scheduler monitors `val_los`, which was not logged; logged are: ptl/val_loss, val_rows"
    );
}

#[test]
fn logged_means_are_weighted_by_batch_size_and_reach_the_report() {
    let mut line = Line::default();
    let batches = line_batches();
    let report = trainer(1).fit(&mut line, &batches, Some(&batches)).expect("a fit");
    let losses: Vec<f64> = {
        let tape = lightning_core::Tape::inference();
        let loss = |(x, y): &LineBatch| {
            f64::from(line.layer.forward(tape.constant(x.clone())).mse_loss(tape.constant(y.clone())).item())
        };
        batches.iter().map(loss).collect()
    };
    let weighted = (5.0 * losses[0] + 4.0 * losses[1]) / 9.0;
    assert!((report.metrics["val_loss"] - weighted).abs() < 1e-12);
    assert!((report.metrics["ptl/val_loss"] - (losses[0] + losses[1]) / 2.0).abs() < 1e-12);
    assert_eq!(report.metrics["loss"], report.metrics["loss_epoch"]);
    assert!(report.metrics.contains_key("loss_step"));
}

#[test]
fn a_batch_whose_step_returns_none_is_skipped_and_counted() {
    let mut module = Custom { returns: |batch_idx| batch_idx == 1, ..Custom::default() };
    let report = trainer(3).fit(&mut module, &line_batches(), NO_VALIDATION).expect("a fit");
    assert_eq!((report.global_step, report.skipped_batches), (3, 3));
}

#[test]
fn a_diverging_run_names_epoch_batch_and_parameter() {
    let mut line = Line { lr: 1e30, ..Line::default() };
    let error =
        trainer(9).fit(&mut line, &line_batches(), NO_VALIDATION).expect_err("it diverges").to_string();
    assert!(
        error.starts_with("diverged in epoch 0, batch 1: ")
            || error.starts_with("diverged in epoch 1, batch 0: "),
        "{error}"
    );
    assert!(error.contains("the loss is") || error.contains("`layer."), "{error}");
}

#[test]
fn misuse_is_an_error_that_names_the_cure() {
    let fit = |module: &mut Custom| {
        trainer(1).fit(module, &line_batches(), NO_VALIDATION).expect_err("misuse").to_string()
    };
    let two = &mut Custom {
        optimizers: |line| descent(line).and(GradientDescent { parameters: vec![], lr: 1.0 }),
        ..Custom::default()
    };
    assert!(fit(two).contains("wants one optimizer, configure_optimizers returned 2"));
    let none = &mut Custom { optimizers: |_| Optimizers::default(), ..Custom::default() };
    assert!(fit(none).contains("configure_optimizers returned 0"));
    let lost = &mut Custom {
        optimizers: |line| descent(line).schedule(Schedule { optimizer: 1, ..Schedule::new(halving()) }),
        ..Custom::default()
    };
    assert_eq!(fit(lost), "a schedule names optimizer 1, but configure_optimizers returned 1");
    let frozen = &mut Custom::default();
    frozen.freeze();
    assert_eq!(fit(frozen), "epoch 0, batch 0: the loss depends on no parameter that requires a gradient");
    let empty: Vec<LineBatch> = Vec::new();
    let error = trainer(1).fit(&mut Line::default(), &empty, NO_VALIDATION).expect_err("no batch");
    assert_eq!(error.to_string(), "the train loader has no batch");
    let mut zero = Trainer { log_every_n_steps: 0, ..trainer(1) };
    let error = zero.fit(&mut Line::default(), &line_batches(), NO_VALIDATION).expect_err("a zero");
    assert_eq!(error.to_string(), "log_every_n_steps is 0; it must be at least 1");
}

#[test]
#[should_panic(expected = "manual_backward in automatic optimization")]
fn manual_backward_in_automatic_optimization_is_refused() {
    let mut module = Custom { step: |_, Loss { cx, loss }| cx.manual_backward(loss), ..Custom::default() };
    let _ = trainer(1).fit(&mut module, &line_batches(), NO_VALIDATION);
}

#[test]
fn a_missing_step_is_named() {
    let error =
        trainer(1).test(&mut Line::<f32>::default(), &line_batches()).expect_err("there is no test_step");
    assert_eq!(error.to_string(), "the module has no test_step; override it");
    let error =
        trainer(1).predict(&mut Custom::default(), &line_batches()).expect_err("there is no predict_step");
    assert!(matches!(error, TrainerError::MissingStep("predict")));
}

#[test]
fn test_and_predict_see_every_batch_in_order() {
    let metrics = trainer(1).test(&mut Custom::default(), &line_batches()).expect("a test");
    assert_eq!((metrics["outputs"], metrics["rows"]), (2.0, 1.0));
    let predictions = trainer(1).predict(&mut Line::<f32>::default(), &line_batches()).expect("predictions");
    assert_eq!(predictions.iter().map(|p| p.nrows()).collect::<Vec<_>>(), [5, 4]);
}

#[test]
fn a_parameter_that_gets_no_gradient_is_warned_of_by_name() {
    struct Unused(Line, Linear);
    impl Module for Unused {
        fn collect<'a>(&'a self, into: &mut Collector<'a>) {
            self.0.collect(into);
            into.child("head", &self.1);
        }
    }
    impl LightningModule for Unused {
        type Batch = LineBatch;
        type ValOutput = ();
        type TestOutput = ();
        type Prediction = ();
        fn training_step<'s>(&mut self, cx: &StepCx<'s>, batch: &LineBatch, i: usize) -> Option<Var<'s>> {
            cx.log_with("shown", 1.0, LogOptions { prog_bar: true, ..Default::default() });
            self.0.training_step(cx, batch, i)
        }
        fn configure_optimizers(&self) -> Optimizers {
            Optimizers::new(GradientDescent { parameters: self.parameters(), lr: 0.1 })
        }
    }
    let mut module = Unused(Line::default(), Linear::new(1, 1, &mut Seed(0).stream("init")));
    let report = trainer(2).fit(&mut module, &line_batches(), NO_VALIDATION).expect("a fit");
    assert_eq!(
        report.warnings,
        ["no gradient reached these parameters in the first step: head.weight, head.bias"]
    );
}

#[test]
fn a_callback_and_an_interrupt_end_the_fit_after_the_running_batch() {
    struct Stop;
    impl Callback for Stop {
        fn name(&self) -> &str {
            "Stop"
        }
        fn on_train_batch_end(&mut self, state: &State<'_>) -> CallbackResult {
            state.stop("enough");
            Ok(())
        }
    }
    let mut stopping = Trainer { callbacks: vec![Box::new(Stop)], ..trainer(9) };
    let report = stopping.fit(&mut Line::default(), &line_batches(), NO_VALIDATION).expect("a fit");
    assert_eq!(
        (report.stop, report.epochs, report.global_step),
        (StopReason::Requested("enough".into()), 1, 1)
    );

    let flag = Arc::new(AtomicBool::new(true));
    let mut interrupted = Trainer { interrupt: Some(flag), ..trainer(9) };
    let report = interrupted.fit(&mut Line::default(), &line_batches(), NO_VALIDATION).expect("a fit");
    assert_eq!(report.stop, StopReason::Interrupted);
    assert!(report.global_step <= 1);
}

#[test]
fn a_failing_callback_ends_the_fit_with_its_name() {
    struct Failing;
    impl Callback for Failing {
        fn name(&self) -> &str {
            "Failing"
        }
        fn on_train_epoch_end(&mut self, _: &State<'_>) -> CallbackResult {
            Err("the disk is full".into())
        }
    }
    let mut trainer = Trainer { callbacks: vec![Box::new(Failing)], ..trainer(9) };
    let error = trainer.fit(&mut Line::default(), &line_batches(), NO_VALIDATION).expect_err("it fails");
    assert_eq!(error.to_string(), "Failing: the disk is full");
}

#[test]
fn the_best_and_the_last_weights_are_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    let checkpoints = dir.path().join("checkpoints");
    let callback = ModelCheckpoint {
        mode: Mode::Max,
        save_last: SaveLast::Yes,
        ..ModelCheckpoint::monitoring(&checkpoints, "ptl/val_loss")
    };
    let kept = callback.handle();
    let mut trainer = Trainer {
        callbacks: vec![Box::new(callback)],
        loggers: vec![Box::new(CsvLogger::new(dir.path()))],
        ..trainer(3)
    };
    let mut module = Custom::default();
    let batches = line_batches();
    trainer.fit(&mut module, &batches, Some(&batches)).expect("a fit");
    assert_eq!(kept.best_model_score(), Some((2.0, 2)));
    let mut files: Vec<String> = std::fs::read_dir(&checkpoints)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(files, ["epoch=2-step=6.ckpt", "last.ckpt"]);
    let last: Checkpoint = Checkpoint::read(&kept.last_model_path().expect("a path")).expect("a checkpoint");
    assert_eq!(last.state_dict, module.state_dict());
    let csv = std::fs::read_to_string(dir.path().join("metrics.csv")).expect("the metrics");
    assert_eq!(csv.lines().next(), Some("stage,epoch,step,batches,ptl/val_loss,val_rows"));
    assert_eq!(csv.lines().nth(1), Some("val,0,2,2,0,4.555555555555555"));
}

#[test]
fn a_module_behind_dyn_can_be_trained() {
    let mut line = Line::default();
    let module: &mut dyn LightningModule<
        f32,
        Batch = LineBatch,
        ValOutput = f64,
        TestOutput = (),
        Prediction = ndarray::Array2<f32>,
    > = &mut line;
    trainer(2).fit(module, &line_batches(), NO_VALIDATION).expect("a fit");
}

#[test]
fn a_checkpoint_that_somebody_removed_does_not_end_the_fit() {
    struct Sweep(std::path::PathBuf);
    impl Callback for Sweep {
        fn name(&self) -> &str {
            "Sweep"
        }
        fn on_train_epoch_end(&mut self, _: &State<'_>) -> CallbackResult {
            // Files under their own names only: the writer may be at work on the next one.
            for entry in std::fs::read_dir(&self.0).into_iter().flatten() {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "ckpt") {
                    std::fs::remove_file(path)?;
                }
            }
            Ok(())
        }
    }
    let dir = tempfile::tempdir().expect("a folder");
    let checkpoints = dir.path().join("checkpoints");
    let callback = ModelCheckpoint {
        mode: Mode::Max,
        save_last: SaveLast::Yes,
        ..ModelCheckpoint::monitoring(&checkpoints, "ptl/val_loss")
    };
    let kept = callback.handle();
    let mut trainer =
        Trainer { callbacks: vec![Box::new(callback), Box::new(Sweep(checkpoints))], ..trainer(3) };
    let batches = line_batches();
    trainer.fit(&mut Custom::default(), &batches, Some(&batches)).expect("a fit");
    assert!(kept.last_model_path().expect("a path").is_file());
}
