//! The numbers of a matrix that are not zero.

use super::{row, slices};
use crate::Float;
use crate::kernels::dispatch::{Work, widest};
use crate::kernels::gemm::kernels::Kernels;
use crate::kernels::gemm::mat::Mat;
use crate::kernels::gemm::scratch::Scratch;
use crate::kernels::gemm::vector::{Turned, Vector};

/// How many numbers of a matrix are not zero.
pub(super) fn count<T: Float>(a: Mat<T>) -> usize {
    let a = if a.rows_are_slices() { a } else { a.t() };
    (0..a.rows).map(|i| widest(Count(row(&a, i)))).sum()
}

/// How many numbers of a slice are not zero.
struct Count<'a, T>(&'a [T]);
impl<T: Float> Work for Count<'_, T> {
    type Output = usize;
    #[inline(always)]
    fn run(self) -> usize {
        self.0.iter().map(|&x| usize::from(x != T::zero())).sum()
    }
}

/// The numbers of some rows that are not zero: slice by slice of the inner dimension, row by row, in order.
pub(super) struct List {
    rows: usize,
    /// Where the rows start, slice by slice, and the last one ends; then the place of each number in its slice.
    indices: Scratch<u32>,
    starts: usize,
}

impl List {
    /// Lists the `count` numbers that are not zero and writes their values to `values`, which has room for a vector more;
    /// `room` is for `depth` numbers of each row.
    pub(super) fn of<T: Float>(
        kernels: &Kernels<T>,
        a: Mat<T>,
        depth: usize,
        count: usize,
        room: *mut T,
        values: *mut T,
    ) -> Self {
        assert!(count <= u32::MAX as usize, "a list's length is a u32");
        let rows = a.rows;
        let starts = slices(a.cols, depth).count() * rows + 1;
        let mut indices = Scratch::<u32>::new(starts + count + kernels.lanes);
        let (start, mut used) = (indices.as_mut_ptr(), 0);
        for (s, slice) in slices(a.cols, depth).enumerate() {
            let (from, row_step) = in_rows(kernels, a.part(0, rows, slice.first, slice.depth), room);
            for i in 0..rows {
                // SAFETY: there is a start for each row of each slice, and room for all `count` numbers and a vector more;
                // `slice.depth` numbers of row `i` can be read.
                unsafe {
                    *start.add(s * rows + i) = used as u32;
                    used += (kernels.list)(&ToList {
                        from: from.wrapping_offset(i as isize * row_step),
                        len: slice.depth,
                        values: values.add(used),
                        places: start.add(starts + used),
                    });
                }
            }
        }
        assert!(used == count, "all that was counted is listed");
        // SAFETY: the end has its place.
        unsafe { *start.add(starts - 1) = used as u32 };
        List { rows, indices, starts }
    }

    /// The starts of a slice's rows, and the end of the last.
    pub(super) fn starts_of(&self, slice: usize) -> *const u32 {
        self.indices.as_ptr().wrapping_add(slice * self.rows)
    }

    pub(super) fn places(&self) -> *const u32 {
        self.indices.as_ptr().wrapping_add(self.starts)
    }
}

/// The first number of a part of `A` and how far its rows are apart; a part whose columns are slices is turned into `room`.
fn in_rows<T: Float>(kernels: &Kernels<T>, a: Mat<T>, room: *mut T) -> (*const T, isize) {
    if a.rows_are_slices() {
        return (a.ptr, a.row_stride);
    }
    let turned = Turned { from: a.ptr, step: a.col_stride, k: a.rows, cols: a.cols, to: room, width: a.cols };
    // SAFETY: the columns of `a` are slices of its rows' length, and `room` has a place for each of its numbers.
    unsafe { (kernels.pack_turned)(&turned) };
    (room, a.cols as isize)
}

/// A row to list: values that are not zero, and where they stood.
pub(in super::super) struct ToList<T> {
    from: *const T,
    len: usize,
    values: *mut T,
    places: *mut u32,
}

/// Lists a row; returns how many of its numbers are not zero.
///
/// # Safety
/// The processor has `V`'s instruction set; `len` numbers can be read, and as many values and places written as there are
/// others than zero, and a vector more.
#[inline(always)]
pub(in super::super) unsafe fn list<V: Vector>(r: &ToList<V::Elem>) -> usize {
    let mut used = 0;
    for p in (0..r.len).step_by(V::LANES) {
        let n = V::LANES.min(r.len - p);
        // SAFETY: the caller's; what was used is at most what is not zero in front of `p`.
        used += unsafe { V::keep(r.from.add(p), n, p as u32, r.values.add(used), r.places.add(used)) };
    }
    used
}
