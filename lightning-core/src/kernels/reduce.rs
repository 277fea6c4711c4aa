//! Sums in a fixed order: blocks, lanes within a block, and a fixed fold over the blocks.
//!
//! The order is part of the result: it depends on the length alone, never on threads. Blocks also keep
//! the rounding error of long `f32` sums small.

use super::Accum;
use super::dispatch::{Work, widest};
use super::par::{CHUNK, MIN_ELEMENTS};
use super::team::share_pieces;
use crate::Float;
use ndarray::{ArrayD, ArrayViewD, ArrayViewMutD, Axis};

/// Elements added up lane by lane; longer sums are halved until they are this short.
const BLOCK: usize = 512;
/// Branches of the tree over a large sum that are one task, some microseconds of work.
const BRANCHES: usize = 8;
/// Independent partial sums within a block, as many as fill the registers.
pub(super) const LANES: usize = 16;
/// Rows added up before they join the next level of a column sum.
const ROWS: usize = 32;
/// Columns added up together, as many as fit in registers.
const TILE: usize = 32;

/// The sum of all elements, in logical (row-major) order; 0 for none.
pub fn sum<F: Float>(a: ArrayViewD<'_, F>) -> F {
    match a.as_slice() {
        Some(a) => sum_slice(a),
        None => sum_slice(a.as_standard_layout().as_slice().expect("a standard layout is one slice")),
    }
}

/// Pairwise: the rounding error grows with the logarithm of the length. A large sum is shared out by its own branches.
#[inline(always)]
pub(super) fn sum_slice<F: Float>(a: &[F]) -> F {
    if a.len() <= BLOCK { across(lanes_of(a)) } else { sum_tree(a) }
}

fn sum_tree<F: Float>(a: &[F]) -> F {
    if a.len() < MIN_ELEMENTS {
        return sum_branch(a);
    }
    let mut branches = Vec::new();
    cut(a, &mut branches);
    share_pieces(&mut branches, BRANCHES, |_, branches| {
        branches.iter_mut().for_each(|(a, sum)| *sum = sum_branch(a));
    });
    join(a, &mut branches.into_iter().map(|(_, sum)| sum))
}

/// Where the tree splits `a`.
fn split<F>(a: &[F]) -> (&[F], &[F]) {
    a.split_at((a.len() / 2).next_multiple_of(BLOCK))
}

/// The branches of the tree over `a` that are one task each, from left to right.
fn cut<'a, F: Float>(a: &'a [F], branches: &mut Vec<(&'a [F], F)>) {
    if a.len() <= CHUNK {
        return branches.push((a, F::zero()));
    }
    let (left, right) = split(a);
    cut(left, branches);
    cut(right, branches);
}

/// The sum of `a` from those of its branches.
fn join<F: Float>(a: &[F], branches: &mut impl Iterator<Item = F>) -> F {
    if a.len() <= CHUNK {
        return branches.next().expect("a sum for each branch");
    }
    let (left, right) = split(a);
    let left = join(left, branches);
    left + join(right, branches)
}

/// The tree over fewer than [`MIN_ELEMENTS`] elements. As it splits them at multiples of a block, its leaves are the blocks
/// in their order.
fn sum_branch<F: Float>(a: &[F]) -> F {
    let mut lanes = [[F::zero(); LANES]; MIN_ELEMENTS / BLOCK];
    widest(Blocks { a, lanes: &mut lanes });
    fold_blocks(a.len(), &lanes)
}

/// The lanes of each block. What is done across lanes is kept out of this loop: beside it a compiler finds no good place in
/// registers for the lanes.
struct Blocks<'a, F> {
    a: &'a [F],
    lanes: &'a mut [[F; LANES]],
}
impl<F: Float> Work for Blocks<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (block, lanes) in self.a.chunks(BLOCK).zip(self.lanes) {
            *lanes = lanes_of(block);
        }
    }
}

