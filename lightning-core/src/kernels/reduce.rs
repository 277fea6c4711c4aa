//! Sums in a fixed order: blocks, lanes within a block, and a fixed fold over the blocks.
//!
//! The order is part of the result: it depends on the length alone, never on threads. Blocks also keep
//! the rounding error of long `f32` sums small.

use super::Accum;
use crate::Float;
use ndarray::{ArrayD, ArrayViewD, ArrayViewMutD, Axis};

/// Elements added up lane by lane; longer sums are halved until they are this short.
const BLOCK: usize = 512;
/// Independent partial sums within a block, as many as fill the registers.
const LANES: usize = 16;
/// Rows added up before they join the next level of a column sum.
const ROWS: usize = 32;

/// The sum of all elements, in logical (row-major) order; 0 for none.
pub fn sum<F: Float>(a: ArrayViewD<'_, F>) -> F {
    match a.as_slice() {
        Some(a) => sum_slice(a),
        None => sum_slice(a.as_standard_layout().as_slice().expect("a standard layout is one slice")),
    }
}

/// Pairwise: the rounding error grows with the logarithm of the length.
fn sum_slice<F: Float>(a: &[F]) -> F {
    if a.len() <= BLOCK {
        return sum_block(a);
    }
    let (left, right) = a.split_at((a.len() / 2).next_multiple_of(BLOCK));
    sum_slice(left) + sum_slice(right)
}

fn sum_block<F: Float>(a: &[F]) -> F {
    let mut lanes = [F::zero(); LANES];
    let mut chunks = a.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(chunks.remainder()) {
        *lane += x;
    }
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
    let mut expected = a.shape().to_vec();
    expected[axis] = 1;
    assert_eq!(dst.shape(), expected, "sum over axis {axis} of {:?}", a.shape());
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
    let mut dst = dst.index_axis_mut(Axis(axis), 0);
    if a.len_of(Axis(axis)) <= ROWS {
        for row in a.axis_iter(Axis(axis)) {
            dst += &row;
        }
        return;
    }
    // Levels of partial sums, each of up to ROWS of the level below: again a tree, but over rows.
    let mut levels: Vec<ArrayD<F>> = Vec::new();
    for (i, row) in a.axis_iter(Axis(axis)).enumerate() {
        add_to_level(&mut levels, 0, &row);
        let (mut full, mut level) = (i + 1, 0);
        while full % ROWS == 0 {
            let sum = std::mem::replace(&mut levels[level], ArrayD::zeros(dst.raw_dim()));
            add_to_level(&mut levels, level + 1, &sum.view());
            full /= ROWS;
            level += 1;
        }
    }
    for level in &levels {
        dst += level;
    }
}

fn add_to_level<F: Float>(levels: &mut Vec<ArrayD<F>>, level: usize, row: &ArrayViewD<'_, F>) {
    if levels.len() == level {
        levels.push(ArrayD::zeros(row.raw_dim()));
    }
    levels[level] += row;
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
