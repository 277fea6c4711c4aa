//! Products as sums of outer products, where reading or writing one matrix is all the work: an inner dimension of at most
//! eight (the gradient that a class or confidence head sends back), and one or two rows with more of `B` than a cache holds.
//!
//! Eight rows of `B` at a time, every row of `C` is made from end to end, so that memory is read and written in order; the
//! few numbers of `A` that this needs stay in registers.

use super::Done;
use super::kernels::{Kernels, NARROW};
use super::mat::Mat;
use super::vector::Vector;
use crate::Float;
use crate::kernels::par::{TASKS, is_worth_sharing};
use crate::kernels::team::share;

/// Numbers of `C` in one task, at most.
const TASK: usize = 1 << 15;
/// Rows up to which a product with much of `B` is made in this way; with more, a tile in registers saves more.
const FLAT: usize = 2;
/// Bytes of much: half of a third-level cache. Tests reach it with less.
const FAR_BYTES: usize = if cfg!(test) { 1 << 14 } else { 1 << 24 };
/// Numbers of a piece of `C` with very few rows: half of a 32 KB first-level cache in `f64`.
const PIECE: usize = 1 << 11;
/// Pieces for several threads: with more, too little of a row is read at a time.
const FLAT_TASKS: usize = 4;
/// A multiple of every number of rows that a kernel takes at a time.
const ROWS: usize = 12;

/// Rows of `A` times a few rows of `B`: `c[i, ..] = alpha · (Σₚ a[i, p] · b[p, ..]) + beta · c[i, ..]`.
pub(super) struct Outer<T> {
    rows: usize,
    cols: usize,
    /// Element (i, p) of `a` is at `a + i · a_row + p · a_col`.
    a: *const T,
    a_row: isize,
    a_col: isize,
    /// Row p of `b` is the slice at `b + p · b_row`, and row i of `c` that at `c + i · c_row`.
    b: *const T,
    b_row: isize,
    c: *mut T,
    c_row: isize,
    alpha: T,
    beta: T,
}

/// Whether a product, the rows of whose `b` and `c` are slices, is best made by [`flat`].
pub(super) fn is_flat<T>(b: &Mat<T>, c: &Mat<T>) -> bool {
    c.rows <= FLAT && b.rows * b.cols * size_of::<T>() > FAR_BYTES
}

/// `c = alpha · a · b + beta · c` for 1 to 8 rows of `b`; the rows of `b` and `c` are slices.
pub(super) fn short<T: Float>(
    kernels: &Kernels<T>,
    alpha: T,
    a: Mat<T>,
    b: Mat<T>,
    beta: T,
    c: Mat<T>,
    done: Done<'_>,
) {
    let (m, n) = (c.rows, c.cols);
    let shared = is_worth_sharing(m, b.rows, n);
    let height = (TASK / n).min(if shared { m / TASKS } else { m }).next_multiple_of(ROWS).max(ROWS);
    let task = |t: usize| {
        let first = t * height;
        let rows = height.min(m - first);
        add(kernels, alpha, a.part(first, rows, 0, a.cols), b, beta, c.part(first, rows, 0, n));
        done(first..first + rows, 0..n);
    };
    let tasks = m.div_ceil(height);
    if shared { share(tasks, task) } else { (0..tasks).for_each(task) }
}

/// The same for any number of rows of `b`, from memory, and very few of `c`: eight rows of `b` after the other are added to
/// `c`, so that `b` is read in order, while a piece of `c` stays in the first-level cache.
pub(super) fn flat<T: Float>(
    kernels: &Kernels<T>,
    alpha: T,
    a: Mat<T>,
    b: Mat<T>,
    beta: T,
    c: Mat<T>,
    done: Done<'_>,
) {
    let (m, k, n) = (c.rows, a.cols, c.cols);
    let shared = is_worth_sharing(m, k, n);
    let width = (PIECE / m).min(if shared { n / FLAT_TASKS } else { n }).next_multiple_of(64);
    let task = |t: usize| {
        let first = t * width;
        let cols = width.min(n - first);
        let c = c.part(0, m, first, cols);
        for p in (0..k).step_by(NARROW) {
            let depth = NARROW.min(k - p);
            let beta = if p == 0 { beta } else { T::one() };
            add(kernels, alpha, a.part(0, m, p, depth), b.part(p, depth, first, cols), beta, c);
        }
        done(0..m, first..first + cols);
    };
    let tasks = n.div_ceil(width);
    if shared { share(tasks, task) } else { (0..tasks).for_each(task) }
}

