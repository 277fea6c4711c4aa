//! A whole training step and a prediction: `cargo bench -p mmdynamic`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lightning_core::nn::{Module, init};
use lightning_core::optim::Optimizer;
use lightning_core::{Seed, Tape};
use lightning_optim::{Adam, AdamOptions};
use mmdynamic::{Config, Hyperparameters, MmDynamic, MultiViewBatch, Predictor};
use ndarray::{ArrayD, Ix2};
use std::hint::black_box;

/// A data set's widths, classes and rows, and the hidden width.
struct Shape {
    name: &'static str,
    widths: [usize; 3],
    classes: usize,
    rows: usize,
    hidden: usize,
}

const SHAPES: [Shape; 2] = [
    Shape { name: "BRCA, hidden 500", widths: [1000, 1000, 503], classes: 5, rows: 612, hidden: 500 },
    Shape { name: "ROSMAP, hidden 300", widths: [200; 3], classes: 2, rows: 245, hidden: 300 },
];

fn model(shape: &Shape) -> MmDynamic {
    let config = Config { hidden_dim: vec![shape.hidden], ..Config::default() };
    let (in_dim, num_class) = (shape.widths.to_vec(), shape.classes);
    MmDynamic::new(Hyperparameters { in_dim, num_class, binary: false, config }, Seed(1)).expect("a model")
}

fn batch(shape: &Shape, rows: usize) -> MultiViewBatch {
    let mut rng = Seed(1).stream("bench");
    let view = |&width: &usize| {
        let values: ArrayD<f32> = init::uniform(&[rows, width], -1.0, 1.0, &mut rng);
        values.into_dimensionality::<Ix2>().expect("a matrix").into_shared()
    };
    let labels = (0..rows).map(|row| row % shape.classes).collect();
    MultiViewBatch { views: shape.widths.iter().map(view).collect(), labels }
}

fn training_step(c: &mut Criterion) {
    for shape in &SHAPES {
        let mut group = c.benchmark_group(format!("training step, {}", shape.name));
        for rows in [8, 32, 128, shape.rows] {
            let (model, batch) = (model(shape), batch(shape, rows));
            let options = AdamOptions { lr: 1e-4, weight_decay: 1e-4, ..AdamOptions::default() };
            let mut adam = Adam::new(model.parameters(), options).expect("sound options");
            let mut tape = Tape::new();
            group.throughput(Throughput::Elements(rows as u64)).sample_size(20);
            group.bench_function(BenchmarkId::from_parameter(format!("{rows} rows")), |bench| {
                bench.iter(|| {
                    tape.reset();
                    let data: Vec<_> = batch.views.iter().map(|view| tape.constant(view.clone())).collect();
                    adam.zero_grad();
                    model.loss_terms(&model.forward(&data), &batch.labels).total().backward();
                    tape.reset();
                    adam.step();
                });
            });
        }
        group.finish();
    }
}

fn prediction(c: &mut Criterion) {
    for shape in &SHAPES {
        let mut group = c.benchmark_group(format!("prediction, {}", shape.name));
        for rows in [1, shape.rows] {
            let (model, batch) = (model(shape), batch(shape, rows));
            let views: Vec<_> = batch.views.iter().map(|view| view.view()).collect();
            let mut predictor = Predictor::new(&model);
            group.throughput(Throughput::Elements(rows as u64));
            group.bench_function(BenchmarkId::from_parameter(format!("{rows} rows")), |bench| {
                bench.iter(|| black_box(predictor.predict(&views).probabilities.sum()));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, training_step, prediction);
criterion_main!(benches);
