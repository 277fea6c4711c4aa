//! A whole training step and a prediction: `cargo bench -p mmdynamic`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lightning_core::data::Dataset;
use lightning_core::nn::Module;
use lightning_core::optim::Optimizer;
use lightning_core::{Seed, Tape};
use lightning_optim::{Adam, AdamOptions};
use mmdynamic::data::{SyntheticConfig, generate};
use mmdynamic::{Config, Hyperparameters, MmDynamic, MultiViewBatch, MultiViewDataset};

fn model(widths: &[usize], hidden: usize) -> MmDynamic {
    let config = Config { hidden_dim: vec![hidden], ..Config::default() };
    let hparams = Hyperparameters { in_dim: widths.to_vec(), num_class: 2, binary: true, config };
    MmDynamic::new(hparams, Seed(1)).expect("a model")
}

fn samples(rows: usize) -> (Vec<usize>, MultiViewBatch) {
    let config = SyntheticConfig { samples_train: 245, ..SyntheticConfig::default() };
    let cohort = generate(&config).and_then(|made| made.cohort.scaled()).expect("a cohort").0;
    let dataset = MultiViewDataset::from(&cohort.train);
    (cohort.train.widths(), dataset.batch(&(0..rows).collect::<Vec<_>>()))
}

fn training_step(c: &mut Criterion) {
    let mut group = c.benchmark_group("training step, hidden 300");
    for rows in [8, 32, 245] {
        let (widths, batch) = samples(rows);
        let model = model(&widths, 300);
        let options = AdamOptions { lr: 1e-4, weight_decay: 1e-4, ..AdamOptions::default() };
        let mut adam = Adam::new(model.parameters(), options).expect("sound options");
        let mut tape = Tape::new();
        group.throughput(Throughput::Elements(rows as u64));
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

fn prediction(c: &mut Criterion) {
    let mut group = c.benchmark_group("prediction, hidden 300");
    for rows in [1, 245] {
        let (widths, batch) = samples(rows);
        let model = model(&widths, 300);
        model.eval();
        let mut tape = Tape::inference();
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("{rows} rows")), |bench| {
            bench.iter(|| {
                tape.reset();
                let data: Vec<_> = batch.views.iter().map(|view| tape.constant(view.clone())).collect();
                model.forward(&data).mm_logit.softmax(1).value()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, training_step, prediction);
criterion_main!(benches);
