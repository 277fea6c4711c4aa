//! Keeping gradients from growing without bound, between backward and step.

use lightning_core::kernels::sum;
use lightning_core::{Float, Parameter};
use ndarray::{ArrayView1, ArrayViewMutD};

/// Elements whose squares are added up at a time: their f64 copies stay in the first-level cache.
const BLOCK: usize = 1 << 11;

/// Scales all gradients together so that their norm is at most `max_norm`, and returns the norm they had:
/// PyTorch's `clip_grad_norm_`.
///
/// `‖g‖ = √(Σ gᵢ²)` over the gradients of all parameters that have one; gradients are multiplied by
/// `max_norm / (‖g‖ + 10⁻⁶)` where that is below 1. Squares are added in f64, in the order of the parameters, so
/// an f32 gradient of 10³⁰ still has a norm.
///
/// A norm that is NaN or infinite is returned and no gradient is changed (PyTorch would spread the NaN over all of
/// them): whoever looks next can still name the parameter it came from. Neither does a negative or NaN `max_norm`
/// change any.
///
/// ```
/// use lightning_core::Parameter;
/// use lightning_optim::clip_grad_norm;
/// use ndarray::array;
///
/// let p = Parameter::<f64>::new(array![0.0, 0.0].into_dyn());
/// p.set_grad(Some(array![30.0, 40.0].into_dyn()));
/// assert_eq!(clip_grad_norm(&[p.clone()], 5.0), 50.0);
/// assert!((p.grad().unwrap()[[1]] - 4.0).abs() < 1e-6);
/// ```
pub fn clip_grad_norm<F: Float>(parameters: &[Parameter<F>], max_norm: f64) -> f64 {
    let mut total = 0.0;
    for parameter in parameters {
        total += parameter.with_grad(|grad| sum_of_squares(&grad)).unwrap_or(0.0);
    }
    let norm = total.sqrt();
    let scale = max_norm / (norm + 1e-6);
    if norm.is_finite() && (0.0..1.0).contains(&scale) {
        let scale = F::of(scale);
        for parameter in parameters {
            parameter.with_grad(|mut grad| grad.map_inplace(|g| *g *= scale));
        }
    }
    norm
}

fn sum_of_squares<F: Float>(grad: &ArrayViewMutD<'_, F>) -> f64 {
    let grad = grad.view();
    let grad = grad.as_standard_layout();
    let grad = grad.as_slice().expect("a standard layout is one slice");
    let mut squares = [0.0; BLOCK];
    let mut total = 0.0;
    for block in grad.chunks(BLOCK) {
        for (square, g) in squares.iter_mut().zip(block) {
            *square = g.as_f64() * g.as_f64();
        }
        total += sum(ArrayView1::from(&squares[..block.len()]).into_dyn());
    }
    total
}

/// Brings every element of every gradient into `[−clip_value, clip_value]`: PyTorch's `clip_grad_value_`.
///
/// A NaN stays a NaN. The sign of `clip_value` does not matter.
///
/// ```
/// use lightning_core::Parameter;
/// use lightning_optim::clip_grad_value;
/// use ndarray::array;
///
/// let p = Parameter::<f64>::new(array![0.0, 0.0, 0.0].into_dyn());
/// p.set_grad(Some(array![-7.0, 0.5, 7.0].into_dyn()));
/// clip_grad_value(&[p.clone()], 1.0);
/// assert_eq!(p.grad().unwrap(), array![-1.0, 0.5, 1.0].into_dyn());
/// ```
pub fn clip_grad_value<F: Float>(parameters: &[Parameter<F>], clip_value: f64) {
    let limit = F::of(clip_value.abs());
    for parameter in parameters {
        parameter.with_grad(|mut grad| {
            grad.map_inplace(|g| {
                if *g > limit {
                    *g = limit;
                } else if *g < -limit {
                    *g = -limit;
                }
            });
        });
    }
}
