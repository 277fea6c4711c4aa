//! Stochastic gradient descent with momentum.

use crate::error::{check, check_not_negative};
use crate::{Grouped, OptimError, Rule};
use lightning_core::Float;

/// Gradient descent: PyTorch's `torch.optim.SGD`. The first step's momentum is the gradient itself, undamped.
///
/// ```
/// use lightning_core::{Parameter, optim::Optimizer};
/// use lightning_optim::{Sgd, SgdOptions};
/// let w: Parameter<f64> = Parameter::new(ndarray::array![1.0].into_dyn());
/// let mut opt = Sgd::new(vec![w.clone()], SgdOptions { lr: 0.25, momentum: 0.5, ..Default::default() })?;
/// for _ in 0..2 {
///     w.set_grad(Some(ndarray::array![1.0].into_dyn()));
///     opt.step();
/// }
/// assert_eq!(w.value()[0], 1.0 - 0.25 - 0.25 * 1.5);
/// # Ok::<(), lightning_optim::OptimError>(())
/// ```
pub type Sgd<F = f32> = Grouped<F, SgdOptions>;

/// Settings of [`Sgd`]; the defaults are PyTorch's.
#[derive(Clone, Debug, PartialEq)]
pub struct SgdOptions {
    /// Learning rate η.
    pub lr: f64,
    /// Momentum μ.
    pub momentum: f64,
    /// Dampening τ of new gradients in the momentum.
    pub dampening: f64,
    /// Weight decay λ, added to the gradient.
    pub weight_decay: f64,
    /// Look ahead (Sutskever et al., 2013); wants momentum and no dampening.
    pub nesterov: bool,
    /// Climb instead of descend.
    pub maximize: bool,
}

impl Default for SgdOptions {
    fn default() -> Self {
        SgdOptions {
            lr: 1e-3,
            momentum: 0.0,
            dampening: 0.0,
            weight_decay: 0.0,
            nesterov: false,
            maximize: false,
        }
    }
}

/// The constants of a step.
pub struct Scalars<F> {
    lr: F,
    momentum: F,
    one_minus_dampening: F,
    weight_decay: F,
    nesterov: bool,
    is_first: bool,
    sign: F,
}

impl<F: Float> Rule<F> for SgdOptions {
    const NAME: &'static str = "SGD";
    type Scalars = Scalars<F>;

    fn check(&self) -> Result<(), OptimError> {
        check_not_negative("SGD", "lr", self.lr)?;
        check_not_negative("SGD", "momentum", self.momentum)?;
        check(self.dampening.is_finite(), "SGD", "dampening", self.dampening, "a finite number")?;
        check_not_negative("SGD", "weight_decay", self.weight_decay)?;
        let looks_ahead = !self.nesterov || (self.momentum > 0.0 && self.dampening == 0.0);
        check(looks_ahead, "SGD", "nesterov", 1.0, "momentum above 0 and dampening 0 with it")
    }

    fn moments(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum_buffer"] }
    }

    fn scalars(&self, step: u64) -> Scalars<F> {
        Scalars {
            lr: F::of(self.lr),
            momentum: F::of(self.momentum),
            one_minus_dampening: F::of(1.0 - self.dampening),
            weight_decay: F::of(self.weight_decay),
            nesterov: self.nesterov,
            is_first: step == 1,
            sign: F::of(if self.maximize { -1.0 } else { 1.0 }),
        }
    }

    fn update(s: &Scalars<F>, value: &mut [F], grad: &[F], [buffer, ..]: [&mut [F]; 3]) {
        if buffer.is_empty() {
            for (value, &grad) in value.iter_mut().zip(grad) {
                let grad = s.sign * grad + s.weight_decay * *value;
                *value -= s.lr * grad;
            }
            return;
        }
        for ((value, &grad), buffer) in value.iter_mut().zip(grad).zip(buffer) {
            let grad = s.sign * grad + s.weight_decay * *value;
            *buffer = if s.is_first { grad } else { *buffer * s.momentum + s.one_minus_dampening * grad };
            *value -= s.lr * if s.nesterov { grad + s.momentum * *buffer } else { *buffer };
        }
    }

    fn numbers(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("lr", self.lr),
            ("momentum", self.momentum),
            ("dampening", self.dampening),
            ("weight_decay", self.weight_decay),
        ]
    }

    fn set_number(&mut self, name: &str, value: f64) {
        match name {
            "lr" => self.lr = value,
            "momentum" => self.momentum = value,
            "dampening" => self.dampening = value,
            "weight_decay" => self.weight_decay = value,
            _ => {}
        }
    }

    fn momentum_name() -> Option<&'static str> {
        Some("momentum")
    }
}
