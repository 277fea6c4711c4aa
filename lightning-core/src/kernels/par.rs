//! When work is worth a second thread, and how it is cut.
//!
//! Chunk sizes are constants, so that a result never depends on the number of threads.

use super::team::share_pieces;

/// Elements below which an element-wise kernel stays on the calling thread: waking the pool costs
/// about 5–10 µs, which is what one thread needs for this many cheap elements.
pub(super) const MIN_ELEMENTS: usize = 1 << 15;

/// Elements of one element-wise task; small enough for the second-level cache.
pub(super) const CHUNK: usize = 1 << 14;

/// Multiply-adds below which a product stays on the calling thread, about 75 µs of work in `f32`. Measured on two cores:
/// 128³ took 39 µs alone and 51 µs shared, 245 × 200 × 200 took 181 µs alone and 122 µs shared.
pub(super) const MIN_GEMM: usize = 1 << 22;

/// Numbers of the large operand below which a set of dot products stays on the calling thread: one core reads at the speed
/// of the shared cache, and 1000 × 1000 took 51 µs alone and 60 µs shared.
pub(super) const MIN_STREAM: usize = 1 << 21;

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
