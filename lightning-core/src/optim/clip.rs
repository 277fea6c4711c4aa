//! Keeping gradients from growing without bound, between backward and step.

use crate::kernels::sum_of_squares;
use crate::{Float, Parameter};

/// How the trainer clips gradients: Lightning's `gradient_clip_val` and `gradient_clip_algorithm`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GradientClip {
    /// All gradients of an optimizer together have at most this norm.
    Norm(f64),
    /// Every element lies between the value and its negative.
    Value(f64),
}

impl GradientClip {
    /// Whether it is 0, which a trainer takes for no clipping, as Lightning does.
    pub fn is_off(self) -> bool {
        self == GradientClip::Norm(0.0) || self == GradientClip::Value(0.0)
    }

    /// Clips, and gives the norm before it if it was needed.
    pub fn apply<F: Float>(self, parameters: &[Parameter<F>]) -> Option<f64> {
        match self {
            GradientClip::Norm(max_norm) => Some(clip_grad_norm(parameters, max_norm)),
            GradientClip::Value(clip_value) => {
                clip_grad_value(parameters, clip_value);
                None
            }
        }
    }
}

/// Scales all gradients together so that their norm is at most `max_norm`, and returns the norm they had:
/// PyTorch's `clip_grad_norm_`.
///
/// `‖g‖ = √(Σ gᵢ²)` over the gradients of all parameters that have one; gradients are multiplied by
/// `max_norm / (‖g‖ + 10⁻⁶)` where that is below 1. Squares are added in f64, in one pass over all parameters that is
/// shared out and has the same bits for any number of threads, so an f32 gradient of 10³⁰ still has a norm. The
/// gradients are [multiplied](Parameter::scale_grad) when somebody looks at them, by an optimizer in its own pass.
///
/// A parameter that is there twice counts once.
///
/// A norm that is NaN or infinite is returned and no gradient is changed (PyTorch would spread the NaN over all of
/// them): whoever looks next can still name the parameter it came from. Neither does a negative or NaN `max_norm`
/// change any.
///
/// ```
/// use lightning_core::Parameter;
/// use lightning_core::optim::clip_grad_norm;
/// use ndarray::array;
///
/// let p = Parameter::<f64>::new(array![0.0, 0.0].into_dyn());
/// p.set_grad(Some(array![30.0, 40.0].into_dyn()));
/// assert_eq!(clip_grad_norm(&[p.clone()], 5.0), 50.0);
/// assert!((p.grad().unwrap()[[1]] - 4.0).abs() < 1e-6);
/// ```
pub fn clip_grad_norm<F: Float>(parameters: &[Parameter<F>], max_norm: f64) -> f64 {
    let norm = grad_norm(parameters);
    let scale = max_norm / (norm + 1e-6);
    if norm.is_finite() && (0.0..1.0).contains(&scale) {
        parameters.iter().for_each(|parameter| parameter.scale_grad(F::of(scale)));
    }
    norm
}

/// The norm `√(Σ gᵢ²)` of the gradients of all parameters that have one, added up in f64.
///
/// ```
/// use lightning_core::Parameter;
/// use lightning_core::optim::{grad_norm, weight_norm};
/// use ndarray::array;
///
/// let p = Parameter::<f32>::new(array![6.0, 8.0].into_dyn());
/// p.set_grad(Some(array![3.0, 4.0].into_dyn()));
/// assert_eq!((grad_norm(&[p.clone()]), weight_norm(&[p])), (5.0, 10.0));
/// ```
pub fn grad_norm<F: Float>(parameters: &[Parameter<F>]) -> f64 {
    Parameter::with_grads(parameters, |grads| sum_of_squares(grads)).sqrt()
}

/// The norm `√(Σ wᵢ²)` of all parameters, added up in f64.
pub fn weight_norm<F: Float>(parameters: &[Parameter<F>]) -> f64 {
    let values: Vec<_> = parameters.iter().map(Parameter::value).collect();
    let slices = values.iter().map(|value| value.as_slice().expect("a value is one slice"));
    sum_of_squares(&slices.collect::<Vec<_>>()).sqrt()
}

/// Brings every element of every gradient into `[−clip_value, clip_value]`: PyTorch's `clip_grad_value_`.
///
/// A NaN stays a NaN. The sign of `clip_value` does not matter.
///
/// ```
/// use lightning_core::Parameter;
/// use lightning_core::optim::clip_grad_value;
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
