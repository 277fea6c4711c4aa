//! MMDynamic against PyTorch: forward values, every loss term, every gradient, and whole trainings.
//!
//! The reference values are made by `scripts/torch_fixtures`; no Python is needed here.

mod torch_support;

use lightning_core::nn::Module;
use lightning_core::optim::{Optimizers, Schedule};
use lightning_core::{Float, LightningModule, Seed, StepCx, Tape, Trainer, Var};
use lightning_optim::{Adam, AdamOptions, StepLr};
use mmdynamic::{Config, Forward, Hyperparameters, LossTerms, MmDynamic, MultiViewBatch};
use ndarray::{ArrayD, Axis, Ix2, Ix3};
use serde_json::Value;
use torch_support::{Close, fixture, named, numbers, tensor, usizes};

fn hyperparameters(fixture: &Value) -> Hyperparameters {
    let config = &fixture["config"];
    let num_class = config["num_class"].as_u64().expect("a count") as usize;
    let float = |value: &Value| value.as_f64().expect("a number");
    let (optimizer, schedule) = (&fixture["optimizer"], &fixture["full_batch"]);
    let trained = !optimizer.is_null();
    Hyperparameters {
        in_dim: usizes(&config["in_dim"]),
        num_class,
        binary: num_class == 2,
        config: Config {
            hidden_dim: usizes(&config["hidden_dim"]),
            dropout: float(&config["dropout"]),
            lr: if trained { float(&optimizer["lr"]) } else { 1e-3 },
            reg: if trained { float(&optimizer["weight_decay"]) } else { 0.0 },
            step_size: if trained { schedule["step_size"].as_u64().expect("a count") } else { 1 },
            gamma: if trained { float(&schedule["gamma"]) } else { 1.0 },
            ..Config::default()
        },
    }
}

fn model<F: Float>(fixture: &Value) -> MmDynamic<F> {
    let model = MmDynamic::new(hyperparameters(fixture), Seed(0)).expect("a model");
    model.load_state_dict(&named(&fixture["state_dict"])).expect("the post's names and shapes");
    model
}

fn batch<F: Float>(fixture: &Value) -> MultiViewBatch<F> {
    let view = |view: &Value| tensor(view).into_dimensionality::<Ix2>().expect("a matrix").into_shared();
    MultiViewBatch {
        views: fixture["data"].as_array().expect("a list").iter().map(view).collect(),
        labels: usizes(&fixture["labels"]),
    }
}

fn check_forward<F: Close>(forward: &Forward<'_, F>, expected: &Value) {
    let views = [
        ("FeatureInfo", &forward.feature_info),
        ("TCPLogit", &forward.tcp_logit),
        ("TCPConfidence", &forward.tcp_confidence),
    ];
    for (what, ours) in views {
        let torch = expected[what].as_array().expect("a list");
        assert_eq!(ours.len(), torch.len());
        for (view, (ours, torch)) in ours.iter().zip(torch).enumerate() {
            F::check(&format!("{what}[{view}]"), &ours.value().to_owned(), &tensor(torch));
        }
    }
    F::check("MMlogit", &forward.mm_logit.value().to_owned(), &tensor(&expected["MMlogit"]));
}

fn check_losses<F: Close>(terms: &LossTerms<Var<'_, F>>, expected: &Value) {
    let scalar = |x: f64| ndarray::arr0(F::of(x)).into_dyn();
    let check =
        |what: &str, ours: Var<'_, F>, torch: f64| F::check(what, &ours.value().to_owned(), &scalar(torch));
    check(
        "classifier_ce",
        terms.classifier_ce.expect("weighted 1"),
        expected["classifier_ce"].as_f64().expect("a number"),
    );
    check("total", terms.total(), expected["total"].as_f64().expect("a number"));
    for (what, ours) in
        [("gate_l1", &terms.gate_l1), ("tcp_mse", &terms.tcp_regression), ("tcp_ce", &terms.tcp_ce)]
    {
        for (&ours, torch) in ours.iter().zip(numbers(&expected[what])) {
            check(what, ours, torch);
        }
    }
    assert!((terms.values().total() - terms.total().item().as_f64()).abs() < 1e-5);
}

