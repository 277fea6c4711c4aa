//! When work is worth a second thread, and how it is cut.
//!
//! Chunk sizes are constants, so that a result never depends on the number of threads.

use super::team::share_pieces;

/// Elements below which an element-wise kernel stays on the calling thread, a microsecond or two of work: a helper that is
/// awake begins within half a microsecond.
pub(super) const MIN_ELEMENTS: usize = 1 << 13;

/// Elements of one element-wise task; small enough for the first-level cache.
pub(super) const CHUNK: usize = 1 << 12;

/// Multiply-adds below which a product stays on the calling thread, about 3 µs of work in `f32`.
pub(super) const MIN_GEMM: usize = 1 << 18;

/// Numbers of the large operand below which a set of dot products stays on the calling thread.
pub(super) const MIN_STREAM: usize = 1 << 17;

/// Numbers of the result below which a sum of outer products stays on the calling thread: two tasks' worth.
pub(super) const MIN_WRITTEN: usize = 1 << 16;

/// Calls `f(start, piece)` for the consecutive pieces of `dst`, in parallel when it pays.
pub(super) fn for_each_chunk<A: Send>(dst: &mut [A], f: impl Fn(usize, &mut [A]) + Sync) {
    for_each_chunk_of(dst, 1, f);
}

/// As [`for_each_chunk`], with pieces of whole rows of `width` elements.
pub(super) fn for_each_chunk_of<A: Send>(dst: &mut [A], width: usize, f: impl Fn(usize, &mut [A]) + Sync) {
    if dst.len() < MIN_ELEMENTS {
        f(0, dst);
    } else {
        share_pieces(dst, (CHUNK / width).max(1) * width, f);
    }
}