/// The tree over the blocks of `len` elements.
fn fold_blocks<F: Float>(len: usize, lanes: &[[F; LANES]]) -> F {
    if len <= BLOCK {
        return across(lanes[0]);
    }
    let left = (len / 2).next_multiple_of(BLOCK);
    fold_blocks(left, lanes) + fold_blocks(len - left, &lanes[left / BLOCK..])
}

#[inline(always)]
fn lanes_of<F: Float>(block: &[F]) -> [F; LANES] {
    let mut lanes = [F::zero(); LANES];
    let (chunks, rest) = block.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += x;
    }
    lanes
}

/// The sum of the lanes, halved until there is one.
#[inline(always)]
fn across<F: Float>(mut lanes: [F; LANES]) -> F {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            let other = lanes[i + width];
            lanes[i] += other;
        }
        width /= 2;
    }
    lanes[0]
}

/// Sums `a` over `axis` into `dst`, whose shape is that of `a` with `axis` of length 1.
///
/// # Panics
/// If `dst` has another shape.
pub fn sum_axis<F: Float>(mut dst: ArrayViewMutD<'_, F>, acc: Accum, a: ArrayViewD<'_, F>, axis: usize) {
    let (before, from) = a.shape().split_at(axis);
    let (_, after) = from.split_first().expect("the axis is there");
    let fits = dst.ndim() == a.ndim()
        && dst.shape()[..axis] == *before
        && dst.len_of(Axis(axis)) == 1
        && dst.shape()[axis + 1..] == *after;
    assert!(fits, "the sum over axis {axis} of {:?} does not fit into {:?}", a.shape(), dst.shape());
    let width = after.iter().product();
    if acc == Accum::Set {
        dst.fill(F::zero());
    }
    if axis + 1 == a.ndim() {
        for (d, lane) in dst.iter_mut().zip(a.lanes(Axis(axis))) {
            *d += match lane.as_slice() {
                Some(lane) => sum_slice(lane),
                None => sum_slice(&lane.to_vec()),
            };
        }
        return;
    }
    let a = a.as_standard_layout();
    let a = a.as_slice().expect("a standard layout is one slice");
    match dst.as_slice_mut() {
        Some(dst) => widest(ColumnSums { dst, a, width }),
        None => {
            let mut whole = dst.as_standard_layout().into_owned();
            let dst_slice = whole.as_slice_mut().expect("a standard layout is one slice");
            widest(ColumnSums { dst: dst_slice, a, width });
            dst.assign(&whole);
        }
    }
}

/// Adds the column sums of each of the matrices in `a`, of `width` columns, to as many rows of `dst`.
struct ColumnSums<'a, F> {
    dst: &'a mut [F],
    a: &'a [F],
    width: usize,
}

impl<F: Float> Work for ColumnSums<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        if self.dst.is_empty() || self.a.is_empty() {
            return;
        }
        let matrix = self.a.len() / (self.dst.len() / self.width);
        for (dst, a) in self.dst.chunks_exact_mut(self.width).zip(self.a.chunks_exact(matrix)) {
            add_columns(dst, a);
        }
    }
}

/// Up to `ROWS` rows are added one by one; more in levels of partial sums, each of `ROWS` of the level below: again a
/// tree, but over rows.
#[inline(always)]
fn add_columns<F: Float>(dst: &mut [F], a: &[F]) {
    let block = ROWS * dst.len();
    if a.len() <= block {
        return add_rows(dst, a);
    }
    let mut levels = vec![vec![F::zero(); dst.len()]];
    for (i, rows) in a.chunks(block).enumerate() {
        add_rows(&mut levels[0], rows);
        let (mut full, mut level) = (if rows.len() == block { ROWS * (i + 1) } else { 1 }, 0);
        while full % ROWS == 0 {
            if levels.len() == level + 1 {
                levels.push(vec![F::zero(); dst.len()]);
            }
            let (below, above) = levels.split_at_mut(level + 1);
            add_rows(&mut above[0], &below[level]);
            below[level].fill(F::zero());
            full /= ROWS;
            level += 1;
        }
    }
    for level in &levels {
        add_rows(dst, level);
    }
}

