//! An operation of one's own: softplus, with its backward rule, checked and then used in a module.
//!
//! Teaches `Op` (what an operation knows to carry a gradient back), `Tape::apply`, and `gradcheck`, which holds the rule
//! to finite differences. Generic over the float type, it is checked in `f64` and trained in `f32`.
//!
//! `cargo run -p lightning-core --example custom_op`

use lightning_core::nn::{Collector, Layer, Linear, Module};
use lightning_core::optim::Optimizers;
use lightning_core::testing::{LineBatch, line_batches};
use lightning_core::{Backward, Float, LightningModule, Op, Seed, StepCx, Trainer, Var, gradcheck};
use lightning_optim::{Adam, AdamOptions};
use ndarray::{ArcArray2, array};

/// The backward rule: d/dx ln(1 + eˣ) = 1 / (1 + e⁻ˣ).
struct Softplus;

impl<F: Float> Op<F> for Softplus {
    fn name(&self) -> &'static str {
        "softplus"
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        cx.add_map2(0, |cx| (cx.grad(), cx.input(0)), |g, x| g / (F::one() + (-x).exp()));
    }
}

/// `ln(1 + eˣ)` of each element, as `max(x, 0) + ln(1 + e^−|x|)`, which no large `x` overflows.
fn softplus<F: Float>(x: Var<'_, F>) -> Var<'_, F> {
    let value = x.value().mapv(|x| x.max(F::zero()) + (-x.abs()).exp().ln_1p());
    x.tape().apply(&[x], value, Softplus)
}

/// A curve that is positive everywhere.
struct Curve {
    hidden: Linear,
    out: Linear,
}

impl Module for Curve {
    fn collect<'a>(&'a self, into: &mut Collector<'a>) {
        into.child("hidden", &self.hidden);
        into.child("out", &self.out);
    }
}

impl Curve {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        softplus(self.out.forward(softplus(self.hidden.forward(x))))
    }
}

impl LightningModule for Curve {
    type Batch = LineBatch;
    type ValOutput = ();
    type TestOutput = ();
    type Prediction = ArcArray2<f32>;

    fn training_step<'s>(&mut self, cx: &StepCx<'s>, (x, y): &LineBatch, _: usize) -> Option<Var<'s>> {
        let loss = self.forward(cx.input(x)).mse_loss(cx.input(y));
        cx.log("train_loss", loss);
        Some(loss)
    }

    fn predict_step(&self, cx: &StepCx<'_>, (x, _): &LineBatch, _: usize) -> Option<ArcArray2<f32>> {
        self.forward(cx.input(x)).value().into_dimensionality().ok()
    }

    fn configure_optimizers(&self) -> Optimizers {
        let options = AdamOptions { lr: 0.02, ..Default::default() };
        Optimizers::new(Adam::new(self.parameters(), options).expect("sound options"))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    gradcheck(|x| softplus(x[0]), &[array![[-30.0, -1.0], [0.5, 30.0]].into_dyn()])?;

    // Points on y = eˣ.
    let batches: Vec<LineBatch> =
        line_batches().into_iter().map(|(x, _)| (x.clone(), x.mapv(f32::exp).into_shared())).collect();
    let mut rng = Seed(0).stream("init");
    let mut model = Curve { hidden: Linear::new(1, 8, &mut rng), out: Linear::new(8, 1, &mut rng) };
    let mut trainer = Trainer { max_epochs: 300, ..Trainer::default() };
    let report = trainer.fit(&mut model, &batches, None::<&Vec<_>>)?;
    let predictions = trainer.predict(&mut model, &batches)?;

    println!("the rule holds; {} steps, loss {:.5}", report.global_step, report.metrics["train_loss"]);
    assert!(report.metrics["train_loss"] < 0.01);
    assert!(predictions.iter().flatten().all(|&y| y > 0.0));
    Ok(())
}
