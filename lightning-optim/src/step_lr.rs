//! A smaller learning rate every so many steps.

use crate::{Entries, LrRule, Moment, Stepped};

/// Multiplies the learning rate by `gamma` every `step_size` steps: PyTorch's `StepLR`.
///
/// `lrₜ = lr₀ · gamma^⌊t / step_size⌋`
///
/// ```
/// use lightning_core::{Parameter, optim::{Optimizer, Optimizers}};
/// use lightning_optim::{Sgd, SgdOptions, StepLr};
/// # let parameters = vec![Parameter::<f32>::new(ndarray::arr0(0.0).into_dyn())];
/// // return [opt], [torch.optim.lr_scheduler.StepLR(opt, step_size=10, gamma=0.5)]
/// let opt = Sgd::new(parameters, SgdOptions { lr: 1.0, ..Default::default() })?;
/// let mut both = Optimizers::new(opt).scheduler(StepLr::new(10, 0.5));
/// # both.start()?;
/// # let Optimizers { optimizers, schedules } = &mut both;
/// for _ in 0..10 {
///     schedules[0].scheduler.step(optimizers[0].as_mut(), None)?;
/// }
/// assert_eq!(optimizers[0].lr(0), 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type StepLr = Stepped<StepRule>;

/// The rule of [`StepLr`].
#[derive(Clone, Debug, PartialEq)]
pub struct StepRule {
    step_size: u64,
    gamma: f64,
}

impl StepLr {
    /// A scheduler for this many steps between changes; with 0 the rate never changes.
    pub fn new(step_size: u64, gamma: f64) -> Self {
        Stepped::unchecked(StepRule { step_size, gamma })
    }
}

impl LrRule for StepRule {
    fn lr(&self, now: Moment) -> f64 {
        // A remainder by 0 would panic; `is_multiple_of(0)` is true of 0 alone.
        let due = now.step > 0 && now.step.is_multiple_of(self.step_size);
        if due { now.lr * self.gamma } else { now.lr }
    }

    fn entries(&mut self, entries: &mut Entries<'_>) {
        entries.count("step_size", &mut self.step_size);
        entries.number("gamma", &mut self.gamma);
    }
}
