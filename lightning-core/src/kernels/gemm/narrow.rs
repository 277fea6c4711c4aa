//! Products with at most eight columns, as dot products: the class and confidence heads, a batch of a few rows.
//!
//! Such a product is as fast as its large operand can be read. Its rows are read once, in place; the lanes run along the
//! inner dimension, where the few columns of `B` would leave most of a register empty.

use super::Done;
use super::kernels::Kernels;
use super::mat::Mat;
use super::scratch::Scratch;
use super::vector::Dots;
use crate::Float;
use crate::kernels::par::{TASKS, is_worth_sharing};
use crate::kernels::team::share;

/// The first-level cache: columns of `B` that fit it are used whole.
const CACHE_BYTES: usize = 32 << 10;
/// Otherwise the bytes of them that are used for all rows of a task before the next ones. In `f64`, 8 columns of 1000 numbers
/// went from 42 to 52 GFLOP/s.
const COLUMNS_BYTES: usize = 24 << 10;
/// Numbers of `A` in one task, at most.
const TASK: usize = 1 << 16;
/// A multiple of every number of rows that a kernel takes at a time.
const ROWS: usize = 24;

/// `c = alpha · a · b + beta · c` for `a` whose rows are slices and `b` with 1 to 8 columns.
pub(super) fn dots<T: Float>(
    kernels: &Kernels<T>,
    alpha: T,
    a: Mat<T>,
    b: Mat<T>,
    beta: T,
    c: Mat<T>,
    done: Done<'_>,
) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    assert!(b.rows == k && c.rows == m && c.cols == n && a.rows_are_slices(), "the shapes fit");
    let b_col = k.next_multiple_of(kernels.lanes);
    let mut memory = Scratch::new(n * b_col);
    let columns: *mut T = memory.as_mut_ptr();
    for j in 0..n {
        // SAFETY: the memory has n · b_col numbers, so b_col from here on; k of them are filled, then the rest.
        unsafe {
            let column = columns.add(j * b_col);
            if b.cols_are_slices() {
                // Element by element this would be a tenth of the prediction of one row.
                column.copy_from_nonoverlapping(b.at(0, j), k);
            } else {
                (0..k).for_each(|p| *column.add(p) = *b.at(p, j));
            }
            (k..b_col).for_each(|p| *column.add(p) = T::zero());
        }
    }
    let columns = Mat { ptr: columns, rows: n, cols: b_col, row_stride: b_col as isize, col_stride: 1 };
    let shared = is_worth_sharing(m, k, n);
    let rows = (TASK / k).min(if shared { m / TASKS } else { m }).next_multiple_of(ROWS).max(ROWS);
    let kernel = kernels.dots[n - 1];
    let bytes = n * b_col * size_of::<T>();
    let pieces = if bytes <= CACHE_BYTES { 1 } else { bytes.div_ceil(COLUMNS_BYTES) };
    let depth = k.div_ceil(pieces).next_multiple_of(kernels.lanes);
    let task = |t: usize| {
        let first = t * rows;
        let rows = rows.min(m - first);
        let c = c.part(first, rows, 0, n);
        for p in (0..k).step_by(depth) {
            let k = depth.min(k - p);
            let a = a.part(first, rows, p, k);
            // SAFETY: the parts were cut with bounds checks, the rows of `a` are slices, and `columns` has n columns of
            // whole vectors from p on (a multiple of the lanes), with zeros behind the last number.
            unsafe {
                kernel(&Dots {
                    rows,
                    k,
                    a: a.ptr,
                    a_row: a.row_stride,
                    b: columns.at(0, p),
                    b_col,
                    c: c.ptr,
                    c_row: c.row_stride,
                    c_col: c.col_stride,
                    alpha,
                    beta: if p == 0 { beta } else { T::one() },
                });
            }
        }
        done(first..first + rows, 0..n);
    };
    let tasks = m.div_ceil(rows);
    if shared {
        share(tasks, task);
    } else {
        (0..tasks).for_each(task);
    }
}
