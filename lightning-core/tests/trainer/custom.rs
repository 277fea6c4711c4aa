//! A module, a scheduler and a callback whose parts a test can change.

use lightning_core::callbacks::{Callback, CallbackResult};
use lightning_core::nn::{Collector, Layer, Module};
use lightning_core::optim::{LrScheduler, Optimizer, Optimizers, SchedulerError, StateDict, StateError};
use lightning_core::testing::{GradientDescent, Line, LineBatch};
use lightning_core::{LightningModule, State, StepCx, Var};
use std::sync::{Arc, Mutex};

/// A module around `Line` whose parts a test can change.
pub(crate) struct Custom {
    pub(crate) line: Line,
    pub(crate) automatic: bool,
    pub(crate) optimizers: fn(&Line) -> Optimizers,
    pub(crate) step: fn(&Custom, Loss<'_, '_>),
    pub(crate) returns: fn(usize) -> bool,
    pub(crate) events: Arc<Mutex<Vec<String>>>,
}

pub(crate) struct Loss<'a, 's> {
    pub(crate) cx: &'a StepCx<'s>,
    pub(crate) loss: Var<'s>,
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
pub(crate) struct Halving {
    pub(crate) watches: bool,
    pub(crate) seen: Arc<Mutex<Vec<f64>>>,
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
pub(crate) fn halving() -> Halving {
    Halving { watches: false, seen: Arc::default() }
}
pub(crate) fn descent(line: &Line) -> Optimizers {
    Optimizers::new(GradientDescent { parameters: line.parameters(), lr: 0.1 })
}

/// Writes down every event with the learning rate of the moment.
pub(crate) struct Recorder(pub(crate) Arc<Mutex<Vec<String>>>);
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
