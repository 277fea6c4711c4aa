//! The module that a scenario describes; the same as `scripts/lightning_scenarios/scripted.py`.

use super::journal::{Journal, note};
use super::number::{array, list, number, text};
use lightning_core::nn::{Collector, Module};
use lightning_core::optim::{GradientClip, Interval, Optimizers, Schedule};
use lightning_core::{
    BatchSize, LightningModule, LogOptions, OptimizerRef, Parameter, Reduce, SchedulerRef, Stage, StepCx, Var,
};
use lightning_optim::{
    Adam, AdamOptions, ExponentialLr, ReduceLrOnPlateau, ReduceLrOnPlateauOptions, Sgd, SgdOptions, StepLr,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// A vector x; known by its first element.
#[derive(Clone, Debug)]
pub(crate) struct Batch(pub(crate) Vec<f64>);

impl BatchSize for Batch {
    fn batch_size(&self) -> usize {
        self.0.len()
    }
}

impl Batch {
    fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }
}

pub(crate) struct Scripted {
    spec: Value,
    journal: Journal,
    pub(crate) w: Parameter<f64>,
    x: Batch,
    calls: BTreeMap<String, usize>,
}

impl Scripted {
    pub(crate) fn new(spec: &Value, journal: &Journal) -> Self {
        Scripted {
            spec: spec.clone(),
            journal: journal.clone(),
            w: Parameter::new(ndarray::arr1(&[number(&spec["w"])]).into_dyn()),
            x: Batch(vec![0.0]),
            calls: BTreeMap::new(),
        }
    }

    /// Notes a hook and logs what the scenario logs there.
    fn enter(&mut self, hook: &str, cx: &StepCx<'_, f64>) {
        note(&self.journal, "M", hook);
        let entries = list(&self.spec["log"][hook]).to_vec();
        for entry in &entries {
            let value = self.value(entry, cx);
            cx.log_with(text(&entry["name"]), value, options(entry));
        }
    }

    fn value(&mut self, entry: &Value, cx: &StepCx<'_, f64>) -> f64 {
        match &entry["value"] {
            Value::String(word) if word == "x_mean" => self.x.mean(),
            Value::String(word) if word == "w" => self.w.value()[[0]],
            Value::Object(script) if script.contains_key("by_epoch") => {
                number(&script["by_epoch"][cx.current_epoch()])
            }
            Value::Object(script) => {
                let call = self.calls.entry(text(&entry["name"]).to_owned()).or_default();
                *call += 1;
                number(&script["by_call"][*call - 1])
            }
            constant => number(constant),
        }
    }

    fn loss<'s>(&self, cx: &StepCx<'s, f64>, batch: &Batch) -> Var<'s, f64> {
        let w = cx.tape().parameter(&self.w);
        if self.spec["loss"] == "quadratic" {
            let x = cx.input(&ndarray::ArcArray1::from_vec(batch.0.clone()));
            let distance = w - x;
            (distance * distance).mean() / 2.0
        } else {
            (w * batch.mean()).sum()
        }
    }

    fn by_hand<'s>(&mut self, cx: &StepCx<'s, f64>, loss: Var<'s, f64>) {
        let optimizer = cx.optimizers();
        optimizer.zero_grad();
        cx.manual_backward_with(self, loss);
        cx.step_with(self, optimizer);
        if !list(&self.spec["schedulers"]).is_empty() {
            cx.lr_schedulers().step();
        }
    }

    fn eval_step(&mut self, stage: &str, cx: &StepCx<'_, f64>, batch: &Batch) {
        self.x = batch.clone();
        if !cx.is_sanity_check() {
            self.journal.borrow_mut().seen.push(format!("{stage} {}: {}", cx.dataloader_idx(), batch.0[0]));
        }
        self.enter(&format!("{stage}_step"), cx);
    }

    fn is_at(&self, key: &str, cx: &StepCx<'_, f64>, batch_idx: usize) -> bool {
        self.spec[key] == serde_json::json!([cx.current_epoch(), batch_idx])
    }
}

fn options(entry: &Value) -> LogOptions {
    let mut options = LogOptions::default();
    for (key, value) in entry.as_object().expect("an entry of the log") {
        match key.as_str() {
            "name" | "value" => (),
            "on_step" => options.on_step = value.as_bool(),
            "on_epoch" => options.on_epoch = value.as_bool(),
            "prog_bar" => options.prog_bar = value == true,
            "logger" => options.logger = value == true,
            "batch_size" => options.batch_size = Some(number(value) as usize),
            "reduce_fx" => {
                options.reduce = match text(value) {
                    "mean" => Reduce::Mean,
                    "sum" => Reduce::Sum,
                    "min" => Reduce::Min,
                    "max" => Reduce::Max,
                    other => panic!("no reduction is called {other}"),
                };
            }
            other => panic!("no option of log is called {other}"),
        }
    }
    options
}

