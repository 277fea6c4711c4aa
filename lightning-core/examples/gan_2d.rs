//! Two optimizers in turn: a generator learns to place points where a discriminator cannot tell them from real ones.
//!
//! Teaches several optimizers in one module, and `toggle`/`untoggle`: while one player learns, the other's weights are
//! frozen, so that the backward pass computes no gradients that nobody uses.
//!
//! `cargo run -p lightning-core --example gan_2d`

use lightning_core::data::DataLoader;
use lightning_core::nn::{Collector, Layer, Linear, Module, Relu, Sequential, init};
use lightning_core::optim::Optimizers;
use lightning_core::{LightningModule, Seed, StepCx, Tape, Trainer, Var};
use lightning_optim::{Adam, AdamOptions};
use ndarray::{ArcArray2, Array2, Axis, Ix2, array};
use rand_chacha::ChaCha8Rng;

struct Gan {
    generator: Linear,
    discriminator: Sequential,
    /// Draws what the generator starts from.
    noise: ChaCha8Rng,
}

impl Module for Gan {
    fn collect<'a>(&'a self, into: &mut Collector<'a>) {
        into.child("generator", &self.generator);
        into.child("discriminator", &self.discriminator);
    }
}

fn normal(rows: usize, rng: &mut ChaCha8Rng) -> ArcArray2<f32> {
    init::normal(&[rows, 2], 0.0, 1.0, rng).into_dimensionality::<Ix2>().expect("two axes").into_shared()
}

impl LightningModule for Gan {
    type Batch = ArcArray2<f32>;
    type ValOutput = ();
    type TestOutput = ();
    type Prediction = ();

    fn automatic_optimization(&self) -> bool {
        false
    }

    fn training_step<'s>(&mut self, cx: &StepCx<'s>, real: &ArcArray2<f32>, _: usize) -> Option<Var<'s>> {
        let (opt_g, opt_d) = (cx.optimizer(0), cx.optimizer(1));
        let [ones, zeros] = [1.0, 0.0].map(|of| cx.input(&Array2::from_elem((real.nrows(), 1), of).into()));

        opt_g.toggle();
        let fake = self.generator.forward(cx.input(&normal(real.nrows(), &mut self.noise)));
        let loss_g = self.discriminator.forward(fake).bce_with_logits(ones);
        opt_g.zero_grad();
        cx.manual_backward(loss_g);
        opt_g.step();
        opt_g.untoggle();

        opt_d.toggle();
        let on_real = self.discriminator.forward(cx.input(real)).bce_with_logits(ones);
        let on_fake = self.discriminator.forward(fake.detach()).bce_with_logits(zeros);
        let loss_d = (on_real + on_fake) * 0.5;
        opt_d.zero_grad();
        cx.manual_backward(loss_d);
        opt_d.step();
        opt_d.untoggle();

        cx.log("loss_g", loss_g);
        cx.log("loss_d", loss_d);
        None
    }

    fn configure_optimizers(&self) -> Optimizers {
        let adam = |of: &dyn Module| {
            let options = AdamOptions { lr: 0.01, betas: (0.5, 0.999), ..Default::default() };
            Adam::new(of.parameters(), options).expect("sound options")
        };
        Optimizers::new(adam(&self.generator)).and(adam(&self.discriminator))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seed = Seed(3);
    let real = (normal(512, &mut seed.stream("real")).to_owned() * 0.5 + array![2.0, -1.0]).into_shared();
    let mut rng = seed.stream("init");
    let generator = Linear::new(2, 2, &mut rng);
    let discriminator =
        Sequential::new().then(Linear::new(2, 16, &mut rng)).then(Relu).then(Linear::new(16, 1, &mut rng));
    let mut model = Gan { generator, discriminator, noise: seed.stream("noise") };
    let mut trainer = Trainer { max_epochs: 60, seed, ..Trainer::default() };
    trainer.fit(&mut model, &DataLoader::new(real, 64).shuffled(seed), None::<&Vec<_>>)?;

    let tape = Tape::inference();
    let fake = model.generator.forward(tape.constant(normal(1000, &mut seed.stream("look")))).value();
    let mean = fake.mean_axis(Axis(0)).expect("rows");
    println!("real points lie around (2, -1), generated ones around ({:.2}, {:.2})", mean[0], mean[1]);
    assert!((mean[0] - 2.0).abs() < 0.3 && (mean[1] + 1.0).abs() < 0.3);
    Ok(())
}
