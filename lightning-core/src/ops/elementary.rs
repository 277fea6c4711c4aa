//! Elementary functions, element by element: exp, ln, sqrt, powf; and what all such operations share.

use crate::kernels;
use crate::{Backward, Float, Op, Var};

/// An element-wise operation with `dx = rule(g, v)`, where `v` is the input or the output.
pub(super) struct Elementwise<R> {
    name: &'static str,
    sees: Sees,
    rule: R,
}

#[derive(Clone, Copy)]
pub(super) enum Sees {
    Input,
    Output,
}

impl<F: Float, R: Fn(F, F) -> F + Copy + Sync> Op<F> for Elementwise<R> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        match self.sees {
            Sees::Input => cx.add_map2(0, |cx| (cx.grad(), cx.input(0)), self.rule),
            Sees::Output => cx.add_map2(0, |cx| (cx.grad(), cx.output()), self.rule),
        }
    }
}

impl<'t, F: Float> Var<'t, F> {
    /// `f` of every element, with this operation's rule.
    pub(super) fn map_with(self, f: impl Fn(F) -> F + Copy + Sync, op: impl Op<F> + 'static) -> Self {
        let x = self.value();
        let mut out = self.tape().scratch(x.shape());
        kernels::apply1(out.view_mut(), x.view(), move |d, x| *d = f(x));
        self.tape().apply(&[self], out, op)
    }

    pub(super) fn elementwise(
        self,
        name: &'static str,
        f: impl Fn(F) -> F + Copy + Sync,
        sees: Sees,
        rule: impl Fn(F, F) -> F + Copy + Sync + 'static,
    ) -> Self {
        self.map_with(f, Elementwise { name, sees, rule })
    }

    /// `eˣ`; dx = g·y.
    pub fn exp(self) -> Self {
        self.elementwise("exp", F::exp_, Sees::Output, |g, y| g * y)
    }

    /// The natural logarithm: −∞ at 0, NaN below; dx = g/x.
    pub fn ln(self) -> Self {
        self.elementwise("ln", F::ln_, Sees::Input, |g, x| g / x)
    }

    /// The square root: NaN below 0; dx = g/(2y).
    pub fn sqrt(self) -> Self {
        self.elementwise("sqrt", F::sqrt, Sees::Output, |g, y| g / (y + y))
    }

    /// `xᵖ`; dx = g·p·xᵖ⁻¹, which is 0 for p = 0.
    pub fn powf(self, p: F) -> Self {
        let rule = move |g: F, x: F| if p.is_zero() { F::zero() } else { g * p * x.powf_(p - F::one()) };
        self.elementwise("powf", move |x| x.powf_(p), Sees::Input, rule)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, gradcheck};
    use ndarray::{ArrayD, Dimension, IxDyn, array};

    fn positive(shape: &[usize]) -> ArrayD<f64> {
        ArrayD::from_shape_fn(IxDyn(shape), |i| 0.4 + 0.35 * i.slice().iter().sum::<usize>() as f64)
    }

    #[test]
    fn gradients_hold() {
        for shape in [&[2, 3][..], &[1], &[], &[0, 2], &[2, 1, 3]] {
            let x = [positive(shape)];
            gradcheck(|v| v[0].exp(), &x).expect("exp");
            gradcheck(|v| v[0].ln(), &x).expect("ln");
            gradcheck(|v| v[0].sqrt(), &x).expect("sqrt");
            for p in [-1.5, 0.0, 0.5, 2.0, 3.0] {
                gradcheck(move |v| v[0].powf(p), &x).expect("powf");
            }
        }
    }

    #[test]
    fn squares_of_negative_numbers_have_gradients() {
        gradcheck(|v| v[0].powf(2.0), &[array![-1.5, 0.0, 2.0].into_dyn()]).expect("powf");
    }

    #[test]
    fn outside_the_domain_is_nan_and_at_its_edge_infinite() {
        let tape = Tape::new();
        let x = tape.constant(array![-1.0f32, 0.0]);
        assert!(x.ln().value()[0].is_nan() && x.sqrt().value()[0].is_nan());
        assert_eq!(x.ln().value()[1], f32::NEG_INFINITY);
    }
}
