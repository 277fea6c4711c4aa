//! What else the loops can do: clipping, anomalies, several loaders and optimizers, trial runs, where `log` may be.

mod slope;

use lightning_core::callbacks::{Callback, CallbackResult};
use lightning_core::checkpoint::Checkpoint;
use lightning_core::data::{DataModule, DataResult, Loader};
use lightning_core::loggers::MemoryLogger;
use lightning_core::nn::{Collector, Layer, Linear, Module};
use lightning_core::optim::{GradientClip, Optimizers, grad_norm};
use lightning_core::testing::{GradientDescent, Line, LineBatch, line_batches};
use lightning_core::trainer::{Limit, Resume, Several};
use lightning_core::{LightningModule, LogOptions, Seed, Stage, State, StepCx, Trainer, Var};
use slope::{Batch, Slope, batches, fit, trainer};
use std::sync::{Arc, Mutex};

/// Keeps the checkpoint of the newest epoch.
struct Save(std::path::PathBuf);
impl Callback for Save {
    fn name(&self) -> &str {
        "Save"
    }
    fn on_train_epoch_end(&mut self, state: &State<'_>) -> CallbackResult {
        state.request_checkpoint();
        Ok(())
    }
    fn on_checkpoint(&mut self, _: &State<'_>, checkpoint: &Arc<Checkpoint>) -> CallbackResult {
        Ok(checkpoint.write(&self.0)?)
    }
}

#[test]
fn a_checkpoint_is_judged_at_its_place_and_the_module_keeps_its_weights() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("last.ckpt");
    let mut fitting = Trainer { callbacks: vec![Box::new(Save(path.clone()))], ..trainer(3) };
    fit(&mut fitting, &mut Slope::default(), &[1.0, 1.0]);
    let rows = MemoryLogger::default();
    let mut fresh = Trainer { loggers: vec![Box::new(rows.clone())], ..trainer(1) };
    let mut module = Slope::default();
    fresh.validate_checkpoint(&mut module, &batches(&[1.0]), &path).expect("a pass");
    assert_eq!(module.w(), 0.0, "its own weights are back");
    let row = &rows.rows()[0];
    assert_eq!((row.stage, row.epoch, row.step), (Stage::Validate, 2, 6));
}

#[test]
fn clipping_by_norm_and_by_value_in_the_loop() {
    let end = |gradient_clip| {
        let mut module = Slope::default();
        let mut trainer = Trainer { gradient_clip, ..trainer(1) };
        fit(&mut trainer, &mut module, &[8.0, -3.0]);
        module.w()
    };
    assert_eq!(end(None), -5.0);
    assert_eq!(end(Some(GradientClip::Value(2.0))), 0.0);
    assert_eq!(end(Some(GradientClip::Norm(0.0))), -5.0);
    assert!((end(Some(GradientClip::Norm(4.0))) + 1.0).abs() < 1e-5);
}

#[test]
fn the_first_nan_is_named_with_its_operation_and_parameter() {
    struct Root {
        layer: Linear,
        bad_value: bool,
    }
    impl Module for Root {
        fn collect<'a>(&'a self, into: &mut Collector<'a>) {
            into.child("layer", &self.layer);
        }
    }
    impl LightningModule for Root {
        type Batch = LineBatch;
        type ValOutput = ();
        type TestOutput = ();
        type Prediction = ();
        fn training_step<'s>(&mut self, cx: &StepCx<'s>, (x, _): &LineBatch, _: usize) -> Option<Var<'s>> {
            let y = self.layer.forward(cx.input(x));
            // √(0 · y) has no slope; the logarithm of a negative number no value.
            let y = if self.bad_value { (y * y * -1.0 - 1.0).ln() } else { (y * 0.0).sqrt() };
            Some(y.mean())
        }
        fn configure_optimizers(&self) -> Optimizers {
            Optimizers::new(GradientDescent { parameters: self.parameters(), lr: 0.1 })
        }
    }
    let error = |bad_value| {
        let mut root = Root { layer: Linear::new(1, 1, &mut Seed(0).stream("init")), bad_value };
        let mut trainer = Trainer { detect_anomaly: true, ..trainer(1) };
        trainer.fit(&mut root, &line_batches(), None::<&Vec<_>>).expect_err("a NaN").to_string()
    };
    let text = error(false);
    assert!(text.starts_with("epoch 0, batch 0: the gradient of `"), "{text}");
    assert!(text.ends_with("is NaN; the first parameter that it reached is `layer.bias`"), "{text}");
    let text = error(true);
    assert_eq!(text, "epoch 0, batch 0: the value of `ln` is NaN");
}

