//! Writes the learning rates to the loggers.

use super::{Callback, CallbackResult};
use crate::Float;
use crate::loggers::{Metric, MetricsRow};
use crate::optim::Interval;
use crate::trainer::State;

/// Lightning's `LearningRateMonitor`: logs the learning rate of every optimizer, as it is before the step or epoch.
///
/// The names are `lr-Adam`, for several groups `lr-Adam/pg1`, `lr-Adam/pg2`, …, for a second Adam `lr-Adam-1`, and that
/// of the schedule where it has one. Momentum (Adam's β₁) and weight decay get `-momentum` and `-weight_decay` behind it.
///
/// ```
/// use lightning_core::Trainer;
/// use lightning_core::callbacks::LearningRateMonitor;
/// let monitor = LearningRateMonitor { log_momentum: true, ..LearningRateMonitor::default() };
/// let trainer: Trainer = Trainer { callbacks: vec![Box::new(monitor)], ..Trainer::default() };
/// # let _ = trainer;
/// ```
#[derive(Clone, Debug, Default)]
pub struct LearningRateMonitor {
    /// Before every step that is logged, or every epoch. `None` takes each schedule's own interval, and both for an
    /// optimizer without one.
    pub logging_interval: Option<Interval>,
    /// Whether to log momenta too.
    pub log_momentum: bool,
    /// Whether to log weight decays too.
    pub log_weight_decay: bool,
}

impl LearningRateMonitor {
    fn write<F: Float>(&self, state: &State<'_, F>, interval: Interval) -> CallbackResult {
        if self.logging_interval.is_some_and(|only| only != interval) || state.is_fast_dev_run {
            return Ok(());
        }
        let mut metrics = Vec::new();
        for (optimizer, name) in self.named(state, interval) {
            state.optimizer(optimizer).with(|optimizer| {
                for group in 0..optimizer.groups() {
                    let name = match optimizer.groups() {
                        1 => name.clone(),
                        _ => format!("{name}/pg{}", group + 1),
                    };
                    let mut add = |suffix: &str, value: f64| {
                        metrics.push(Metric::new(format!("{name}{suffix}"), value))
                    };
                    add("", optimizer.lr(group));
                    if self.log_momentum {
                        add("-momentum", optimizer.momentum(group).unwrap_or(0.0));
                    }
                    if let Some(decay) = optimizer.weight_decay(group).filter(|_| self.log_weight_decay) {
                        add("-weight_decay", decay);
                    }
                }
            });
        }
        if metrics.is_empty() {
            return Ok(());
        }
        metrics.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let progress = state.progress;
        let row = MetricsRow {
            stage: state.stage,
            epoch: progress.epoch,
            step: progress.global_step,
            batches: progress.batches,
            metrics: &metrics,
        };
        Ok(state.each_logger(|logger| logger.log_metrics(&row))?)
    }

    /// The optimizers whose rate is due, with their names.
    fn named<F: Float>(&self, state: &State<'_, F>, interval: Interval) -> Vec<(usize, String)> {
        let schedules = state.schedule_settings();
        let mut names: Vec<(usize, String)> = Vec::new();
        let of = |index: usize| {
            let class = state.optimizer(index).with(|optimizer| optimizer.name());
            let same = (0..index).filter(|&i| state.optimizer(i).with(|other| other.name()) == class).count();
            if same == 0 { format!("lr-{class}") } else { format!("lr-{class}-{same}") }
        };
        for index in 0..state.optimizers() {
            let mut own = schedules.iter().filter(|schedule| schedule.optimizer == index).peekable();
            if own.peek().is_none() {
                names.push((index, of(index)));
            }
            for schedule in own {
                if self.logging_interval.is_some() || schedule.interval == interval {
                    let name = schedule.name.clone().unwrap_or_else(|| of(index));
                    if !names.iter().any(|(_, other)| *other == name) {
                        names.push((index, name));
                    }
                }
            }
        }
        names
    }
}

impl<F: Float> Callback<F> for LearningRateMonitor {
    fn name(&self) -> &str {
        "LearningRateMonitor"
    }

    fn on_train_epoch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        self.write(state, Interval::Epoch)
    }

    fn on_train_batch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let next = state.progress.batches_that_stepped + 1;
        if next.is_multiple_of(state.log_every_n_steps) { self.write(state, Interval::Step) } else { Ok(()) }
    }
}