fn check_step<F: Close>(name: &str) {
    let fixture = fixture(name);
    let run = &fixture["runs"][F::DTYPE];
    for (gradients, detach_target) in [("gradients", false), ("gradients_detached_target", true)] {
        if run[gradients].is_null() {
            continue;
        }
        let mut hparams = hyperparameters(&fixture);
        hparams.config.detach_target = detach_target;
        let model = MmDynamic::<F>::new(hparams, Seed(0)).expect("a model");
        model.load_state_dict(&named(&fixture["state_dict"])).expect("the post's names and shapes");
        let batch = batch::<F>(&fixture);
        let tape = Tape::new();
        let data: Vec<_> = batch.views.iter().map(|view| tape.constant(view.clone())).collect();
        let forward = model.forward(&data);
        check_forward(&forward, &run["forward"]);
        let terms = model.loss_terms(&forward, &batch.labels);
        check_losses(&terms, &run["loss"]);
        terms.total().backward();
        let expected = named::<F>(&run[gradients]);
        assert_eq!(expected.len(), model.named_parameters().len());
        for (name, parameter) in model.named_parameters() {
            F::check(
                &name,
                &parameter.grad().unwrap_or_else(|| panic!("no gradient of {name}")),
                &expected[&name],
            );
        }
    }
}

/// A module that notes the loss of each step and may step its scheduler by batch.
struct Recorded<F: Float> {
    model: MmDynamic<F>,
    losses: Vec<f64>,
    schedule: Option<(u64, f64)>,
    manual: bool,
}

impl<F: Float> Module<F> for Recorded<F> {
    fn collect<'a>(&'a self, into: &mut lightning_core::nn::Collector<'a, F>) {
        self.model.collect(into);
    }
}

impl<F: Float> LightningModule<F> for Recorded<F> {
    type Batch = MultiViewBatch<F>;
    type ValOutput = ();
    type TestOutput = ();
    type Prediction = ();

    fn automatic_optimization(&self) -> bool {
        !self.manual
    }

    fn training_step<'s>(
        &mut self,
        cx: &StepCx<'s, F>,
        batch: &MultiViewBatch<F>,
        i: usize,
    ) -> Option<Var<'s, F>> {
        let loss = self.model.training_step(cx, batch, i)?;
        self.losses.push(loss.item().as_f64());
        if self.manual {
            let opt = cx.optimizers();
            opt.zero_grad();
            cx.manual_backward(loss);
            opt.step();
            cx.lr_schedulers().step();
        }
        Some(loss)
    }

    fn configure_optimizers(&self) -> Optimizers<F> {
        let Some((step_size, gamma)) = self.schedule else { return self.model.configure_optimizers() };
        let config = &self.model.hparams().config;
        let options = AdamOptions { lr: config.lr, weight_decay: config.reg, ..AdamOptions::default() };
        let opt = Adam::new(self.parameters(), options).expect("sound options");
        Optimizers::new(opt).schedule(Schedule::every_step(StepLr::new(step_size, gamma)))
    }
}

fn train<F: Float>(
    fixture: &Value,
    batches: &[MultiViewBatch<F>],
    epochs: usize,
    schedule: Option<(u64, f64)>,
    manual: bool,
) -> Recorded<F> {
    let mut module = Recorded { model: model(fixture), losses: Vec::new(), schedule, manual };
    let mut trainer = Trainer { max_epochs: epochs, ..Trainer::default() };
    trainer.fit(&mut module, batches, None::<&Vec<_>>).expect("a fit");
    module
}

fn check_state<F: Close>(what: &str, module: &Recorded<F>, expected: &Value) {
    for (name, torch) in named::<F>(&expected["state_dict"]) {
        F::check(&format!("{what}: {name}"), &module.state_dict()[&name], &torch);
    }
}

fn check_losses_of<F: Close>(module: &Recorded<F>, trace: &Value) {
    let torch = numbers(&trace["loss"]);
    let array = |losses: &[f64]| {
        ArrayD::from_shape_vec(vec![losses.len()], losses.iter().map(|&x| F::of(x)).collect())
            .expect("a list")
    };
    F::check("loss by step", &array(&module.losses), &array(&torch[..module.losses.len()]));
}

