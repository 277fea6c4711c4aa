//! Adam, and the arithmetic that it shares with AdamW.
//!
//! Scalars are computed in f64 and rounded once, where PyTorch does; the operations on elements are in PyTorch's
//! order, so that f32 results are its results.

use crate::error::{below_one, not_negative};
use crate::{Entries, Grouped, OptimError, ParameterState, UpdateRule};
use lightning_core::Float;
use lightning_core::kernels::BlockStep;

/// Adam (Kingma and Ba 2015, <https://arxiv.org/abs/1412.6980>), PyTorch's `torch.optim.Adam`.
///
/// With the gradient `g` of step `t` and `λ` the weight decay (an L2 penalty: it passes through the moments):
///
/// ```text
/// g ← g + λ p
/// m ← β₁ m + (1 − β₁) g
/// v ← β₂ v + (1 − β₂) g²
/// p ← p − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
/// ```
///
/// AMSGrad (<https://openreview.net/forum?id=ryQu7f-RZ>) has the largest `v` so far in place of `v`.
///
/// ```
/// use lightning_core::nn::{Linear, Module};
/// use lightning_core::{Float, Seed, optim::Optimizer};
/// use lightning_optim::{Adam, AdamOptions};
///
/// let model: Linear = Linear::new(3, 1, &mut Seed(0).stream("init"));
/// let (lr, reg) = (1e-3, 1e-5);
/// // torch.optim.Adam(self.parameters(), lr=self.lr, weight_decay=self.reg)
/// let mut opt = Adam::new(model.parameters(), AdamOptions { lr, weight_decay: reg, ..Default::default() })?;
///
/// let before = model.weight.value().sum();
/// model.weight.set_grad(Some(ndarray::ArrayD::ones(model.weight.shape())));
/// opt.step();
/// assert!((before - model.weight.value().sum() - 3.0 * 1e-3).abs() < 1e-6); // the first step has length lr
/// # Ok::<(), lightning_optim::OptimError>(())
/// ```
pub type Adam<F = f32> = Grouped<F, AdamOptions>;

/// The settings of [`Adam`].
///
/// ```
/// let options = lightning_optim::AdamOptions { lr: 1e-4, weight_decay: 1e-4, ..Default::default() };
/// assert_eq!(options.betas, (0.9, 0.999));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AdamOptions {
    /// The learning rate; 0.001.
    pub lr: f64,
    /// How much of the two moments is kept in a step, each in [0, 1); 0.9 and 0.999. The first is what
    /// `OneCycleLr` cycles.
    pub betas: (f64, f64),
    /// Added to the root of the second moment; 1e-8.
    pub eps: f64,
    /// `λ`; 0.
    pub weight_decay: f64,
    /// Whether to divide by the largest second moment so far; no.
    pub amsgrad: bool,
    /// Whether to climb instead of descend; no.
    pub maximize: bool,
}

impl Default for AdamOptions {
    fn default() -> Self {
        AdamOptions {
            lr: 1e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            amsgrad: false,
            maximize: false,
        }
    }
}

impl UpdateRule for AdamOptions {
    const NAME: &'static str = "Adam";

    fn check(&self) -> Result<(), OptimError> {
        not_negative("lr", self.lr)?;
        below_one("betas.0", self.betas.0)?;
        below_one("betas.1", self.betas.1)?;
        not_negative("eps", self.eps)?;
        not_negative("weight_decay", self.weight_decay)
    }

    fn entries(&mut self, entries: &mut Entries<'_>) {
        entries.number("lr", &mut self.lr);
        entries.number("betas.0", &mut self.betas.0);
        entries.number("betas.1", &mut self.betas.1);
        entries.number("eps", &mut self.eps);
        entries.number("weight_decay", &mut self.weight_decay);
        entries.flag("amsgrad", &mut self.amsgrad);
        entries.flag("maximize", &mut self.maximize);
    }

    fn lr(&mut self) -> &mut f64 {
        &mut self.lr
    }

