//! Ends a fit that does not get better.

use super::{Callback, CallbackResult, Kind, Mode};
use crate::Float;
use crate::checkpoint::exact;
use crate::trainer::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Lightning's `EarlyStopping`: asks the fit to end when a logged value has not become better for some checks.
///
/// A value is better if it is better than the best so far by more than `min_delta`. A wish that `min_epochs` or
/// `min_steps` hold back is no decision: when they are over, what counts is whether the value still fails to become
/// better. (Lightning remembers the wish.) A resumed fit goes on counting with the `patience` that it is given.
///
/// ```
/// use lightning_core::Trainer;
/// use lightning_core::callbacks::EarlyStopping;
/// let stopping = EarlyStopping { patience: 10, min_delta: 1e-4, ..EarlyStopping::monitoring("val_loss") };
/// let handle = stopping.handle(); // tells after the fit when it stopped and why
/// let trainer: Trainer = Trainer { callbacks: vec![Box::new(stopping)], ..Trainer::default() };
/// assert_eq!(handle.stopped_epoch(), None);
/// # let _ = trainer;
/// ```
#[derive(Debug)]
pub struct EarlyStopping {
    /// The logged value.
    pub monitor: String,
    /// Its direction.
    pub mode: Mode,
    /// What a value must be better by to count; not negative.
    pub min_delta: f64,
    /// Checks without a better value after which the fit ends. It counts checks, not epochs.
    pub patience: u64,
    /// Whether a value that nobody logs is an error.
    pub strict: bool,
    /// Whether a value that is not finite ends the fit at once.
    pub check_finite: bool,
    /// A value better than this is good enough: the fit ends.
    pub stopping_threshold: Option<f64>,
    /// A value worse than this is hopeless: the fit ends.
    pub divergence_threshold: Option<f64>,
    /// Whether to look at the end of an epoch (`true`) or after validation (`false`). `None` chooses the end where every
    /// epoch ends with the one validation it has.
    pub check_on_train_epoch_end: Option<bool>,
    /// What it has seen so far; `..EarlyStopping::monitoring(name)` fills it.
    pub run: EarlyStoppingRun,
}

/// What an [`EarlyStopping`] has seen so far. Copies share it: one stays with the caller.
#[derive(Clone, Debug, Default)]
pub struct EarlyStoppingRun(Arc<Mutex<Seen>>);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Seen {
    best: Option<Score>,
    wait: u64,
    stop: Option<Stop>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Score(#[serde(with = "exact")] f64);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stop {
    epoch: usize,
    reason: StoppingReason,
    message: String,
}

/// Why [`EarlyStopping`] asked for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppingReason {
    /// There was no better value for too long.
    PatienceExhausted,
    /// The value is good enough.
    StoppingThreshold,
    /// The value is hopeless.
    DivergenceThreshold,
    /// The value is not finite.
    NonFiniteMetric,
}

impl fmt::Display for StoppingReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StoppingReason::PatienceExhausted => "patience_exhausted",
            StoppingReason::StoppingThreshold => "stopping_threshold",
            StoppingReason::DivergenceThreshold => "divergence_threshold",
            StoppingReason::NonFiniteMetric => "non_finite_metric",
        })
    }
}

impl EarlyStopping {
    /// Lightning's defaults: a smaller value is better, three checks of patience.
    pub fn monitoring(monitor: &str) -> Self {
        EarlyStopping {
            monitor: monitor.to_owned(),
            mode: Mode::Min,
            min_delta: 0.0,
            patience: 3,
            strict: true,
            check_finite: true,
            stopping_threshold: None,
            divergence_threshold: None,
            check_on_train_epoch_end: None,
            run: EarlyStoppingRun::default(),
        }
    }

    /// A handle that stays with the caller when the callback goes into a trainer.
    pub fn handle(&self) -> EarlyStoppingRun {
        self.run.clone()
    }

    fn is_due<F: Float>(&self, state: &State<'_, F>, at_epoch_end: bool) -> bool {
        let here = self.check_on_train_epoch_end.unwrap_or(state.is_validation_at_epoch_end);
        here == at_epoch_end && state.is_fitting && !state.is_sanity_check && !state.is_fast_dev_run
    }

    fn check<F: Float>(&self, state: &State<'_, F>) {
        // A name that nobody logs is the trainer's to report.
        let Some(&value) = state.metrics.get(&self.monitor) else { return };
        let mut seen = self.run.seen();
        seen.stop = self.judge(&mut seen, value).map(|(reason, message)| Stop {
            epoch: state.progress.epoch,
            reason,
            message,
        });
        if let Some(stop) = &seen.stop {
            state.stop(&stop.message);
        }
    }

