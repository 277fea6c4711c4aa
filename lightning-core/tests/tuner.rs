//! The search for a learning rate and a batch size: what it finds, what it refuses, and that it leaves no trace.

use lightning_core::callbacks::{Callback, ModelCheckpoint};
use lightning_core::data::DataLoader;
use lightning_core::nn::{Collector, Dropout, Layer, Linear, Module, Relu, Sequential};
use lightning_core::optim::{Optimizers, Schedule};
use lightning_core::testing::{Line, LineBatch, line_batches};
use lightning_core::tuner::{
    LrCurve, LrFind, LrMode, ScaleBatchSize, SuggestionError, TunerError, lr_find, scale_batch_size,
};
use lightning_core::{LightningModule, Seed, StepCx, Trainer, Var};
use lightning_optim::{Adam, AdamOptions, OneCycleLr, OneCycleLrOptions};
use ndarray::ArrayD;
use std::path::PathBuf;

/// A net with dropout, a schedule of five steps, and, if it has a folder, a checkpoint callback of its own.
struct Net {
    net: Sequential,
    folder: Option<PathBuf>,
}

fn net() -> Net {
    let rng = &mut Seed(1).stream("init");
    let net = Sequential::new().then(Linear::new(1, 8, rng)).then(Relu).then(Dropout::new(0.2));
    Net { net: net.then(Linear::new(8, 1, rng)), folder: None }
}

impl Module for Net {
    fn collect<'a>(&'a self, into: &mut Collector<'a>) {
        into.child("net", &self.net);
    }
}

impl LightningModule for Net {
    type Batch = LineBatch;
    type ValOutput = ();
    type TestOutput = ();
    type Prediction = ();

    fn training_step<'s>(&mut self, cx: &StepCx<'s>, (x, y): &LineBatch, _: usize) -> Option<Var<'s>> {
        Some(self.net.forward(cx.input(x)).mse_loss(cx.input(y)))
    }
    fn configure_optimizers(&self) -> Optimizers {
        let opt = Adam::new(self.parameters(), AdamOptions::default()).expect("sound options");
        let cycle = OneCycleLr::new(0.1, 5, OneCycleLrOptions::default()).expect("sound options");
        Optimizers::new(opt).schedule(Schedule::every_step(cycle))
    }
    fn configure_callbacks(&self) -> Vec<Box<dyn Callback>> {
        let checkpoint =
            |folder| Box::new(ModelCheckpoint::monitoring(folder, "val_loss")) as Box<dyn Callback>;
        self.folder.iter().map(checkpoint).collect()
    }
}

/// Its loss is what it is told, whatever the weights.
struct Told {
    layer: Linear,
    loss: fn(u64) -> f32,
}

fn told(loss: fn(u64) -> f32) -> Told {
    Told { layer: Linear::new(1, 1, &mut Seed(0).stream("init")), loss }
}

impl Module for Told {
    fn collect<'a>(&'a self, into: &mut Collector<'a>) {
        into.child("layer", &self.layer);
    }
}

impl LightningModule for Told {
    type Batch = LineBatch;
    type ValOutput = ();
    type TestOutput = ();
    type Prediction = ();

    fn training_step<'s>(&mut self, cx: &StepCx<'s>, (x, _): &LineBatch, _: usize) -> Option<Var<'s>> {
        Some(self.layer.forward(cx.input(x)).sum() * 0.0 + (self.loss)(cx.progress().batches))
    }
    fn configure_optimizers(&self) -> Optimizers {
        Optimizers::new(Adam::new(self.parameters(), AdamOptions::default()).expect("sound options"))
    }
}

fn sweep<M: LightningModule<Batch = LineBatch>>(
    module: &mut M,
    settings: &LrFind,
) -> Result<lightning_core::tuner::LrCurve, TunerError> {
    lr_find(&Trainer::default(), module, &line_batches(), settings)
}