fn optimizer(spec: &Value, parameters: Vec<Parameter<f64>>) -> Optimizers<f64> {
    let setting = |key: &str| spec[1].get(key).map_or(0.0, number);
    match text(&spec[0]) {
        "SGD" => {
            let (lr, momentum, weight_decay) = (setting("lr"), setting("momentum"), setting("weight_decay"));
            let options = SgdOptions { lr, momentum, weight_decay, ..Default::default() };
            Optimizers::new(Sgd::new(parameters, options).expect("sound options"))
        }
        "Adam" => {
            let (lr, weight_decay) = (setting("lr"), setting("weight_decay"));
            let options = AdamOptions { lr, weight_decay, ..Default::default() };
            Optimizers::new(Adam::new(parameters, options).expect("sound options"))
        }
        other => panic!("no optimizer is called {other}"),
    }
}

fn schedule(spec: &Value) -> Schedule<f64> {
    let (kind, args) = (text(&spec["scheduler"][0]), &spec["scheduler"][1]);
    let scheduler = match kind {
        "StepLR" => Schedule::new(StepLr::new(number(&args["step_size"]) as u64, number(&args["gamma"]))),
        "ExponentialLR" => Schedule::new(ExponentialLr::new(number(&args["gamma"]))),
        "ReduceLROnPlateau" => {
            let (factor, patience) = (number(&args["factor"]), number(&args["patience"]) as u64);
            let options = ReduceLrOnPlateauOptions { factor, patience, ..Default::default() };
            Schedule::new(ReduceLrOnPlateau::new(options).expect("sound options"))
        }
        other => panic!("no scheduler is called {other}"),
    };
    Schedule {
        interval: if spec["interval"] == "step" { Interval::Step } else { Interval::Epoch },
        frequency: spec["frequency"].as_u64().unwrap_or(1),
        monitor: spec["monitor"].as_str().map(str::to_owned),
        name: spec["name"].as_str().map(str::to_owned),
        ..scheduler
    }
}

impl Module<f64> for Scripted {
    fn collect<'a>(&'a self, into: &mut Collector<'a, f64>) {
        into.parameter("w", &self.w);
    }
}

/// Hooks that only note themselves and log.
macro_rules! noting {
    ($($hook:ident($($argument:ident: $type:ty),*);)*) => {
        $(fn $hook(&mut self, cx: &StepCx<'_, f64>, $($argument: $type),*) {
            $(let _ = $argument;)*
            self.enter(stringify!($hook), cx);
        })*
    };
}

impl LightningModule<f64> for Scripted {
    type Batch = Batch;
    type ValOutput = ();
    type TestOutput = ();
    type Prediction = Vec<f64>;

    fn automatic_optimization(&self) -> bool {
        self.spec["manual"] != true
    }

    fn configure_callbacks(&self) -> Vec<Box<dyn lightning_core::callbacks::Callback<f64>>> {
        note(&self.journal, "M", "configure_callbacks");
        Vec::new()
    }

    fn configure_optimizers(&self) -> Optimizers<f64> {
        note(&self.journal, "M", "configure_optimizers");
        let optimizers = optimizer(&self.spec["optimizer"], vec![self.w.clone()]);
        list(&self.spec["schedulers"]).iter().map(schedule).fold(optimizers, Optimizers::schedule)
    }

    fn on_save_checkpoint(&self) -> Value {
        note(&self.journal, "M", "on_save_checkpoint");
        Value::Null
    }

    fn on_load_checkpoint(&mut self, _: &Value) {
        note(&self.journal, "M", "on_load_checkpoint");
    }

