//! Adam with coupled weight decay, AdamW with decoupled, each with AMSGrad.

use crate::error::{check, check_not_negative};
use crate::{Grouped, OptimError, Rule};
use lightning_core::Float;

/// Adam (Kingma and Ba, 2015): PyTorch's `torch.optim.Adam`. Weight decay is added to the gradient.
///
/// ```
/// use lightning_core::{Parameter, optim::Optimizer};
/// use lightning_optim::{Adam, AdamOptions};
/// let w: Parameter = Parameter::new(ndarray::array![1.0].into_dyn());
/// let mut opt = Adam::new(vec![w.clone()], AdamOptions { lr: 1e-2, weight_decay: 1e-4, ..Default::default() })?;
/// w.set_grad(Some(ndarray::array![3.0].into_dyn()));
/// opt.step();
/// assert!((w.value()[0] - 0.99).abs() < 1e-6);
/// # Ok::<(), lightning_optim::OptimError>(())
/// ```
pub type Adam<F = f32> = Grouped<F, AdamOptions>;

/// AdamW (Loshchilov and Hutter, 2019): PyTorch's `torch.optim.AdamW`. Weight decay shrinks the parameter itself.
///
/// ```
/// use lightning_core::{Parameter, optim::Optimizer};
/// use lightning_optim::{AdamW, AdamWOptions};
/// let w: Parameter<f64> = Parameter::new(ndarray::array![1.0].into_dyn());
/// let mut opt = AdamW::new(vec![w.clone()], AdamWOptions { lr: 0.1, weight_decay: 0.5, ..Default::default() })?;
/// w.set_grad(Some(ndarray::array![0.0].into_dyn()));
/// opt.step();
/// assert_eq!(w.value()[0], 0.95);
/// # Ok::<(), lightning_optim::OptimError>(())
/// ```
pub type AdamW<F = f32> = Grouped<F, AdamWOptions>;

macro_rules! options {
    ($name:ident, $optimizer:literal, $weight_decay:literal) => {
        #[doc = concat!("Settings of [`", $optimizer, "`]; the defaults are PyTorch's.")]
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            /// Learning rate η.
            pub lr: f64,
            /// Decay rates of the two moments, in [0, 1).
            pub betas: (f64, f64),
            /// Added to the denominator.
            pub eps: f64,
            /// Weight decay λ.
            pub weight_decay: f64,
            /// Divide by the largest second moment so far (Reddi et al., 2018).
            pub amsgrad: bool,
            /// Climb instead of descend.
            pub maximize: bool,
        }

        impl Default for $name {
            fn default() -> Self {
                $name {
                    lr: 1e-3,
                    betas: (0.9, 0.999),
                    eps: 1e-8,
                    weight_decay: $weight_decay,
                    amsgrad: false,
                    maximize: false,
                }
            }
        }

        impl<F: Float> Rule<F> for $name {
            const NAME: &'static str = $optimizer;
            type Scalars = Scalars<F>;

            fn check(&self) -> Result<(), OptimError> {
                let beta = |beta: f64| (0.0..1.0).contains(&beta);
                check_not_negative($optimizer, "lr", self.lr)?;
                check(beta(self.betas.0), $optimizer, "beta1", self.betas.0, "a number in [0, 1)")?;
                check(beta(self.betas.1), $optimizer, "beta2", self.betas.1, "a number in [0, 1)")?;
                check_not_negative($optimizer, "eps", self.eps)?;
                check_not_negative($optimizer, "weight_decay", self.weight_decay)
            }

            fn moments(&self) -> &'static [&'static str] {
                if self.amsgrad {
                    &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]
                } else {
                    &["exp_avg", "exp_avg_sq"]
                }
            }

            fn scalars(&self, step: u64) -> Scalars<F> {
                let decoupled = $optimizer == "AdamW";
                Scalars::new(self.lr, self.betas, self.eps, self.weight_decay, decoupled, self.maximize, step)
            }

            fn update(scalars: &Scalars<F>, value: &mut [F], grad: &[F], moments: [&mut [F]; 3]) {
                scalars.update(value, grad, moments);
            }

            fn numbers(&self) -> Vec<(&'static str, f64)> {
                vec![
                    ("lr", self.lr),
                    ("beta1", self.betas.0),
                    ("beta2", self.betas.1),
                    ("eps", self.eps),
                    ("weight_decay", self.weight_decay),
                ]
            }

            fn set_number(&mut self, name: &str, value: f64) {
                match name {
                    "lr" => self.lr = value,
                    "beta1" => self.betas.0 = value,
                    "beta2" => self.betas.1 = value,
                    "eps" => self.eps = value,
                    "weight_decay" => self.weight_decay = value,
                    _ => {}
                }
            }

            fn momentum_name() -> Option<&'static str> {
                Some("beta1")
            }
        }
    };
}
options!(AdamOptions, "Adam", 0.0);
options!(AdamWOptions, "AdamW", 1e-2);

