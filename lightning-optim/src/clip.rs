//! Gradient clipping: `torch.nn.utils.clip_grad_norm_` and `clip_grad_value_`.

use lightning_core::{Float, Parameter, kernels};

/// Scales all gradients so that their joint L2 norm is at most `max_norm`, and gives the norm before.
///
/// As in PyTorch the factor is `max_norm / (norm + 1e-6)`, at most 1. A norm that is not finite is given back and
/// makes the gradients NaN: look for a diverging model.
///
/// ```
/// use lightning_core::Parameter;
/// use lightning_optim::clip_grad_norm;
/// let w: Parameter<f64> = Parameter::new(ndarray::array![0.0, 0.0].into_dyn());
/// w.set_grad(Some(ndarray::array![3.0, 4.0].into_dyn()));
/// assert_eq!(clip_grad_norm(&[w.clone()], 1.0), 5.0);
/// assert!((w.grad().unwrap()[0] - 0.6).abs() < 1e-6);
/// ```
pub fn clip_grad_norm<F: Float>(parameters: &[Parameter<F>], max_norm: f64) -> f64 {
    let square =
        |parameter: &Parameter<F>| parameter.with_grad(|g| kernels::sum(g.mapv(|x| x * x).view()).as_f64());
    let norm = parameters.iter().filter_map(square).sum::<f64>().sqrt();
    let scale = max_norm / (norm + 1e-6);
    if scale < 1.0 || scale.is_nan() {
        for parameter in parameters {
            parameter.with_grad(|mut g| g.mapv_inplace(|x| x * F::of(scale)));
        }
    }
    norm
}

/// Cuts every element of every gradient to [−`limit`, `limit`]; NaN stays NaN.
pub fn clip_grad_value<F: Float>(parameters: &[Parameter<F>], limit: f64) {
    let limit = F::of(limit);
    let cut = |x: F| {
        if x > limit {
            limit
        } else if x < -limit {
            -limit
        } else {
            x
        }
    };
    for parameter in parameters {
        parameter.with_grad(|mut g| g.mapv_inplace(cut));
    }
}
