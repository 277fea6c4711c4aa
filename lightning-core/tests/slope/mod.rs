//! A module whose loss is `w · x`, so that the gradient of a batch is its x.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use lightning_core::callbacks::{Callback, CallbackResult};
use lightning_core::nn::{Collector, Module};
use lightning_core::optim::{
    Interval, LrScheduler, Optimizer, Optimizers, Schedule, SchedulerError, StateDict, StateError,
};
use lightning_core::testing::GradientDescent;
use lightning_core::{FitReport, LightningModule, Parameter, State, StepCx, Trainer, Var};
use ndarray::{ArcArray1, Array1, ArrayD};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

pub type Batch = ArcArray1<f32>;

/// The loss is `w · x`, so that the gradient of a batch is its x.
pub struct Slope {
    pub w: Parameter,
    pub schedule: Option<(Interval, u64)>,
    pub skip: fn(usize, usize) -> bool,
    pub no_loss: fn(usize) -> bool,
    pub log: fn(&StepCx<'_>, f64),
    pub validated: Vec<(usize, u64)>,
}

impl Default for Slope {
    fn default() -> Self {
        Slope {
            w: Parameter::new(ArrayD::zeros(vec![1])),
            schedule: None,
            skip: |_, _| false,
            no_loss: |_| false,
            log: |_, _| (),
            validated: Vec::new(),
        }
    }
}

impl Slope {
    pub fn w(&self) -> f32 {
        self.w.value()[[0]]
    }
}

impl Module for Slope {
    fn collect<'a>(&'a self, into: &mut Collector<'a>) {
        into.parameter("w", &self.w);
    }
}

impl LightningModule for Slope {
    type Batch = Batch;
    type ValOutput = ();
    type TestOutput = ();
    type Prediction = ();

    fn training_step<'s>(&mut self, cx: &StepCx<'s>, x: &Batch, batch_idx: usize) -> Option<Var<'s>> {
        (self.log)(cx, f64::from(x[0]));
        let loss = (cx.tape().parameter(&self.w) * cx.input(x)).sum();
        (!(self.no_loss)(batch_idx)).then_some(loss)
    }
    fn on_train_batch_start(&mut self, cx: &StepCx<'_>, _: &Batch, batch_idx: usize) -> ControlFlow<()> {
        match (self.skip)(cx.current_epoch(), batch_idx) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
    fn validation_step(&mut self, cx: &StepCx<'_>, x: &Batch, _: usize) -> Option<()> {
        self.validated.push((cx.current_epoch(), cx.global_step()));
        cx.log("v", f64::from(x[0]));
        Some(())
    }
    fn configure_optimizers(&self) -> Optimizers {
        let optimizers = Optimizers::new(GradientDescent { parameters: self.parameters(), lr: 1.0 });
        match self.schedule {
            Some((interval, frequency)) => {
                optimizers.schedule(Schedule { interval, frequency, ..Schedule::new(Halving) })
            }
            None => optimizers,
        }
    }
}

pub struct Halving;
impl LrScheduler for Halving {
    fn start(&mut self, _: &mut dyn Optimizer) {}
    fn step(&mut self, optimizer: &mut dyn Optimizer, _: Option<f64>) -> Result<(), SchedulerError> {
        optimizer.set_lr(0, optimizer.lr(0) / 2.0);
        Ok(())
    }
    fn state_dict(&self) -> StateDict {
        StateDict::default()
    }
    fn load_state_dict(&mut self, _: &StateDict) -> Result<(), StateError> {
        Ok(())
    }
}

/// The learning rate with which each batch was trained.
#[derive(Clone, Default)]
pub struct Rates(pub Arc<Mutex<Vec<f64>>>);
impl Callback for Rates {
    fn name(&self) -> &str {
        "Rates"
    }
    fn on_train_batch_start(&mut self, state: &State<'_>) -> CallbackResult {
        self.0.lock().expect("no panic before").push(state.optimizer(0).lr());
        Ok(())
    }
}
impl Rates {
    pub fn take(&self) -> Vec<f64> {
        std::mem::take(&mut self.0.lock().expect("no panic before"))
    }
}

pub fn batches(xs: &[f32]) -> Vec<Batch> {
    xs.iter().map(|&x| Array1::from_elem(1, x).into_shared()).collect()
}

pub fn trainer(max_epochs: usize) -> Trainer {
    Trainer { max_epochs, num_sanity_val_steps: 0, ..Trainer::default() }
}

pub fn fit(trainer: &mut Trainer, module: &mut Slope, xs: &[f32]) -> FitReport {
    trainer.fit(module, &batches(xs), None::<&Vec<Batch>>).expect("a fit")
}
