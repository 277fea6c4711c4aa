//! Where logged values of one stage are added up.

use super::{LogOptions, Reduce};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::sync::Arc;

/// Collects what is logged in one stage.
///
/// Names are kept from epoch to epoch, so that a step which logs what the step before logged allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct LogSink {
    inner: RefCell<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: Vec<Entry>,
    /// Where the next name is expected: steps log the same names in the same order.
    cursor: usize,
}

/// A name with what was logged under it.
#[derive(Debug)]
pub(crate) struct Entry {
    name: String,
    loader: Option<usize>,
    /// The name with the loader's suffix.
    pub(crate) bare: String,
    /// What the step's value is called.
    pub(crate) step_name: Arc<str>,
    /// What the epoch's value is called.
    pub(crate) epoch_name: Arc<str>,
    pub(crate) on_step: bool,
    pub(crate) on_epoch: bool,
    pub(crate) options: LogOptions,
    /// Whether the views know that this stage owns the name.
    pub(crate) is_claimed: bool,
    /// The newest value, until the step's row is written.
    step: Option<f64>,
    total: f64,
    weight: f64,
    /// Whether anything came in since the epoch began.
    is_open: bool,
}

/// One record: the value and how it is to be treated.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) name: &'a str,
    /// The loader's index, where there are several.
    pub(crate) loader: Option<usize>,
    pub(crate) value: f64,
    pub(crate) options: LogOptions,
    pub(crate) on_step: bool,
    pub(crate) on_epoch: bool,
    pub(crate) batch_size: usize,
}

impl LogSink {
    /// Takes a value in.
    #[track_caller]
    pub(crate) fn record(&self, record: Record<'_>) {
        let Record { name, loader, value, options, on_step, on_epoch, batch_size } = record;
        let weight = options.batch_size.unwrap_or(batch_size) as f64;
        let options = LogOptions { batch_size: None, ..options };
        let loader = loader.filter(|_| options.add_dataloader_idx);
        let entry = (on_step, on_epoch, options);
        let mut inner = self.inner.borrow_mut();
        let at = match inner.find(name, loader) {
            Some(at) => at,
            None => {
                inner.entries.push(Entry::new(name, loader, entry));
                inner.entries.len() - 1
            }
        };
        inner.cursor = at + 1;
        let known = &mut inner.entries[at];
        if !known.is_open && (known.on_step, known.on_epoch, known.options) != entry {
            *known = Entry::new(name, loader, entry);
        }
        assert!(
            (known.on_step, known.on_epoch, known.options) == entry,
            "log: `{name}` was logged before with other options; give one of the two another name"
        );
        // A fold that was read from a checkpoint learns its function here.
        known.options = options;
        known.add(value, weight);
    }

    /// The values of this step that are wanted step by step.
    pub(crate) fn for_each_step(&self, mut f: impl FnMut(&mut Entry, f64)) {
        for entry in &mut self.inner.borrow_mut().entries {
            if let (Some(value), true) = (entry.step, entry.on_step) {
                f(entry, value);
            }
        }
    }

    /// The step's values are dealt with.
    pub(crate) fn end_step(&self) {
        let inner = &mut *self.inner.borrow_mut();
        inner.entries.iter_mut().for_each(|entry| entry.step = None);
        inner.cursor = 0;
    }

    /// The reduced values of the epoch up to now.
    pub(crate) fn for_each_epoch(&self, mut f: impl FnMut(&mut Entry, f64)) {
        for entry in &mut self.inner.borrow_mut().entries {
            if entry.is_open && entry.on_epoch {
                let value = entry.reduced();
                f(entry, value);
            }
        }
    }

    /// The epoch's values are dealt with; the names stay.
    pub(crate) fn end_epoch(&self) {
        let inner = &mut *self.inner.borrow_mut();
        inner.entries.iter_mut().for_each(Entry::reset);
        inner.cursor = 0;
    }

    /// What an epoch that goes on elsewhere must know.
    pub(crate) fn save(&self) -> Vec<SavedEntry> {
        self.inner.borrow().entries.iter().filter(|entry| entry.is_open).map(Entry::save).collect()
    }

    /// Goes on with an epoch that was [saved](Self::save).
    pub(crate) fn load(&self, saved: &[SavedEntry]) {
        let entries = saved.iter().map(Entry::load).collect();
        *self.inner.borrow_mut() = Inner { entries, cursor: 0 };
    }
}

