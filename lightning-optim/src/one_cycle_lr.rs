//! One rise and one long fall of the learning rate, against the momentum.

use crate::error::{below_one, not_negative, setting};
use crate::{Entries, LrRule, Moment, OptimError, PerGroup, Stepped};
use std::f64::consts::PI;

/// The 1cycle policy (Smith and Topin 2018, <https://arxiv.org/abs/1708.07120>): PyTorch's `OneCycleLR`.
///
/// The rate rises from `max_lr / div_factor` to `max_lr` in the first `pct_start · total_steps` steps, and falls to
/// `max_lr / div_factor / final_div_factor` in the rest; the momentum does the opposite. Between two values `a` and
/// `b` it goes along `b + (a − b)(1 + cos(π x)) / 2` or a line. It moves once a batch: use
/// [`Schedule::every_step`](lightning_core::optim::Schedule::every_step).
///
/// As in PyTorch step `total_steps` itself is still taken (it lies a little past the end of the curve); the one
/// after it is [`Exhausted`](lightning_core::optim::SchedulerError::Exhausted). An optimizer without a momentum
/// keeps none; PyTorch refuses it. A phase without length, for which PyTorch divides by 0, is at its end.
///
/// ```
/// use lightning_core::optim::{LrScheduler, Optimizer};
/// use lightning_optim::{Adam, AdamOptions, OneCycleLr, OneCycleLrOptions};
/// # let parameters = vec![lightning_core::Parameter::<f32>::new(ndarray::arr0(0.0).into_dyn())];
/// let mut opt = Adam::new(parameters, AdamOptions::default())?;
/// let options = OneCycleLrOptions { pct_start: 0.5, ..Default::default() };
/// let mut scheduler = OneCycleLr::new(0.1, 10, options)?;
/// scheduler.start(&mut opt);
/// assert!((opt.lr(0) - 0.1 / 25.0).abs() < 1e-12);
/// for _ in 0..4 {
///     scheduler.step(&mut opt, None)?;
/// }
/// assert_eq!((opt.lr(0), opt.momentum(0)), (0.1, Some(0.85)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type OneCycleLr = Stepped<OneCycleRule>;

/// The settings of [`OneCycleLr`] that have defaults.
///
/// ```
/// use lightning_optim::{Anneal, OneCycleLrOptions};
/// let options = OneCycleLrOptions { anneal_strategy: Anneal::Linear, ..Default::default() };
/// assert_eq!(options.pct_start, 0.3);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct OneCycleLrOptions {
    /// The share of the steps in which the rate rises, from 0 to 1; 0.3.
    pub pct_start: f64,
    /// The curve between two values; a cosine.
    pub anneal_strategy: Anneal,
    /// Whether the momentum (Adam's β₁) is cycled; yes.
    pub cycle_momentum: bool,
    /// The momentum where the rate is highest; 0.85.
    pub base_momentum: f64,
    /// The momentum where the rate is lowest; 0.95.
    pub max_momentum: f64,
    /// The highest rate over the first; 25.
    pub div_factor: f64,
    /// The first rate over the last; 10⁴.
    pub final_div_factor: f64,
    /// Whether the rate falls back to the first value in as many steps as it rose, and to the last value in the
    /// rest; no.
    pub three_phase: bool,
}

impl Default for OneCycleLrOptions {
    fn default() -> Self {
        OneCycleLrOptions {
            pct_start: 0.3,
            anneal_strategy: Anneal::Cos,
            cycle_momentum: true,
            base_momentum: 0.85,
            max_momentum: 0.95,
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }
}

/// The curve between two values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anneal {
    /// Half a cosine.
    #[default]
    Cos,
    /// A line.
    Linear,
}

/// The rule of [`OneCycleLr`].
#[derive(Clone, Debug, PartialEq)]
pub struct OneCycleRule {
    max_lr: PerGroup,
    total_steps: u64,
    options: OneCycleLrOptions,
}

