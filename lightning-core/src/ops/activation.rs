//! Activations: sigmoid, relu, tanh.

use super::elementary::Sees;
use crate::kernels::apply1;
use crate::{Float, Var};
use ndarray::{ArrayViewD, ArrayViewMutD};

/// A function that a fused operation applies to its result; its derivative follows from the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    Identity,
    /// [`Var::relu`].
    Relu,
    /// [`Var::sigmoid`].
    Sigmoid,
    /// [`Var::tanh`].
    Tanh,
}

#[inline(always)]
fn relu<F: Float>(x: F) -> F {
    if x <= F::zero() { F::zero() } else { x }
}
#[inline(always)]
pub(super) fn relu_rule<F: Float>(g: F, y: F) -> F {
    if y <= F::zero() { F::zero() } else { g }
}
#[inline(always)]
fn sigmoid_rule<F: Float>(g: F, y: F) -> F {
    g * y * (F::one() - y)
}
#[inline(always)]
fn tanh_rule<F: Float>(g: F, y: F) -> F {
    g * (F::one() - y * y)
}

#[inline(always)]
fn add_bias<F: Float>(z: &mut [F], bias: Option<&[F]>, f: impl Fn(F) -> F) {
    match bias {
        Some(bias) => z.iter_mut().zip(bias).for_each(|(z, &b)| *z = f(*z + b)),
        None => z.iter_mut().for_each(|z| *z = f(*z)),
    }
}

impl Activation {
    /// `z = f(z + b)` for neighbours in a row, with their part of a bias if there is one.
    #[inline(always)]
    pub(super) fn finish<F: Float>(self, z: &mut [F], bias: Option<&[F]>) {
        match self {
            Activation::Identity => add_bias(z, bias, |z| z),
            Activation::Relu => add_bias(z, bias, relu),
            Activation::Sigmoid => add_bias(z, bias, F::sigmoid_),
            Activation::Tanh => add_bias(z, bias, F::tanh_),
        }
    }

    /// `g = (g + constant) · f'`, by the value `y = f(z)`. Only the sigmoid, whose mean is a loss of its own, adds a constant.
    pub(super) fn backward<F: Float>(self, g: ArrayViewMutD<'_, F>, y: ArrayViewD<'_, F>, constant: F) {
        match self {
            Activation::Identity => {}
            Activation::Relu => apply1(g, y, |g, y| *g = relu_rule(*g, y)),
            Activation::Sigmoid => apply1(g, y, move |g, y| *g = sigmoid_rule(*g + constant, y)),
            Activation::Tanh => apply1(g, y, |g, y| *g = tanh_rule(*g, y)),
        }
    }
}

impl<F: Float> Var<'_, F> {
    /// The logistic function `y = 1 / (1 + e⁻ˣ)`; dx = g·y·(1 − y).
    ///
    /// ```
    /// use lightning_core::Tape;
    /// use ndarray::array;
    /// let tape = Tape::new();
    /// assert_eq!(tape.constant(array![0.0, 1e4, -1e4]).sigmoid().value(), array![0.5, 1.0, 0.0].into_dyn());
    /// ```
    pub fn sigmoid(self) -> Self {
        self.elementwise("sigmoid", F::sigmoid_, Sees::Output, sigmoid_rule)
    }

    /// `y = max(x, 0)`; dx = g where x > 0, else 0, also at 0 itself, as in PyTorch. NaN stays NaN.
    pub fn relu(self) -> Self {
        self.elementwise("relu", relu, Sees::Output, relu_rule)
    }

    /// The hyperbolic tangent; dx = g·(1 − y²).
    pub fn tanh(self) -> Self {
        self.elementwise("tanh", F::tanh_, Sees::Output, tanh_rule)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, gradcheck};
    use ndarray::{ArrayD, Dimension, IxDyn, array};

    #[test]
    fn gradients_hold() {
        for shape in [&[2, 3][..], &[1], &[], &[2, 1, 3]] {
            let x = [ArrayD::from_shape_fn(IxDyn(shape), |i| {
                0.37 - 0.5 * i.slice().iter().sum::<usize>() as f64
            })];
            gradcheck(|v| v[0].sigmoid(), &x).expect("sigmoid");
            gradcheck(|v| v[0].relu(), &x).expect("relu");
            gradcheck(|v| v[0].tanh(), &x).expect("tanh");
        }
    }

    #[test]
    fn relu_has_no_gradient_at_zero_and_keeps_nan() {
        let tape = Tape::new();
        let x = tape.leaf(array![0.0f32, -0.0, 2.0, f32::NAN]);
        let y = x.relu();
        y.sum().backward();
        assert_eq!(x.grad().expect("a gradient").as_slice().expect("one slice")[..3], [0.0, 0.0, 1.0]);
        assert!(y.value()[3].is_nan());
    }
}
