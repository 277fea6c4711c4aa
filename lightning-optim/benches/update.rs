//! Steps of the optimizers on 3.5 million parameters: `cargo bench -p lightning-optim`.
//!
//! Throughput is in bytes that must be read and written: seven words a parameter for Adam, five for SGD with momentum.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lightning_core::kernels::peak;
use lightning_core::optim::Optimizer;
use lightning_core::{Parameter, Seed, nn::init};
use lightning_optim::{Adam, AdamOptions, AdamW, AdamWOptions, Sgd, SgdOptions};

/// The large matrices of three views of 1000, 1000 and 503 features with 500 hidden units.
const SHAPES: [[usize; 2]; 6] =
    [[1000, 1000], [1000, 1000], [503, 503], [500, 1000], [500, 1000], [500, 503]];

fn parameters() -> Vec<Parameter> {
    let mut rng = Seed(1).stream("bench");
    let parameter = |shape: &[usize; 2]| {
        let parameter = Parameter::new(init::uniform(shape, -1.0, 1.0, &mut rng));
        parameter.set_grad(Some(init::uniform(shape, -1.0, 1.0, &mut rng)));
        parameter
    };
    SHAPES.iter().map(parameter).collect()
}

fn updates(c: &mut Criterion) {
    let count = SHAPES.iter().map(|[rows, cols]| rows * cols).sum::<usize>();
    let mut group = c.benchmark_group("3.5 M parameters");
    group.throughput(Throughput::Bytes(7 * 4 * count as u64)).sample_size(50);
    let (mut p, g, mut m, mut v) =
        (vec![0f32; count], vec![0f32; count], vec![0f32; count], vec![0f32; count]);
    group.bench_function("the machine's limit", |b| b.iter(|| peak::update(&mut p, &g, &mut m, &mut v)));
    let options = AdamOptions { weight_decay: 1e-4, ..AdamOptions::default() };
    let mut adam = Adam::new(parameters(), options).expect("sound options");
    group.bench_function("Adam", |b| b.iter(|| adam.step()));
    let mut adamw = AdamW::new(parameters(), AdamWOptions::default()).expect("sound options");
    group.bench_function("AdamW", |b| b.iter(|| adamw.step()));
    group.throughput(Throughput::Bytes(5 * 4 * count as u64));
    let options = SgdOptions { lr: 1e-3, momentum: 0.9, ..SgdOptions::default() };
    let mut sgd = Sgd::new(parameters(), options).expect("sound options");
    group.bench_function("SGD with momentum", |b| b.iter(|| sgd.step()));
    group.finish();
}

criterion_group!(benches, updates);
criterion_main!(benches);