#[test]
fn several_validation_loaders_are_told_apart_in_names() {
    let (near, far) = (batches(&[1.0, 3.0]), batches(&[10.0]));
    let metrics =
        trainer(1).validate(&mut Slope::default(), Several(vec![&near, &far])).expect("two loaders");
    assert_eq!((metrics["v/dataloader_idx_0"], metrics["v/dataloader_idx_1"]), (2.0, 10.0));
    assert_eq!(metrics.len(), 2);
}

#[test]
fn overfit_batches_are_the_same_in_every_epoch_and_fast_dev_run_writes_nothing() {
    struct Seen(Arc<Mutex<Vec<f64>>>);
    impl Callback for Seen {
        fn name(&self) -> &str {
            "Seen"
        }
        fn on_train_batch_end(&mut self, state: &State<'_>) -> CallbackResult {
            self.0.lock().expect("no panic before").push(state.metrics["x"]);
            Ok(())
        }
    }
    let seen: Arc<Mutex<Vec<f64>>> = Arc::default();
    let log: fn(&StepCx<'_>, f64) = |cx, x| cx.log("x", x);
    let mut trainer = Trainer {
        overfit_batches: Some(Limit::Batches(2)),
        callbacks: vec![Box::new(Seen(seen.clone()))],
        ..trainer(2)
    };
    fit(&mut trainer, &mut Slope { log, ..Slope::default() }, &[1.0, 2.0, 3.0]);
    assert_eq!(*seen.lock().expect("no panic before"), [1.0, 2.0, 1.0, 2.0]);

    let rows = MemoryLogger::default();
    let mut trial = Trainer {
        fast_dev_run: Some(1),
        log_every_n_steps: 1,
        loggers: vec![Box::new(rows.clone())],
        ..Trainer::default()
    };
    let mut module = Slope { log, ..Slope::default() };
    let report = trial.fit(&mut module, &batches(&[1.0, 2.0]), Some(&batches(&[1.0, 2.0]))).expect("a trial");
    assert_eq!((report.global_step, module.validated.len(), rows.rows().len()), (1, 1, 0));
}

#[test]
fn two_optimizers_take_turns_and_toggling_freezes_the_other() {
    struct Pair(Linear, Linear, Vec<(bool, bool)>);
    impl Module for Pair {
        fn collect<'a>(&'a self, into: &mut Collector<'a>) {
            into.child("a", &self.0);
            into.child("b", &self.1);
        }
    }
    impl LightningModule for Pair {
        type Batch = LineBatch;
        type ValOutput = ();
        type TestOutput = ();
        type Prediction = ();
        fn automatic_optimization(&self) -> bool {
            false
        }
        fn training_step<'s>(&mut self, cx: &StepCx<'s>, (x, y): &LineBatch, _: usize) -> Option<Var<'s>> {
            for index in 0..2 {
                let opt = cx.optimizer(index);
                opt.toggle();
                let out = self.1.forward(self.0.forward(cx.input(x)));
                opt.zero_grad();
                cx.manual_backward(out.mse_loss(cx.input(y)));
                self.2.push((self.0.weight.grad().is_some(), self.1.weight.grad().is_some()));
                let norm = grad_norm(&opt.parameters());
                assert_eq!(opt.clip_gradients(GradientClip::Norm(0.5)), Some(norm));
                cx.log(&format!("norm_{index}"), grad_norm(&opt.parameters()));
                opt.step();
                opt.zero_grad();
                opt.untoggle();
            }
            None
        }
        fn configure_optimizers(&self) -> Optimizers {
            Optimizers::new(GradientDescent { parameters: Module::parameters(&self.0), lr: 0.1 })
                .and(GradientDescent { parameters: Module::parameters(&self.1), lr: 0.1 })
        }
    }
    let mut rng = Seed(0).stream("init");
    let mut pair = Pair(Linear::new(1, 1, &mut rng), Linear::new(1, 1, &mut rng), Vec::new());
    pair.0.bias.as_ref().expect("a bias").set_requires_grad(false);
    let report = trainer(1).fit(&mut pair, &line_batches(), None::<&Vec<_>>).expect("a fit");
    assert_eq!((report.global_step, report.batches), (4, 2));
    assert_eq!(pair.2, [(true, false), (false, true), (true, false), (false, true)]);
    assert!(report.metrics["norm_0"] <= 0.5 + 1e-6);
    let learns =
        |linear: &Linear| (linear.weight.requires_grad(), linear.bias.as_ref().expect("one").requires_grad());
    assert_eq!((learns(&pair.0), learns(&pair.1)), ((true, false), (true, true)), "as they were before");
}

