//! Operations that are one pass over memory: `cargo bench -p lightning-core --bench passes`.
//!
//! Throughput is in bytes that must be read and written.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use lightning_core::kernels::{Accum, apply1, log_softmax_lanes, peak, softmax_lanes, sum, sum_axis};
use lightning_core::{Float, Seed, Tape, nn::init};
use ndarray::ArrayD;
use std::hint::black_box;

/// The hidden layer of a full batch of a large data set, and one that fits the nearest caches.
const SHAPES: [(usize, usize); 2] = [(612, 1000), (32, 300)];

fn passes(c: &mut Criterion) {
    for (rows, cols) in SHAPES {
        let mut group = c.benchmark_group(format!("passes {rows}x{cols} float32"));
        let x: ArrayD<f32> = init::uniform(&[rows, cols], -1.0, 1.0, &mut Seed(1).stream("bench"));
        group.throughput(Throughput::Bytes(2 * 4 * x.len() as u64));
        elementwise(&mut group, &x);
        lanes(&mut group, &x);
        dropout(&mut group, &x);
        group.throughput(Throughput::Bytes(4 * x.len() as u64));
        sums(&mut group, &x);
        group.finish();
    }
}

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn elementwise(group: &mut Group<'_>, x: &ArrayD<f32>) {
    let mut y = x.clone();
    group.bench_function("exp", |b| {
        b.iter(|| apply1(y.view_mut(), black_box(x.view()), |d, x| *d = x.exp_()))
    });
    group.bench_function("sigmoid", |b| {
        b.iter(|| apply1(y.view_mut(), black_box(x.view()), |d, x| *d = x.sigmoid_()));
    });
    group.bench_function("tanh", |b| {
        b.iter(|| apply1(y.view_mut(), black_box(x.view()), |d, x| *d = x.tanh_()))
    });
    group.bench_function("relu", |b| {
        b.iter(|| apply1(y.view_mut(), black_box(x.view()), |d, x| *d = x.max(0.0)))
    });
}

fn lanes(group: &mut Group<'_>, x: &ArrayD<f32>) {
    let mut y = x.clone();
    group.bench_function("softmax", |b| b.iter(|| softmax_lanes(y.view_mut(), black_box(x.view()), 1)));
    group.bench_function("log_softmax", |b| {
        b.iter(|| log_softmax_lanes(y.view_mut(), black_box(x.view()), 1))
    });
}

/// As a model uses it, mask and product, on a tape that recycles its memory.
fn dropout(group: &mut Group<'_>, x: &ArrayD<f32>) {
    let (x, mut tape) = (x.to_shared(), Tape::new());
    group.bench_function("dropout", |b| {
        b.iter(|| {
            tape.reset();
            black_box(tape.constant(x.clone()).dropout(0.5).value());
        });
    });
}

fn sums(group: &mut Group<'_>, x: &ArrayD<f32>) {
    let mut row = ArrayD::zeros(vec![1, x.shape()[1]]);
    group.bench_function("sum", |b| b.iter(|| sum(black_box(x.view()))));
    group.bench_function("sum of columns", |b| {
        b.iter(|| sum_axis(row.view_mut(), Accum::Set, black_box(x.view()), 0));
    });
    group.bench_function("the machine's limit of reading", |b| {
        b.iter(|| peak::read(black_box(x.as_slice().expect("contiguous"))));
    });
}

criterion_group!(benches, passes);
criterion_main!(benches);
