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
use crate::kernels::par::MIN_STREAM;
use crate::kernels::team::share;

/// Numbers of `A` in one task.
const TASK: usize = 1 << 16;

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
        for p in 0..b_col {
            // SAFETY: j · b_col + p < n · b_col, the size of the memory; element (p, j) exists where p < k.
            unsafe { *columns.add(j * b_col + p) = if p < k { *b.at(p, j) } else { T::zero() } }
        }
    }
    let columns = Mat { ptr: columns, rows: n, cols: b_col, row_stride: b_col as isize, col_stride: 1 };
    // Whole register blocks: a multiple of every number of rows that a kernel takes at a time.
    let rows = (TASK / k.max(1)).next_multiple_of(24);
    let kernel = kernels.dots[n - 1];
    let task = |t: usize| {
        let first = t * rows;
        let rows = rows.min(m - first);
        let (a, c) = (a.part(first, rows, 0, k), c.part(first, rows, 0, n));
        // SAFETY: the parts were cut with bounds checks, the rows of `a` are slices, and `columns` has n columns of whole
        // vectors with zeros from k on.
        unsafe {
            kernel(&Dots {
                rows,
                k,
                a: a.ptr,
                a_row: a.row_stride,
                b: columns.at(0, 0),
                b_col,
                c: c.ptr,
                c_row: c.row_stride,
                c_col: c.col_stride,
                alpha,
                beta,
            });
        }
        done(first..first + rows, 0..n);
    };
    let tasks = m.div_ceil(rows);
    if m * k >= MIN_STREAM && tasks > 1 && rayon::current_num_threads() > 1 {
        share(tasks, task);
    } else {
        (0..tasks).for_each(task);
    }
}