impl Inner {
    fn find(&self, name: &str, loader: Option<usize>) -> Option<usize> {
        let is_it = |entry: &Entry| entry.name == name && entry.loader == loader;
        if self.entries.get(self.cursor).is_some_and(is_it) {
            return Some(self.cursor);
        }
        self.entries.iter().position(is_it)
    }
}

impl Entry {
    fn new(
        name: &str,
        loader: Option<usize>,
        (on_step, on_epoch, options): (bool, bool, LogOptions),
    ) -> Self {
        let suffix = loader.map_or(String::new(), |loader| format!("/dataloader_idx_{loader}"));
        let bare = format!("{name}{suffix}");
        let (step_name, epoch_name) = if on_step && on_epoch {
            (format!("{name}_step{suffix}").into(), format!("{name}_epoch{suffix}").into())
        } else {
            let name: Arc<str> = bare.as_str().into();
            (name.clone(), name)
        };
        let name = name.to_owned();
        Entry {
            name,
            loader,
            bare,
            step_name,
            epoch_name,
            on_step,
            on_epoch,
            options,
            is_claimed: false,
            step: None,
            total: 0.0,
            weight: 0.0,
            is_open: false,
        }
    }

    fn add(&mut self, value: f64, weight: f64) {
        self.step = Some(value);
        self.total = match self.options.reduce {
            Reduce::Mean if self.is_open => self.total + value * weight,
            Reduce::Mean => value * weight,
            _ if !self.is_open => value,
            Reduce::Sum => self.total + value,
            // f64::min and max would pass over NaN.
            Reduce::Min if value < self.total || value.is_nan() => value,
            Reduce::Max if value > self.total || value.is_nan() => value,
            Reduce::Min | Reduce::Max => self.total,
            Reduce::Fold(f) => f(self.total, value),
        };
        self.weight += weight;
        self.is_open = true;
    }

    fn reduced(&self) -> f64 {
        match self.options.reduce {
            Reduce::Mean => self.total / self.weight,
            _ => self.total,
        }
    }

    fn reset(&mut self) {
        (self.step, self.total, self.weight, self.is_open) = (None, 0.0, 0.0, false);
    }

    fn save(&self) -> SavedEntry {
        let reduce = match self.options.reduce {
            Reduce::Mean => "mean",
            Reduce::Sum => "sum",
            Reduce::Min => "min",
            Reduce::Max => "max",
            Reduce::Fold(_) => "fold",
        };
        SavedEntry {
            name: self.name.clone(),
            loader: self.loader,
            on_step: self.on_step,
            on_epoch: self.on_epoch,
            prog_bar: self.options.prog_bar,
            logger: self.options.logger,
            reduce: reduce.to_owned(),
            add_dataloader_idx: self.options.add_dataloader_idx,
            step: self.step.map(f64::to_bits),
            total: self.total.to_bits(),
            weight: self.weight,
        }
    }

    fn load(saved: &SavedEntry) -> Self {
        let reduce = match saved.reduce.as_str() {
            "sum" => Reduce::Sum,
            "min" => Reduce::Min,
            "max" => Reduce::Max,
            "fold" => Reduce::Fold(|_, next| next),
            _ => Reduce::Mean,
        };
        let options = LogOptions {
            prog_bar: saved.prog_bar,
            logger: saved.logger,
            reduce,
            on_step: None,
            on_epoch: None,
            batch_size: None,
            add_dataloader_idx: saved.add_dataloader_idx,
        };
        Entry {
            step: saved.step.map(f64::from_bits),
            total: f64::from_bits(saved.total),
            weight: saved.weight,
            is_open: true,
            ..Entry::new(&saved.name, saved.loader, (saved.on_step, saved.on_epoch, options))
        }
    }
}

