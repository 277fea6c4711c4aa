//! A learning rate that warms up, or cools down, along a line.

use crate::error::setting;
use crate::{Entries, LrRule, Moment, OptimError, Stepped};

/// A factor that goes from `start_factor` to `end_factor` in `total_iters` steps: PyTorch's `LinearLR`.
///
/// `lrₜ = lr₀ · (start + (end − start) · min(t, total) / total)`
///
/// ```
/// use lightning_core::optim::{LrScheduler, Optimizer};
/// use lightning_optim::{LinearLr, LinearLrOptions, Sgd, SgdOptions};
/// # let parameters = vec![lightning_core::Parameter::<f32>::new(ndarray::arr0(0.0).into_dyn())];
/// let mut opt = Sgd::new(parameters, SgdOptions { lr: 1.0, ..Default::default() })?;
/// let options = LinearLrOptions { start_factor: 0.5, total_iters: 2, ..Default::default() };
/// let mut scheduler = LinearLr::new(options)?;
/// scheduler.start(&mut opt);
/// assert_eq!(opt.lr(0), 0.5);
/// scheduler.step(&mut opt, None)?;
/// assert_eq!(opt.lr(0), 0.75);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type LinearLr = Stepped<LinearLrOptions>;

/// The settings of [`LinearLr`].
///
/// ```
/// assert_eq!(lightning_optim::LinearLrOptions::default().total_iters, 5);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LinearLrOptions {
    /// The factor of step 0, above 0 and at most 1; 1/3.
    pub start_factor: f64,
    /// The factor from step `total_iters` on, from 0 to 1; 1.
    pub end_factor: f64,
    /// Steps from one to the other; 5.
    pub total_iters: u64,
}

impl Default for LinearLrOptions {
    fn default() -> Self {
        LinearLrOptions { start_factor: 1.0 / 3.0, end_factor: 1.0, total_iters: 5 }
    }
}

impl LinearLr {
    /// A scheduler with these settings.
    ///
    /// # Errors
    /// If a factor is out of its range.
    pub fn new(options: LinearLrOptions) -> Result<Self, OptimError> {
        Stepped::with_rule(options)
    }
}

impl LrRule for LinearLrOptions {
    fn lr(&self, Moment { step, lr, .. }: Moment) -> f64 {
        if step == 0 {
            return lr * self.start_factor;
        }
        if step > self.total_iters {
            return lr;
        }
        let (total, rise) = (self.total_iters as f64, self.end_factor - self.start_factor);
        lr * (1.0 + rise / (total * self.start_factor + (step - 1) as f64 * rise))
    }

    fn entries(&mut self, entries: &mut Entries<'_>) {
        entries.number("start_factor", &mut self.start_factor);
        entries.number("end_factor", &mut self.end_factor);
        entries.count("total_iters", &mut self.total_iters);
    }

    fn check(&self) -> Result<(), OptimError> {
        let LinearLrOptions { start_factor, end_factor, .. } = *self;
        let started = start_factor > 0.0 && start_factor <= 1.0;
        setting(started, "start_factor", start_factor, "above 0 and at most 1")?;
        setting((0.0..=1.0).contains(&end_factor), "end_factor", end_factor, "from 0 to 1")
    }
}
