//! Products with a matrix most of whose numbers are zeros, as a rectifier and dropout leave them: half of a layer's results
//! are not positive and half of the others are dropped, and the gradient that goes back has its zeros in the same places.
//!
//! Only numbers that are not zero are multiplied. They are listed row by row, and each brings its row of `B` into the sum:
//!
//! ```text
//! rows of C and A, shared out      their lists stay in the second-level cache
//! └ columns of C and B             as many as registers hold sums of one row
//!   └ slices of the inner dimension  a slice of B (depth × width) stays in the first-level cache
//!     └ a row of C: one list, sums in registers
//! ```
//!
//! Zero times a finite number changes no sum, so a chain of multiply-adds without the zeros ends where [`blocked`]'s
//! does: the bits are the same (but for the sign of a zero, where all of a sum vanished below the smallest number). Zero times
//! infinity or NaN is NaN, so `B` must be finite.

mod kernel;
mod list;
mod pays;
#[cfg(test)]
mod tests;

pub(super) use kernel::{Sparse, sparse};
pub(super) use list::{ToList, list};
pub(super) use pays::pays;

use super::Done;
use super::blocked::{KC, blocks};
use super::kernels::Kernels;
use super::mat::Mat;
use super::pack::pack;
use super::scratch::Scratch;
use crate::Float;
use crate::kernels::par::is_worth_sharing;
use crate::kernels::team::share;
use list::{List, count};

/// Registers of sums, and a number of `A` and the processor's renaming besides.
const REGISTERS: usize = 8;
/// Bytes of a slice of `B`: three quarters of a first-level cache of 32 KB.
const SLICE_BYTES: usize = 24 << 10;
/// Rows of a task: each packs `B` for itself, which few rows would not repay; the lists of many would leave the cache.
const ROWS: std::ops::RangeInclusive<usize> = 16..=256;
/// Multiply-adds of a task, if there is a task for each thread already: some 10 µs.
const TASK: usize = 1 << 18;

/// `c = alpha · a · b + beta · c` for a finite `b`; the rows of `c` and the rows or columns of `a` are slices.
pub(super) fn product<T: Float>(
    kernels: &Kernels<T>,
    alpha: T,
    a: Mat<T>,
    b: Mat<T>,
    beta: T,
    c: Mat<T>,
    done: Done<'_>,
) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    assert!(b.rows == k && c.rows == m && c.cols == n && c.rows_are_slices(), "the shapes fit");
    let width = REGISTERS * kernels.lanes;
    let depth = SLICE_BYTES / size_of::<T>() / width;
    let product = Product { kernels, alpha, beta, width, depth };
    // The number of tasks and their shape change no bit.
    let work = m * k.div_ceil(4) * n;
    let parallel = is_worth_sharing(m, k.div_ceil(4), n);
    let threads = if parallel { rayon::current_num_threads() } else { 1 };
    let parts = (work / TASK).clamp(threads, 2 * threads);
    let by_columns = parallel && k > depth && m < n / 2;
    let height = if by_columns { m } else { m.div_ceil(parts).clamp(*ROWS.start(), *ROWS.end()) };
    let wide = if by_columns { n.div_ceil(parts).next_multiple_of(kernels.lanes) } else { n };
    let (down, across) = (m.div_ceil(height), n.div_ceil(wide));
    let task = |t: usize| {
        let (first, col) = (t / across * height, t % across * wide);
        let (rows, cols) = (height.min(m - first), wide.min(n - col));
        product.part(a.part(first, rows, 0, k), b.part(0, k, col, cols), c.part(first, rows, col, cols));
        done(first..first + rows, col..col + cols);
    };
    if parallel { share(down * across, task) } else { (0..down * across).for_each(task) }
}

/// What is the same for all rows.
struct Product<'a, T: Float> {
    kernels: &'a Kernels<T>,
    alpha: T,
    beta: T,
    /// Columns at a time.
    width: usize,
    /// Inner dimension at a time.
    depth: usize,
}