#[test]
fn a_constant_loss_stays_constant_and_suggests_nothing() {
    let curve = sweep(&mut told(|_| 0.7), &LrFind::default()).unwrap();
    assert_eq!(curve.losses, [f64::from(0.7f32); 100]);
    assert_eq!(curve.suggestion(), Err(SuggestionError::Flat { loss: f64::from(0.7f32) }));
}

#[test]
fn the_average_is_the_exponential_one_without_its_bias() {
    let curve = sweep(&mut told(|i| i as f32), &LrFind { beta: 0.9, ..LrFind::default() }).unwrap();
    let mut average = 0.0;
    for (i, &smoothed) in curve.losses.iter().enumerate() {
        average = 0.9 * average + 0.1 * i as f64;
        let unbiased = average / (1.0 - 0.9f64.powi(i as i32 + 1));
        assert!((smoothed - unbiased).abs() < 1e-12 * unbiased.max(1.0), "step {i}: {smoothed}, {unbiased}");
    }
}

#[test]
fn rates_go_from_the_first_to_the_last_as_lightnings_do() {
    let curve = sweep(&mut told(|_| 1.0), &LrFind::default()).unwrap();
    assert_eq!((curve.lrs.len(), curve.lrs[0]), (100, 1e-8));
    assert!((curve.lrs[1] - 1e-8 * 1e8f64.powf(0.02)).abs() < 1e-20 && (curve.lrs[99] - 1.0).abs() < 1e-12);
    let linear = LrFind { mode: LrMode::Linear, min_lr: 0.5, num_training: 4, ..LrFind::default() };
    assert_eq!(sweep(&mut told(|_| 1.0), &linear).unwrap().lrs, [0.5, 0.75, 0.875, 1.0]);
}

#[test]
fn a_noisy_loss_is_swept_to_the_end_and_a_loss_that_explodes_is_not() {
    let noisy = sweep(&mut told(|i| if i % 2 == 0 { 0.2 } else { 1.8 }), &LrFind::default()).unwrap();
    assert_eq!(noisy.losses.len(), 100);
    let negative = sweep(&mut told(|i| -1.0 + 0.01 * (i % 3) as f32), &LrFind::default()).unwrap();
    assert_eq!(negative.losses.len(), 100);
    let explodes: fn(u64) -> f32 = |i| if i < 20 { 1.0 } else { 1000.0 };
    assert_eq!(sweep(&mut told(explodes), &LrFind::default()).unwrap().losses.len(), 21);
    let to_the_end = LrFind { early_stop_threshold: None, ..LrFind::default() };
    assert_eq!(sweep(&mut told(explodes), &to_the_end).unwrap().losses.len(), 100);
}

#[test]
fn a_curve_that_is_too_short_or_only_grows_says_so() {
    let settings = LrFind { num_training: 12, ..LrFind::default() };
    let short = sweep(&mut told(|i| 10.0 - i as f32), &settings).unwrap();
    assert_eq!(short.suggestion(), Err(SuggestionError::TooShort { found: 12, needed: 13 }));
    let enough = sweep(&mut told(|i| 100.0 - i as f32), &LrFind { num_training: 13, ..settings }).unwrap();
    assert!(enough.suggestion().is_ok());
    let grows = sweep(&mut told(|i| 100.0 + i as f32), &LrFind::default()).unwrap();
    assert!(matches!(grows.suggestion(), Err(SuggestionError::NeverFalls { .. })));
}

#[test]
fn the_suggestion_is_where_the_loss_falls_fastest() {
    let settings = LrFind { beta: 0.0, ..LrFind::default() };
    let curve = sweep(&mut told(|i| if i < 40 { 2.0 } else { 1.0 }), &settings).unwrap();
    assert_eq!(
        curve.suggestion(),
        Ok(curve.lrs[39]),
        "numpy.gradient is the same at 39 and 40; the first counts"
    );
}

