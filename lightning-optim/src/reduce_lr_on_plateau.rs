//! A smaller rate when a metric no longer improves.

use crate::OptimError;
use crate::error::{check, check_not_negative};
use lightning_core::Float;
use lightning_core::optim::{LrScheduler, Optimizer, SchedulerError, StateDict, StateError};

/// Whether a smaller or a larger metric is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Smaller is better.
    #[default]
    Min,
    /// Larger is better.
    Max,
}

/// How much better counts as better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// By this share of the best value.
    Relative(f64),
    /// By this amount.
    Absolute(f64),
}

/// Settings of [`ReduceLrOnPlateau`]; the defaults are PyTorch's.
#[derive(Clone, Debug, PartialEq)]
pub struct PlateauOptions {
    /// What is better.
    pub mode: Direction,
    /// The rate is multiplied by this, below 1.
    pub factor: f64,
    /// Bad steps that are let pass.
    pub patience: u64,
    /// How much better counts as better.
    pub threshold: Threshold,
    /// Steps after a reduction in which nothing is counted.
    pub cooldown: u64,
    /// The lowest rate: one for all groups, or one each.
    pub min_lr: Vec<f64>,
    /// A smaller change of the rate is not made.
    pub eps: f64,
}

impl Default for PlateauOptions {
    fn default() -> Self {
        PlateauOptions {
            mode: Direction::Min,
            factor: 0.1,
            patience: 10,
            threshold: Threshold::Relative(1e-4),
            cooldown: 0,
            min_lr: vec![0.0],
            eps: 1e-8,
        }
    }
}

/// Multiplies the rate by a factor when the monitored metric has not improved for `patience` steps: PyTorch's
/// `ReduceLROnPlateau`. NaN never improves.
///
/// ```
/// use lightning_core::optim::{Interval, Schedule};
/// use lightning_optim::{PlateauOptions, ReduceLrOnPlateau};
/// let scheduler = ReduceLrOnPlateau::new(PlateauOptions { patience: 3, ..Default::default() })?;
/// let _ = Schedule::<f32> { monitor: Some("val_loss".into()), ..Schedule::new(scheduler) };
/// # Ok::<(), lightning_optim::OptimError>(())
/// ```
pub struct ReduceLrOnPlateau {
    options: PlateauOptions,
    best: f64,
    bad_steps: u64,
    cooldown_left: u64,
}

impl ReduceLrOnPlateau {
    /// A scheduler that has seen nothing yet.
    ///
    /// # Errors
    /// If the factor is not in (0, 1), or the threshold, a lowest rate or `eps` is negative.
    pub fn new(options: PlateauOptions) -> Result<Self, OptimError> {
        let name = "ReduceLrOnPlateau";
        let shrinks = options.factor > 0.0 && options.factor < 1.0;
        check(shrinks, name, "factor", options.factor, "a number in (0, 1)")?;
        let (Threshold::Relative(threshold) | Threshold::Absolute(threshold)) = options.threshold;
        check_not_negative(name, "threshold", threshold)?;
        check(!options.min_lr.is_empty(), name, "min_lr", f64::NAN, "one rate, or one per group")?;
        options.min_lr.iter().try_for_each(|&lr| check_not_negative(name, "min_lr", lr))?;
        check_not_negative(name, "eps", options.eps)?;
        let best = match options.mode {
            Direction::Min => f64::INFINITY,
            Direction::Max => f64::NEG_INFINITY,
        };
        Ok(ReduceLrOnPlateau { options, best, bad_steps: 0, cooldown_left: 0 })
    }

    /// The best value so far; infinite before the first.
    pub fn best(&self) -> f64 {
        self.best
    }

    fn is_better(&self, metric: f64) -> bool {
        match (self.options.mode, self.options.threshold) {
            (Direction::Min, Threshold::Relative(share)) => metric < self.best * (1.0 - share),
            (Direction::Min, Threshold::Absolute(amount)) => metric < self.best - amount,
            (Direction::Max, Threshold::Relative(share)) => metric > self.best * (1.0 + share),
            (Direction::Max, Threshold::Absolute(amount)) => metric > self.best + amount,
        }
    }

    fn reduce<F: Float>(&self, optimizer: &mut dyn Optimizer<F>) {
        for group in 0..optimizer.groups() {
            let min = *self.options.min_lr.get(group).unwrap_or(&self.options.min_lr[0]);
            let old = optimizer.lr(group);
            let new = (old * self.options.factor).max(min);
            if old - new > self.options.eps {
                optimizer.set_lr(group, new);
            }
        }
    }
}

impl<F: Float> LrScheduler<F> for ReduceLrOnPlateau {
    fn start(&mut self, _: &mut dyn Optimizer<F>) {}

    fn needs_metric(&self) -> bool {
        true
    }

    fn step(&mut self, optimizer: &mut dyn Optimizer<F>, metric: Option<f64>) -> Result<(), SchedulerError> {
        let metric = metric.ok_or(SchedulerError::MissingMetric)?;
        if self.is_better(metric) {
            self.best = metric;
            self.bad_steps = 0;
        } else {
            self.bad_steps += 1;
        }
        if self.cooldown_left > 0 {
            self.cooldown_left -= 1;
            self.bad_steps = 0;
        }
        if self.bad_steps > self.options.patience {
            self.reduce(optimizer);
            self.cooldown_left = self.options.cooldown;
            self.bad_steps = 0;
        }
        Ok(())
    }

    fn state_dict(&self) -> StateDict<F> {
        let numbers = [
            ("best", self.best),
            ("bad_steps", self.bad_steps as f64),
            ("cooldown_left", self.cooldown_left as f64),
        ];
        StateDict {
            numbers: numbers.map(|(name, value)| (name.to_owned(), value)).into(),
            ..StateDict::default()
        }
    }

    fn load_state_dict(&mut self, dict: &StateDict<F>) -> Result<(), StateError> {
        let (best, bad, left) =
            (dict.number("best")?, dict.number("bad_steps")?, dict.number("cooldown_left")?);
        (self.best, self.bad_steps, self.cooldown_left) = (best, bad as u64, left as u64);
        Ok(())
    }
}