impl<T: Float> Product<'_, T> {
    /// A part of the result.
    fn part(&self, a: Mat<T>, b: Mat<T>, c: Mat<T>) {
        let (rows, n, lanes) = (c.rows, c.cols, self.kernels.lanes);
        let count = count(a);
        let room = self.width.max(self.depth);
        // A slice of B, sums of each row, the list.
        let mut memory = Scratch::new((self.depth + rows) * room + count + lanes);
        let packed: *mut T = memory.as_mut_ptr();
        let sums = packed.wrapping_add(self.depth * room);
        let values = sums.wrapping_add(rows * room);
        let list = List::of(self.kernels, a, self.depth, count, sums, values);
        for (col, cols) in blocks(n, self.width, lanes) {
            let vectors = cols.div_ceil(lanes);
            for (s, slice) in slices(a.cols, self.depth).enumerate() {
                let b = b.part(slice.first, slice.depth, col, cols);
                let (b, b_row) = self.slice(b, slice.is_all, packed);
                let part = c.part(0, rows, col, cols);
                let sparse = Sparse {
                    rows,
                    starts: list.starts_of(s),
                    places: list.places(),
                    values,
                    b,
                    b_row,
                    begins: slice.begins,
                    sums,
                    ends: slice.ends,
                    c: part.ptr,
                    c_row: part.row_stride,
                    last: cols - (vectors - 1) * lanes,
                    alpha: self.alpha,
                    beta: if slice.is_of_first_chain { self.beta } else { T::one() },
                };
                // SAFETY: the list's places in this slice are below its depth, each a row of `vectors` whole vectors in `b`;
                // `sums` has room for `rows` of them; `c` was cut out with bounds checks, its rows are slices, and this task
                // alone has it.
                unsafe { (self.kernels.sparse[vectors - 1])(&sparse) }
            }
        }
    }

    /// A slice of `B` as whole vectors, its rows so far apart: in place where that is so and it fits the cache as it is, or
    /// else packed.
    fn slice(&self, b: Mat<T>, is_all: bool, packed: *mut T) -> (*const T, isize) {
        let lanes = self.kernels.lanes;
        // Rows a multiple of 4 KB apart share a few places of the cache.
        let apart = b.row_stride.unsigned_abs() * size_of::<T>();
        if is_all && b.rows_are_slices() && b.cols.is_multiple_of(lanes) && !apart.is_multiple_of(4096) {
            return (b.ptr, b.row_stride);
        }
        let width = b.cols.next_multiple_of(lanes);
        assert!(b.rows <= self.depth && width <= self.width, "a slice fits its room");
        // SAFETY: `packed` has room for `depth` rows of `width`, of this task alone.
        unsafe { pack(self.kernels, b, packed, width) };
        (packed, width as isize)
    }
}

/// A part of the inner dimension.
struct Slice {
    first: usize,
    depth: usize,
    /// Whether a chain of multiply-adds begins or ends here: one for each `KC`, as on the blocked road.
    begins: bool,
    ends: bool,
    is_of_first_chain: bool,
    /// Whether there is no other slice.
    is_all: bool,
}

/// The inner dimension in slices of at most `depth`.
fn slices(k: usize, depth: usize) -> impl Iterator<Item = Slice> {
    blocks(k, KC, 1).flat_map(move |(pc, kc)| {
        blocks(kc, depth, 1).map(move |(p, depth)| Slice {
            first: pc + p,
            depth,
            begins: p == 0,
            ends: p + depth == kc,
            is_of_first_chain: pc == 0,
            is_all: depth == k,
        })
    })
}

/// A row of a matrix whose rows are slices.
fn row<T>(x: &Mat<T>, i: usize) -> &[T] {
    assert!(i < x.rows && x.rows_are_slices(), "a row of neighbours");
    // SAFETY: the row's numbers exist and are neighbours, as just checked, and nobody writes an operand.
    unsafe { std::slice::from_raw_parts(x.at(i, 0), x.cols) }
}