/// Adds rows of the length of `dst`, in their order; a tile of columns stays in registers meanwhile.
#[inline(always)]
fn add_rows<F: Float>(dst: &mut [F], rows: &[F]) {
    let width = dst.len();
    for (t, tile) in dst.chunks_mut(TILE).enumerate() {
        let rows = rows.chunks_exact(width).map(|row| &row[t * TILE..]);
        if let Ok(tile) = <&mut [F; TILE]>::try_from(&mut *tile) {
            let mut sums = *tile;
            for row in rows {
                for (sum, &x) in sums.iter_mut().zip(&row[..TILE]) {
                    *sum += x;
                }
            }
            *tile = sums;
        } else {
            for row in rows {
                for (sum, &x) in tile.iter_mut().zip(row) {
                    *sum += x;
                }
            }
        }
    }
}

/// Undoes a broadcast: sums `a` over the axes that `dst` lacks or has with length 1.
///
/// # Panics
/// If `dst` does not broadcast to the shape of `a`.
pub fn sum_to_shape<F: Float>(mut dst: ArrayViewMutD<'_, F>, acc: Accum, a: ArrayViewD<'_, F>) {
    let target = dst.shape().to_vec();
    let extra = a.ndim() - target.len();
    let broadcast: Vec<usize> = (0..a.ndim())
        .filter(|&axis| (axis < extra || target[axis - extra] == 1) && a.len_of(Axis(axis)) != 1)
        .collect();
    let mut current = a.shape().to_vec();
    let mut partial: Option<ArrayD<F>> = None;
    for &axis in &broadcast {
        current[axis] = 1;
        let mut next = ArrayD::zeros(current.clone());
        let source = partial.as_ref().map_or(a.view(), |partial| partial.view());
        sum_axis(next.view_mut(), Accum::Set, source, axis);
        partial = Some(next);
    }
    let reduced = partial.as_ref().map_or(a.view(), |partial| partial.view());
    let reduced = reduced.as_standard_layout();
    let reduced = reduced.to_shape(target).expect("only axes of length 1 are dropped");
    match acc {
        Accum::Set => dst.assign(&reduced),
        Accum::Add => dst += &reduced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::IxDyn;
    use proptest::prelude::*;

    fn counted(shape: &[usize]) -> ArrayD<f64> {
        let mut n = 0.0;
        ArrayD::from_shape_simple_fn(IxDyn(shape), || {
            n += 1.0;
            n
        })
    }

    #[test]
    fn a_long_f32_sum_does_not_drift() {
        let a = ArrayD::from_elem(IxDyn(&[10_000_000]), 0.1f32);
        let expected = 0.1f32 as f64 * 1e7;
        assert!((sum(a.view()) as f64 / expected - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_column_sum_over_many_rows_does_not_drift() {
        let a = ArrayD::from_elem(IxDyn(&[1_000_000, 2]), 0.1f32);
        let mut dst = ArrayD::zeros(IxDyn(&[1, 2]));
        sum_axis(dst.view_mut(), Accum::Set, a.view(), 0);
        assert!((dst[[0, 1]] as f64 / (0.1f32 as f64 * 1e6) - 1.0).abs() < 1e-4);
    }

    #[test]
    fn column_sums_add_to_what_is_there_whatever_the_layout() {
        for (rows, cols) in [(1, 1), (5, 31), (32, 33), (33, 64), (1100, 70)] {
            let a = counted(&[2, rows, cols]);
            let mut dst = ArrayD::from_elem(IxDyn(&[2, 1, cols]), 0.5);
            sum_axis(dst.view_mut(), Accum::Add, a.view(), 1);
            let transposed = a.clone().permuted_axes(IxDyn(&[2, 1, 0]));
            let mut other = ArrayD::from_elem(IxDyn(&[2, 1, cols]), 0.5).permuted_axes(IxDyn(&[2, 1, 0]));
            sum_axis(other.view_mut(), Accum::Add, transposed.view(), 1);
            for matrix in 0..2 {
                for col in 0..cols {
                    let first = (matrix * rows * cols + col + 1) as f64;
                    let expected = rows as f64 * (first + (rows - 1) as f64 * cols as f64 / 2.0) + 0.5;
                    assert_eq!(dst[[matrix, 0, col]], expected, "{rows} × {cols}");
                    assert_eq!(other[[col, 0, matrix]], expected, "{rows} × {cols}");
                }
            }
        }
    }

    #[test]
    fn column_sums_have_the_bits_of_the_documented_tree() {
        let a = ArrayD::from_shape_fn(IxDyn(&[2100, 3]), |i| 1.0 / (1 + i[0] * 3 + i[1]) as f32);
        let mut dst = ArrayD::zeros(IxDyn(&[1, 3]));
        sum_axis(dst.view_mut(), Accum::Set, a.view(), 0);
        for col in 0..3 {
            let mut sums: Vec<f32> = (0..2100).map(|row| a[[row, col]]).collect();
            let mut left_over = Vec::new();
            while sums.len() >= ROWS {
                let (full, rest) = sums.split_at(sums.len() / ROWS * ROWS);
                left_over.push(rest.iter().sum::<f32>());
                sums = full.chunks(ROWS).map(|part| part.iter().sum()).collect();
            }
            left_over.push(sums.iter().sum());
            assert_eq!(dst[[0, col]], left_over.iter().sum::<f32>());
        }
    }

    #[test]
    fn a_sum_has_the_bits_of_the_documented_tree() {
        fn tree(a: &[f32]) -> f32 {
            if a.len() > BLOCK {
                let (left, right) = a.split_at((a.len() / 2).next_multiple_of(BLOCK));
                return tree(left) + tree(right);
            }
            let mut lanes: Vec<f32> =
                (0..LANES).map(|lane| a.iter().skip(lane).step_by(LANES).sum::<f32>()).collect();
            while lanes.len() > 1 {
                let right = lanes.split_off(lanes.len() / 2);
                lanes.iter_mut().zip(right).for_each(|(left, right)| *left += right);
            }
            lanes[0]
        }
        let a = ArrayD::from_shape_fn(IxDyn(&[100_000]), |i| (i[0] as f32 * 0.7).sin());
        let a = a.as_slice().expect("one slice");
        for len in [0, 1, 17, 500, 512, 513, 1000, 1024, 1500, 2047, 2048, 4096, 8000, 8191, 8192, 100_000] {
            assert_eq!(sum_slice(&a[..len]), tree(&a[..len]), "{len} elements");
        }
    }

    #[test]
    fn an_empty_sum_is_zero() {
        assert_eq!(sum(counted(&[0, 3]).view()), 0.0);
    }

    proptest! {
        #[test]
        fn sums_equal_the_plain_loop(n in 0usize..9000) {
            let a = counted(&[n]);
            prop_assert_eq!(sum(a.view()), (n * (n + 1) / 2) as f64);
        }

        #[test]
        fn undoing_a_broadcast_sums_what_was_repeated(
            (rows, cols, depth) in (1usize..5, 1usize..5, 1usize..5), keep in prop::array::uniform3(any::<bool>()), drop_first in any::<bool>(),
        ) {
            let full = [rows, cols, depth];
            let a = counted(&full);
            let mut small: Vec<usize> = (0..3).map(|i| if keep[i] { full[i] } else { 1 }).collect();
            if drop_first && small[0] == 1 {
                small.remove(0);
            }
            let mut dst = ArrayD::zeros(small.clone());
            sum_to_shape(dst.view_mut(), Accum::Set, a.view());
            let mut expected = ArrayD::<f64>::zeros(small);
            let offset = 3 - expected.ndim();
            for (index, &x) in a.indexed_iter() {
                let place: Vec<usize> = (offset..3).map(|i| if expected.shape()[i - offset] == 1 { 0 } else { index[i] }).collect();
                expected[&place[..]] += x;
            }
            prop_assert_eq!(dst, expected);
        }
    }
}
