//! A learning rate that goes down, and up again, along a cosine.

use crate::error::setting;
use crate::{Entries, LrRule, Moment, OptimError, Stepped};
use std::f64::consts::PI;

/// Half a cosine from the first learning rate down to `eta_min` in `t_max` steps, and back up in as many:
/// PyTorch's `CosineAnnealingLR` (Loshchilov and Hutter 2017, <https://arxiv.org/abs/1608.03983>, no restarts).
///
/// `lrₜ = η + (lr₀ − η)(1 + cos(π t / t_max)) / 2`, computed from the rate before it as PyTorch does. The phase is
/// reduced to one period in whole numbers, so that it is exact at any step.
///
/// ```
/// use lightning_core::optim::{LrScheduler, Optimizer};
/// use lightning_optim::{CosineAnnealingLr, Sgd, SgdOptions};
/// # let parameters = vec![lightning_core::Parameter::<f32>::new(ndarray::arr0(0.0).into_dyn())];
/// let mut opt = Sgd::new(parameters, SgdOptions { lr: 1.0, ..Default::default() })?;
/// let mut scheduler = CosineAnnealingLr::new(2, 0.0)?;
/// let mut lrs = Vec::new();
/// for _ in 0..4 {
///     scheduler.step(&mut opt, None)?;
///     lrs.push((opt.lr(0) * 1e9).round() / 1e9);
/// }
/// assert_eq!(lrs, [0.5, 0.0, 0.5, 1.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type CosineAnnealingLr = Stepped<CosineAnnealingRule>;

/// The rule of [`CosineAnnealingLr`].
#[derive(Clone, Debug, PartialEq)]
pub struct CosineAnnealingRule {
    t_max: u64,
    eta_min: f64,
}

impl CosineAnnealingLr {
    /// A scheduler with half a period of `t_max` steps and the smallest rate `eta_min`.
    ///
    /// # Errors
    /// If `t_max` is 0 or `eta_min` is not a finite number.
    pub fn new(t_max: u64, eta_min: f64) -> Result<Self, OptimError> {
        Stepped::with_rule(CosineAnnealingRule { t_max, eta_min })
    }
}

impl CosineAnnealingRule {
    /// `1 + cos(π t / t_max)` for a `t` within one period.
    fn height(&self, t: u64) -> f64 {
        1.0 + libm::cos(PI * t as f64 / self.t_max as f64)
    }
}

impl LrRule for CosineAnnealingRule {
    fn lr(&self, Moment { step, lr, base_lr, .. }: Moment) -> f64 {
        if step == 0 {
            return lr;
        }
        let period = self.t_max.saturating_mul(2);
        let (before, now) = ((step - 1) % period, step % period);
        if before == self.t_max {
            // The bottom has height 0 and no ratio to it: the way up starts from the first rate again.
            return lr + (base_lr - self.eta_min) * self.height(self.t_max - 1) / 2.0;
        }
        self.height(now) / self.height(before) * (lr - self.eta_min) + self.eta_min
    }

    fn entries(&mut self, entries: &mut Entries<'_>) {
        entries.count("T_max", &mut self.t_max);
        entries.number("eta_min", &mut self.eta_min);
    }

    fn check(&self) -> Result<(), OptimError> {
        setting(self.t_max > 0, "T_max", self.t_max as f64, "at least 1")?;
        setting(self.eta_min.is_finite(), "eta_min", self.eta_min, "a finite number")
    }
}
