//! A matrix as the loops see it: a pointer, two lengths and two strides of any sign.

use ndarray::{ArrayView2, ArrayViewMut2};

/// A borrowed matrix whose parts are handed to several threads.
///
/// Invariant: `row(i) + col(j)` away from `ptr` lies an element for all `i < rows`, `j < cols`. It may be written only
/// where it came from a mutable view; the driver writes through `c` alone, and no two tasks to the same element.
#[derive(Clone, Copy)]
pub(super) struct Mat<T> {
    pub(super) ptr: *mut T,
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) row_stride: isize,
    pub(super) col_stride: isize,
}

// SAFETY: a `Mat` is a borrow of plain numbers (`T` is `f32` or `f64`) that the driver holds for longer than its tasks
// run; tasks read shared operands and write disjoint tiles, see the invariant above.
unsafe impl<T: Sync> Sync for Mat<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Mat<T> {}

impl<T> Mat<T> {
    pub(super) fn read(view: &ArrayView2<'_, T>) -> Self {
        let (rows, cols) = view.dim();
        let &[row_stride, col_stride] = view.strides() else { unreachable!("two axes") };
        Self { ptr: view.as_ptr().cast_mut(), rows, cols, row_stride, col_stride }
    }

    pub(super) fn write(view: &mut ArrayViewMut2<'_, T>) -> Self {
        let (rows, cols) = view.dim();
        let &[row_stride, col_stride] = view.strides() else { unreachable!("two axes") };
        Self { ptr: view.as_mut_ptr(), rows, cols, row_stride, col_stride }
    }

    /// The same elements with rows and columns exchanged.
    pub(super) fn t(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }

    /// The place of element (i, j). Only an element that exists may be read or written there.
    pub(super) fn at(&self, i: usize, j: usize) -> *mut T {
        self.ptr.wrapping_offset(i as isize * self.row_stride + j as isize * self.col_stride)
    }

    /// Rows `i..i + rows` and columns `j..j + cols`.
    pub(super) fn part(&self, i: usize, rows: usize, j: usize, cols: usize) -> Self {
        assert!(i + rows <= self.rows && j + cols <= self.cols, "a part lies within its matrix");
        Self { ptr: self.at(i, j), rows, cols, ..*self }
    }

    /// Whether the elements of a row are neighbours in memory.
    pub(super) fn rows_are_slices(&self) -> bool {
        self.col_stride == 1 || self.cols == 1
    }

    /// Whether the elements of a column are neighbours in memory.
    pub(super) fn cols_are_slices(&self) -> bool {
        self.row_stride == 1 || self.rows == 1
    }
}
