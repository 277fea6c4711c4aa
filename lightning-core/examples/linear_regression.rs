//! The smallest whole training: a module with one layer, a data set, a loader, a trainer.
//!
//! Teaches the two methods that every model has, `training_step` and `configure_optimizers`, and that arrays are data
//! sets as they are. The weights that come out are those the points were made with.
//!
//! `cargo run -p lightning-core --example linear_regression`

use lightning_core::data::DataLoader;
use lightning_core::nn::{Collector, Layer, Linear, Module, init};
use lightning_core::optim::Optimizers;
use lightning_core::{LightningModule, LogOptions, Seed, StepCx, Trainer, Var};
use lightning_optim::{Sgd, SgdOptions};
use ndarray::{ArcArray2, Array2, Ix2, array};

type Batch = (ArcArray2<f32>, ArcArray2<f32>);

struct Regression {
    layer: Linear,
}

impl Module for Regression {
    fn collect<'a>(&'a self, into: &mut Collector<'a>) {
        into.child("layer", &self.layer);
    }
}

impl LightningModule for Regression {
    type Batch = Batch;
    type ValOutput = ();
    type TestOutput = ();
    type Prediction = ();

    fn training_step<'s>(&mut self, cx: &StepCx<'s>, (x, y): &Batch, _: usize) -> Option<Var<'s>> {
        let loss = self.layer.forward(cx.input(x)).mse_loss(cx.input(y));
        cx.log_with("train_loss", loss, LogOptions::on_epoch());
        Some(loss)
    }

    fn configure_optimizers(&self) -> Optimizers {
        let options = SgdOptions { lr: 0.1, ..Default::default() };
        Optimizers::new(Sgd::new(self.parameters(), options).expect("sound options"))
    }
}

/// Points on y = 3·x₀ − 2·x₁ + 1, with a little noise.
fn points(seed: Seed) -> Batch {
    let mut rng = seed.stream("points");
    let x = init::normal(&[256, 2], 0.0, 1.0, &mut rng).into_dimensionality::<Ix2>().expect("two axes");
    let noise: Array2<f32> =
        init::normal(&[256, 1], 0.0, 0.01, &mut rng).into_dimensionality().expect("two axes");
    let y: Array2<f32> = x.dot(&array![[3.0], [-2.0]]) + 1.0 + noise;
    (x.into_shared(), y.into_shared())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seed = Seed(1);
    let train = DataLoader::new(points(seed), 32).shuffled(seed);
    let mut model = Regression { layer: Linear::new(2, 1, &mut seed.stream("init")) };
    let mut trainer = Trainer { max_epochs: 20, seed, ..Trainer::default() };
    let report = trainer.fit(&mut model, &train, None::<&DataLoader<Batch>>)?;

    let state = model.state_dict();
    let (weight, bias) = (&state["layer.weight"], &state["layer.bias"]);
    println!("{} steps, loss {:.6}", report.global_step, report.metrics["train_loss"]);
    println!("y = {:.3}·x₀ + {:.3}·x₁ + {:.3}", weight[[0, 0]], weight[[0, 1]], bias[[0]]);
    for (found, made) in [(weight[[0, 0]], 3.0), (weight[[0, 1]], -2.0), (bias[[0]], 1.0)] {
        assert!((found - made).abs() < 0.01, "found {found}, the points were made with {made}");
    }
    Ok(())
}