    fn training_step<'s>(&mut self, cx: &StepCx<'s, f64>, batch: &Batch, idx: usize) -> Option<Var<'s, f64>> {
        self.x = batch.clone();
        self.journal.borrow_mut().seen.push(format!("train {}: {}", cx.current_epoch(), batch.0[0]));
        self.enter("training_step", cx);
        if self.is_at("stop_at", cx, idx) {
            cx.stop("the scenario says so");
        }
        if array(&self.spec["none_for"]).contains(&batch.0[0]) {
            return None;
        }
        let loss = self.loss(cx, batch);
        if self.automatic_optimization() {
            return Some(loss);
        }
        self.by_hand(cx, loss);
        None
    }

    fn validation_step(&mut self, cx: &StepCx<'_, f64>, batch: &Batch, _: usize) -> Option<()> {
        self.eval_step("validation", cx, batch);
        Some(())
    }

    fn test_step(&mut self, cx: &StepCx<'_, f64>, batch: &Batch, _: usize) -> Option<()> {
        self.eval_step("test", cx, batch);
        Some(())
    }

    fn predict_step(&self, _: &StepCx<'_, f64>, batch: &Batch, _: usize) -> Option<Vec<f64>> {
        note(&self.journal, "M", "predict_step");
        let w = self.w.value()[[0]];
        Some(batch.0.iter().map(|x| x * w).collect())
    }

    fn on_train_batch_start(&mut self, cx: &StepCx<'_, f64>, batch: &Batch, idx: usize) -> ControlFlow<()> {
        self.x = batch.clone();
        self.enter("on_train_batch_start", cx);
        if self.is_at("skip_epoch_at", cx, idx) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn on_before_backward<'s>(&mut self, cx: &StepCx<'s, f64>, _: Var<'s, f64>) {
        self.enter("on_before_backward", cx);
    }

    fn backward<'s>(&mut self, cx: &StepCx<'s, f64>, loss: Var<'s, f64>) {
        self.enter("backward", cx);
        loss.backward();
    }

    fn optimizer_zero_grad(&mut self, cx: &StepCx<'_, f64>, optimizer: OptimizerRef<'_, f64>) {
        self.enter("optimizer_zero_grad", cx);
        optimizer.zero_grad();
    }

    fn optimizer_step(&mut self, cx: &StepCx<'_, f64>, optimizer: OptimizerRef<'_, f64>) {
        optimizer.step();
        self.enter("optimizer_step", cx);
    }

    fn configure_gradient_clipping(
        &mut self,
        cx: &StepCx<'_, f64>,
        optimizer: OptimizerRef<'_, f64>,
        clip: Option<GradientClip>,
    ) {
        self.enter("configure_gradient_clipping", cx);
        if let Some(clip) = clip {
            optimizer.clip_gradients(clip);
        }
    }

    fn lr_scheduler_step(
        &mut self,
        cx: &StepCx<'_, f64>,
        scheduler: SchedulerRef<'_, f64>,
        metric: Option<f64>,
    ) {
        self.enter("lr_scheduler_step", cx);
        scheduler.step_with(metric);
    }

    fn on_validation_model_zero_grad(&mut self, cx: &StepCx<'_, f64>) {
        self.enter("on_validation_model_zero_grad", cx);
        self.zero_grad();
    }

    fn on_validation_model_eval(&mut self, cx: &StepCx<'_, f64>) {
        self.enter("on_validation_model_eval", cx);
        self.eval();
    }

    fn on_test_model_eval(&mut self, cx: &StepCx<'_, f64>) {
        self.enter("on_test_model_eval", cx);
        self.eval();
    }

    fn on_predict_model_eval(&mut self, cx: &StepCx<'_, f64>) {
        self.enter("on_predict_model_eval", cx);
        self.eval();
    }

    noting! {
        setup(stage: Stage);
        teardown(stage: Stage);
        on_fit_start();
        on_fit_end();
        on_train_start();
        on_train_end();
        on_train_epoch_start();
        on_train_epoch_end();
        on_train_batch_end(loss: Option<f64>, batch: &Batch, batch_idx: usize);
        on_before_zero_grad(optimizer: OptimizerRef<'_, f64>);
        on_after_backward();
        on_before_optimizer_step(optimizer: OptimizerRef<'_, f64>);
        on_validation_model_train();
        on_validation_start();
        on_validation_epoch_start();
        on_validation_batch_start(batch: &Batch, batch_idx: usize, loader: usize);
        on_validation_batch_end(output: Option<&()>, batch: &Batch, batch_idx: usize, loader: usize);
        on_validation_epoch_end();
        on_validation_end();
        on_test_model_train();
        on_test_start();
        on_test_epoch_start();
        on_test_batch_start(batch: &Batch, batch_idx: usize, loader: usize);
        on_test_batch_end(output: Option<&()>, batch: &Batch, batch_idx: usize, loader: usize);
        on_test_epoch_end();
        on_test_end();
        on_predict_start();
        on_predict_epoch_start();
        on_predict_batch_start(batch: &Batch, batch_idx: usize, loader: usize);
        on_predict_batch_end(output: Option<&Vec<f64>>, batch: &Batch, batch_idx: usize, loader: usize);
        on_predict_epoch_end();
        on_predict_end();
    }
}
