//! Manual optimization: the training step itself forgets gradients, goes backward, steps, and moves its scheduler on.
//!
//! Teaches `automatic_optimization() -> false`, `zero_grad`, `manual_backward`, `clip_gradients`, `step` and
//! `lr_schedulers`, here once per batch. Nobody else steps optimizer or scheduler then.
//!
//! `cargo run -p lightning-core --example manual_optimization`

use lightning_core::nn::{Collector, Layer, Linear, Module};
use lightning_core::optim::{GradientClip, Optimizers};
use lightning_core::testing::{LineBatch, line_batches};
use lightning_core::{LightningModule, Seed, StepCx, Trainer, Var};
use lightning_optim::{ExponentialLr, Sgd, SgdOptions};

struct Manual {
    layer: Linear,
}

impl Module for Manual {
    fn collect<'a>(&'a self, into: &mut Collector<'a>) {
        into.child("layer", &self.layer);
    }
}

impl LightningModule for Manual {
    type Batch = LineBatch;
    type ValOutput = ();
    type TestOutput = ();
    type Prediction = ();

    fn automatic_optimization(&self) -> bool {
        false
    }

    fn training_step<'s>(&mut self, cx: &StepCx<'s>, (x, y): &LineBatch, _: usize) -> Option<Var<'s>> {
        let opt = cx.optimizers();
        opt.zero_grad();
        let loss = self.layer.forward(cx.input(x)).mse_loss(cx.input(y));
        cx.manual_backward(loss);
        opt.clip_gradients(GradientClip::Norm(5.0));
        opt.step();

        let scheduler = cx.lr_schedulers();
        scheduler.step();
        cx.log("train_loss", loss);
        cx.log("lr", opt.lr());
        Some(loss)
    }

    fn configure_optimizers(&self) -> Optimizers {
        let options = SgdOptions { lr: 0.3, ..Default::default() };
        let opt = Sgd::new(self.parameters(), options).expect("sound options");
        Optimizers::new(opt).scheduler(ExponentialLr::new(0.995))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut model = Manual { layer: Linear::new(1, 1, &mut Seed(0).stream("init")) };
    let mut trainer = Trainer { max_epochs: 100, ..Trainer::default() };
    let batches = line_batches(); // two batches of points on y = 2x − 1
    let report = trainer.fit(&mut model, &batches, None::<&Vec<_>>)?;

    println!("{} steps, loss {:.2e}", report.global_step, report.metrics["train_loss"]);
    println!("the learning rate went from 0.3 to {:.4}", report.metrics["lr"]);
    assert_eq!(report.global_step, 200);
    assert!((report.metrics["lr"] - 0.3 * 0.995f64.powi(200)).abs() < 1e-12);
    assert!((model.layer.weight.value()[[0, 0]] - 2.0).abs() < 1e-3);
    Ok(())
}
