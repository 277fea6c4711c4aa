//! Other views of the same memory: select, slice, reshape, transpose, permute. Nothing is copied unless a
//! reshape needs it.

use super::shape::check_axis;
use crate::kernels::Accum;
use crate::{Backward, Float, Op, Var};
use ndarray::{ArcArray, Axis, IxDyn, Slice};
use std::ops::Range;

/// Part of one axis: the gradient goes back to its place.
struct SliceOp {
    axis: usize,
    slice: Slice,
    /// `Some(i)` when the axis was dropped by selecting one index.
    select: Option<usize>,
}
impl<F: Float> Op<F> for SliceOp {
    fn name(&self) -> &'static str {
        if self.select.is_some() { "select" } else { "slice" }
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        cx.add_with(0, |cx, acc, mut dst| {
            if acc == Accum::Set {
                dst.fill(F::zero());
            }
            match self.select {
                Some(i) => dst.index_axis_mut(Axis(self.axis), i).scaled_add(F::one(), &cx.grad()),
                None => dst.slice_axis_mut(Axis(self.axis), self.slice).scaled_add(F::one(), &cx.grad()),
            }
        });
    }
}

struct ReshapeOp;
impl<F: Float> Op<F> for ReshapeOp {
    fn name(&self) -> &'static str {
        "reshape"
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        cx.add_with(0, |cx, acc, mut dst| {
            let g = cx.grad();
            let g = g.to_shape(dst.raw_dim()).expect("a reshape keeps the number of elements");
            match acc {
                Accum::Set => dst.assign(&g),
                Accum::Add => dst += &g,
            }
        });
    }
}

struct PermuteOp {
    axes: Vec<usize>,
}
impl<F: Float> Op<F> for PermuteOp {
    fn name(&self) -> &'static str {
        "permute"
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        let axes = self.axes.as_slice();
        cx.add_with(0, |cx, acc, dst| {
            let mut dst = dst.permuted_axes(axes);
            match acc {
                Accum::Set => dst.assign(&cx.grad()),
                Accum::Add => dst += &cx.grad(),
            }
        });
    }
}

impl<'t, F: Float> Var<'t, F> {
    /// One index of an axis, which disappears: `x.select(1, v)` is `x[:, v, :]`.
    ///
    /// # Panics
    /// If the axis or the index is not there.
    #[track_caller]
    pub fn select(self, axis: usize, index: usize) -> Self {
        let x = self.value();
        check_axis("select", axis, x.shape());
        let len = x.len_of(Axis(axis));
        assert!(index < len, "select: index {index} of axis {axis} with length {len}, shape {:?}", x.shape());
        let op = SliceOp { axis, slice: Slice::from(..), select: Some(index) };
        self.tape().apply_view(self, x.index_axis_move(Axis(axis), index), op)
    }

    /// A range of an axis: `x.slice(1, 2..5)` is `x[:, 2:5]`.
    ///
    /// # Panics
    /// If the axis or the range is not there.
    #[track_caller]
    pub fn slice(self, axis: usize, range: Range<usize>) -> Self {
        self.slice_step(axis, range, 1)
    }

    /// Every `step`-th index of a range of an axis: `x.slice_step(0, 1..9, 2)` is `x[1:9:2]`.
    ///
    /// # Panics
    /// If the axis or the range is not there, or the step is 0.
    #[track_caller]
    pub fn slice_step(self, axis: usize, range: Range<usize>, step: usize) -> Self {
        let mut x = self.value();
        check_axis("slice", axis, x.shape());
        let len = x.len_of(Axis(axis));
        assert!(
            range.start <= range.end && range.end <= len && step > 0,
            "slice: {range:?} with step {step} of axis {axis} with length {len}, shape {:?}",
            x.shape()
        );
        let slice = Slice::new(range.start as isize, Some(range.end as isize), step as isize);
        x.slice_axis_inplace(Axis(axis), slice);
        self.tape().apply_view(self, x, SliceOp { axis, slice, select: None })
    }

