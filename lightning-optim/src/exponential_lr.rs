//! A learning rate that shrinks by the same factor in every step.

use crate::{Entries, LrRule, Moment, Stepped};

/// Multiplies the learning rate by `gamma` in every step: PyTorch's `ExponentialLR`.
///
/// `lrₜ = lr₀ · gammaᵗ`
///
/// ```
/// use lightning_core::optim::{LrScheduler, Optimizer};
/// use lightning_optim::{ExponentialLr, Sgd, SgdOptions};
/// # let parameters = vec![lightning_core::Parameter::<f32>::new(ndarray::arr0(0.0).into_dyn())];
/// let mut opt = Sgd::new(parameters, SgdOptions { lr: 1.0, ..Default::default() })?;
/// let mut scheduler = ExponentialLr::new(0.5);
/// for _ in 0..3 {
///     scheduler.step(&mut opt, None)?;
/// }
/// assert_eq!(opt.lr(0), 0.125);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type ExponentialLr = Stepped<ExponentialRule>;

/// The rule of [`ExponentialLr`].
#[derive(Clone, Debug, PartialEq)]
pub struct ExponentialRule {
    gamma: f64,
}

impl ExponentialLr {
    /// A scheduler with this factor.
    pub fn new(gamma: f64) -> Self {
        Stepped::unchecked(ExponentialRule { gamma })
    }
}

impl LrRule for ExponentialRule {
    fn lr(&self, now: Moment) -> f64 {
        if now.step == 0 { now.lr } else { now.lr * self.gamma }
    }

    fn entries(&mut self, entries: &mut Entries<'_>) {
        entries.number("gamma", &mut self.gamma);
    }
}
