//! The five loops around the micro-kernel, named as in the paper on BLIS (Van Zee and van de Geijn, 2015).
//!
//! ```text
//! pc  kc of the inner dimension    a strip of A (mr × kc) stays in the first-level cache
//! └ ic  mc rows of C and A         bounds the memory for packed A
//!   └ jc  nc columns of C and B    bounds the memory for packed B; on one thread it stays in the second-level cache
//!     └ tiles of C, shared out: a block of B (kc × tile) stays in the second-level cache
//!       └ ir  a strip of A
//!         └ jr  a strip of B: one call of the micro-kernel, mr × nr of C in registers
//! ```
//!
//! A number of C is one chain of multiply-adds over each kc, in order. Nothing but kc changes its bits, and kc depends on
//! the inner dimension alone.

use super::Done;
use super::kernels::Kernels;
use super::mat::Mat;
use super::pack::{Panel, Panels};
use super::vector::{Tile, Turned};
use crate::Float;
use crate::kernels::par::{TASKS, is_worth_sharing};
use crate::kernels::team::share;
use std::ops::Range;
use std::ptr::null_mut;

/// kc: 8 rows of `A` of this length take 16 KB in `f32`, half of a first-level cache. In `f64` they fill it, and still fewer passes
/// over `C` gain more than that costs.
pub(super) const KC: usize = 512;
/// nc of several threads: with kc, at most 8 MB of packed `B` in `f32`.
const NC: usize = 4096;
/// Bytes of nc on one thread: with kc, three quarters of a second-level cache of 1 MB, and the same memory for every block.
const ALONE_BYTES: usize = 1536;
/// mc: with kc, at most 8 MB of packed `A` in `f32`.
const MC: usize = 4096;
/// Rows of a tile: about 30 µs of work at full width in `f32`, eight strips of `A`.
const TILE_ROWS: usize = 64;
/// Bytes of a tile's row: with kc, half of a second-level cache of 1 MB.
const TILE_BYTES: usize = 1024;
/// Multiply-adds of the smallest tile, a few microseconds.
const MIN_TILE: usize = 1 << 17;
/// Rows up to which `B` is read in place: each element is used too rarely to repay a copy.
const DIRECT_ROWS: usize = 48;
/// Bytes of a second-level cache. Up to that `B` is read in place: the kernel has time to fetch its rows from there.
const DIRECT_BYTES: usize = 1 << 20;
/// The same on one thread, where packing takes hardly any time.
const DIRECT_ALONE_BYTES: usize = 1 << 19;
/// Inner dimension up to which an operand is read in place: its strips fit the first-level cache as they are.
const DIRECT_K: usize = 8;
/// Inner dimension up to which a transposed `A` is read in place: one line for each fits the first-level cache.
const DIRECT_LINES: usize = 320;
/// Strips of `B` up to which `A` is read in place whatever its strides.
const DIRECT_STRIPS: usize = 2;

/// `c = alpha · a · b + beta · c`. The lanes of a register run along the rows of `c`.
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
    assert!(b.rows == k && c.rows == m && c.cols == n, "the shapes fit");
    let mr = kernels.tiles.len();
    // Fewer rows than a strip leave registers free: their tiles are wider.
    let nr = kernels.lanes * if m < mr { kernels.tiles[m - 1].len() } else { kernels.panel };
    let parallel = is_worth_sharing(m, k, n);

    let across = if parallel { NC } else { ALONE_BYTES / size_of::<T>() };
    for (pc, kc) in blocks(k, KC, 1) {
        for (ic, mc) in blocks(m, MC, mr) {
            let a = a.part(ic, mc, pc, kc).t();
            let left = if rows_in_place(a, n.div_ceil(nr)) {
                Panels::in_place(a, mr)
            } else {
                Panels::packed(kernels, a, mr, parallel)
            };
            for (jc, nc) in blocks(n, across, nr) {
                let part = b.part(pc, kc, jc, nc);
                let (right, source) = if columns_in_place(m, b.part(pc, kc, 0, n), parallel) {
                    (Panels::in_place(part, nr), None)
                } else if !parallel && part.rows_are_slices() {
                    (Panels::to_be_filled(part, nr), Some(Panels::in_place(part, nr)))
                } else {
                    (Panels::packed(kernels, part, nr, parallel), None)
                };
                let block = Block {
                    kernels,
                    alpha,
                    left: &left,
                    right,
                    source,
                    beta: if pc == 0 { beta } else { T::one() },
                    kc,
                    c: c.part(ic, mc, jc, nc),
                    far: bytes(&c) > DIRECT_BYTES,
                    done: if pc + kc == k { Some((done, ic, jc)) } else { None },
                };
                block.compute(parallel);
            }
        }
    }
}