    fn momentum(&mut self) -> &mut f64 {
        &mut self.betas.0
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn arrays(&self) -> &'static [&'static str] {
        if self.amsgrad { &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] } else { &["exp_avg", "exp_avg_sq"] }
    }

    type Step<F: Float> = Scalars<F>;

    fn begin<F: Float>(&self, state: &mut Option<ParameterState<F>>, len: usize) -> Scalars<F> {
        Scalars::begin(self, Decay::Coupled, state, len)
    }
}

/// Where the weight decay goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decay {
    /// Into the gradient: Adam.
    Coupled,
    /// Past the moments, straight into the value: AdamW.
    Decoupled,
}

/// A NaN wins, as in `torch.maximum`: a diverged moment must not be hidden.
#[inline(always)]
fn maximum<F: Float>(a: F, b: F) -> F {
    if b > a || b.is_nan() { b } else { a }
}

/// One step of Adam or AdamW for one parameter.
#[derive(Clone, Copy, Debug)]
pub struct Scalars<F> {
    /// What the gradient is multiplied by: 1 to descend, −1 to climb, and what clipping asks for.
    sign: F,
    /// `λ` in the gradient.
    coupled: F,
    /// What is left of the value: `1 − lr λ`.
    keep: F,
    new_m: F,
    keep_v: F,
    new_v: F,
    /// `√(1 − β₂ᵗ)`.
    root: F,
    eps: F,
    /// `−lr / (1 − β₁ᵗ)`.
    length: F,
}

impl<F: Float> BlockStep<F> for Scalars<F> {
    fn scaled(self, factor: F) -> Self {
        Scalars { sign: self.sign * factor, ..self }
    }

    #[inline(always)]
    fn apply(self, value: &mut [F], grad: &[F], [m, v, max]: [&mut [F]; 3]) {
        let elements = value.iter_mut().zip(grad).zip(m).zip(v);
        if max.is_empty() {
            for (((p, &g), m), v) in elements {
                self.step(p, g, m, v, |v| v);
            }
            return;
        }
        for ((((p, &g), m), v), max) in elements.zip(max) {
            self.step(p, g, m, v, |v| {
                *max = maximum(*max, v);
                *max
            });
        }
    }
}

impl<F: Float> Scalars<F> {
    pub(crate) fn begin(
        options: &AdamOptions,
        decay: Decay,
        state: &mut Option<ParameterState<F>>,
        len: usize,
    ) -> Self {
        let state = state.get_or_insert_with(|| ParameterState::zeros(options.arrays().len(), len));
        state.step = state.step.saturating_add(1);
        Scalars::new(options, decay, state.step)
    }

    fn new(options: &AdamOptions, decay: Decay, step: u64) -> Self {
        let AdamOptions { lr, betas: (beta1, beta2), eps, weight_decay, maximize, .. } = *options;
        let corrected = |beta: f64| 1.0 - beta.powf_(step as f64);
        let (coupled, keep) = match decay {
            Decay::Coupled => (weight_decay, 1.0),
            Decay::Decoupled => (0.0, 1.0 - lr * weight_decay),
        };
        Scalars {
            sign: F::of(if maximize { -1.0 } else { 1.0 }),
            coupled: F::of(coupled),
            keep: F::of(keep),
            new_m: F::of(1.0 - beta1),
            keep_v: F::of(beta2),
            new_v: F::of(1.0 - beta2),
            root: F::of(corrected(beta2).sqrt()),
            eps: F::of(eps),
            length: F::of(-(lr / corrected(beta1))),
        }
    }

    /// `second` gives the second moment to divide by.
    #[inline(always)]
    fn step(&self, p: &mut F, g: F, m: &mut F, v: &mut F, second: impl FnOnce(F) -> F) {
        let value = *p * self.keep;
        let g = g * self.sign;
        let g = if self.coupled == F::zero() { g } else { g + self.coupled * value };
        // Two forms of the same mean, as in torch.lerp: each is exact at its end.
        *m = if self.new_m < F::of(0.5) {
            *m + self.new_m * (g - *m)
        } else {
            g - (g - *m) * (F::one() - self.new_m)
        };
        *v = *v * self.keep_v + self.new_v * g * g;
        *p = value + self.length * *m / (second(*v).sqrt() / self.root + self.eps);
    }
}
