//! Three views of the newest values: Lightning's `callback_metrics`, `logged_metrics`, `progress_bar_metrics`.

use super::sink::Entry;
use super::{LogSink, Metrics};
use crate::Stage;
#[cfg(feature = "trainer")]
use crate::loggers::Metric;
use std::collections::BTreeMap;

/// The newest value of every name, for those who ask.
#[derive(Debug, Default)]
pub(crate) struct MetricViews {
    /// For callbacks and schedulers.
    pub(crate) callback: Metrics,
    /// As loggers got them.
    pub(crate) logged: Metrics,
    /// As the progress bar shows them.
    pub(crate) progress_bar: Metrics,
    pub(crate) owners: BTreeMap<String, Stage>,
}

/// A name that two stages logged.
#[derive(Debug)]
pub(crate) struct SharedName {
    pub(crate) name: String,
    pub(crate) stages: [Stage; 2],
}

impl MetricViews {
    /// Shows the values of this step; nothing is allocated for names that are known.
    ///
    /// Steps of validation and test show nothing to callbacks: their values are those of the whole pass.
    pub(crate) fn show_step(&mut self, stage: Stage, sink: &LogSink) -> Result<(), SharedName> {
        let mut shared = Ok(());
        sink.for_each_step(|entry, value| {
            if stage == Stage::Train {
                self.claim(stage, entry, &mut shared);
                set(&mut self.callback, &entry.bare, value);
                if entry.on_epoch {
                    set(&mut self.callback, &entry.step_name, value);
                }
            }
            if entry.options.prog_bar {
                set(&mut self.progress_bar, &entry.step_name, value);
            }
        });
        shared
    }

    /// Shows the values of the epoch so far.
    pub(crate) fn show_epoch(&mut self, stage: Stage, sink: &LogSink) -> Result<(), SharedName> {
        let mut shared = Ok(());
        sink.for_each_epoch(|entry, value| {
            self.claim(stage, entry, &mut shared);
            set(&mut self.callback, &entry.bare, value);
            if entry.on_step {
                set(&mut self.callback, &entry.epoch_name, value);
            }
            if entry.options.prog_bar {
                set(&mut self.progress_bar, &entry.epoch_name, value);
            }
        });
        shared
    }

    /// Puts what loggers get of this step into `row`, by name.
    #[cfg(feature = "trainer")]
    pub(crate) fn step_row(&mut self, sink: &LogSink, row: &mut Vec<Metric>) {
        row.clear();
        sink.for_each_step(|entry, value| {
            if entry.options.logger {
                set(&mut self.logged, &entry.step_name, value);
                row.push(Metric { name: entry.step_name.clone(), value });
            }
        });
        row.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    }

    /// Puts what loggers get of the epoch into `row`, by name.
    #[cfg(feature = "trainer")]
    pub(crate) fn epoch_row(&mut self, sink: &LogSink, row: &mut Vec<Metric>) {
        row.clear();
        sink.for_each_epoch(|entry, value| {
            if entry.options.logger {
                set(&mut self.logged, &entry.epoch_name, value);
                row.push(Metric { name: entry.epoch_name.clone(), value });
            }
        });
        row.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    }

    /// A name belongs to the stage that logged it first: whoever monitors it must know which value is meant.
    fn claim(&mut self, stage: Stage, entry: &mut Entry, shared: &mut Result<(), SharedName>) {
        if entry.is_claimed {
            return;
        }
        match self.owners.get(&entry.bare) {
            Some(&owner) if owner != stage => {
                *shared = Err(SharedName { name: entry.bare.clone(), stages: [owner, stage] });
            }
            Some(_) => {}
            None => {
                self.owners.insert(entry.bare.clone(), stage);
            }
        }
        entry.is_claimed = true;
    }
}

fn set(metrics: &mut Metrics, name: &str, value: f64) {
    match metrics.get_mut(name) {
        Some(old) => *old = value,
        None => {
            metrics.insert(name.to_owned(), value);
        }
    }
}
