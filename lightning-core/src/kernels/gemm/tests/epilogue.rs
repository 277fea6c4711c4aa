//! Who is told of finished tiles, on every road: each number once, when nobody writes it any more.

use super::super::kernels::Family;
use super::super::{Epilogue, Mat, gemm, gemm_epilogue, product};
use super::{Layout, filled, memory, view_mut};
use ndarray::Array2;

/// One bias a column, and the square of the result as a second output.
struct BiasAndSquare(Vec<f32>);
impl Epilogue<f32, 2> for BiasAndSquare {
    #[inline(always)]
    fn finish(&self, _row: usize, col: usize, [y, square]: [&mut [f32]; 2]) {
        for ((y, square), bias) in y.iter_mut().zip(square).zip(&self.0[col..]) {
            *y += bias;
            *square = *y * *y;
        }
    }
}

/// Blocked with one and several kc, dot products both ways, thin and turned, outer product, a single number, nothing.
const FINISHED: [(usize, usize, usize); 11] = [
    (300, 200, 100),
    (20, 300, 600),
    (150, 300, 1030),
    (900, 5, 700),
    (5, 900, 700),
    (2000, 3, 40),
    (700, 300, 1),
    (2, 5000, 33),
    (1, 1, 1),
    (40, 30, 0),
    (0, 30, 20),
];

#[test]
fn an_epilogue_is_a_pass_after_the_product_for_any_number_of_threads() {
    use Layout::*;
    for (m, n, k) in FINISHED {
        for (la, lb) in [(Rows, Rows), (Rows, Columns), (Columns, Rows), (Sliced, Reversed)] {
            let (mut a, mut b) = (memory(la, &filled::<f32>(m, k, 6)), memory(lb, &filled::<f32>(k, n, 7)));
            let (a, b) = (view_mut(la, &mut a, (m, k)), view_mut(lb, &mut b, (k, n)));
            let epilogue = BiasAndSquare((0..n).map(|j| j as f32 / 8.0).collect());
            let mut expected = filled::<f32>(m, n, 8);
            gemm(0.5, a.view(), b.view(), 2.0, expected.view_mut());
            expected += &ndarray::aview1(&epilogue.0);
            for threads in [1, 2, 3, 16] {
                let pool =
                    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
                let (mut y, mut square) = (filled::<f32>(m, n, 8), Array2::from_elem((m, n), f32::NAN));
                pool.install(|| {
                    let outputs = [y.view_mut(), square.view_mut()];
                    gemm_epilogue(0.5, a.view(), b.view(), 2.0, outputs, &epilogue);
                });
                assert_eq!(y, expected, "{m}×{n}×{k} {la:?} {lb:?}, {threads} threads");
                assert_eq!(square, &expected * &expected, "{m}×{n}×{k} {la:?} {lb:?}, {threads} threads");
            }
        }
    }
}

#[test]
fn every_number_is_reported_once_and_finished() {
    for (m, n, k) in FINISHED {
        for (a, b) in [
            (Array2::<f64>::ones((m, k)), Array2::ones((k, n))),
            (Array2::ones((k, m)).reversed_axes(), Array2::ones((n, k)).reversed_axes()),
        ] {
            for family in Family::available() {
                let mut c = Array2::zeros((m, n));
                let numbers = Mat::write(&mut c.view_mut());
                let seen = std::sync::Mutex::new(Array2::<u32>::zeros((m, n)));
                let done = |rows: std::ops::Range<usize>, cols: std::ops::Range<usize>| {
                    for i in rows {
                        for j in cols.clone() {
                            seen.lock().expect("no panic")[[i, j]] += 1;
                            // SAFETY: the element exists, and nobody writes it after it was reported.
                            assert_eq!(unsafe { *numbers.at(i, j) }, k as f64, "{family:?} {m}×{n}×{k}");
                        }
                    }
                };
                product(family, 1.0, a.view(), b.view(), 0.0, &mut c.view_mut(), &done);
                assert!(
                    seen.into_inner().expect("no panic").iter().all(|&n| n == 1),
                    "{family:?} {m}×{n}×{k}"
                );
            }
        }
    }
}

#[test]
#[should_panic(expected = "gemm_epilogue: the numbers of a row must be neighbours")]
fn an_epilogue_asks_for_rows_in_one_piece() {
    let (mut y, mut square) = (Array2::<f32>::zeros((3, 2)), Array2::<f32>::zeros((2, 3)));
    let outputs = [y.view_mut(), square.view_mut().reversed_axes()];
    let a = Array2::zeros((3, 4));
    gemm_epilogue(1.0, a.view(), Array2::zeros((4, 2)).view(), 0.0, outputs, &BiasAndSquare(vec![0.0; 2]));
}
