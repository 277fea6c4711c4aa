//! What a module logs: reduced while it comes in, so that memory does not grow with the length of an epoch.

use crate::{Float, Var};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// How the values of an epoch become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduce {
    /// The mean, weighted by batch size.
    #[default]
    Mean,
    /// The sum.
    Sum,
    /// The smallest; NaN if one is NaN.
    Min,
    /// The largest; NaN if one is NaN.
    Max,
}

/// How a value is logged; the default is that of Lightning's `self.log` in the hook it is called from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogOptions {
    /// Log each step's own value. By default only in `training_step`.
    pub on_step: Option<bool>,
    /// Log the epoch's reduced value. By default everywhere but in `training_step`.
    pub on_epoch: Option<bool>,
    /// Show it in the progress bar.
    pub prog_bar: bool,
    /// Send it to the loggers; callbacks see it in any case.
    pub logger: bool,
    /// How the epoch's value is made.
    pub reduce: Reduce,
    /// The weight in a mean; by default the batch says its size.
    pub batch_size: Option<usize>,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            on_step: None,
            on_epoch: None,
            prog_bar: false,
            logger: true,
            reduce: Reduce::Mean,
            batch_size: None,
        }
    }
}

/// A number, or a value with one element.
pub trait LogValue {
    /// It as a number.
    fn log_value(self) -> f64;
}
impl LogValue for f64 {
    fn log_value(self) -> f64 {
        self
    }
}
impl LogValue for f32 {
    fn log_value(self) -> f64 {
        f64::from(self)
    }
}
impl<F: Float> LogValue for Var<'_, F> {
    #[track_caller]
    fn log_value(self) -> f64 {
        self.item().as_f64()
    }
}

/// A logged number on its way to callbacks, progress bar and loggers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Logged {
    /// Its name, with `_step` or `_epoch` if it is logged both ways.
    pub(crate) name: String,
    /// The number.
    pub(crate) value: f64,
    /// Whether the progress bar shows it.
    pub(crate) prog_bar: bool,
    /// Whether the loggers get it.
    pub(crate) logger: bool,
}

/// Collects what is logged in one stage.
#[derive(Debug, Default)]
pub(crate) struct LogSink {
    entries: RefCell<BTreeMap<String, Entry>>,
}

#[derive(Debug)]
struct Entry {
    on_step: bool,
    on_epoch: bool,
    options: LogOptions,
    step: Option<f64>,
    total: f64,
    weight: f64,
}

impl LogSink {
    /// Takes a value in. `in_step` gives the hook's defaults: `(on_step, on_epoch)`.
    #[track_caller]
    pub(crate) fn record(
        &self,
        name: &str,
        value: f64,
        options: LogOptions,
        defaults: (bool, bool),
        batch_size: usize,
    ) {
        let on_step = options.on_step.unwrap_or(defaults.0);
        let on_epoch = options.on_epoch.unwrap_or(defaults.1);
        let weight = options.batch_size.unwrap_or(batch_size) as f64;
        let options = LogOptions { batch_size: None, ..options };
        let mut entries = self.entries.borrow_mut();
        let entry = entries.entry(name.to_owned()).or_insert_with(|| Entry {
            on_step,
            on_epoch,
            options,
            step: None,
            total: identity(options.reduce),
            weight: 0.0,
        });
        assert!(
            (entry.on_step, entry.on_epoch, entry.options) == (on_step, on_epoch, options),
            "log: `{name}` was logged before with other options; give one of the two another name"
        );
        entry.step = Some(value);
        entry.weight += weight;
        entry.total = match options.reduce {
            Reduce::Mean => entry.total + value * weight,
            Reduce::Sum => entry.total + value,
            // f64::min and max would pass over NaN.
            Reduce::Min => {
                if value < entry.total || value.is_nan() {
                    value
                } else {
                    entry.total
                }
            }
            Reduce::Max => {
                if value > entry.total || value.is_nan() {
                    value
                } else {
                    entry.total
                }
            }
        };
    }

    /// The values logged since the last call that are to be seen step by step.
    pub(crate) fn take_step(&self) -> Vec<Logged> {
        let mut entries = self.entries.borrow_mut();
        let step = entries.iter_mut().filter_map(|(name, entry)| {
            let value = entry.step.take()?;
            entry.on_step.then(|| entry.logged(name, "_step", entry.on_epoch, value))
        });
        step.collect()
    }

    /// The reduced values of the epoch; forgets everything.
    pub(crate) fn take_epoch(&self) -> Vec<Logged> {
        let entries = std::mem::take(&mut *self.entries.borrow_mut());
        let epoch = entries.iter().filter(|(_, entry)| entry.on_epoch).map(|(name, entry)| {
            let value =
                if entry.options.reduce == Reduce::Mean { entry.total / entry.weight } else { entry.total };
            entry.logged(name, "_epoch", entry.on_step, value)
        });
        epoch.collect()
    }
}

impl Entry {
    fn logged(&self, name: &str, suffix: &str, both: bool, value: f64) -> Logged {
        let name = if both { format!("{name}{suffix}") } else { name.to_owned() };
        Logged { name, value, prog_bar: self.options.prog_bar, logger: self.options.logger }
    }
}

fn identity(reduce: Reduce) -> f64 {
    match reduce {
        Reduce::Mean | Reduce::Sum => 0.0,
        Reduce::Min => f64::INFINITY,
        Reduce::Max => f64::NEG_INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reduced(reduce: Reduce, values: &[(f64, usize)]) -> f64 {
        let sink = LogSink::default();
        for &(value, batch_size) in values {
            sink.record("x", value, LogOptions { reduce, ..Default::default() }, (false, true), batch_size);
        }
        sink.take_epoch()[0].value
    }

    #[test]
    fn a_mean_is_weighted_by_batch_size() {
        let batches = [(1.0, 2), (2.0, 2), (6.0, 1)];
        assert_eq!(reduced(Reduce::Mean, &batches), 2.4);
        assert_eq!(reduced(Reduce::Sum, &batches), 9.0);
        assert_eq!((reduced(Reduce::Min, &batches), reduced(Reduce::Max, &batches)), (1.0, 6.0));
    }

    #[test]
    fn nan_is_never_passed_over() {
        let batches = [(1.0, 1), (f64::NAN, 1), (2.0, 1)];
        for reduce in [Reduce::Mean, Reduce::Sum, Reduce::Min, Reduce::Max] {
            assert!(reduced(reduce, &batches).is_nan(), "{reduce:?}");
        }
    }

    #[test]
    fn a_value_logged_both_ways_gets_suffixes() {
        let sink = LogSink::default();
        let both = LogOptions { on_step: Some(true), on_epoch: Some(true), ..Default::default() };
        sink.record("loss", 1.0, both, (true, false), 1);
        assert_eq!(sink.take_step()[0].name, "loss_step");
        sink.record("loss", 3.0, both, (true, false), 1);
        assert_eq!(sink.take_step()[0].value, 3.0);
        assert!(sink.take_step().is_empty());
        let epoch = sink.take_epoch();
        assert_eq!((epoch[0].name.as_str(), epoch[0].value), ("loss_epoch", 2.0));
        assert!(sink.take_epoch().is_empty());
    }

    #[test]
    #[should_panic(expected = "log: `x` was logged before with other options")]
    fn one_name_has_one_meaning() {
        let sink = LogSink::default();
        sink.record("x", 1.0, LogOptions::default(), (false, true), 1);
        sink.record("x", 1.0, LogOptions { reduce: Reduce::Sum, ..Default::default() }, (false, true), 1);
    }
}