/// The constants of a step, computed in `f64` as PyTorch does.
pub struct Scalars<F> {
    step_size: F,
    one_minus_beta1: F,
    beta2: F,
    one_minus_beta2: F,
    root_of_correction: F,
    eps: F,
    /// λ, if it is added to the gradient.
    coupled: F,
    /// 1 − ηλ, if it shrinks the parameter.
    shrink: F,
    sign: F,
}

impl<F: Float> Scalars<F> {
    fn new(
        lr: f64,
        (beta1, beta2): (f64, f64),
        eps: f64,
        weight_decay: f64,
        decoupled: bool,
        maximize: bool,
        step: u64,
    ) -> Self {
        let (coupled, shrink) = if decoupled { (0.0, 1.0 - lr * weight_decay) } else { (weight_decay, 1.0) };
        Scalars {
            step_size: F::of(lr / (1.0 - power(beta1, step))),
            one_minus_beta1: F::of(1.0 - beta1),
            beta2: F::of(beta2),
            one_minus_beta2: F::of(1.0 - beta2),
            root_of_correction: F::of((1.0 - power(beta2, step)).sqrt()),
            eps: F::of(eps),
            coupled: F::of(coupled),
            shrink: F::of(shrink),
            sign: F::of(if maximize { -1.0 } else { 1.0 }),
        }
    }

    /// One pass over memory.
    fn update(&self, value: &mut [F], grad: &[F], [exp_avg, exp_avg_sq, max_exp_avg_sq]: [&mut [F]; 3]) {
        let elements = value.iter_mut().zip(grad).zip(exp_avg).zip(exp_avg_sq);
        if max_exp_avg_sq.is_empty() {
            for (((value, &grad), m), v) in elements {
                self.moments(value, grad, m, v);
                self.apply(value, *m, *v);
            }
        } else {
            for ((((value, &grad), m), v), max) in elements.zip(max_exp_avg_sq) {
                self.moments(value, grad, m, v);
                *max = max.max(*v);
                self.apply(value, *m, *max);
            }
        }
    }

    #[inline(always)]
    fn moments(&self, value: &mut F, grad: F, m: &mut F, v: &mut F) {
        let grad = self.sign * grad + self.coupled * *value;
        *value *= self.shrink;
        *m += (grad - *m) * self.one_minus_beta1;
        *v = *v * self.beta2 + self.one_minus_beta2 * grad * grad;
    }

    #[inline(always)]
    fn apply(&self, value: &mut F, m: F, v: F) {
        *value -= self.step_size * m / (v.sqrt() / self.root_of_correction + self.eps);
    }
}

/// `baseⁿ` for 0 ≤ base < 1, which has long vanished when `n` no longer fits the exponent's type.
fn power(base: f64, n: u64) -> f64 {
    base.powi(i32::try_from(n).unwrap_or(i32::MAX))
}
