//! Activations: sigmoid, relu, tanh.

use super::elementary::Sees;
use crate::{Float, Var};

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
        self.elementwise("sigmoid", F::sigmoid_, Sees::Output, |g, y| g * y * (F::one() - y))
    }

    /// `y = max(x, 0)`; dx = g where x > 0, else 0, also at 0 itself, as in PyTorch. NaN stays NaN.
    pub fn relu(self) -> Self {
        let zero = F::zero();
        self.elementwise(
            "relu",
            move |x| if x <= zero { zero } else { x },
            Sees::Output,
            move |g, y| if y <= zero { zero } else { g },
        )
    }

    /// The hyperbolic tangent; dx = g·(1 − y²).
    pub fn tanh(self) -> Self {
        self.elementwise("tanh", F::tanh_, Sees::Output, |g, y| g * (F::one() - y * y))
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
