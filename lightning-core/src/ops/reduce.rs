//! Sums and means, of everything or along one axis.

use crate::kernels::{self, Accum};
use crate::ops::shape::check_axis;
use crate::{Backward, Float, Op, Var};
use ndarray::{Axis, arr0};

/// y = scale · Σ x: every element gets `scale · g`.
struct SumOp<F> {
    name: &'static str,
    scale: F,
    /// The summed axis and whether it was dropped from the result; `None` for all axes.
    axis: Option<(usize, bool)>,
}

impl<F: Float> Op<F> for SumOp<F> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        let (scale, axis) = (self.scale, self.axis);
        if axis.is_none() {
            let g = cx.grad()[[]];
            return cx.add_constant(0, scale * g);
        }
        cx.add_with(0, |cx, acc, dst| {
            let mut g = cx.grad();
            if let Some((axis, true)) = axis {
                g = g.insert_axis(Axis(axis));
            }
            match acc {
                Accum::Set => kernels::apply1(dst, g, move |d, g| *d = scale * g),
                Accum::Add => kernels::apply1(dst, g, move |d, g| *d += scale * g),
            }
        });
    }
}

impl<'t, F: Float> Var<'t, F> {
    /// The sum of all elements, a scalar; 0 for none.
    pub fn sum(self) -> Self {
        self.reduce_all("sum", F::one())
    }

    /// The mean of all elements, a scalar; NaN for none.
    pub fn mean(self) -> Self {
        self.reduce_all("mean", F::of(self.len() as f64))
    }

    /// The sum along `axis`, which disappears.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn sum_axis(self, axis: usize) -> Self {
        self.reduce_axis("sum_axis", axis, true, false)
    }

    /// The mean along `axis`, which disappears.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn mean_axis(self, axis: usize) -> Self {
        self.reduce_axis("mean_axis", axis, true, true)
    }

    /// The sum along `axis`, which stays with length 1 (PyTorch's `keepdim=True`).
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn sum_keepdim(self, axis: usize) -> Self {
        self.reduce_axis("sum_keepdim", axis, false, false)
    }

    /// The mean along `axis`, which stays with length 1 (PyTorch's `keepdim=True`).
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn mean_keepdim(self, axis: usize) -> Self {
        self.reduce_axis("mean_keepdim", axis, false, true)
    }

    fn reduce_all(self, name: &'static str, divisor: F) -> Self {
        let total = kernels::sum(self.value().view()) / divisor;
        self.tape().apply(
            &[self],
            arr0(total).into_dyn(),
            SumOp { name, scale: F::one() / divisor, axis: None },
        )
    }

    #[track_caller]
    fn reduce_axis(self, name: &'static str, axis: usize, drop_axis: bool, mean: bool) -> Self {
        let x = self.value();
        check_axis(name, axis, x.shape());
        let divisor = if mean { F::of(x.len_of(Axis(axis)) as f64) } else { F::one() };
        let mut shape = x.shape().to_vec();
        shape[axis] = 1;
        let mut out = self.tape().scratch(&shape);
        kernels::sum_axis(out.view_mut(), Accum::Set, x.view(), axis);
        if mean {
            out.mapv_inplace(|x| x / divisor);
        }
        let out = if drop_axis { out.remove_axis(Axis(axis)) } else { out };
        self.tape().apply(
            &[self],
            out,
            SumOp { name, scale: F::one() / divisor, axis: Some((axis, drop_axis)) },
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, gradcheck};
    use ndarray::{Array1, ArrayD, Dimension, IxDyn};

    #[test]
    fn gradients_hold_along_every_axis() {
        for shape in [&[2, 3, 4][..], &[1, 3], &[3, 1], &[5]] {
            let x = [ArrayD::from_shape_fn(IxDyn(shape), |i| 0.3 * i.slice().iter().sum::<usize>() as f64)];
            gradcheck(|v| v[0].sum() + v[0].mean(), &x).expect("all");
            for axis in 0..shape.len() {
                gradcheck(move |v| v[0].sum_axis(axis), &x).expect("sum_axis");
                gradcheck(move |v| v[0].mean_axis(axis), &x).expect("mean_axis");
                gradcheck(move |v| v[0] * v[0].sum_keepdim(axis), &x).expect("sum_keepdim");
                gradcheck(move |v| v[0] - v[0].mean_keepdim(axis), &x).expect("mean_keepdim");
            }
        }
    }

    #[test]
    fn nothing_sums_to_zero_and_has_no_mean() {
        let tape = Tape::new();
        let x = tape.leaf(Array1::<f32>::zeros(0));
        assert_eq!(x.sum().item(), 0.0);
        assert!(x.mean().item().is_nan());
        x.mean().backward();
        assert_eq!(x.grad().expect("an empty gradient").len(), 0);
    }

    #[test]
    #[should_panic(expected = "sum_axis: axis 2 of a value with 2 axes, shape [2, 3]")]
    fn an_axis_that_is_not_there_is_named() {
        let tape = Tape::<f32>::new();
        tape.leaf(ArrayD::zeros(IxDyn(&[2, 3]))).sum_axis(2);
    }
}
