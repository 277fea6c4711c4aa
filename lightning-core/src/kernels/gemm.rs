//! The matrix product `C = alpha·A·B + beta·C`, with the tiles of `C` shared out by rayon.
//!
//! Each tile is one call of the single-threaded product below ndarray. The tiles depend on the shape
//! alone and the inner dimension is never split, so any number of threads gives the same bits.

use super::par::MIN_GEMM;
use crate::Float;
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

/// Rows (or columns) of one tile: each tile packs the other operand anew, so tiles are not small.
const TILE: usize = 128;

/// `c = alpha · a · b + beta · c` for `a` (m × k), `b` (k × n), `c` (m × n) of any strides.
///
/// With `beta = 0` the old content of `c` is not read. An empty `k` counts as zero.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use lightning_core::kernels::gemm;
/// use ndarray::array;
/// let (a, mut c) = (array![[1.0, 2.0]], array![[0.0]]);
/// gemm(1.0, a.view(), a.t(), 0.0, c.view_mut());
/// assert_eq!(c, array![[5.0]]);
/// ```
#[track_caller]
pub fn gemm<F: Float>(
    alpha: F,
    a: ArrayView2<'_, F>,
    b: ArrayView2<'_, F>,
    beta: F,
    mut c: ArrayViewMut2<'_, F>,
) {
    let ((m, k), (kb, n)) = (a.dim(), b.dim());
    assert!(
        k == kb && c.dim() == (m, n),
        "gemm: {m} × {k} times {kb} × {n} does not give {} × {}",
        c.nrows(),
        c.ncols()
    );
    if m * n == 0 {
        return;
    }
    if k == 0 {
        c.mapv_inplace(|c| if beta.is_zero() { F::zero() } else { beta * c });
        return;
    }
    if m * n * k < MIN_GEMM || m.max(n) <= TILE {
        return general_mat_mul(alpha, &a, &b, beta, &mut c);
    }
    if m >= n {
        let tiles: Vec<_> =
            c.axis_chunks_iter_mut(Axis(0), TILE).zip(a.axis_chunks_iter(Axis(0), TILE)).collect();
        tiles.into_par_iter().for_each(|(mut c, a)| general_mat_mul(alpha, &a, &b, beta, &mut c));
    } else {
        let tiles: Vec<_> =
            c.axis_chunks_iter_mut(Axis(1), TILE).zip(b.axis_chunks_iter(Axis(1), TILE)).collect();
        tiles.into_par_iter().for_each(|(mut c, b)| general_mat_mul(alpha, &a, &b, beta, &mut c));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use proptest::prelude::*;

    /// A value that depends on its place alone, so that a failing case prints as its shape.
    fn filled(rows: usize, cols: usize, salt: usize) -> Array2<f64> {
        Array2::from_shape_fn((rows, cols), |(i, j)| ((i * 31 + j * 17 + salt) % 23) as f64 / 7.0 - 1.5)
    }

    fn naive(alpha: f64, a: &Array2<f64>, b: &Array2<f64>, beta: f64, c: &Array2<f64>) -> Array2<f64> {
        Array2::from_shape_fn(c.dim(), |(i, j)| {
            let dot: f64 = (0..a.ncols()).map(|p| a[[i, p]] * b[[p, j]]).sum();
            alpha * dot + if beta == 0.0 { 0.0 } else { beta * c[[i, j]] }
        })
    }

    proptest! {
        #[test]
        fn equals_the_triple_loop(m in 0usize..40, n in 0usize..40, k in 0usize..40,
                                  alpha in -2.0..2.0f64, beta in prop::sample::select(vec![0.0, 1.0, -0.5]),
                                  transposed in any::<(bool, bool)>()) {
            let a = if transposed.0 { filled(k, m, 1).reversed_axes() } else { filled(m, k, 1) };
            let b = if transposed.1 { filled(n, k, 2).reversed_axes() } else { filled(k, n, 2) };
            let mut c = filled(m, n, 3);
            let expected = naive(alpha, &a, &b, beta, &c);
            gemm(alpha, a.view(), b.view(), beta, c.view_mut());
            for (x, y) in c.iter().zip(&expected) {
                prop_assert!((x - y).abs() <= 1e-12 * (1.0 + y.abs()), "{x} and {y}");
            }
        }
    }

    #[test]
    fn tiled_products_equal_the_triple_loop() {
        for (m, n, k) in [(300, 61, 70), (61, 300, 70)] {
            let (a, b) = (filled(m, k, 4), filled(k, n, 5));
            let mut c = Array2::from_elem((m, n), f64::NAN);
            let expected = naive(1.0, &a, &b, 0.0, &c);
            gemm(1.0, a.view(), b.view(), 0.0, c.view_mut());
            approx::assert_abs_diff_eq!(c, expected, epsilon = 1e-10);
        }
    }

    #[test]
    fn the_same_bits_for_any_number_of_threads() {
        let (a, b) = (filled(500, 130, 6), filled(130, 70, 7));
        let product = |threads: usize| {
            let pool =
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
            let mut c = Array2::zeros((500, 70));
            pool.install(|| gemm(1.0, a.view(), b.view(), 0.0, c.view_mut()));
            c
        };
        let one = product(1);
        for threads in [2, 3, 4, 7, 16] {
            assert_eq!(one, product(threads), "{threads} threads");
        }
    }

    #[test]
    fn an_empty_inner_dimension_is_zero_and_nan_propagates() {
        let mut c = Array2::from_elem((2, 3), f64::NAN);
        gemm(1.0, Array2::zeros((2, 0)).view(), Array2::zeros((0, 3)).view(), 0.0, c.view_mut());
        assert_eq!(c, Array2::<f64>::zeros((2, 3)));
        let nan = Array2::from_elem((1, 1), f64::NAN);
        let mut c = Array2::zeros((1, 1));
        gemm(1.0, nan.view(), Array2::zeros((1, 1)).view(), 0.0, c.view_mut());
        assert!(c[[0, 0]].is_nan());
    }
}
