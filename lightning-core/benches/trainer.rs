//! What the trainer adds to a step: a module with one parameter, hooks, and `log` of two values.
//!
//! `loop` is the same step without a trainer; the difference of the two is the overhead.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lightning_core::callbacks::{Callback, ModelCheckpoint};
use lightning_core::loggers::{CsvLogger, Logger};
use lightning_core::nn::{Collector, Module};
use lightning_core::optim::{Optimizer, Optimizers};
use lightning_core::testing::GradientDescent;
use lightning_core::{LightningModule, LogOptions, Parameter, StepCx, Tape, Trainer, Var};
use ndarray::{ArcArray1, Array1, ArrayD};

const STEPS: usize = 10_000;

struct One {
    w: Parameter,
}
impl Module for One {
    fn collect<'a>(&'a self, into: &mut Collector<'a>) {
        into.parameter("w", &self.w);
    }
}
impl One {
    fn new() -> Self {
        One { w: Parameter::new(ArrayD::ones(vec![1])) }
    }
    fn loss<'t>(&self, tape: &'t Tape, x: &ArcArray1<f32>) -> Var<'t> {
        (tape.parameter(&self.w) * tape.constant(x.clone())).sum()
    }
}
impl LightningModule for One {
    type Batch = ArcArray1<f32>;
    type ValOutput = ();
    type TestOutput = ();
    type Prediction = ();
    fn training_step<'s>(&mut self, cx: &StepCx<'s>, x: &ArcArray1<f32>, _: usize) -> Option<Var<'s>> {
        let loss = self.loss(cx.tape(), x);
        cx.log("loss", 1.0);
        cx.log_with("both", 2.0, LogOptions::on_step_and_epoch());
        Some(loss)
    }
    fn configure_optimizers(&self) -> Optimizers {
        Optimizers::new(GradientDescent { parameters: self.parameters(), lr: 1e-6 })
    }
}

fn steps(c: &mut Criterion) {
    let batches = vec![Array1::<f32>::ones(1).into_shared(); STEPS];
    let mut group = c.benchmark_group("an epoch of 10,000 steps");
    group.throughput(Throughput::Elements(STEPS as u64)).sample_size(10);
    group.bench_function("loop", |b| {
        b.iter(|| {
            let module = One::new();
            let mut opt = GradientDescent { parameters: module.parameters(), lr: 1e-6 };
            let mut tape = Tape::new();
            for x in &batches {
                opt.zero_grad();
                module.loss(&tape, x).backward();
                tape.reset();
                opt.step();
            }
        });
    });
    group.bench_function("trainer", |b| {
        b.iter(|| {
            let mut trainer = Trainer { max_epochs: 1, ..Trainer::default() };
            trainer.fit(&mut One::new(), &batches, None::<&Vec<_>>).expect("a fit");
        });
    });
    let dir = tempfile::tempdir().expect("a folder");
    // What Lightning does by default, but for its summary and its bar.
    group.bench_function("trainer with a checkpoint and a csv log", |b| {
        b.iter(|| {
            let checkpoint = ModelCheckpoint::new(dir.path());
            let callbacks: Vec<Box<dyn Callback>> = vec![Box::new(checkpoint)];
            let loggers: Vec<Box<dyn Logger>> = vec![Box::new(CsvLogger::new(dir.path()))];
            let mut trainer = Trainer { max_epochs: 1, callbacks, loggers, ..Trainer::default() };
            trainer.fit(&mut One::new(), &batches, None::<&Vec<_>>).expect("a fit");
        });
    });
}

criterion_group!(benches, steps);
criterion_main!(benches);
