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
const MIN_GEMM: usize = 1 << 18;

/// Whether an m × k × n product is shared out over several threads. Fewer than four multiply-adds for each number that is
/// read or written take as long as four: then memory counts.
///
/// ```
/// assert!(!lightning_core::kernels::is_worth_sharing(1, 20, 30));
/// ```
pub fn is_worth_sharing(m: usize, k: usize, n: usize) -> bool {
    m.max(4) * k.max(4) * n.max(4) >= MIN_GEMM && rayon::current_num_threads() > 1
}

/// Calls `f(i, &mut all[i])` for each element, on several threads at once: for a few pieces of work that are too small to be
/// shared out each. What they share out themselves runs on one thread.
///
/// # Panics
/// If `f` does; it may not have been called for every element.
///
/// ```
/// let mut squares = [0; 5];
/// lightning_core::kernels::share_each(&mut squares, |i, square| *square = i * i);
/// assert_eq!(squares, [0, 1, 4, 9, 16]);
/// ```
pub fn share_each<A: Send>(all: &mut [A], f: impl Fn(usize, &mut A) + Sync) {
    share_pieces(all, 1, |i, one| f(i, &mut one[0]));
}

/// Tasks of a product, if they can be so small: threads that end at different times wait for less.
pub(super) const TASKS: usize = 16;

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
