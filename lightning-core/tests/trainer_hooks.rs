//! The order of hooks, as PyTorch Lightning 2.6.6 was recorded to call them.
//!
//! `C.` is a callback's hook, `M.` the module's. Three things differ from the recordings, on purpose: loaders,
//! batch transfer, `prepare_data` and `configure_model` are no hooks of a module here; Lightning's `optimizer_step`
//! encloses the training step and stands before it, ours is the update and stands where it happens; and the
//! module's typed `validation_epoch_end` and `test_epoch_end` are there.

use lightning_core::callbacks::{Callback, CallbackResult, Kind};
use lightning_core::checkpoint::Checkpoint;
use lightning_core::nn::{Collector, Module};
use lightning_core::optim::{
    GradientClip, Interval, LrScheduler, Optimizer, Optimizers, Schedule, SchedulerError, StateDict,
    StateError,
};
use lightning_core::testing::{GradientDescent, Line, LineBatch, line_batches};
use lightning_core::trainer::ValCheckInterval;
use lightning_core::{
    Hook, LightningModule, OptimizerRef, SchedulerRef, Stage, State, StepCx, Trainer, TrainerError, Var,
};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Trace(Arc<Mutex<Vec<String>>>);
impl Trace {
    fn note(&self, who: &str, what: &str) {
        self.0.lock().expect("no panic before").push(format!("{who}.{what}"));
    }
    /// In one line; `C/M.x` for a hook of both.
    fn text(&self) -> String {
        let events = self.0.lock().expect("no panic before").clone();
        let mut text: Vec<String> = Vec::new();
        for event in events {
            match (text.last(), event.strip_prefix("M.")) {
                (Some(last), Some(own)) if last.strip_prefix("C.") == Some(own) => {
                    text.pop();
                    text.push(format!("C/M.{own}"));
                }
                _ => text.push(event),
            }
        }
        text.join(" ")
    }
}

/// Notes every hook. One of its kind asks for a checkpoint at the end of each epoch.
struct Recorder(Trace, Kind);
impl Callback for Recorder {
    fn name(&self) -> &str {
        "Recorder"
    }
    fn kind(&self) -> Kind {
        self.1
    }
    fn on_hook(&mut self, hook: Hook, state: &State<'_>) -> CallbackResult {
        if self.1 == Kind::Checkpoint && hook == Hook::OnTrainEpochEnd {
            state.request_checkpoint();
        } else if self.1 == Kind::Plain {
            self.0.note("C", hook.name());
        }
        Ok(())
    }
    fn on_save_checkpoint(&self, _: &mut Checkpoint) {
        if self.1 == Kind::Plain {
            self.0.note("C", "on_save_checkpoint");
        }
    }
    fn on_exception(&mut self, _: &State<'_>, error: &TrainerError) {
        self.0.note("C", &format!("on_exception: {error}"));
    }
}

struct Recorded {
    line: Line,
    trace: Trace,
    manual: bool,
    schedule: Option<(Interval, bool)>,
    skip: Option<usize>,
}

impl Module for Recorded {
    fn collect<'a>(&'a self, into: &mut Collector<'a>) {
        self.line.collect(into);
    }
}

macro_rules! note {
    ($($hook:ident($($arg:ident: $type:ty),*);)*) => {
        $(fn $hook(&mut self, cx: &StepCx<'_>, $($arg: $type),*) {
            let _ = ($(&$arg,)*);
            assert!(cx.hook().name() == stringify!($hook) || self.manual, "{} in {}", stringify!($hook), cx.hook().name());
            self.trace.note("M", stringify!($hook));
        })*
    };
}

impl LightningModule for Recorded {
    type Batch = LineBatch;
    type ValOutput = f64;
    type TestOutput = f64;
    type Prediction = f64;