    /// The same elements, in row-major order, under another shape. Copies only what is not contiguous.
    ///
    /// # Panics
    /// If the number of elements differs.
    #[track_caller]
    pub fn reshape(self, shape: &[usize]) -> Self {
        let x = self.value();
        assert!(
            x.len() == shape.iter().product::<usize>(),
            "reshape: {:?} has {} elements, {shape:?} has {}",
            x.shape(),
            x.len(),
            shape.iter().product::<usize>()
        );
        if x.is_standard_layout() {
            let x = x.into_shape_with_order(IxDyn(shape)).expect("contiguous and of the same length");
            return self.tape().apply_view(self, x, ReshapeOp);
        }
        let mut out = self.tape().scratch(x.shape());
        out.assign(&x);
        let out = out.into_shape_with_order(IxDyn(shape)).expect("contiguous and of the same length");
        self.tape().apply(&[self], out, ReshapeOp)
    }

    /// One axis: PyTorch's `view(-1)`.
    pub fn flatten(self) -> Self {
        self.reshape(&[self.len()])
    }

    /// The transpose of a matrix.
    ///
    /// # Panics
    /// If there are not two axes.
    #[track_caller]
    pub fn t(self) -> Self {
        assert!(
            self.ndim() == 2,
            "t: wants a matrix, found shape {:?}; use transpose or permute",
            self.shape()
        );
        self.permute(&[1, 0])
    }

    /// Swaps two axes.
    ///
    /// # Panics
    /// If one is not there.
    #[track_caller]
    pub fn transpose(self, a: usize, b: usize) -> Self {
        check_axis("transpose", a, &self.shape());
        check_axis("transpose", b, &self.shape());
        let mut axes: Vec<usize> = (0..self.ndim()).collect();
        axes.swap(a, b);
        self.permute(&axes)
    }

    /// Axis `i` of the result is axis `axes[i]` of this value.
    ///
    /// # Panics
    /// If `axes` does not name every axis once.
    #[track_caller]
    pub fn permute(self, axes: &[usize]) -> Self {
        let x: ArcArray<F, IxDyn> = self.value();
        let mut sorted = axes.to_vec();
        sorted.sort_unstable();
        assert!(
            sorted.into_iter().eq(0..x.ndim()),
            "permute: {axes:?} does not name each axis of shape {:?} once",
            x.shape()
        );
        self.tape().apply_view(self, x.permuted_axes(axes), PermuteOp { axes: axes.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use crate::{Parameter, Tape, gradcheck};
    use ndarray::{ArrayD, IxDyn};

    fn x() -> [ArrayD<f64>; 1] {
        [ArrayD::from_shape_fn(IxDyn(&[2, 3, 4]), |i| (12 * i[0] + 4 * i[1] + i[2]) as f64 * 0.1 - 1.0)]
    }

    #[test]
    fn gradients_hold() {
        gradcheck(|v| v[0].select(1, 2) * v[0].select(1, 0), &x()).expect("select");
        gradcheck(|v| v[0].slice(2, 1..3) * v[0].slice(2, 2..4), &x()).expect("overlapping slices");
        gradcheck(|v| v[0].slice_step(2, 0..4, 3).exp(), &x()).expect("slice_step");
        gradcheck(|v| v[0].reshape(&[6, 4]).softmax(1), &x()).expect("reshape");
        gradcheck(|v| v[0].permute(&[2, 0, 1]).reshape(&[4, 6]).softmax(0), &x())
            .expect("permute, then a copying reshape");
        gradcheck(|v| v[0].transpose(0, 2).sigmoid() * v[0].transpose(0, 2), &x()).expect("transpose");
        gradcheck(|v| v[0].slice(0, 1..1).sum() + v[0].sum(), &x()).expect("an empty slice");
    }

    #[test]
    fn a_view_of_a_view_shares_memory_and_finds_its_elements() {
        let tape = Tape::new();
        let v = tape.leaf(x()[0].clone());
        let view = v.select(0, 1).t().slice(0, 1..3);
        assert_eq!(view.shape(), [2, 3]);
        assert_eq!(view.value()[[1, 2]], x()[0][[1, 2, 2]]);
        view.sum().backward();
        assert_eq!(v.grad().expect("a gradient").sum(), 6.0);
    }

    #[test]
    fn a_view_lets_go_of_its_parameter_after_backward() {
        let w = Parameter::new(x()[0].clone());
        let before = w.value().as_ptr();
        let tape = Tape::new();
        tape.parameter(&w).select(0, 0).t().sum().backward();
        w.update(|mut value, grad| value -= &grad);
        assert_eq!(w.value().as_ptr(), before, "the step wrote in place");
    }
}