/// An open entry in a checkpoint. Values are bits: JSON has no NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedEntry {
    name: String,
    loader: Option<usize>,
    on_step: bool,
    on_epoch: bool,
    prog_bar: bool,
    logger: bool,
    reduce: String,
    add_dataloader_idx: bool,
    step: Option<u64>,
    total: u64,
    weight: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(sink: &LogSink, name: &str, value: f64, options: LogOptions, batch_size: usize) {
        let (on_step, on_epoch) = (options.on_step.unwrap_or(false), options.on_epoch.unwrap_or(true));
        let options = LogOptions { on_step: None, on_epoch: None, ..options };
        sink.record(Record { name, loader: None, value, options, on_step, on_epoch, batch_size });
    }

    fn step(sink: &LogSink) -> Vec<(String, f64)> {
        let mut values = Vec::new();
        sink.for_each_step(|entry, value| values.push((entry.step_name.to_string(), value)));
        sink.end_step();
        values
    }

    fn epoch(sink: &LogSink) -> Vec<(String, f64)> {
        let mut values = Vec::new();
        sink.for_each_epoch(|entry, value| values.push((entry.epoch_name.to_string(), value)));
        sink.end_epoch();
        values
    }

    fn reduced(reduce: Reduce, values: &[(f64, usize)]) -> f64 {
        let sink = LogSink::default();
        for &(value, batch_size) in values {
            log(&sink, "x", value, LogOptions { reduce, ..Default::default() }, batch_size);
        }
        epoch(&sink)[0].1
    }

    #[test]
    fn a_mean_is_weighted_by_batch_size() {
        let batches = [(1.0, 2), (2.0, 2), (6.0, 1)];
        assert_eq!(reduced(Reduce::Mean, &batches), 2.4);
        assert_eq!(reduced(Reduce::Sum, &batches), 9.0);
        assert_eq!((reduced(Reduce::Min, &batches), reduced(Reduce::Max, &batches)), (1.0, 6.0));
        assert_eq!(reduced(Reduce::Fold(|product, next| product * next), &batches), 12.0);
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
        let both = LogOptions::on_step_and_epoch();
        log(&sink, "loss", 1.0, both, 1);
        assert_eq!(step(&sink), [("loss_step".to_owned(), 1.0)]);
        log(&sink, "loss", 3.0, both, 1);
        assert_eq!(step(&sink), [("loss_step".to_owned(), 3.0)]);
        assert!(step(&sink).is_empty());
        assert_eq!(epoch(&sink), [("loss_epoch".to_owned(), 2.0)]);
        assert!(epoch(&sink).is_empty());
    }

    #[test]
    fn a_loaders_index_stands_behind_the_suffix() {
        let sink = LogSink::default();
        let options = LogOptions::default();
        let record = Record {
            name: "x",
            loader: Some(1),
            value: 2.0,
            options,
            on_step: true,
            on_epoch: true,
            batch_size: 1,
        };
        sink.record(record);
        sink.record(Record { options: LogOptions { add_dataloader_idx: false, ..options }, ..record });
        let names: Vec<String> = epoch(&sink).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["x_epoch/dataloader_idx_1", "x_epoch"]);
    }

    #[test]
    fn an_open_epoch_goes_on_from_what_was_saved_to_the_last_bit() {
        let fold = LogOptions { reduce: Reduce::Fold(|a, b| a * 10.0 + b), ..Default::default() };
        let log_from = |sink: &LogSink, from: usize| {
            for i in from..6 {
                log(sink, "mean", 0.1 * i as f64, LogOptions::default(), i + 1);
                log(sink, "fold", i as f64, fold, 1);
                log(sink, "nan", f64::NAN, LogOptions { reduce: Reduce::Max, ..Default::default() }, 1);
            }
        };
        let whole = LogSink::default();
        log_from(&whole, 0);
        let half = LogSink::default();
        for i in 0..3 {
            log(&half, "mean", 0.1 * i as f64, LogOptions::default(), i + 1);
            log(&half, "fold", i as f64, fold, 1);
        }
        let text = serde_json::to_string(&half.save()).expect("json");
        let resumed = LogSink::default();
        resumed.load(&serde_json::from_str::<Vec<SavedEntry>>(&text).expect("the same"));
        log_from(&resumed, 3);
        let (whole, resumed) = (epoch(&whole), epoch(&resumed));
        assert_eq!(whole[..2], resumed[..2]);
        assert!(resumed[2].1.is_nan());
    }

    #[test]
    #[should_panic(expected = "log: `x` was logged before with other options")]
    fn one_name_has_one_meaning() {
        let sink = LogSink::default();
        log(&sink, "x", 1.0, LogOptions::default(), 1);
        log(&sink, "x", 1.0, LogOptions { reduce: Reduce::Sum, ..Default::default() }, 1);
    }
}
