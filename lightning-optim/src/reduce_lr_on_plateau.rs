//! A smaller learning rate when a metric no longer improves.

use crate::error::{not_negative, setting};
use crate::{Entries, OptimError, PerGroup};
use lightning_core::Float;
use lightning_core::optim::{LrScheduler, Optimizer, SchedulerError, StateDict, StateError};

/// Multiplies the learning rate by `factor` when the metric has not improved for more than `patience` steps:
/// PyTorch's `ReduceLROnPlateau`.
///
/// A value improves on the best `b` if it is below `b · (1 − threshold)` (`Min`, `Rel`), `b − threshold` (`Min`,
/// `Abs`) or above `b · (1 + threshold)`, `b + threshold` (`Max`). A NaN never improves. After a reduction bad
/// values do not count for `cooldown` steps. A rate that would change by no more than `eps` stays.
///
/// In a [`Schedule`](lightning_core::optim::Schedule) it wants a `monitor`; a step without a value is
/// [`MissingMetric`](SchedulerError::MissingMetric).
///
/// State entries: `best` (infinite before the first value), `num_bad_epochs`, `cooldown_counter`, `last_epoch` and
/// the settings.
///
/// ```
/// use lightning_core::optim::{LrScheduler, Optimizer};
/// use lightning_optim::{ReduceLrOnPlateau, ReduceLrOnPlateauOptions, Sgd, SgdOptions};
/// # let parameters = vec![lightning_core::Parameter::<f32>::new(ndarray::arr0(0.0).into_dyn())];
/// let mut opt = Sgd::new(parameters, SgdOptions { lr: 1.0, ..Default::default() })?;
/// let mut scheduler = ReduceLrOnPlateau::new(ReduceLrOnPlateauOptions { patience: 1, ..Default::default() })?;
/// for loss in [0.7, 0.7, f64::NAN] {
///     scheduler.step(&mut opt, Some(loss))?;
/// }
/// assert_eq!(opt.lr(0), 0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ReduceLrOnPlateau {
    options: ReduceLrOnPlateauOptions,
    best: f64,
    num_bad_epochs: u64,
    cooldown_counter: u64,
    last_epoch: u64,
}

/// The settings of [`ReduceLrOnPlateau`].
///
/// ```
/// use lightning_optim::{Mode, ReduceLrOnPlateauOptions};
/// let options = ReduceLrOnPlateauOptions { mode: Mode::Max, ..Default::default() };
/// assert_eq!(options.patience, 10);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ReduceLrOnPlateauOptions {
    /// Whether small or large values are good; small.
    pub mode: Mode,
    /// What the rate is multiplied by, at least 0 and below 1; 0.1.
    pub factor: f64,
    /// Bad values that are borne; 10.
    pub patience: u64,
    /// By how much a value must improve; 10⁻⁴.
    pub threshold: f64,
    /// Whether that is relative or absolute; relative.
    pub threshold_mode: ThresholdMode,
    /// Steps after a reduction in which nothing counts as bad; 0.
    pub cooldown: u64,
    /// The smallest rate, for all parameter groups or for each; 0.
    pub min_lr: PerGroup,
    /// The smallest change that is made; 10⁻⁸.
    pub eps: f64,
}

impl Default for ReduceLrOnPlateauOptions {
    fn default() -> Self {
        ReduceLrOnPlateauOptions {
            mode: Mode::Min,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            threshold_mode: ThresholdMode::Rel,
            cooldown: 0,
            min_lr: PerGroup::All(0.0),
            eps: 1e-8,
        }
    }
}

/// Which values are good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Small ones: a loss.
    #[default]
    Min,
    /// Large ones: an accuracy.
    Max,
}

/// What a threshold is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThresholdMode {
    /// The change as a share of the best value.
    #[default]
    Rel,
    /// The change itself.
    Abs,
}

