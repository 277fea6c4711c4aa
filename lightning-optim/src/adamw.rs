//! AdamW: Adam whose weight decay does not pass through the moments.

use crate::adam::{self, Decay};
use crate::{AdamOptions, Entries, Grouped, OptimError, ParameterState, UpdateRule};
use lightning_core::Float;

/// AdamW (Loshchilov and Hutter 2019, <https://arxiv.org/abs/1711.05101>), PyTorch's `torch.optim.AdamW`.
///
/// `p ← (1 − lr λ) p`, then a step of [`Adam`](crate::Adam) without weight decay.
///
/// ```
/// use lightning_core::{Parameter, optim::Optimizer};
/// use lightning_optim::{AdamW, AdamWOptions};
/// use ndarray::array;
///
/// let p = Parameter::<f64>::new(array![2.0].into_dyn());
/// let options = AdamWOptions { lr: 0.1, weight_decay: 0.5, ..Default::default() };
/// let mut opt = AdamW::new(vec![p.clone()], options)?;
/// p.set_grad(Some(array![0.0].into_dyn()));
/// opt.step();
/// assert_eq!(p.value()[[0]], 2.0 * (1.0 - 0.1 * 0.5));
/// # Ok::<(), lightning_optim::OptimError>(())
/// ```
pub type AdamW<F = f32> = Grouped<F, AdamWOptions>;

/// The settings of [`AdamW`]: those of Adam, with another weight decay.
///
/// ```
/// assert_eq!(lightning_optim::AdamWOptions::default().weight_decay, 0.01);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AdamWOptions {
    /// The learning rate; 0.001.
    pub lr: f64,
    /// How much of the two moments is kept in a step, each in [0, 1); 0.9 and 0.999.
    pub betas: (f64, f64),
    /// Added to the root of the second moment; 1e-8.
    pub eps: f64,
    /// `λ`; 0.01.
    pub weight_decay: f64,
    /// Whether to divide by the largest second moment so far; no.
    pub amsgrad: bool,
    /// Whether to climb instead of descend; no.
    pub maximize: bool,
}

impl Default for AdamWOptions {
    fn default() -> Self {
        AdamWOptions::from(AdamOptions { weight_decay: 0.01, ..AdamOptions::default() })
    }
}

impl From<AdamOptions> for AdamWOptions {
    fn from(adam: AdamOptions) -> Self {
        let AdamOptions { lr, betas, eps, weight_decay, amsgrad, maximize } = adam;
        AdamWOptions { lr, betas, eps, weight_decay, amsgrad, maximize }
    }
}

impl From<AdamWOptions> for AdamOptions {
    fn from(adamw: AdamWOptions) -> Self {
        let AdamWOptions { lr, betas, eps, weight_decay, amsgrad, maximize } = adamw;
        AdamOptions { lr, betas, eps, weight_decay, amsgrad, maximize }
    }
}

impl UpdateRule for AdamWOptions {
    const NAME: &'static str = "AdamW";

    fn check(&self) -> Result<(), OptimError> {
        AdamOptions::from(self.clone()).check()
    }

    fn entries(&mut self, entries: &mut Entries<'_>) {
        let mut adam = AdamOptions::from(self.clone());
        adam.entries(entries);
        *self = adam.into();
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
        AdamOptions::from(self.clone()).arrays()
    }

    type Step<F: Float> = adam::Scalars<F>;

    fn begin<F: Float>(&self, state: &mut Option<ParameterState<F>>, len: usize) -> adam::Scalars<F> {
        adam::Scalars::begin(&self.clone().into(), Decay::Decoupled, state, len)
    }
}