/// `c = alpha · a · b + beta · c` on this thread, for 1 to 8 rows of `b`.
fn add<T: Float>(kernels: &Kernels<T>, alpha: T, a: Mat<T>, b: Mat<T>, beta: T, c: Mat<T>) {
    assert!(b.rows == a.cols && c.rows == a.rows && c.cols == b.cols, "the shapes fit");
    assert!(b.rows_are_slices() && c.rows_are_slices(), "rows are slices");
    let task = Outer {
        rows: c.rows,
        cols: c.cols,
        a: a.ptr,
        a_row: a.row_stride,
        a_col: a.col_stride,
        b: b.ptr,
        b_row: b.row_stride,
        c: c.ptr,
        c_row: c.row_stride,
        alpha,
        beta,
    };
    // SAFETY: the shapes fit and the rows of `b` and `c` are slices, as just checked; the kernel is that for `b.rows`; the
    // caller's task alone has these rows and columns of `c`.
    unsafe { (kernels.outer[b.rows - 1])(&task) }
}

/// `R` rows at a time, of an inner dimension of `K`.
///
/// # Safety
/// The processor has `V`'s instruction set; `rows` by `K` elements of `o.a`, `K` by `cols` of `o.b` and `rows` by `cols` of
/// `o.c` are there.
#[inline(always)]
pub(super) unsafe fn outer<V: Vector, const R: usize, const K: usize>(o: &Outer<V::Elem>) {
    let mut i = 0;
    // SAFETY: rows i..i + R, then i..i + 2, then row i, are below o.rows.
    unsafe {
        while i + R <= o.rows {
            strip::<V, R, K>(o, i);
            i += R;
        }
        if i + 2 <= o.rows {
            strip::<V, 2, K>(o, i);
            i += 2;
        }
        while i < o.rows {
            strip::<V, 1, K>(o, i);
            i += 1;
        }
    }
}

/// # Safety
/// As for [`outer`], for the rows `first..first + R`.
#[inline(always)]
unsafe fn strip<V: Vector, const R: usize, const K: usize>(o: &Outer<V::Elem>, first: usize) {
    let zero = V::Elem::default();
    // SAFETY: the rows exist, by the caller's word; whole vectors lie below cols, and the last one is read and written by
    // `load_first` and `store_first`.
    unsafe {
        let mut a = [[V::splat(zero); K]; R];
        for (i, a) in a.iter_mut().enumerate() {
            for (p, a) in a.iter_mut().enumerate() {
                *a = V::splat(*o.a.offset((first + i) as isize * o.a_row + p as isize * o.a_col));
            }
        }
        let c = o.c.offset(first as isize * o.c_row);
        // A store of a whole line does not touch a second one.
        let before = c.addr() / size_of::<V::Elem>() % V::LANES;
        let mut j = if before == 0 { 0 } else { (V::LANES - before).min(o.cols) };
        if j > 0 {
            column::<V, R, K, false>(o, &a, c, 0, j);
        }
        while j + V::LANES <= o.cols {
            column::<V, R, K, true>(o, &a, c, j, V::LANES);
            j += V::LANES;
        }
        if j < o.cols {
            column::<V, R, K, false>(o, &a, c, j, o.cols - j);
        }
    }
}

/// `n` columns of `R` rows of `c` from column `j` on; `WHOLE` if they fill a vector.
///
/// # Safety
/// As for [`outer`]; the rows at `c` exist and have these columns.
#[inline(always)]
unsafe fn column<V: Vector, const R: usize, const K: usize, const WHOLE: bool>(
    o: &Outer<V::Elem>,
    a: &[[V; K]; R],
    c: *mut V::Elem,
    j: usize,
    n: usize,
) {
    let zero = V::Elem::default();
    // SAFETY: the caller's.
    unsafe {
        let (alpha, beta) = (V::splat(o.alpha), V::splat(o.beta));
        let mut acc = [V::splat(zero); R];
        for p in 0..K {
            let b = o.b.offset(p as isize * o.b_row).add(j);
            let b = if WHOLE { V::load(b) } else { V::load_first(b, n) };
            for (acc, a) in acc.iter_mut().zip(a) {
                *acc = b.mul_add(a[p], *acc);
            }
        }
        for (i, x) in acc.into_iter().enumerate() {
            let c = c.offset(i as isize * o.c_row).add(j);
            let y = if o.beta == zero {
                x.mul(alpha)
            } else {
                let old = if WHOLE { V::load(c) } else { V::load_first(c, n) };
                x.mul_add(alpha, old.mul(beta))
            };
            if WHOLE { y.store(c) } else { y.store_first(c, n) }
        }
    }
}
