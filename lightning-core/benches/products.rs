//! Matrix products, on the shapes of the model and on squares: `cargo bench -p lightning-core --bench products`.
//!
//! Throughput is in floating-point operations, two a multiply-add. `cargo xtask bench` holds the same shapes against the
//! machine's peak and against other libraries; this is for one kernel at a time.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lightning_core::kernels::gemm;
use lightning_core::{Float, Seed, nn::init};
use ndarray::{Array2, ArrayD, Ix2};
use std::hint::black_box;

/// Which operand is stored transposed.
#[derive(Clone, Copy)]
enum Layout {
    /// None: a layer's gradient for its input, `g·W`.
    Nn,
    /// B: a layer's forward pass, `x·Wᵀ`.
    Nt,
    /// A: a layer's gradient for its weights, `gᵀ·x`.
    Tn,
}
use Layout::{Nn, Nt, Tn};

/// Name, layout, rows, columns, inner dimension.
type Shape = (&'static str, Layout, usize, usize, usize);

/// Full batches of 612 rows of 1000 features with 500 hidden units, and of 245 rows of 200 with 300.
const LARGE: [Shape; 8] = [
    ("gate forward 612x1000", Nt, 612, 1000, 1000),
    ("gate weights 1000x1000", Tn, 1000, 1000, 612),
    ("encoder forward 612x500", Nt, 612, 500, 1000),
    ("encoder weights 500x1000", Tn, 500, 1000, 612),
    ("encoder input 612x1000", Nn, 612, 1000, 500),
    ("gate forward 245x200", Nt, 245, 200, 200),
    ("encoder weights 300x200", Tn, 300, 200, 245),
    ("encoder input 245x200", Nn, 245, 200, 300),
];

const SQUARES: [usize; 6] = [64, 128, 256, 512, 1024, 2048];

/// A few columns, rows or steps.
const NARROW: [Shape; 8] = [
    ("classifier forward 612x5", Nt, 612, 5, 1500),
    ("classifier weights 5x1500", Tn, 5, 1500, 612),
    ("classifier input 612x1500", Nn, 612, 1500, 5),
    ("confidence forward 245x1", Nt, 245, 1, 300),
    ("one row 1x1000", Nt, 1, 1000, 1000),
    ("eight rows 8x1000", Nt, 8, 1000, 1000),
    ("eight rows, input 8x1000", Nn, 8, 1000, 500),
    ("eight rows, weights 300x200", Tn, 300, 200, 8),
];

fn random<F: Float>(rows: usize, cols: usize) -> Array2<F> {
    let values: ArrayD<F> = init::uniform(&[rows, cols], -1.0, 1.0, &mut Seed(1).stream("bench"));
    values.into_dimensionality::<Ix2>().expect("a matrix")
}

fn product<F: Float>(c: &mut Criterion, group: &str, (name, layout, m, n, k): Shape) {
    let mut group = c.benchmark_group(format!("{group} {}", F::DTYPE));
    let a = if let Tn = layout { random::<F>(k, m).reversed_axes() } else { random(m, k) };
    let b = if let Nt = layout { random::<F>(n, k).reversed_axes() } else { random(k, n) };
    let mut product = Array2::zeros((m, n));
    group.throughput(Throughput::Elements(2 * (m * n * k) as u64)).sample_size(20);
    group.bench_function(BenchmarkId::from_parameter(name), |bench| {
        bench
            .iter(|| gemm(F::one(), black_box(a.view()), black_box(b.view()), F::zero(), product.view_mut()));
    });
    group.finish();
}

fn products<F: Float>(c: &mut Criterion) {
    for n in SQUARES {
        product::<F>(c, &format!("square {n}"), ("a·b", Nn, n, n, n));
    }
    LARGE.into_iter().for_each(|shape| product::<F>(c, "large", shape));
    NARROW.into_iter().for_each(|shape| product::<F>(c, "narrow", shape));
}

criterion_group!(benches, products::<f32>, products::<f64>);
criterion_main!(benches);