/// One batch of all rows: an epoch is a step, so the scheduler by epoch is the reference's by step.
fn check_full_batch<F: Close>(name: &str) {
    let fixture = fixture(name);
    let trace = &fixture["runs"][F::DTYPE]["full_batch"];
    let after = trace["after"].as_array().expect("a list");
    assert_eq!(after.len(), 3, "after 1, 10 and 50 steps");
    for expected in after {
        let steps = expected["step"].as_u64().expect("a count") as usize;
        let module = train::<F>(&fixture, &[batch(&fixture)], steps, None, false);
        check_losses_of(&module, trace);
        check_state(&format!("after {steps} steps"), &module, expected);
    }
}

fn mini_batches<F: Float>(fixture: &Value) -> Vec<MultiViewBatch<F>> {
    let all = batch::<F>(fixture);
    let rows = |rows: &Value| {
        let rows = usizes(rows);
        MultiViewBatch {
            views: all.views.iter().map(|view| view.select(Axis(0), &rows).into_shared()).collect(),
            labels: rows.iter().map(|&row| all.labels[row]).collect(),
        }
    };
    fixture["mini_batches"]["batches"].as_array().expect("a list").iter().map(rows).collect()
}

fn check_mini_batches<F: Close>(name: &str) {
    let fixture = fixture(name);
    let settings = &fixture["mini_batches"];
    let schedule =
        (settings["step_size"].as_u64().expect("a count"), settings["gamma"].as_f64().expect("a number"));
    let batches = mini_batches::<F>(&fixture);
    let epochs = settings["steps"].as_u64().expect("a count") as usize / batches.len();
    let trace = &fixture["runs"][F::DTYPE]["mini_batches"];
    let automatic = train::<F>(&fixture, &batches, epochs, Some(schedule), false);
    check_losses_of(&automatic, trace);
    check_state(
        "mini-batches",
        &automatic,
        trace["after"].as_array().and_then(|a| a.last()).expect("the last step"),
    );
    let manual = train::<F>(&fixture, &batches, epochs, Some(schedule), true);
    assert_eq!(manual.state_dict(), automatic.state_dict(), "manual optimization gives the same bits");
}

const TRAINED: [&str; 2] = ["mmdynamic_2_classes", "mmdynamic_3_classes"];

#[test]
fn forward_losses_and_gradients_equal_torch_in_f64() {
    TRAINED.into_iter().chain(["mmdynamic_deep_classifier"]).for_each(check_step::<f64>);
}

#[test]
fn forward_losses_and_gradients_equal_torch_in_f32() {
    TRAINED.into_iter().chain(["mmdynamic_deep_classifier"]).for_each(check_step::<f32>);
}

#[test]
fn one_ten_and_fifty_steps_of_adam_and_step_lr_equal_torch_in_f64() {
    TRAINED.into_iter().for_each(check_full_batch::<f64>);
}

#[test]
fn one_ten_and_fifty_steps_of_adam_and_step_lr_equal_torch_in_f32() {
    TRAINED.into_iter().for_each(check_full_batch::<f32>);
}

#[test]
fn a_scheduler_by_batch_equals_torch_in_automatic_and_manual_optimization() {
    TRAINED.into_iter().for_each(check_mini_batches::<f64>);
    TRAINED.into_iter().for_each(check_mini_batches::<f32>);
}

#[test]
fn equal_widths_may_come_as_one_array_as_in_the_post() {
    let fixture = fixture("mmdynamic_equal_widths");
    let model = model::<f64>(&fixture);
    let data = tensor::<f64>(&fixture["data"])
        .into_dimensionality::<Ix3>()
        .expect("(samples, views, features)")
        .into_shared();
    let batch = MultiViewBatch::from_stacked(&data, usizes(&fixture["labels"]));
    let tape = Tape::inference();
    let views: Vec<_> = batch.views.iter().map(|view| tape.constant(view.clone())).collect();
    check_forward(&model.forward(&views), &fixture["runs"]["float64"]["forward"]);
    let stacked = tape.constant(data);
    let selected: Vec<_> = (0..3).map(|v| stacked.select(1, v)).collect();
    check_forward(&model.forward(&selected), &fixture["runs"]["float64"]["forward"]);
}

#[test]
fn the_names_are_the_posts_attributes_in_torchs_order() {
    let fixture = fixture("mmdynamic_3_classes");
    let torch: Vec<&str> =
        fixture["state_dict"].as_array().expect("a list").iter().filter_map(|e| e["name"].as_str()).collect();
    let ours: Vec<String> =
        model::<f32>(&fixture).named_parameters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(ours, torch);
}