#[test]
fn a_bowl_gets_a_rate_that_learns_it() {
    let bowl = vec![line_batches().remove(0)];
    let mut line: Line = Line::default();
    let curve = lr_find(&Trainer::default(), &mut line, &bowl, &LrFind::default()).unwrap();
    line.lr = curve.suggestion().unwrap();
    assert!((1e-3..0.9).contains(&line.lr), "{}", line.lr);
    let first = line.state_dict();
    let mut trainer = Trainer { max_epochs: 500, ..Trainer::default() };
    let report = trainer.fit(&mut line, &bowl, None::<&Vec<_>>).unwrap();
    assert!(report.metrics["loss"] < 0.01 * curve.losses[0], "{}", report.metrics["loss"]);
    assert_ne!(line.state_dict(), first);
}

#[test]
fn divergence_ends_the_curve_and_is_no_error() {
    let settings = LrFind { max_lr: 1e30, early_stop_threshold: None, ..LrFind::default() };
    let mut line: Line = Line::default();
    let before = line.state_dict();
    let curve = sweep(&mut line, &settings).unwrap();
    assert!(curve.losses.len() < 100 && curve.losses.iter().all(|loss| loss.is_finite()));
    assert_eq!(line.state_dict(), before);
}

#[test]
fn accumulated_batches_are_one_step_with_their_mean_loss() {
    let trainer = Trainer { accumulate_grad_batches: 2, ..Trainer::default() };
    let settings = LrFind { num_training: 5, beta: 0.0, ..LrFind::default() };
    let curve = lr_find(&trainer, &mut told(|i| i as f32), &line_batches(), &settings).unwrap();
    assert_eq!(curve.losses, [0.5, 2.5, 4.5, 6.5, 8.5]);
    assert_eq!(curve.lrs.len(), 5);
}

#[test]
fn nothing_is_changed_afterwards_and_the_next_fit_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let fit = |net: &mut Net| {
        let mut trainer = Trainer { max_steps: Some(4), ..Trainer::default() };
        trainer.fit(net, &line_batches(), None::<&Vec<_>>).unwrap();
        net.state_dict()
    };
    let untouched = fit(&mut net());

    let mut tuned = net();
    let parameters = tuned.parameters();
    parameters[0].set_grad(Some(ArrayD::from_elem(parameters[0].shape(), 3.0)));
    parameters[1].set_requires_grad(false);
    tuned.eval();
    let of = |net: &Net| {
        let grads: Vec<_> = net.parameters().iter().map(|p| (p.grad(), p.requires_grad())).collect();
        let tape = lightning_core::Tape::inference();
        let x = tape.constant(ndarray::Array2::<f32>::ones((64, 1)));
        (net.state_dict(), grads, net.net.forward(x).value())
    };
    let before = of(&tuned);
    tuned.folder = Some(folder.path().to_owned());
    let curve = sweep(&mut tuned, &LrFind::default()).unwrap();
    assert_eq!(curve.losses.len(), 100, "the schedule of five steps is left out");
    let points = line_batches().remove(0);
    let settings = ScaleBatchSize { max_val: 4, ..ScaleBatchSize::default() };
    scale_batch_size(&Trainer::default(), &mut tuned, |n| DataLoader::new(points.clone(), n), &settings)
        .unwrap();
    assert!(before == of(&tuned));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    (tuned.folder, _) = (None, tuned.unfreeze());
    assert!(untouched == fit(&mut tuned));
}

