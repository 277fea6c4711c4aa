//! Whether a product is worth the lists: a guess at the zeros of `A`, and a look at all of `B`.

use super::row;
use crate::Float;
use crate::kernels::dispatch::{Work, widest};
use crate::kernels::gemm::kernels::NARROW;
use crate::kernels::gemm::mat::Mat;
use crate::kernels::team::share;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Multiply-adds below which looking for zeros costs more than it gains.
const MIN_WORK: usize = 1 << 18;
/// Columns of `B` below which the lists are used too rarely.
const MIN_COLS: usize = 64;
/// Numbers looked at to guess how many are zero.
const SAMPLE: usize = 64;
/// Of them, those that may be no zeros: at two fifths the gain is a third for wide products and nothing for narrow ones.
const MOST: usize = 29;
/// Numbers of `B` that a task looks through for one that is not finite.
const FINITE_TASK: usize = 1 << 15;

/// Whether the product is best made here, by a guess at `A`'s zeros and a look at all of `B`.
pub(in super::super) fn pays<T: Float>(a: Mat<T>, b: Mat<T>, c: Mat<T>) -> bool {
    let large =
        c.rows > NARROW && a.cols > NARROW && c.cols >= MIN_COLS && a.rows * a.cols * b.cols > MIN_WORK;
    large
        && c.rows_are_slices()
        && (a.rows_are_slices() || a.cols_are_slices())
        && (b.rows_are_slices() || b.cols_are_slices())
        && is_mostly_zeros(a)
        && is_finite(b)
}

/// Looks at places all over the matrix, the same for every matrix of its shape; a matrix without zeros is known by half of them.
fn is_mostly_zeros<T: Float>(a: Mat<T>) -> bool {
    let mut found = 0;
    let mut hash = 0u64;
    for _ in 0..SAMPLE {
        hash = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let i = ((mixed >> 32) as usize * a.rows) >> 32;
        let p = ((mixed & 0xffff_ffff) as usize * a.cols) >> 32;
        // SAFETY: i < rows and p < cols, as both halves are below 2³².
        found += usize::from(unsafe { *a.at(i, p) } != T::zero());
        if found > MOST {
            return false;
        }
    }
    true
}

/// Whether no number is infinite or NaN. Rows or columns are slices.
fn is_finite<T: Float>(b: Mat<T>) -> bool {
    let b = if b.rows_are_slices() { b } else { b.t() };
    let height = (FINITE_TASK / b.cols).max(1);
    let finite = AtomicBool::new(true);
    let look = |t: usize| {
        let rows = t * height..((t + 1) * height).min(b.rows);
        if !rows.into_iter().all(|i| widest(Finite(row(&b, i)))) {
            finite.store(false, Relaxed);
        }
    };
    let tasks = b.rows.div_ceil(height);
    if tasks > 1 && rayon::current_num_threads() > 1 {
        share(tasks, look)
    } else {
        (0..tasks).for_each(look)
    }
    finite.into_inner()
}

/// Whether a slice has neither infinities nor NaN.
struct Finite<'a, T>(&'a [T]);
impl<T: Float> Work for Finite<'_, T> {
    type Output = bool;
    #[inline(always)]
    fn run(self) -> bool {
        self.0.iter().fold(true, |finite, x| finite & x.is_finite())
    }
}
