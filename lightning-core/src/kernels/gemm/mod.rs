//! The matrix product `C = alpha·A·B + beta·C`, on micro-kernels chosen at run time.
//!
//! `gemm` checks the shapes and picks a road. Most products take the blocked road ([`blocked`]); products with at most
//! eight columns or rows whose other operand can be read in slices along the inner dimension are dot products
//! ([`narrow`]); with an inner dimension of at most eight, or one or two rows and a very large `B`, they are sums of outer
//! products ([`outer`]); where most of `A` is zero, the zeros are skipped ([`sparse`]).
//! [`epilogue`] finishes the numbers of a tile while they are in the cache. [`vector`] has the bodies of the micro-kernels, `avx512`, `avx2`, `neon` and `portable` their registers.
//!
//! Which road is taken, and every size of a block in which bits could change, depends on shapes, strides and the operands
//! alone; the inner dimension is never shared out. So any number of threads gives the same bits.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod blocked;
mod epilogue;
mod kernels;
mod mat;
mod narrow;
#[cfg(target_arch = "aarch64")]
mod neon;
mod outer;
mod pack;
mod portable;
mod scratch;
mod sparse;
#[cfg(test)]
mod tests;
mod vector;

pub use epilogue::Epilogue;
use epilogue::Finish;
pub(crate) use kernels::Element;
use kernels::{Family, NARROW};
use mat::Mat;

use crate::Float;
use ndarray::{ArrayView2, ArrayViewMut2};
use std::ops::Range;

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
    c: ArrayViewMut2<'_, F>,
) {
    gemm_with(Family::best(), alpha, a, b, beta, c);
}

/// [`gemm`] into `outputs[0]`, whose numbers `epilogue` finishes while they are in the cache; it may write further outputs
/// of the same shape. The numbers of an output's row must be neighbours in memory.
///
/// # Panics
/// If the shapes do not fit, or an output's rows are no slices.
///
/// ```
/// use lightning_core::kernels::{Epilogue, gemm_epilogue};
/// use ndarray::array;
///
/// struct Bias<'a>(&'a [f32]);
/// impl Epilogue<f32, 1> for Bias<'_> {
///     #[inline(always)]
///     fn finish(&self, _row: usize, col: usize, [y]: [&mut [f32]; 1]) {
///         for (y, b) in y.iter_mut().zip(&self.0[col..]) {
///             *y += b;
///         }
///     }
/// }
/// let (x, mut y) = (array![[1.0, 2.0], [3.0, 4.0]], array![[0.0, 0.0], [0.0, 0.0]]);
/// gemm_epilogue(1.0, x.view(), x.t(), 0.0, [y.view_mut()], &Bias(&[0.5, 100.0]));
/// assert_eq!(y, array![[5.5, 111.0], [11.5, 125.0]]);
/// ```
#[track_caller]
pub fn gemm_epilogue<F: Float, const N: usize>(
    alpha: F,
    a: ArrayView2<'_, F>,
    b: ArrayView2<'_, F>,
    beta: F,
    mut outputs: [ArrayViewMut2<'_, F>; N],
    epilogue: &impl Epilogue<F, N>,
) {
    const { assert!(N > 0, "the product goes into the first output") };
    let finish = Finish::new(&mut outputs, epilogue);
    // SAFETY: `product` calls it once for every tile, when nobody writes it any more, and returns before the borrows end.
    let done = |rows, cols| unsafe { finish.tile(rows, cols) };
    product(Family::best(), alpha, a, b, beta, &mut outputs[0].view_mut(), &done);
}

/// [`gemm`] on the micro-kernels of `family`, which the processor must have.
#[track_caller]
fn gemm_with<F: Float>(
    family: Family,
    alpha: F,
    a: ArrayView2<'_, F>,
    b: ArrayView2<'_, F>,
    beta: F,
    mut c: ArrayViewMut2<'_, F>,
) {
    product(family, alpha, a, b, beta, &mut c, &|_, _| {});
}

/// Told the rows and columns of each tile of `c` that is finished, by the thread that made it.
type Done<'a> = &'a (dyn Fn(Range<usize>, Range<usize>) + Sync);

/// Picks the road.
#[track_caller]
fn product<F: Float>(
    family: Family,
    alpha: F,
    a: ArrayView2<'_, F>,
    b: ArrayView2<'_, F>,
    beta: F,
    c: &mut ArrayViewMut2<'_, F>,
    done: Done<'_>,
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
        return done(0..m, 0..n);
    }
    let kernels = F::kernels(family);
    let (a, b, c) = (Mat::read(&a), Mat::read(&b), Mat::write(c));
    let turned: Done<'_> = &|rows, cols| done(cols, rows);
    if n <= NARROW && a.rows_are_slices() {
        narrow::dots(kernels, alpha, a, b, beta, c, done);
    } else if m <= NARROW && b.cols_are_slices() {
        narrow::dots(kernels, alpha, b.t(), a.t(), beta, c.t(), turned);
    } else if sparse::pays(a, b, c) {
        sparse::product(kernels, alpha, a, b, beta, c, done);
    } else if k <= NARROW && b.rows_are_slices() && c.rows_are_slices() {
        outer::short(kernels, alpha, a, b, beta, c, done);
    } else if k <= NARROW && a.cols_are_slices() && c.cols_are_slices() {
        outer::short(kernels, alpha, b.t(), a.t(), beta, c.t(), turned);
    } else if b.rows_are_slices() && c.rows_are_slices() && outer::is_flat(&b, &c) {
        outer::flat(kernels, alpha, a, b, beta, c, done);
    } else if a.cols_are_slices() && c.cols_are_slices() && outer::is_flat(&a.t(), &c.t()) {
        outer::flat(kernels, alpha, b.t(), a.t(), beta, c.t(), turned);
    } else if lanes_run_down(&c) || packs_less_turned(&a, &b, &c) {
        blocked::product(kernels, alpha, b.t(), a.t(), beta, c.t(), turned);
    } else {
        blocked::product(kernels, alpha, a, b, beta, c, done);
    }
}

/// Whether the registers run along the columns of `c`, as the product of the transposes: where that is the long side of
/// a thin product, or else the side that is contiguous.
fn lanes_run_down<T>(c: &Mat<T>) -> bool {
    if c.rows.min(c.cols) <= NARROW && c.rows.max(c.cols) > NARROW {
        return c.rows > c.cols;
    }
    c.cols_are_slices() && !c.rows_are_slices()
}

/// Whether the product of the transposes copies less: it reads the columns of `b` where they are, and turns the few rows of
/// `a` instead, and those of `c`: once for the first chain of multiply-adds, to and fro for every other.
fn packs_less_turned<T>(a: &Mat<T>, b: &Mat<T>, c: &Mat<T>) -> bool {
    let turns_b = b.cols_are_slices() && !b.rows_are_slices();
    let turned = c.rows * (a.cols + c.cols * (2 * a.cols.div_ceil(blocked::KC) - 1));
    turns_b && a.rows_are_slices() && c.rows_are_slices() && turned < a.cols * c.cols
}