#[test]
fn the_table_reads_back_and_the_picture_is_well_formed() {
    let curve = sweep(&mut Line::<f32>::default(), &LrFind { min_lr: 1e-4, ..LrFind::default() }).unwrap();
    let csv = curve.to_csv();
    let (header, rows) = csv.split_once('\n').unwrap();
    let numbers = |row: &str| {
        row.split_once(',').map(|(a, b)| (a.parse::<f64>().unwrap(), b.parse::<f64>().unwrap())).unwrap()
    };
    let (lrs, losses): (Vec<f64>, Vec<f64>) = rows.lines().map(numbers).unzip();
    assert_eq!((header, lrs, losses), ("lr,loss", curve.lrs.clone(), curve.losses.clone()));

    let flat = sweep(&mut told(|_| 1.0), &LrFind::default()).unwrap();
    for (svg, marks) in [(curve.plot_svg(), 1), (flat.plot_svg(), 0), (Default::default(), 0)] {
        let svg = if svg.is_empty() { lightning_core::tuner::LrCurve::default().plot_svg() } else { svg };
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        assert_eq!(svg.matches('<').count(), svg.matches('>').count());
        assert_eq!(svg.matches("<circle").count(), marks);
        assert!(svg.contains("learning rate") && svg.contains("smoothed loss"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}

#[test]
fn settings_that_make_no_sense_are_errors_that_name_the_cure() {
    let of = |settings: LrFind| sweep(&mut told(|_| 1.0), &settings).unwrap_err().to_string();
    let ok = LrFind::default;
    assert_eq!(of(LrFind { min_lr: 0.0, ..ok() }), "min_lr is 0; give a number above 0, for example 1e-8");
    assert!(of(LrFind { min_lr: f64::NAN, ..ok() }).starts_with("min_lr is NaN"));
    assert!(
        of(LrFind { max_lr: 1e-9, ..ok() }).starts_with("max_lr is 0.000000001; give a number above min_lr")
    );
    assert!(of(LrFind { num_training: 1, ..ok() }).starts_with("num_training is 1; give at least 2"));
    assert!(
        of(LrFind { early_stop_threshold: Some(0.5), ..ok() }).starts_with("early_stop_threshold is 0.5")
    );
    assert!(of(LrFind { beta: 1.0, ..ok() }).starts_with("beta is 1; give a number from 0 to below 1"));
    let manual = sweep(&mut Line { manual: true, ..Line::default() }, &ok()).unwrap_err();
    assert!(matches!(manual, TunerError::ManualOptimization));
    let empty =
        lr_find(&Trainer::default(), &mut told(|_| 1.0), &Vec::<LineBatch>::new(), &ok()).unwrap_err();
    assert_eq!(empty.to_string(), "the train loader has no batch");
}

#[test]
fn settings_of_a_batch_size_that_make_no_sense_are_errors() {
    let points = line_batches().remove(0);
    let of = |settings: ScaleBatchSize| {
        let loader = |size| DataLoader::new(points.clone(), size);
        scale_batch_size(&Trainer::default(), &mut net(), loader, &settings).unwrap_err().to_string()
    };
    let ok = ScaleBatchSize::default;
    assert_eq!(of(ScaleBatchSize { init_val: 0, ..ok() }), "init_val is 0; give at least 1");
    assert_eq!(of(ScaleBatchSize { max_val: 1, ..ok() }), "max_val is 1; give at least init_val, which is 2");
    assert!(of(ScaleBatchSize { min_gain: Some(-0.1), ..ok() }).starts_with("min_gain is -0.1"));
    assert!(
        of(ScaleBatchSize { min_gain: None, ..ok() }).starts_with("min_gain is None, and memory_budget too")
    );
    let tiny = of(ScaleBatchSize { memory_budget: Some(1), ..ok() });
    assert!(tiny.contains("the budget is 1") || tiny.contains("does not tell"), "{tiny}");
}

#[test]
fn a_swing_behind_the_smallest_loss_is_no_suggestion() {
    // Down from 1 to 0.2, then up and a fall that is steeper than all before.
    let mut losses: Vec<f64> = (0..30).map(|i| 1.0 - 0.8 * f64::from(i) / 29.0).collect();
    losses.extend([2.0, 5.0, 4.9, 0.5, 0.6, 0.7]);
    let lrs: Vec<f64> = (0..losses.len()).map(|i| 10f64.powf(-6.0 + i as f64 / 6.0)).collect();
    let curve = LrCurve { lrs: lrs.clone(), losses, mode: LrMode::Exponential };
    assert!(curve.suggestion().expect("a rate") <= lrs[29]);
}
