//! The road against the blocked one, whose bits it must have, and the choice between them.

use super::{pays, product};
use crate::Float;
use crate::kernels::gemm::kernels::{Element, Family};
use crate::kernels::gemm::mat::Mat;
use crate::kernels::gemm::{Epilogue, blocked, gemm, gemm_epilogue};
use ndarray::{Array2, ArrayView2, s};
use proptest::prelude::*;
use std::sync::Mutex;

/// Numbers without order that depend on their place alone; of 100, so many are not zero.
fn numbers<F: Float>(rows: usize, cols: usize, salt: usize, percent: usize) -> Array2<F> {
    Array2::from_shape_fn((rows, cols), |(i, j)| {
        let place = (i * 7919 + j * 104_729 + salt * 1_299_709) as u64;
        let mixed = (place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) as usize;
        F::of(if mixed % 100 < percent { (mixed / 100 % 1000) as f64 / 500.0 - 1.001 } else { 0.0 })
    })
}

/// The same numbers, column after column.
fn by_columns<F: Float>(x: Array2<F>) -> Array2<F> {
    let mut turned = Array2::zeros((x.ncols(), x.nrows())).reversed_axes();
    turned.assign(&x);
    turned
}

/// The product on both roads, `c` a part of wider memory.
fn check<F: Float>(a: ArrayView2<'_, F>, b: ArrayView2<'_, F>, alpha: f64, beta: f64) {
    let ((m, k), n) = (a.dim(), b.ncols());
    let before = numbers::<F>(m, n + 5, 3, 100);
    for family in Family::available() {
        let both = [product::<F>, blocked::product::<F>].map(|road| {
            let mut around = before.clone();
            let c = Mat::write(&mut around.slice_mut(s![.., 2..n + 2]));
            let (a, b) = (Mat::read(&a), Mat::read(&b));
            road(F::kernels(family), F::of(alpha), a, b, F::of(beta), c, &|_, _| {});
            around
        });
        assert_eq!(both[0], both[1], "{family:?} {m}×{n}×{k} α {alpha} β {beta}");
    }
}

/// Both types, and rows or columns of each operand in one piece.
fn check_layouts((m, n, k): (usize, usize, usize), percent: usize, alpha: f64, beta: f64) {
    fn check_type<F: Float>((m, n, k): (usize, usize, usize), percent: usize, alpha: f64, beta: f64) {
        let (a, b) = (numbers::<F>(m, k, 1, percent), numbers::<F>(k, n, 2, 100));
        check(a.view(), b.view(), alpha, beta);
        check(by_columns(a.clone()).view(), b.view(), alpha, beta);
        let b = by_columns(b);
        check(a.view(), b.view(), alpha, beta);
        check(by_columns(a).view(), b.view(), alpha, beta);
    }
    check_type::<f32>((m, n, k), percent, alpha, beta);
    check_type::<f64>((m, n, k), percent, alpha, beta);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 100 }, ..ProptestConfig::default() })]

    #[test]
    fn the_bits_of_the_blocked_road(m in 1usize..=70, n in 1usize..=300, k in 1usize..=300, percent in 0usize..=100,
                                    alpha in prop::sample::select(vec![1.0, -0.7]),
                                    beta in prop::sample::select(vec![0.0, 1.0, -0.5])) {
        check_layouts((m, n, k), percent, alpha, beta);
    }
}

/// Tasks of rows and of columns, a slice of `B` and several, one chain of multiply-adds and several, rows of `B` a multiple
/// of 4 KB apart.
const LARGE: [(usize, usize, usize); 6] =
    [(612, 130, 70), (70, 520, 600), (32, 503, 1000), (300, 64, 1100), (61, 1024, 61), (20, 2048, 300)];

#[test]
fn the_bits_of_the_blocked_road_for_any_number_of_threads() {
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
        for shape in LARGE {
            pool.install(|| check_layouts(shape, 25, 1.0, 0.5));
        }
    }
}

#[test]
fn every_number_is_reported_once_and_finished() {
    for (m, n, k) in LARGE {
        let a = numbers::<f64>(m, k, 1, 25).mapv(|x| if x == 0.0 { 0.0 } else { 1.0 });
        let expected = a.sum_axis(ndarray::Axis(1));
        let b = Array2::ones((k, n));
        for threads in [1, 3] {
            let pool =
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
            let mut c = Array2::zeros((m, n));
            let c = Mat::write(&mut c.view_mut());
            let seen = Mutex::new(Array2::<u32>::zeros((m, n)));
            let done = |rows: std::ops::Range<usize>, cols: std::ops::Range<usize>| {
                let mut seen = seen.lock().expect("no panic");
                for i in rows {
                    for j in cols.clone() {
                        seen[[i, j]] += 1;
                        // SAFETY: the element exists, and nobody writes it after it was reported.
                        assert_eq!(unsafe { *c.at(i, j) }, expected[i], "{m}×{n}×{k}");
                    }
                }
            };
            let (a, b) = (Mat::read(&a.view()), Mat::read(&b.view()));
            pool.install(|| product(f64::kernels(Family::best()), 1.0, a, b, 0.0, c, &done));
            assert!(seen.into_inner().expect("no panic").iter().all(|&times| times == 1), "{m}×{n}×{k}");
        }
    }
}

