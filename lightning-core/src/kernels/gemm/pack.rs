//! Panels: an operand cut into strips of one micro-kernel's width, each strip laid out in the order it is read.
//!
//! Packing never changes a result, only where its operands are read. An operand whose rows already are slices may be
//! read in place, which is faster when each element is used only a few times.

use super::kernels::Kernels;
use super::mat::Mat;
use super::scratch::Scratch;
use super::vector::{Rows, Turned};
use crate::Float;
use crate::kernels::team::share;
use std::ops::Range;

/// Numbers below which one thread packs alone: about 2 µs.
const MIN_SHARED: usize = 1 << 14;

/// Columns packed together, so that cache lines of the source are used whole. With more, the strips they go to, which may
/// begin a multiple of 4 KB apart, would drive each other from the first-level cache.
const GROUP: usize = 64;

/// The strips of a k × n operand.
pub(super) struct Panels<T> {
    /// Columns of a strip; the last one may have fewer.
    pub(super) width: usize,
    /// All columns.
    cols: usize,
    /// Element (p, j) of strip s is at `ptr + s · step + p · along + j · across`.
    ptr: *mut T,
    step: isize,
    along: isize,
    across: isize,
    /// Where the packed strips are, or none if they are read in place.
    memory: Option<Scratch<T>>,
}

// SAFETY: a `Panels` is only read once it is built; it owns its memory, or reads what a `Mat` does, which is `Sync`.
unsafe impl<T: Sync> Sync for Panels<T> {}

/// One strip: element (p, j) is at `ptr + p · along + j · across`.
pub(super) struct Panel<T> {
    pub(super) first: usize,
    pub(super) cols: usize,
    pub(super) ptr: *mut T,
    pub(super) along: isize,
    pub(super) across: isize,
    /// Whether all of a strip's width can be read, not only the columns that the operand has.
    pub(super) filled_up: bool,
}

impl<T: Float> Panels<T> {
    /// Strips of `src`, read where they are.
    pub(super) fn in_place(src: Mat<T>, width: usize) -> Self {
        let (along, across) = (src.row_stride, src.col_stride);
        let step = across * width as isize;
        Self { width, cols: src.cols, ptr: src.ptr, step, along, across, memory: None }
    }

    /// Room for strips of `src`, which the first micro-kernels that read `src` fill.
    pub(super) fn to_be_filled(src: Mat<T>, width: usize) -> Self {
        let mut memory = Scratch::new(src.cols.next_multiple_of(width) * src.rows);
        let ptr: *mut T = memory.as_mut_ptr();
        let step = (src.rows * width) as isize;
        Self { width, cols: src.cols, ptr, step, along: width as isize, across: 1, memory: Some(memory) }
    }

    /// Strips of `src`, copied. `shared`: by several threads if it is large.
    pub(super) fn packed(kernels: &Kernels<T>, src: Mat<T>, width: usize, shared: bool) -> Self {
        let (k, cols) = (src.rows, src.cols);
        let numbers = cols.next_multiple_of(width) * k;
        let panels = Self::to_be_filled(src, width);
        let to = Mat { ptr: panels.ptr, rows: 1, cols: numbers, row_stride: 0, col_stride: 1 };
        let group = (GROUP / width).max(1) * width;
        let pack = |g: usize| {
            let j = g * group;
            let part = src.part(0, k, j, group.min(cols - j));
            // SAFETY: the memory has k · width numbers for each strip, and each group of strips is one task's.
            unsafe { pack(kernels, part, to.at(0, j * k), width) }
        };
        let groups = cols.div_ceil(group);
        if shared && numbers >= MIN_SHARED {
            share(groups, pack)
        } else {
            (0..groups).for_each(pack)
        }
        panels
    }

    pub(super) fn len(&self) -> usize {
        self.cols.div_ceil(self.width)
    }

    /// The columns of some neighbouring strips.
    pub(super) fn columns(&self, strips: Range<usize>) -> Range<usize> {
        strips.start * self.width..(strips.end * self.width).min(self.cols)
    }

    pub(super) fn get(&self, strip: usize) -> Panel<T> {
        let first = strip * self.width;
        assert!(first < self.cols, "a strip of the operand");
        Panel {
            first,
            cols: self.width.min(self.cols - first),
            ptr: self.ptr.wrapping_offset(strip as isize * self.step),
            along: self.along,
            across: self.across,
            filled_up: self.memory.is_some(),
        }
    }
}

/// Strip `s` of `src` to `to + s · rows · width`, there `to[p · width + j] = src[p, s · width + j]`; columns beyond the last keep
/// what the memory held: their products are never stored.
///
/// # Safety
/// `src.rows · width` numbers can be written to `to` for each strip that `src` has, whole or not.
pub(super) unsafe fn pack<T: Float>(kernels: &Kernels<T>, src: Mat<T>, to: *mut T, width: usize) {
    let k = src.rows;
    // SAFETY: the elements of `src` exist, and so do the places of each strip.
    unsafe {
        if src.rows_are_slices() {
            (kernels.pack_rows)(&Rows { from: src.ptr, step: src.row_stride, k, cols: src.cols, to, width });
            return;
        }
        for j in (0..src.cols).step_by(width) {
            let strip = src.part(0, k, j, width.min(src.cols - j));
            let to = to.add(j * k);
            if src.cols_are_slices() {
                let (from, step) = (strip.ptr, strip.col_stride);
                (kernels.pack_turned)(&Turned { from, step, k, cols: strip.cols, to, width });
            } else {
                for p in 0..k {
                    for j in 0..strip.cols {
                        *to.add(p * width + j) = *strip.at(p, j);
                    }
                }
            }
        }
    }
}
