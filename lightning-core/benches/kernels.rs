//! Kernels on the shapes of the model and on squares: `cargo bench -p lightning-core`.
//!
//! Throughput is in floating-point operations (2·m·n·k a product) or bytes moved per second.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lightning_core::kernels::{Accum, apply1, gemm, log_softmax_lanes, sum, sum_axis};
use lightning_core::{Float, Seed, nn::init};
use ndarray::{Array2, ArrayD, Ix2};
use std::hint::black_box;

fn random<F: Float>(rows: usize, cols: usize) -> Array2<F> {
    let values: ArrayD<F> = init::uniform(&[rows, cols], -1.0, 1.0, &mut Seed(1).stream("bench"));
    values.into_dimensionality::<Ix2>().expect("a matrix")
}

/// Name, rows, columns, inner dimension: the products of a training step on 245 samples of three views of 200
/// features with 300 hidden units, and squares.
const PRODUCTS: [(&str, usize, usize, usize); 9] = [
    ("gate 245x200", 245, 200, 200),
    ("encoder 245x300", 245, 300, 200),
    ("encoder weights 300x200", 300, 200, 245),
    ("classifier 245x2", 245, 2, 900),
    ("confidence 245x1", 245, 1, 300),
    ("one row 1x300", 1, 300, 200),
    ("square 64", 64, 64, 64),
    ("square 256", 256, 256, 256),
    ("square 1024", 1024, 1024, 1024),
];

fn products<F: Float>(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("gemm {}", F::DTYPE));
    for (name, m, n, k) in PRODUCTS {
        let (a, b) = (random::<F>(m, k), random::<F>(n, k));
        let mut product = Array2::zeros((m, n));
        group.throughput(Throughput::Elements(2 * (m * n * k) as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |bench| {
            bench.iter(|| {
                gemm(F::one(), black_box(a.view()), black_box(b.t()), F::zero(), product.view_mut())
            });
        });
    }
    group.finish();
}

fn passes(c: &mut Criterion) {
    let mut group = c.benchmark_group("passes float32");
    let (rows, cols) = (612, 1000);
    let x = random::<f32>(rows, cols).into_dyn();
    let mut y = x.clone();
    let mut row = ArrayD::zeros(vec![1, cols]);
    group.throughput(Throughput::Bytes(2 * 4 * (rows * cols) as u64));
    group.bench_function("sigmoid", |b| {
        b.iter(|| apply1(y.view_mut(), black_box(x.view()), |d, x| *d = x.sigmoid_()))
    });
    group.bench_function("relu", |b| {
        b.iter(|| apply1(y.view_mut(), black_box(x.view()), |d, x| *d = x.max(0.0)))
    });
    group.bench_function("log_softmax", |b| {
        b.iter(|| log_softmax_lanes(y.view_mut(), black_box(x.view()), 1))
    });
    group.throughput(Throughput::Bytes(4 * (rows * cols) as u64));
    group.bench_function("sum", |b| b.iter(|| sum(black_box(x.view()))));
    group.bench_function("sum of columns", |b| {
        b.iter(|| sum_axis(row.view_mut(), Accum::Set, black_box(x.view()), 0));
    });
    group.finish();
}

criterion_group!(benches, products::<f32>, products::<f64>, passes);
criterion_main!(benches);