/// `len` in the fewest parts of at most `most`, as equal as multiples of `unit` can be: (start, length).
pub(super) fn blocks(len: usize, most: usize, unit: usize) -> impl Iterator<Item = (usize, usize)> {
    let units = len.div_ceil(unit);
    let parts = units.div_ceil((most / unit).max(1)).max(1);
    let size = units.div_ceil(parts).max(1) * unit;
    (0..len).step_by(size).map(move |start| (start, size.min(len - start)))
}

/// Whether the kernel reads `b` where it is.
fn columns_in_place<T>(m: usize, b: Mat<T>, parallel: bool) -> bool {
    // Rows a multiple of 4 KB apart share a few sets of the second-level cache.
    let most = if parallel { DIRECT_BYTES } else { DIRECT_ALONE_BYTES };
    let fits = bytes(&b) <= most && !apart::<T>(b.row_stride).is_multiple_of(4096);
    b.rows_are_slices() && (fits || m <= DIRECT_ROWS || b.rows <= DIRECT_K)
}

fn bytes<T>(x: &Mat<T>) -> usize {
    x.rows * x.cols * size_of::<T>()
}

/// A stride in bytes.
fn apart<T>(stride: isize) -> usize {
    stride.unsigned_abs() * size_of::<T>()
}

/// Whether the kernel reads the rows of `A` (the columns of its transpose `at`) where they are.
fn rows_in_place<T>(at: Mat<T>, strips: usize) -> bool {
    // Rows a multiple of 2 KB apart share the few places of one or two sets of the first-level cache, unless one begins where
    // the last one ends.
    let step = apart::<T>(at.col_stride);
    let rows = at.cols_are_slices() && (!step.is_multiple_of(2048) || step == at.rows * size_of::<T>());
    // A strip of columns takes one or two lines for each of its numbers' rows, which must not share places either.
    let columns =
        at.rows_are_slices() && at.rows <= DIRECT_LINES && !apart::<T>(at.row_stride).is_multiple_of(256);
    rows || columns || strips <= DIRECT_STRIPS || at.rows <= DIRECT_K
}

/// A block of `C` with the panels that make it.
struct Block<'a, T: Float> {
    kernels: &'a Kernels<T>,
    alpha: T,
    left: &'a Panels<T>,
    right: Panels<T>,
    /// What the first strip of `A` reads, to fill `right` on its way: packing takes no time of its own. On one thread only.
    source: Option<Panels<T>>,
    beta: T,
    kc: usize,
    c: Mat<T>,
    /// Whether all of `C` is too large for a near cache.
    far: bool,
    /// In the last block of the inner dimension: whom to tell, and the place of this block in `C`.
    done: Option<(Done<'a>, usize, usize)>,
}

