//! A smaller learning rate at chosen steps.

use crate::{Entries, LrRule, Moment, Stepped};

/// Multiplies the learning rate by `gamma` at every milestone: PyTorch's `MultiStepLR`.
///
/// `lrₜ = lr₀ · gamma^|{milestones ≤ t}|`; a milestone that is listed twice counts twice.
///
/// ```
/// use lightning_core::optim::{LrScheduler, Optimizer};
/// use lightning_optim::{MultiStepLr, Sgd, SgdOptions};
/// # let parameters = vec![lightning_core::Parameter::<f32>::new(ndarray::arr0(0.0).into_dyn())];
/// let mut opt = Sgd::new(parameters, SgdOptions { lr: 1.0, ..Default::default() })?;
/// let mut scheduler = MultiStepLr::new(vec![2, 4], 0.5);
/// let mut lrs = Vec::new();
/// for _ in 0..5 {
///     scheduler.step(&mut opt, None)?;
///     lrs.push(opt.lr(0));
/// }
/// assert_eq!(lrs, [1.0, 0.5, 0.5, 0.25, 0.25]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type MultiStepLr = Stepped<MultiStepRule>;

/// The rule of [`MultiStepLr`].
#[derive(Clone, Debug, PartialEq)]
pub struct MultiStepRule {
    milestones: Vec<u64>,
    gamma: f64,
}

impl MultiStepLr {
    /// A scheduler with these milestones, in any order.
    pub fn new(milestones: Vec<u64>, gamma: f64) -> Self {
        Stepped::unchecked(MultiStepRule { milestones, gamma })
    }
}

impl LrRule for MultiStepRule {
    fn lr(&self, now: Moment) -> f64 {
        let due = self.milestones.iter().filter(|&&milestone| milestone == now.step);
        due.fold(now.lr, |lr, _| lr * self.gamma)
    }

    fn entries(&mut self, entries: &mut Entries<'_>) {
        entries.counts("milestones", &mut self.milestones);
        entries.number("gamma", &mut self.gamma);
    }
}
