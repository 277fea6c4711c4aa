//! Softmax and log-softmax along an axis.

use super::shape::check_axis;
use crate::kernels;
use crate::{Backward, Float, Op, Var};

/// dx = y · (g − Σ g·y) along the axis.
struct SoftmaxOp {
    axis: usize,
}
impl<F: Float> Op<F> for SoftmaxOp {
    fn name(&self) -> &'static str {
        "softmax"
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        cx.add_with(0, |cx, acc, dst| kernels::softmax_backward(dst, acc, cx.grad(), cx.output(), self.axis));
    }
}

/// dx = g − e^y · Σ g along the axis.
struct LogSoftmaxOp {
    axis: usize,
}
impl<F: Float> Op<F> for LogSoftmaxOp {
    fn name(&self) -> &'static str {
        "log_softmax"
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        cx.add_with(0, |cx, acc, dst| {
            kernels::log_softmax_backward(dst, acc, cx.grad(), cx.output(), self.axis)
        });
    }
}

impl<'t, F: Float> Var<'t, F> {
    /// `eˣⁱ / Σ eˣʲ` along `axis`, without overflow for any finite input. A lane of −∞ alone gives NaN.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn softmax(self, axis: usize) -> Self {
        let x = self.value();
        check_axis("softmax", axis, x.shape());
        let mut out = self.tape().scratch(x.shape());
        kernels::softmax_lanes(out.view_mut(), x.view(), axis);
        self.tape().apply(&[self], out, SoftmaxOp { axis })
    }

    /// `ln softmax(x)` along `axis`, exact where softmax itself would underflow.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn log_softmax(self, axis: usize) -> Self {
        let x = self.value();
        check_axis("log_softmax", axis, x.shape());
        let mut out = self.tape().scratch(x.shape());
        kernels::log_softmax_lanes(out.view_mut(), x.view(), axis);
        self.tape().apply(&[self], out, LogSoftmaxOp { axis })
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, gradcheck};
    use ndarray::{ArrayD, Dimension, IxDyn, array};
    use proptest::prelude::*;

    #[test]
    fn gradients_hold_along_every_axis() {
        for shape in [&[2, 3, 4][..], &[1, 3], &[3, 1], &[5]] {
            let x = [ArrayD::from_shape_fn(IxDyn(shape), |i| {
                (i.slice().iter().sum::<usize>() as f64 * 1.7).sin()
            })];
            for axis in 0..shape.len() {
                gradcheck(move |v| v[0].softmax(axis), &x).expect("softmax");
                gradcheck(move |v| v[0].log_softmax(axis) * v[0], &x).expect("log_softmax");
            }
        }
    }

    #[test]
    fn a_masked_class_has_probability_zero_and_nan_propagates() {
        let tape = Tape::new();
        let x = tape.constant(array![[0.0f64, f64::NEG_INFINITY], [f64::NAN, 1.0]]);
        let y = x.softmax(1).value();
        assert_eq!((y[[0, 0]], y[[0, 1]]), (1.0, 0.0));
        assert!(y[[1, 0]].is_nan() && y[[1, 1]].is_nan());
    }

    proptest! {
        #[test]
        fn probabilities_sum_to_one_however_large_the_logits(x in prop::collection::vec(-1e300..1e300f64, 1..9)) {
            let tape = Tape::new();
            let y = tape.constant(ndarray::Array1::from(x)).softmax(0);
            prop_assert!((y.sum().item() - 1.0).abs() < 1e-12);
        }
    }
}