impl ReduceLrOnPlateau {
    /// A scheduler that has seen nothing yet.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(options: ReduceLrOnPlateauOptions) -> Result<Self, OptimError> {
        options.check()?;
        let best = if options.mode == Mode::Min { f64::INFINITY } else { f64::NEG_INFINITY };
        Ok(ReduceLrOnPlateau { options, best, num_bad_epochs: 0, cooldown_counter: 0, last_epoch: 0 })
    }

    fn improves(&self, metric: f64) -> bool {
        let ReduceLrOnPlateauOptions { mode, threshold, threshold_mode, .. } = self.options;
        match (mode, threshold_mode) {
            (Mode::Min, ThresholdMode::Rel) => metric < self.best * (1.0 - threshold),
            (Mode::Min, ThresholdMode::Abs) => metric < self.best - threshold,
            (Mode::Max, ThresholdMode::Rel) => metric > self.best * (1.0 + threshold),
            (Mode::Max, ThresholdMode::Abs) => metric > self.best + threshold,
        }
    }

    fn reduce<F: Float>(&self, optimizer: &mut dyn Optimizer<F>) {
        for group in 0..optimizer.groups() {
            let old = optimizer.lr(group);
            let new = (old * self.options.factor).max(self.options.min_lr.of(group));
            if old - new > self.options.eps {
                optimizer.set_lr(group, new);
            }
        }
    }

    fn entries(&mut self, entries: &mut Entries<'_>) {
        entries.number("best", &mut self.best);
        entries.count("num_bad_epochs", &mut self.num_bad_epochs);
        entries.count("cooldown_counter", &mut self.cooldown_counter);
        entries.count("last_epoch", &mut self.last_epoch);
        self.options.entries(entries);
    }
}

impl<F: Float> LrScheduler<F> for ReduceLrOnPlateau {
    /// Changes nothing: the first rate is the optimizer's.
    fn start(&mut self, _: &mut dyn Optimizer<F>) {}

    fn step(&mut self, optimizer: &mut dyn Optimizer<F>, metric: Option<f64>) -> Result<(), SchedulerError> {
        let metric = metric.ok_or(SchedulerError::MissingMetric)?;
        let groups = optimizer.groups();
        if let Some(values) = self.options.min_lr.groups()
            && values != groups
        {
            return Err(SchedulerError::Groups { values, groups });
        }
        self.last_epoch = self.last_epoch.saturating_add(1);
        if self.improves(metric) {
            (self.best, self.num_bad_epochs) = (metric, 0);
        } else {
            self.num_bad_epochs = self.num_bad_epochs.saturating_add(1);
        }
        if self.cooldown_counter > 0 {
            self.cooldown_counter -= 1;
            self.num_bad_epochs = 0;
        }
        if self.num_bad_epochs > self.options.patience {
            self.reduce(optimizer);
            (self.cooldown_counter, self.num_bad_epochs) = (self.options.cooldown, 0);
        }
        Ok(())
    }

    fn needs_metric(&self) -> bool {
        true
    }

    fn state_dict(&self) -> StateDict<F> {
        let mut state = StateDict::default();
        self.clone().entries(&mut Entries::save(&mut state.numbers));
        state
    }

    fn load_state_dict(&mut self, state: &StateDict<F>) -> Result<(), StateError> {
        if let Some(name) = state.arrays.keys().next() {
            return Err(StateError::Unexpected(name.clone()));
        }
        let (mut loaded, mut entries) = (self.clone(), Entries::load(&state.numbers));
        loaded.entries(&mut entries);
        entries.check(loaded.options.check());
        entries.finish()?;
        *self = loaded;
        Ok(())
    }
}

impl ReduceLrOnPlateauOptions {
    fn check(&self) -> Result<(), OptimError> {
        setting((0.0..1.0).contains(&self.factor), "factor", self.factor, "at least 0 and below 1")?;
        not_negative("threshold", self.threshold)?;
        not_negative("eps", self.eps)?;
        self.min_lr.values().iter().try_for_each(|&min_lr| not_negative("min_lr", min_lr))
    }

    fn entries(&mut self, entries: &mut Entries<'_>) {
        let mut max = self.mode == Mode::Max;
        entries.flag("mode_max", &mut max);
        self.mode = if max { Mode::Max } else { Mode::Min };
        entries.number("factor", &mut self.factor);
        entries.count("patience", &mut self.patience);
        entries.number("threshold", &mut self.threshold);
        let mut abs = self.threshold_mode == ThresholdMode::Abs;
        entries.flag("threshold_mode_abs", &mut abs);
        self.threshold_mode = if abs { ThresholdMode::Abs } else { ThresholdMode::Rel };
        entries.count("cooldown", &mut self.cooldown);
        self.min_lr.entries("min_lr", entries);
        entries.number("eps", &mut self.eps);
    }
}