impl OneCycleLr {
    /// A scheduler that rises to `max_lr`, one for all parameter groups or one for each, within `total_steps`.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(
        max_lr: impl Into<PerGroup>,
        total_steps: u64,
        options: OneCycleLrOptions,
    ) -> Result<Self, OptimError> {
        Stepped::with_rule(OneCycleRule { max_lr: max_lr.into(), total_steps, options })
    }
}

impl OneCycleRule {
    /// The value at a step of a curve that starts at `levels[0]` and ends phase `i` at `levels[i + 1]`.
    fn at(&self, step: u64, levels: &[f64]) -> f64 {
        let OneCycleLrOptions { pct_start, anneal_strategy, three_phase, .. } = self.options;
        let (step, total) = (step as f64, self.total_steps as f64);
        let phases = [pct_start * total - 1.0, 2.0 * pct_start * total - 2.0, total - 1.0];
        let ends =
            if three_phase { vec![phases[0], phases[1], phases[2]] } else { vec![phases[0], phases[2]] };
        let phase = ends.iter().position(|&end| step <= end).unwrap_or(ends.len() - 1);
        let start = if phase == 0 { 0.0 } else { ends[phase - 1] };
        let length = ends[phase] - start;
        let x = if length == 0.0 { 1.0 } else { (step - start) / length };
        let (from, to) = (levels[phase], levels[phase + 1]);
        match anneal_strategy {
            Anneal::Cos => to + (from - to) / 2.0 * (libm::cos(PI * x) + 1.0),
            Anneal::Linear => (to - from) * x + from,
        }
    }
}

impl LrRule for OneCycleRule {
    fn lr(&self, now: Moment) -> f64 {
        let highest = self.max_lr.of(now.group);
        let first = highest / self.options.div_factor;
        let last = first / self.options.final_div_factor;
        let levels = if self.options.three_phase {
            vec![first, highest, first, last]
        } else {
            vec![first, highest, last]
        };
        self.at(now.step, &levels)
    }

    fn momentum(&self, step: u64) -> Option<f64> {
        let OneCycleLrOptions { cycle_momentum, base_momentum: base, max_momentum: max, .. } = self.options;
        cycle_momentum.then(|| self.at(step, &[max, base, max, max]))
    }

    fn last_step(&self) -> Option<u64> {
        Some(self.total_steps)
    }

    fn groups(&self) -> Option<usize> {
        self.max_lr.groups()
    }

    fn entries(&mut self, entries: &mut Entries<'_>) {
        let OneCycleRule { max_lr, total_steps, options } = self;
        max_lr.entries("max_lr", entries);
        entries.count("total_steps", total_steps);
        entries.number("pct_start", &mut options.pct_start);
        let mut linear = options.anneal_strategy == Anneal::Linear;
        entries.flag("anneal_strategy_linear", &mut linear);
        options.anneal_strategy = if linear { Anneal::Linear } else { Anneal::Cos };
        entries.flag("cycle_momentum", &mut options.cycle_momentum);
        entries.number("base_momentum", &mut options.base_momentum);
        entries.number("max_momentum", &mut options.max_momentum);
        entries.number("div_factor", &mut options.div_factor);
        entries.number("final_div_factor", &mut options.final_div_factor);
        entries.flag("three_phase", &mut options.three_phase);
    }

    fn check(&self) -> Result<(), OptimError> {
        let OneCycleRule { max_lr, total_steps, options } = self;
        for &max_lr in max_lr.values() {
            not_negative("max_lr", max_lr)?;
        }
        setting(*total_steps > 0, "total_steps", *total_steps as f64, "at least 1")?;
        setting((0.0..=1.0).contains(&options.pct_start), "pct_start", options.pct_start, "from 0 to 1")?;
        below_one("base_momentum", options.base_momentum)?;
        below_one("max_momentum", options.max_momentum)?;
        for (name, factor) in
            [("div_factor", options.div_factor), ("final_div_factor", options.final_div_factor)]
        {
            setting(factor.is_finite() && factor > 0.0, name, factor, "a finite number above 0")?;
        }
        Ok(())
    }
}
