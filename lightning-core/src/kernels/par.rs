//! When work is worth a second thread, and how it is cut.
//!
//! Chunk sizes are constants, so that a result never depends on the number of threads.

use rayon::prelude::*;

/// Elements below which an element-wise kernel stays on the calling thread: waking the pool costs
/// about 5–10 µs, which is what one thread needs for this many cheap elements.
pub(super) const MIN_ELEMENTS: usize = 1 << 15;

/// Elements of one element-wise task; small enough for the second-level cache.
pub(super) const CHUNK: usize = 1 << 14;

/// Multiply-adds below which a product stays on the calling thread (about 20 µs of work).
pub(super) const MIN_GEMM: usize = 1 << 20;

/// Calls `f(start, piece)` for the consecutive pieces of `dst`, in parallel when it pays.
pub(super) fn for_each_chunk<A: Send>(dst: &mut [A], f: impl Fn(usize, &mut [A]) + Sync) {
    if dst.len() < MIN_ELEMENTS {
        f(0, dst);
    } else {
        dst.par_chunks_mut(CHUNK).enumerate().for_each(|(i, piece)| f(i * CHUNK, piece));
    }
}