    fn judge(&self, seen: &mut Seen, value: f64) -> Option<(StoppingReason, String)> {
        let name = &self.monitor;
        let (better, worse) = match self.mode {
            Mode::Min => ('<', '>'),
            Mode::Max => ('>', '<'),
        };
        let best = seen.best.map_or(self.mode.worst(), |best| best.0);
        if self.check_finite && !value.is_finite() {
            let message = format!("`{name}` is {value}, which is not finite; the best was {best}");
            return Some((StoppingReason::NonFiniteMetric, message));
        }
        if let Some(enough) = self.stopping_threshold.filter(|&enough| self.mode.is_better(value, enough)) {
            let message = format!("`{name}` is good enough: {value} {better} {enough}");
            return Some((StoppingReason::StoppingThreshold, message));
        }
        if let Some(most) = self.divergence_threshold.filter(|&most| self.mode.is_better(most, value)) {
            let message = format!("`{name}` is hopeless: {value} {worse} {most}");
            return Some((StoppingReason::DivergenceThreshold, message));
        }
        let by = match self.mode {
            Mode::Min => -self.min_delta,
            Mode::Max => self.min_delta,
        };
        if self.mode.is_better(value, best + by) {
            (seen.best, seen.wait) = (Some(Score(value)), 0);
            return None;
        }
        seen.wait += 1;
        (seen.wait >= self.patience).then(|| {
            let message = format!("`{name}` did not get better than {best} in the last {} checks", seen.wait);
            (StoppingReason::PatienceExhausted, message)
        })
    }
}

impl EarlyStoppingRun {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epoch in which it asked for the end, if it did and no better value has come since.
    pub fn stopped_epoch(&self) -> Option<usize> {
        self.seen().stop.as_ref().map(|stop| stop.epoch)
    }

    /// Why it asked for the end.
    pub fn reason(&self) -> Option<StoppingReason> {
        self.seen().stop.as_ref().map(|stop| stop.reason)
    }

    /// The same in a sentence.
    pub fn message(&self) -> Option<String> {
        self.seen().stop.as_ref().map(|stop| stop.message.clone())
    }

    /// Checks since the best value.
    pub fn wait_count(&self) -> u64 {
        self.seen().wait
    }

    /// The best value so far.
    pub fn best_score(&self) -> Option<f64> {
        self.seen().best.map(|best| best.0)
    }
}

impl<F: Float> Callback<F> for EarlyStopping {
    fn name(&self) -> &str {
        "EarlyStopping"
    }

    fn kind(&self) -> Kind {
        Kind::Monitor
    }

    fn monitor(&self) -> Option<&str> {
        self.strict.then_some(&self.monitor)
    }

    fn state_key(&self) -> String {
        format!("EarlyStopping{{monitor: {}, mode: {}}}", self.monitor, self.mode.name())
    }

    fn state_dict(&self) -> Value {
        serde_json::to_value(&*self.run.seen()).expect("numbers and names")
    }

    fn load_state_dict(&mut self, saved: &Value) -> CallbackResult {
        *self.run.seen() = Seen::deserialize(saved)?;
        Ok(())
    }

    fn on_fit_start(&mut self, _: &State<'_, F>) -> CallbackResult {
        if self.min_delta >= 0.0 {
            Ok(())
        } else {
            Err(format!("min_delta is {}; give 0 or more", self.min_delta).into())
        }
    }

    fn on_train_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let mut seen = self.run.seen();
        // A longer patience than that of the saved run takes its decision back.
        if seen.wait < self.patience
            && seen.stop.as_ref().is_some_and(|s| s.reason == StoppingReason::PatienceExhausted)
        {
            seen.stop = None;
        }
        if let Some(stop) = &seen.stop {
            state.stop(&stop.message);
        }
        Ok(())
    }

    fn on_validation_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        if self.is_due(state, false) {
            self.check(state);
        }
        Ok(())
    }

    fn on_train_epoch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        if self.is_due(state, true) {
            self.check(state);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(stopping: &EarlyStopping, values: &[f64]) -> Vec<Option<StoppingReason>> {
        let mut seen = Seen::default();
        values.iter().map(|&value| stopping.judge(&mut seen, value).map(|(reason, _)| reason)).collect()
    }

    #[test]
    fn a_value_must_be_better_by_more_than_min_delta() {
        let stopping = EarlyStopping { min_delta: 0.5, patience: 1, ..EarlyStopping::monitoring("v") };
        let out = Some(StoppingReason::PatienceExhausted);
        assert_eq!(verdicts(&stopping, &[3.0, 2.5, 2.4, 2.0]), [None, out, None, out]);
        let larger = EarlyStopping { mode: Mode::Max, ..stopping };
        assert_eq!(verdicts(&larger, &[3.0, 3.5, 3.6]), [None, out, None]);
    }

    #[test]
    fn the_message_says_which_side_of_the_threshold_the_value_is_on() {
        let stopping = EarlyStopping { divergence_threshold: Some(10.0), ..EarlyStopping::monitoring("v") };
        let (reason, message) = stopping.judge(&mut Seen::default(), 11.0).expect("hopeless");
        assert_eq!(
            (reason, message.as_str()),
            (StoppingReason::DivergenceThreshold, "`v` is hopeless: 11 > 10")
        );
    }

    #[test]
    fn nan_is_no_better_value_where_finiteness_is_not_checked() {
        let stopping = EarlyStopping { check_finite: false, patience: 2, ..EarlyStopping::monitoring("v") };
        let out = Some(StoppingReason::PatienceExhausted);
        assert_eq!(verdicts(&stopping, &[f64::NAN, 1.0, f64::NAN, f64::NAN]), [None, None, None, out]);
        let checked = EarlyStopping { check_finite: true, ..stopping };
        assert_eq!(verdicts(&checked, &[f64::INFINITY]), [Some(StoppingReason::NonFiniteMetric)]);
    }
}