    fn automatic_optimization(&self) -> bool {
        !self.manual
    }
    fn configure_optimizers(&self) -> Optimizers {
        self.trace.note("M", "configure_optimizers");
        let optimizers = Optimizers::new(GradientDescent { parameters: self.parameters(), lr: 0.1 });
        match self.schedule {
            Some((interval, plateau)) => optimizers.schedule(Schedule {
                interval,
                monitor: plateau.then(|| "val_loss".to_owned()),
                ..Schedule::new(Still(plateau))
            }),
            None => optimizers,
        }
    }
    fn training_step<'s>(&mut self, cx: &StepCx<'s>, batch: &LineBatch, _: usize) -> Option<Var<'s>> {
        self.trace.note("M", "training_step");
        use lightning_core::nn::Layer;
        let loss = self.line.layer.forward(cx.input(&batch.0)).mse_loss(cx.input(&batch.1));
        if self.manual {
            let opt = cx.optimizers();
            opt.zero_grad();
            cx.manual_backward_with(self, loss);
            cx.step_with(self, opt);
        }
        (!self.manual).then_some(loss)
    }
    fn on_train_batch_start(&mut self, _: &StepCx<'_>, _: &LineBatch, batch_idx: usize) -> ControlFlow<()> {
        self.trace.note("M", "on_train_batch_start");
        if self.skip == Some(batch_idx) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
    fn backward<'s>(&mut self, _: &StepCx<'s>, loss: Var<'s>) {
        self.trace.note("M", "backward");
        loss.backward();
    }
    fn on_before_backward<'s>(&mut self, _: &StepCx<'s>, _: Var<'s>) {
        self.trace.note("M", "on_before_backward");
    }
    fn optimizer_zero_grad(&mut self, _: &StepCx<'_>, optimizer: OptimizerRef<'_>) {
        self.trace.note("M", "optimizer_zero_grad");
        optimizer.zero_grad();
    }
    fn optimizer_step(&mut self, _: &StepCx<'_>, optimizer: OptimizerRef<'_>) {
        self.trace.note("M", "optimizer_step");
        optimizer.step();
    }
    fn lr_scheduler_step(&mut self, _: &StepCx<'_>, scheduler: SchedulerRef<'_>, metric: Option<f64>) {
        self.trace.note("M", "lr_scheduler_step");
        scheduler.step_with(metric);
    }
    fn validation_step(&mut self, cx: &StepCx<'_>, _: &LineBatch, _: usize) -> Option<f64> {
        self.trace.note("M", "validation_step");
        cx.log("val_loss", 1.0);
        Some(1.0)
    }
    fn validation_epoch_end(&mut self, _: &StepCx<'_>, _: Vec<f64>) {
        self.trace.note("M", "validation_epoch_end");
    }
    fn test_step(&mut self, _: &StepCx<'_>, _: &LineBatch, _: usize) -> Option<f64> {
        self.trace.note("M", "test_step");
        Some(1.0)
    }
    fn test_epoch_end(&mut self, _: &StepCx<'_>, _: Vec<f64>) {
        self.trace.note("M", "test_epoch_end");
    }
    fn predict_step(&self, _: &StepCx<'_>, _: &LineBatch, _: usize) -> Option<f64> {
        self.trace.note("M", "predict_step");
        Some(1.0)
    }
    fn on_save_checkpoint(&self) -> serde_json::Value {
        self.trace.note("M", "on_save_checkpoint");
        serde_json::Value::Null
    }
    note! {
        setup(stage: Stage);
        teardown(stage: Stage);
        on_fit_start();
        on_fit_end();
        on_train_start();
        on_train_end();
        on_train_epoch_start();
        on_train_epoch_end();
        on_train_batch_end(loss: Option<f64>, batch: &LineBatch, batch_idx: usize);
        on_before_zero_grad(optimizer: OptimizerRef<'_>);
        on_after_backward();
        on_before_optimizer_step(optimizer: OptimizerRef<'_>);
        configure_gradient_clipping(optimizer: OptimizerRef<'_>, clip: Option<GradientClip>);
        on_validation_model_zero_grad();
        on_validation_model_eval();
        on_validation_model_train();
        on_validation_start();
        on_validation_epoch_start();
        on_validation_batch_start(batch: &LineBatch, batch_idx: usize, dataloader_idx: usize);
        on_validation_batch_end(output: Option<&f64>, batch: &LineBatch, batch_idx: usize, dataloader_idx: usize);
        on_validation_epoch_end();
        on_validation_end();
        on_test_model_eval();
        on_test_model_train();
        on_test_start();
        on_test_epoch_start();
        on_test_batch_start(batch: &LineBatch, batch_idx: usize, dataloader_idx: usize);
        on_test_batch_end(output: Option<&f64>, batch: &LineBatch, batch_idx: usize, dataloader_idx: usize);
        on_test_epoch_end();
        on_test_end();
        on_predict_model_eval();
        on_predict_start();
        on_predict_epoch_start();
        on_predict_batch_start(batch: &LineBatch, batch_idx: usize, dataloader_idx: usize);
        on_predict_batch_end(output: Option<&f64>, batch: &LineBatch, batch_idx: usize, dataloader_idx: usize);
        on_predict_epoch_end();
        on_predict_end();
        on_exception(error: &dyn std::error::Error);
    }
}

/// Changes nothing.
struct Still(bool);
impl LrScheduler for Still {
    fn start(&mut self, _: &mut dyn Optimizer) {}
    fn step(&mut self, _: &mut dyn Optimizer, _: Option<f64>) -> Result<(), SchedulerError> {
        Ok(())
    }
    fn needs_metric(&self) -> bool {
        self.0
    }
    fn state_dict(&self) -> StateDict {
        StateDict::default()
    }
    fn load_state_dict(&mut self, _: &StateDict) -> Result<(), StateError> {
        Ok(())
    }
}

fn recorded() -> Recorded {
    Recorded { line: Line::default(), trace: Trace::default(), manual: false, schedule: None, skip: None }
}

/// One epoch of two batches without sanity check, validated on two, unless the test says otherwise.
fn fit(module: &mut Recorded, change: impl FnOnce(&mut Trainer)) -> String {
    let trace = module.trace.clone();
    let mut trainer = Trainer {
        max_epochs: 1,
        num_sanity_val_steps: 0,
        callbacks: vec![Box::new(Recorder(trace.clone(), Kind::Plain))],
        ..Trainer::default()
    };
    change(&mut trainer);
    let _ = trainer.fit(module, &line_batches(), Some(&line_batches()));
    trace.text()
}

const START: &str = "C/M.setup M.configure_optimizers C/M.on_fit_start";
const UPDATE: &str = "C/M.on_before_optimizer_step M.configure_gradient_clipping M.optimizer_step";
const GRADIENTS: &str = "C/M.on_before_backward M.backward C/M.on_after_backward";
const END: &str = "C/M.on_train_end C/M.on_fit_end C/M.teardown";
const VALIDATION: &str = "M.on_validation_model_eval C/M.on_validation_start C/M.on_validation_epoch_start \
    C/M.on_validation_batch_start M.validation_step C/M.on_validation_batch_end \
    C/M.on_validation_batch_start M.validation_step C/M.on_validation_batch_end \
    M.validation_epoch_end C/M.on_validation_epoch_end C/M.on_validation_end M.on_validation_model_train";

fn batch(schedules: &str) -> String {
    let text = format!(
        "C/M.on_train_batch_start M.training_step C/M.on_before_zero_grad M.optimizer_zero_grad {GRADIENTS} \
         {UPDATE} {schedules} C/M.on_train_batch_end"
    );
    text.replace("  ", " ")
}

#[test]
fn a_fit_with_sanity_check_validation_a_scheduler_and_a_checkpoint() {
    let mut module = Recorded { schedule: Some((Interval::Epoch, false)), ..recorded() };
    let trace = module.trace.clone();
    let found = fit(&mut module, |trainer| {
        trainer.num_sanity_val_steps = 2;
        trainer.callbacks.insert(0, Box::new(Recorder(trace, Kind::Checkpoint)));
    });
    let expected = format!(
        "{START} C.on_sanity_check_start {VALIDATION} C.on_sanity_check_end C/M.on_train_start \
         C/M.on_train_epoch_start {} {} M.on_validation_model_zero_grad {VALIDATION} C/M.on_train_epoch_end \
         C/M.on_save_checkpoint {END}",
        batch(""),
        batch("M.lr_scheduler_step"),
    );
    assert_eq!(found, expected);
}

#[test]
fn an_accumulation_window_clears_gradients_first_and_steps_last() {
    let mut module = Recorded { schedule: Some((Interval::Step, false)), ..recorded() };
    let found = fit(&mut module, |trainer| {
        trainer.accumulate_grad_batches = 2;
        trainer.check_val_every_n_epoch = 2;
    });
    let expected = format!(
        "{START} C/M.on_train_start C/M.on_train_epoch_start \
         C/M.on_train_batch_start M.training_step C/M.on_before_zero_grad M.optimizer_zero_grad {GRADIENTS} \
         C/M.on_train_batch_end \
         C/M.on_train_batch_start M.training_step {GRADIENTS} {UPDATE} M.lr_scheduler_step C/M.on_train_batch_end \
         C/M.on_train_epoch_end {END}"
    );
    assert_eq!(found, expected);
}

#[test]
fn manual_optimization_calls_what_the_step_calls() {
    let mut module = Recorded { manual: true, ..recorded() };
    let found = fit(&mut module, |trainer| trainer.check_val_every_n_epoch = 2);
    let by_hand = format!(
        "C/M.on_train_batch_start M.training_step {GRADIENTS} C/M.on_before_optimizer_step C/M.on_train_batch_end"
    );
    let expected = format!(
        "{START} C/M.on_train_start C/M.on_train_epoch_start {by_hand} {by_hand} C/M.on_train_epoch_end {END}"
    );
    assert_eq!(found, expected);
}

#[test]
fn plateau_schedulers_move_behind_what_they_watch() {
    let mut by_epoch = Recorded { schedule: Some((Interval::Epoch, true)), ..recorded() };
    let found = fit(&mut by_epoch, |_| ());
    assert!(
        found.ends_with(&format!("{VALIDATION} C/M.on_train_epoch_end M.lr_scheduler_step {END}")),
        "{found}"
    );
    let mut by_step = Recorded { schedule: Some((Interval::Step, true)), ..recorded() };
    let found = fit(&mut by_step, |trainer| trainer.val_check_interval = ValCheckInterval::Batches(1));
    let each = format!("{} M.on_validation_model_zero_grad {VALIDATION} M.lr_scheduler_step", batch(""));
    let expected = format!(
        "{START} C/M.on_train_start C/M.on_train_epoch_start {each} {each} C/M.on_train_epoch_end {END}"
    );
    assert_eq!(found, expected);
}

#[test]
fn gradients_are_kept_while_a_window_is_open_over_a_validation() {
    let found = fit(&mut recorded(), |trainer| {
        trainer.accumulate_grad_batches = 2;
        trainer.val_check_interval = ValCheckInterval::Batches(1);
    });
    assert_eq!(found.matches("M.on_validation_model_zero_grad").count(), 1);
    assert_eq!(found.matches("M.on_validation_model_eval").count(), 2);
}

#[test]
fn validation_test_and_prediction_alone() {
    let run = |which: fn(&mut Trainer, &mut Recorded)| {
        let mut module = recorded();
        let trace = module.trace.clone();
        let callbacks: Vec<Box<dyn Callback>> = vec![Box::new(Recorder(trace.clone(), Kind::Plain))];
        which(&mut Trainer { callbacks, ..Trainer::default() }, &mut module);
        trace.text()
    };
    let validated = run(|trainer, module| drop(trainer.validate(module, &line_batches()).expect("a pass")));
    assert_eq!(validated, format!("C/M.setup {VALIDATION} C/M.teardown"));
    let tested = run(|trainer, module| drop(trainer.test(module, &line_batches()).expect("a pass")));
    let test = VALIDATION.replace("validation", "test");
    assert_eq!(tested, format!("C/M.setup {test} C/M.teardown"));
    let predicted = run(|trainer, module| drop(trainer.predict(module, &line_batches()).expect("a pass")));
    let predict = VALIDATION
        .replace("validation", "predict")
        .replace(" M.on_predict_model_train", "")
        .replace(" M.predict_epoch_end", "");
    assert_eq!(predicted, format!("C/M.setup {predict} C/M.teardown"));
}

#[test]
fn an_epoch_that_the_module_cuts_is_validated_and_ended() {
    let mut module = Recorded { skip: Some(1), schedule: Some((Interval::Step, false)), ..recorded() };
    let found = fit(&mut module, |_| ());
    let expected = format!(
        "{START} C/M.on_train_start C/M.on_train_epoch_start {} C/M.on_train_batch_start \
         M.on_validation_model_zero_grad {VALIDATION} C/M.on_train_epoch_end {END}",
        batch("M.lr_scheduler_step"),
    );
    assert_eq!(found, expected);
}

#[test]
fn an_error_reaches_callbacks_and_module_and_nothing_comes_after_it() {
    struct Failing;
    impl Callback for Failing {
        fn name(&self) -> &str {
            "Failing"
        }
        fn on_after_backward(&mut self, _: &State<'_>) -> CallbackResult {
            Err("full".into())
        }
    }
    for manual in [false, true] {
        let mut module = Recorded { manual, ..recorded() };
        let found = fit(&mut module, |trainer| trainer.callbacks.push(Box::new(Failing)));
        assert!(found.ends_with("C.on_exception: Failing: full M.on_exception"), "{found}");
    }
}

#[test]
fn callbacks_run_in_order_and_those_that_monitor_after_the_module() {
    struct Named(&'static str, Kind, Trace);
    impl Callback for Named {
        fn name(&self) -> &str {
            self.0
        }
        fn kind(&self) -> Kind {
            self.1
        }
        fn on_hook(&mut self, hook: Hook, _: &State<'_>) -> CallbackResult {
            if matches!(hook, Hook::OnTrainEpochEnd | Hook::OnFitEnd) {
                self.2.note(self.0, hook.name());
            }
            Ok(())
        }
    }
    let mut module = recorded();
    let trace = module.trace.clone();
    let found = fit(&mut module, |trainer| {
        let named = |name, kind| -> Box<dyn Callback> { Box::new(Named(name, kind, trace.clone())) };
        trainer.callbacks = vec![
            named("Checkpoint", Kind::Checkpoint),
            named("A", Kind::Plain),
            named("Stopping", Kind::Monitor),
            named("B", Kind::Plain),
        ];
    });
    assert!(
        found.ends_with(
            "A.on_train_epoch_end B.on_train_epoch_end M.on_train_epoch_end Stopping.on_train_epoch_end \
             Checkpoint.on_train_epoch_end M.on_train_end A.on_fit_end Stopping.on_fit_end B.on_fit_end \
             Checkpoint.on_fit_end M.on_fit_end M.teardown"
        ),
        "{found}"
    );
}