#[test]
fn nothing_is_logged_where_nothing_can_be_and_on_step_needs_a_step() {
    let attempt = |log: fn(&StepCx<'_>, f64), stage: Stage| {
        struct Late(fn(&StepCx<'_>, f64), Stage, Line);
        impl Module for Late {
            fn collect<'a>(&'a self, into: &mut Collector<'a>) {
                self.2.collect(into);
            }
        }
        impl LightningModule for Late {
            type Batch = LineBatch;
            type ValOutput = ();
            type TestOutput = ();
            type Prediction = ();
            fn training_step<'s>(
                &mut self,
                cx: &StepCx<'s>,
                (x, y): &LineBatch,
                _: usize,
            ) -> Option<Var<'s>> {
                Some(self.2.layer.forward(cx.input(x)).mse_loss(cx.input(y)))
            }
            fn on_fit_start(&mut self, cx: &StepCx<'_>) {
                if self.1 == Stage::Predict {
                    (self.0)(cx, 1.0);
                }
            }
            fn on_train_epoch_end(&mut self, cx: &StepCx<'_>) {
                if self.1 == Stage::Train {
                    (self.0)(cx, 1.0);
                }
            }
            fn configure_optimizers(&self) -> Optimizers {
                self.2.configure_optimizers()
            }
        }
        let mut module = Late(log, stage, Line::default());
        let run = std::panic::AssertUnwindSafe(|| {
            trainer(1).fit(&mut module, &line_batches(), None::<&Vec<_>>).map(|report| report.metrics)
        });
        std::panic::catch_unwind(run)
            .map_err(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
    };
    let text = attempt(|cx, x| cx.log("x", x), Stage::Predict).expect_err("not there");
    assert_eq!(text, "log: `x` cannot be logged in on_fit_start");
    let text = attempt(
        |cx, x| cx.log_with("x", x, LogOptions { on_step: Some(true), ..LogOptions::default() }),
        Stage::Train,
    )
    .expect_err("no step");
    assert_eq!(text, "log: `x` cannot be logged on_step in on_train_epoch_end: there is no step");
    let metrics =
        attempt(|cx, x| cx.log_dict([("a", x), ("b", 2.0 * x)], LogOptions::default()), Stage::Train);
    let metrics = metrics.expect("no panic").expect("a fit");
    assert_eq!((metrics["a"], metrics["b"]), (1.0, 2.0));
}

/// Notes what is asked of it.
struct Points(Vec<String>);
impl DataModule for Points {
    type Batch = Batch;
    fn prepare_data(&mut self) -> DataResult {
        self.0.push("prepare_data".into());
        Ok(())
    }
    fn setup(&mut self, stage: Stage) -> DataResult {
        self.0.push(format!("setup {}", stage.name()));
        if self.0.len() > 20 { Err("no more data".into()) } else { Ok(()) }
    }
    fn train_dataloader(&self) -> Option<Box<dyn Loader<Batch = Batch> + '_>> {
        Some(Box::new(batches(&[1.0, 2.0])))
    }
    fn val_dataloaders(&self) -> Vec<Box<dyn Loader<Batch = Batch> + '_>> {
        vec![Box::new(batches(&[3.0])), Box::new(batches(&[4.0]))]
    }
    fn teardown(&mut self, stage: Stage) {
        self.0.push(format!("teardown {}", stage.name()));
    }
    fn state_dict(&self) -> serde_json::Value {
        self.0.len().into()
    }
    fn load_state_dict(&mut self, saved: &serde_json::Value) -> DataResult {
        self.0.push(format!("load_state_dict {saved}"));
        Ok(())
    }
}

#[test]
fn a_data_module_is_prepared_set_up_and_torn_down_and_comes_back_with_the_run() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("last.ckpt");
    let mut points = Points(Vec::new());
    let mut fitting = Trainer { callbacks: vec![Box::new(Save(path.clone()))], ..trainer(1) };
    let report = fitting.fit_datamodule(&mut Slope::default(), &mut points).expect("a fit");
    assert_eq!((report.batches, report.metrics["v/dataloader_idx_1"]), (2, 4.0));
    assert_eq!(points.0, ["prepare_data", "setup train", "teardown train"]);
    points.0.clear();
    let mut resumed = Trainer { resume: Some(Resume::Path(path)), ..trainer(2) };
    resumed.fit_datamodule(&mut Slope::default(), &mut points).expect("a fit");
    assert_eq!(points.0, ["prepare_data", "setup train", "load_state_dict 2", "teardown train"]);
    points.0.clear();
    trainer(1).validate_datamodule(&mut Slope::default(), &mut points).expect("a pass");
    assert_eq!(points.0, ["prepare_data", "setup val", "teardown val"]);
    points.0.resize(20, String::new());
    let error = trainer(1).fit_datamodule(&mut Slope::default(), &mut points).expect_err("no data");
    assert_eq!(error.to_string(), "the data module: no more data");
}