/// Whether `a · b` would take the road.
fn is_taken<F: Float>(a: &Array2<F>, b: &Array2<F>) -> bool {
    let mut c = Array2::zeros((a.nrows(), b.ncols()));
    pays(Mat::read(&a.view()), Mat::read(&b.view()), Mat::write(&mut c.view_mut()))
}

#[test]
fn taken_for_many_zeros_and_enough_work_alone() {
    let b = numbers::<f32>(200, 100, 2, 100);
    for (percent, taken) in [(0, true), (10, true), (25, true), (33, true), (60, false), (100, false)] {
        let a = numbers::<f32>(100, 200, 1, percent);
        assert_eq!(is_taken(&a, &b), taken, "{percent} of 100 are not zero");
        assert_eq!(is_taken(&by_columns(a), &b), taken, "{percent} of 100 are not zero, column by column");
    }
    let zeros = |rows, cols| Array2::<f32>::zeros((rows, cols));
    for (m, n, k) in [(8, 1000, 1000), (1000, 1000, 8), (1000, 63, 1000), (64, 64, 64)] {
        assert!(!is_taken(&zeros(m, k), &zeros(k, n)), "{m}×{n}×{k}");
    }
}

#[test]
fn infinity_and_nan_times_zero_are_nan() {
    for (b_rows, b_cols) in [(0, 0), (199, 99), (57, 98)] {
        for x in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            let (a, mut b) = (Array2::<f64>::zeros((100, 200)), numbers::<f64>(200, 100, 2, 100));
            assert!(is_taken(&a, &b));
            b[[b_rows, b_cols]] = x;
            for b in [b.clone(), by_columns(b)] {
                assert!(!is_taken(&a, &b), "{x} at ({b_rows}, {b_cols})");
                let mut c = Array2::zeros((100, 100));
                gemm(1.0, a.view(), b.view(), 0.0, c.view_mut());
                let right = c.indexed_iter().all(|((_, j), y)| y.is_nan() == (j == b_cols));
                assert!(right, "{x} at ({b_rows}, {b_cols})");
            }
        }
    }
}

#[test]
fn infinity_and_nan_in_a_reach_their_row_and_no_other() {
    for x in [f32::INFINITY, f32::NAN] {
        let (mut a, b) = (numbers::<f32>(100, 200, 1, 20), Array2::ones((200, 100)));
        a[[99, 199]] = x;
        assert!(is_taken(&a, &b));
        let mut c = Array2::zeros((100, 100));
        gemm(1.0, a.view(), b.view(), 0.0, c.view_mut());
        assert!(c.indexed_iter().all(|((i, _), y)| y.is_finite() == (i < 99)), "{x}");
    }
}

#[test]
fn the_smallest_numbers_are_kept_and_a_row_of_zeros_is_zero() {
    let tiny = f32::from_bits(1);
    let mut a = Array2::<f32>::zeros((100, 200));
    for i in 0..50 {
        a[[i, i * 3]] = tiny;
        a[[i, i * 3 + 1]] = -3.0 * tiny;
    }
    let b = Array2::from_elem((200, 100), 0.5);
    assert!(is_taken(&a, &Array2::from_elem((200, 100), 2.0)));
    for (factor, units) in [(2.0, -4.0), (1.0, -2.0), (0.5, -1.0)] {
        let b = b.mapv(|_: f32| factor);
        let mut c = Array2::from_elem((100, 100), f32::NAN);
        gemm(1.0, a.view(), b.view(), 0.0, c.view_mut());
        for ((i, _), &x) in c.indexed_iter() {
            // A half of the smallest number rounds to zero, the even one; three halves of it to two.
            let expected = match (i < 50, factor == 0.5) {
                (true, true) => -2.0 * tiny,
                (true, false) => units * tiny,
                (false, _) => 0.0,
            };
            assert_eq!(x, expected, "row {i}, times {factor}");
        }
    }
}

/// One bias a column.
struct Bias(Vec<f32>);
impl Epilogue<f32, 1> for Bias {
    #[inline(always)]
    fn finish(&self, _row: usize, col: usize, [y]: [&mut [f32]; 1]) {
        for (y, bias) in y.iter_mut().zip(&self.0[col..]) {
            *y += bias;
        }
    }
}

#[test]
fn an_epilogue_finishes_the_product() {
    let (a, b) = (numbers::<f32>(300, 400, 1, 25), numbers::<f32>(400, 200, 2, 100));
    assert!(is_taken(&a, &b));
    let bias = Bias((0..200).map(|j| j as f32 / 8.0).collect());
    let (mut expected, mut y) = (Array2::zeros((300, 200)), Array2::zeros((300, 200)));
    gemm(1.0, a.view(), b.view(), 0.0, expected.view_mut());
    expected += &ndarray::aview1(&bias.0);
    gemm_epilogue(1.0, a.view(), b.view(), 0.0, [y.view_mut()], &bias);
    assert_eq!(y, expected);
}
