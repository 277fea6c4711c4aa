//! Panels: an operand cut into strips of one micro-kernel's width, each strip laid out in the order it is read.
//!
//! Packing never changes a result, only where its operands are read. An operand whose rows already are slices may be
//! read in place (`direct`), which is faster when each element is used only a few times.

use super::kernels::Kernels;
use super::mat::Mat;
use super::scratch::Scratch;
use super::vector::Turned;
use crate::Float;
use crate::kernels::team::share;
use std::ops::Range;

/// Numbers below which one thread packs alone: about 10 µs.
const MIN_SHARED: usize = 1 << 16;

/// The strips of a k × n operand.
pub(super) struct Panels<T> {
    /// Columns of a strip; the last ones may have fewer.
    pub(super) width: usize,
    /// Columns that are read in place, from the first on.
    direct: Mat<T>,
    /// The other columns, packed.
    packed: *const T,
    /// All columns.
    cols: usize,
    _memory: Option<Scratch<T>>,
}

// SAFETY: a `Panels` is only read once it is built, and it owns its memory or holds a `Mat`, which is `Sync`.
unsafe impl<T: Sync> Sync for Panels<T> {}

/// One strip: element (p, j) is at `ptr + p · along + j · across`.
pub(super) struct Panel<T> {
    pub(super) first: usize,
    pub(super) cols: usize,
    pub(super) ptr: *const T,
    pub(super) along: isize,
    pub(super) across: isize,
}

impl<T: Float> Panels<T> {
    /// Strips of `src` (k × n), whose first `direct` columns are read in place.
    pub(super) fn new(kernels: &Kernels<T>, src: Mat<T>, width: usize, direct: usize, shared: bool) -> Self {
        let (k, cols) = (src.rows, src.cols);
        let mut panels =
            Self { width, direct: src.part(0, k, 0, direct), packed: std::ptr::null(), cols, _memory: None };
        if direct < cols {
            let rest = src.part(0, k, direct, cols - direct);
            let strips = rest.cols.div_ceil(width);
            let mut memory = Scratch::new(strips * k * width);
            let to = Mat {
                ptr: memory.as_mut_ptr(),
                rows: strips,
                cols: k * width,
                row_stride: (k * width) as isize,
                col_stride: 1,
            };
            let pack = |strip: usize| {
                let j = strip * width;
                let part = rest.part(0, k, j, width.min(rest.cols - j));
                // SAFETY: the memory has k · width numbers for each strip, and each strip is one task's.
                unsafe { pack_strip(kernels, part, to.at(strip, 0), width) }
            };
            if shared && rest.cols * k >= MIN_SHARED {
                share(strips, pack);
            } else {
                (0..strips).for_each(pack);
            }
            panels.packed = memory.as_mut_ptr();
            panels._memory = Some(memory);
        }
        panels
    }

    pub(super) fn len(&self) -> usize {
        self.direct.cols.div_ceil(self.width) + (self.cols - self.direct.cols).div_ceil(self.width)
    }

    /// The columns of some neighbouring strips.
    pub(super) fn columns(&self, strips: Range<usize>) -> Range<usize> {
        let last = self.get(strips.end - 1);
        self.get(strips.start).first..last.first + last.cols
    }

    pub(super) fn get(&self, i: usize) -> Panel<T> {
        let in_place = self.direct.cols.div_ceil(self.width);
        if i < in_place {
            let first = i * self.width;
            Panel {
                first,
                cols: self.width.min(self.direct.cols - first),
                ptr: self.direct.at(0, first),
                along: self.direct.row_stride,
                across: self.direct.col_stride,
            }
        } else {
            let offset = (i - in_place) * self.width;
            let first = self.direct.cols + offset;
            assert!(first < self.cols, "a strip of the operand");
            Panel {
                first,
                cols: self.width.min(self.cols - first),
                ptr: self.packed.wrapping_add(offset * self.direct.rows),
                along: self.width as isize,
                across: 1,
            }
        }
    }
}

/// `to[p · width + j] = src[p, j]`; columns beyond the last keep what the memory held: their products are never stored.
///
/// # Safety
/// `src.rows · width` numbers can be written to `to`, and `src.cols <= width`.
unsafe fn pack_strip<T: Float>(kernels: &Kernels<T>, src: Mat<T>, to: *mut T, width: usize) {
    // SAFETY: the elements of `src` exist, and p · width + j < rows · width.
    unsafe {
        if src.rows_are_slices() {
            for p in 0..src.rows {
                copy(src.at(p, 0), to.add(p * width), src.cols);
            }
        } else if src.cols_are_slices() {
            (kernels.pack_turned)(&Turned {
                from: src.ptr,
                step: src.col_stride,
                k: src.rows,
                cols: src.cols,
                to,
                width,
            });
        } else {
            for p in 0..src.rows {
                for j in 0..src.cols {
                    *to.add(p * width + j) = *src.at(p, j);
                }
            }
        }
    }
}

/// A short copy without a call.
///
/// # Safety
/// `n` numbers can be read and written, and they do not overlap.
#[inline(always)]
unsafe fn copy<T: Copy>(from: *const T, to: *mut T, n: usize) {
    let mut i = 0;
    // SAFETY: i + 4 <= n, then i < n.
    unsafe {
        while i + 4 <= n {
            *to.add(i).cast::<[T; 4]>() = *from.add(i).cast::<[T; 4]>();
            i += 4;
        }
        while i < n {
            *to.add(i) = *from.add(i);
            i += 1;
        }
    }
}
