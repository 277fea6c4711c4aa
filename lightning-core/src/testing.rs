//! A module and data so small that a test or an example is read at a glance.

use crate::nn::{Collector, Layer, Linear, Module};
use crate::optim::{Optimizer, Optimizers, StateDict, StateError};
use crate::{Float, LightningModule, Parameter, Seed, StepCx, Var};
use ndarray::{ArcArray2, Array2};

/// A straight line `y = w·x + b` fitted by plain gradient descent.
pub struct Line<F: Float = f32> {
    /// The line.
    pub layer: Linear<F>,
    /// The learning rate.
    pub lr: f64,
    /// Whether the training step optimizes by hand.
    pub manual: bool,
}

impl<F: Float> Default for Line<F> {
    fn default() -> Self {
        Line { layer: Linear::new(1, 1, &mut Seed(0).stream("init")), lr: 0.1, manual: false }
    }
}

/// Inputs and targets, each (rows, 1).
pub type LineBatch<F = f32> = (ArcArray2<F>, ArcArray2<F>);

/// Points on `y = 2x − 1` in two batches of unequal size.
pub fn line_batches<F: Float>() -> Vec<LineBatch<F>> {
    let batch = |from: i32, to: i32| {
        let x = Array2::from_shape_fn(((to - from) as usize, 1), |(i, _)| {
            F::of(f64::from(from + i as i32) / 4.0)
        });
        let y = x.mapv(|x| F::of(2.0) * x - F::one());
        (x.into_shared(), y.into_shared())
    };
    vec![batch(-4, 1), batch(1, 5)]
}

impl<F: Float> Module<F> for Line<F> {
    fn collect<'a>(&'a self, into: &mut Collector<'a, F>) {
        into.child("layer", &self.layer);
    }
}

impl<F: Float> Line<F> {
    fn loss<'s>(&self, cx: &StepCx<'s, F>, (x, y): &LineBatch<F>) -> Var<'s, F> {
        self.layer.forward(cx.input(x)).mse_loss(cx.input(y))
    }
}

impl<F: Float> LightningModule<F> for Line<F> {
    type Batch = LineBatch<F>;
    type ValOutput = f64;
    type TestOutput = ();
    type Prediction = Array2<F>;

    fn automatic_optimization(&self) -> bool {
        !self.manual
    }

    fn training_step<'s>(
        &mut self,
        cx: &StepCx<'s, F>,
        batch: &LineBatch<F>,
        _: usize,
    ) -> Option<Var<'s, F>> {
        let loss = self.loss(cx, batch);
        cx.log_with(
            "loss",
            loss,
            crate::LogOptions { on_step: Some(true), on_epoch: Some(true), ..Default::default() },
        );
        if self.manual {
            let opt = cx.optimizers();
            opt.zero_grad();
            cx.manual_backward(loss);
            opt.step();
            return None;
        }
        Some(loss)
    }

    fn validation_step(&mut self, cx: &StepCx<'_, F>, batch: &LineBatch<F>, _: usize) -> Option<f64> {
        let loss = self.loss(cx, batch);
        cx.log("val_loss", loss);
        Some(loss.item().as_f64())
    }

    fn validation_epoch_end(&mut self, cx: &StepCx<'_, F>, outputs: Vec<f64>) {
        cx.log("ptl/val_loss", outputs.iter().sum::<f64>() / outputs.len() as f64);
    }

    fn predict_step(&self, cx: &StepCx<'_, F>, (x, _): &LineBatch<F>, _: usize) -> Option<Array2<F>> {
        let y = self.layer.forward(cx.input(x)).value();
        Some(y.into_dimensionality().expect("a column").into_owned())
    }

    fn configure_optimizers(&self) -> Optimizers<F> {
        Optimizers::new(GradientDescent { parameters: self.parameters(), lr: self.lr })
    }
}

/// `p ← p − lr · gradient` and nothing more; `lightning-optim` has the real ones.
pub struct GradientDescent<F: Float = f32> {
    /// What it changes.
    pub parameters: Vec<Parameter<F>>,
    /// The learning rate.
    pub lr: f64,
}

impl<F: Float> Optimizer<F> for GradientDescent<F> {
    fn name(&self) -> &'static str {
        "GradientDescent"
    }
    fn step(&mut self) {
        for parameter in &self.parameters {
            parameter.update(|mut value, grad| value.scaled_add(F::of(-self.lr), &grad));
        }
    }
    fn groups(&self) -> usize {
        1
    }
    fn parameters(&self, _: usize) -> &[Parameter<F>] {
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
    fn state_dict(&self) -> StateDict<F> {
        StateDict { numbers: [("lr".to_owned(), self.lr)].into(), ..StateDict::default() }
    }
    fn load_state_dict(&mut self, state: &StateDict<F>) -> Result<(), StateError> {
        self.lr = state.number("lr")?;
        Ok(())
    }
}