impl<T: Float> Block<'_, T> {
    /// Shares out the tiles. Their sizes change no bit, only the balance.
    fn compute(&self, parallel: bool) {
        let (strips, panels) = (self.left.len(), self.right.len());
        let high = (TILE_ROWS / self.left.width).min(strips);
        let down = strips.div_ceil(high);
        let least = MIN_TILE / (high * self.left.width * self.right.width * self.kc);
        let most = (TILE_BYTES / size_of::<T>() / self.right.width).max(1);
        let wide = if parallel { (down * panels / TASKS).max(least).clamp(1, most) } else { panels };
        let across = panels.div_ceil(wide);
        // Neighbours in this order use the same strips of B.
        let tile = |t: usize| {
            let (i, j) = (t % down * high, t / down * wide);
            self.tile(i..(i + high).min(strips), j..(j + wide).min(panels));
        };
        if parallel && down * across > 1 {
            share(down * across, tile);
        } else {
            (0..down * across).for_each(tile);
        }
    }

    fn tile(&self, strips: Range<usize>, panels: Range<usize>) {
        for ir in strips.clone() {
            let a = self.left.get(ir);
            for jr in panels.clone() {
                let packed = self.right.get(jr);
                let (b, copy) = match &self.source {
                    Some(source) if ir == 0 => (source.get(jr), packed.ptr),
                    _ => (packed, null_mut()),
                };
                self.micro(&a, &b, copy);
            }
        }
        if let Some((done, row, col)) = self.done {
            let (rows, cols) = (self.left.columns(strips), self.right.columns(panels));
            done(row + rows.start..row + rows.end, col + cols.start..col + cols.end);
        }
    }

    /// One call of the micro-kernel, for the rows of `a` and the columns of `b`, which are packed into `copy` if that is not null.
    fn micro(&self, a: &Panel<T>, b: &Panel<T>, copy: *mut T) {
        let c = self.c.part(a.first, a.cols, b.first, b.cols);
        let lanes = self.kernels.lanes;
        let vectors = b.cols.div_ceil(lanes);
        let kernel = self.kernels.tiles[a.cols - 1][vectors - 1];
        let last = b.cols - (vectors - 1) * lanes;
        let mut t = Tile {
            k: self.kc,
            a: a.ptr,
            a_row: a.across,
            a_col: a.along,
            b: b.ptr,
            b_row: b.along,
            b_far: !copy.is_null() || !b.filled_up && self.c.rows <= DIRECT_ROWS,
            copy,
            copy_row: self.right.width,
            c: c.ptr,
            c_row: c.row_stride,
            far: self.far,
            last,
            b_last: if b.filled_up { lanes } else { last },
            alpha: self.alpha,
            beta: self.beta,
        };
        if c.rows_are_slices() {
            // SAFETY: `a` has kc columns of a.cols rows and `b` kc rows of b.cols numbers, or of whole vectors where it is
            // filled up (packed strips are as wide as a strip, whole vectors, and so is the room in `copy`, of `right`, which
            // this thread alone has); `c` was cut out with bounds checks and its rows are slices.
            unsafe { kernel(&t) }
            return;
        }
        // Columns that are no neighbours: through a tile of our own.
        let mut tile = [T::zero(); MAX_TILE];
        let width = vectors * lanes;
        assert!(a.cols * width <= MAX_TILE, "a tile fits");
        (t.c, t.c_row) = (tile.as_mut_ptr(), width as isize);
        if let (true, Ok(apart)) = (c.cols_are_slices(), usize::try_from(c.col_stride)) {
            let turn = self.kernels.pack_turned;
            let from_c = Turned { from: c.ptr, step: c.col_stride, k: c.rows, cols: c.cols, to: t.c, width };
            let to_c = Turned { from: t.c, step: t.c_row, k: c.cols, cols: c.rows, to: c.ptr, width: apart };
            // SAFETY: as above, and the tile has a.cols rows of whole vectors, of which as many numbers as `c` has go to and fro;
            // column j of `c` is the slice at `c.ptr + j · apart`, and this task alone has it.
            unsafe {
                if !self.beta.is_zero() {
                    turn(&from_c);
                }
                kernel(&t);
                turn(&to_c);
            }
            return;
        }
        (t.alpha, t.beta) = (T::one(), T::zero());
        // SAFETY: as above.
        unsafe { kernel(&t) }
        for (i, row) in tile.chunks_exact(width).take(c.rows).enumerate() {
            for (j, &x) in row[..c.cols].iter().enumerate() {
                let x = self.alpha * x;
                // SAFETY: the element exists, and this task alone has it.
                let c = unsafe { &mut *c.at(i, j) };
                *c = if self.beta.is_zero() { x } else { x + self.beta * *c };
            }
        }
    }
}

/// Numbers of the largest tile: 5 rows by 5 registers of 16.
const MAX_TILE: usize = 25 * 16;
