//! Work on the numbers of a product as soon as they are finished, while they are still in the cache.
//!
//! A bias, an activation, a gate: each would be one more pass over memory after the product. Here it runs over every tile
//! of `C` when its last block of the inner dimension is done, on the thread that made the tile.

use super::mat::Mat;
use crate::Float;
use crate::kernels::dispatch::{Work, widest};
use ndarray::ArrayViewMut2;
use std::ops::Range;

/// What [`gemm_epilogue`](super::gemm_epilogue) does to a finished row of a tile.
///
/// Called once for every number, in pieces whose borders depend on shapes alone, so what it does to a number must not
/// depend on its neighbours. Mark `finish` with `#[inline(always)]`: then its loops are compiled for the widest vectors of
/// the machine.
pub trait Epilogue<F, const N: usize>: Sync {
    /// `pieces[0]` is `alpha·A·B + beta·C` in row `row` from column `col` on; the others are the same place of the further
    /// outputs, which hold whatever they held before.
    fn finish(&self, row: usize, col: usize, pieces: [&mut [F]; N]);
}

/// The outputs of a product, and what finishes them.
pub(super) struct Finish<'a, F, E, const N: usize> {
    outputs: [Mat<F>; N],
    epilogue: &'a E,
}

impl<'a, F: Float, E: Epilogue<F, N>, const N: usize> Finish<'a, F, E, N> {
    /// # Panics
    /// If the outputs differ in shape, or the numbers of a row are no neighbours in memory.
    #[track_caller]
    pub(super) fn new(outputs: &mut [ArrayViewMut2<'_, F>; N], epilogue: &'a E) -> Self {
        let dim = outputs[0].dim();
        for output in &*outputs {
            let there = output.dim();
            assert!(there == dim, "gemm_epilogue: an output is {there:?}, the product {dim:?}");
            let slices = output.is_empty() || Mat::read(&output.view()).rows_are_slices();
            assert!(slices, "gemm_epilogue: the numbers of a row must be neighbours");
        }
        Self { outputs: outputs.each_mut().map(Mat::write), epilogue }
    }

    /// Finishes a tile.
    ///
    /// # Safety
    /// Until it returns, nobody else touches these rows and columns of the outputs, which are still borrowed.
    pub(super) unsafe fn tile(&self, rows: Range<usize>, cols: Range<usize>) {
        widest(Tile { finish: self, rows, cols });
    }
}

struct Tile<'a, 'b, F, E, const N: usize> {
    finish: &'a Finish<'b, F, E, N>,
    rows: Range<usize>,
    cols: Range<usize>,
}

impl<F: Float, E: Epilogue<F, N>, const N: usize> Work for Tile<'_, '_, F, E, N> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (col, len) = (self.cols.start, self.cols.len());
        for row in self.rows {
            let pieces = self.finish.outputs.map(|output| {
                let piece = output.part(row, 1, col, len).ptr;
                // SAFETY: the part was cut with bounds checks and its numbers are neighbours (`new`); the outputs are
                // distinct mutable borrows, and this tile is ours alone (the condition of `Finish::tile`).
                unsafe { std::slice::from_raw_parts_mut(piece, len) }
            });
            self.finish.epilogue.finish(row, col, pieces);
        }
    }
}
