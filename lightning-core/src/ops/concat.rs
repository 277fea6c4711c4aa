//! Concatenation along an axis.

use super::shape::check_axis;
use crate::kernels::Accum;
use crate::{Backward, Float, Op, Var};
use ndarray::{Axis, Slice};

/// Each input gets its part of the gradient.
struct ConcatOp {
    axis: usize,
    /// Length of each input along the axis.
    lengths: Vec<usize>,
}
impl<F: Float> Op<F> for ConcatOp {
    fn name(&self) -> &'static str {
        "concat"
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        let mut start = 0;
        for (i, len) in self.lengths.iter().enumerate() {
            let part = Slice::from(start..start + len);
            cx.add_with(i, |cx, acc, mut dst| {
                let g = cx.grad();
                let g = g.slice_axis(Axis(self.axis), part);
                match acc {
                    Accum::Set => dst.assign(&g),
                    Accum::Add => dst += &g,
                }
            });
            start += len;
        }
    }
}

/// The values one after the other along `axis`; the other axes agree. PyTorch's `torch.cat`.
///
/// # Panics
/// If there is no value, no such axis, or another axis differs.
///
/// ```
/// use lightning_core::{Tape, concat};
/// use ndarray::array;
/// let tape = Tape::new();
/// let (a, b) = (tape.constant(array![[1.0], [2.0]]), tape.constant(array![[3.0, 4.0], [5.0, 6.0]]));
/// assert_eq!(concat(&[a, b], 1).value(), array![[1.0, 3.0, 4.0], [2.0, 5.0, 6.0]].into_dyn());
/// ```
#[track_caller]
pub fn concat<'t, F: Float>(values: &[Var<'t, F>], axis: usize) -> Var<'t, F> {
    let first = values.first().expect("concat: at least one value");
    let mut shape = first.shape();
    check_axis("concat", axis, &shape);
    let mut lengths = Vec::with_capacity(values.len());
    for v in values {
        let other = v.shape();
        let fits = other.len() == shape.len() && (0..shape.len()).all(|i| i == axis || other[i] == shape[i]);
        assert!(fits, "concat: shapes {shape:?} and {other:?} differ in more than axis {axis}");
        lengths.push(other[axis]);
    }
    shape[axis] = lengths.iter().sum::<usize>();
    let mut out = first.tape().scratch(&shape);
    let mut start = 0;
    for (v, len) in values.iter().zip(&lengths) {
        out.slice_axis_mut(Axis(axis), Slice::from(start..start + len)).assign(&v.value());
        start += len;
    }
    first.tape().apply(values, out, ConcatOp { axis, lengths })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tape, gradcheck};
    use ndarray::{ArrayD, IxDyn};

    #[test]
    fn gradients_hold_for_three_widths_and_a_repeated_input() {
        let wide = |n: usize| ArrayD::from_shape_fn(IxDyn(&[2, n]), |i| 0.3 * (i[0] + 2 * i[1]) as f64 - 0.5);
        gradcheck(|v| concat(&[v[0], v[1], v[2], v[1]], 1).softmax(1), &[wide(1), wide(3), wide(2)])
            .expect("concat along columns");
        gradcheck(|v| concat(&[v[0], v[0]], 0).softmax(0), &[wide(3)]).expect("concat along rows");
    }

    #[test]
    fn an_input_without_gradient_is_left_alone() {
        let tape = Tape::<f32>::new();
        let (a, b) = (tape.leaf(ArrayD::ones(IxDyn(&[2, 1]))), tape.constant(ArrayD::ones(IxDyn(&[2, 2]))));
        concat(&[b, a], 1).sum().backward();
        assert_eq!(a.grad().expect("a gradient").sum(), 2.0);
        assert!(b.grad().is_none());
    }
}
