//! What is noted down of a run: by the module, by a callback and by a logger.

use super::number::written;
use lightning_core::callbacks::{Callback, CallbackResult};
use lightning_core::checkpoint::Checkpoint;
use lightning_core::loggers::{Logger, MetricsRow};
use lightning_core::{Hook, Metrics, State};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) hooks: Vec<String>,
    pub(crate) seen: Vec<String>,
    pub(crate) lrs: Vec<f64>,
    pub(crate) steps: Vec<Value>,
    pub(crate) disk: Vec<Value>,
    pub(crate) rows: Vec<Value>,
    pub(crate) final_lr: Option<f64>,
    pub(crate) callback_metrics: Value,
    pub(crate) progress_bar_metrics: Value,
}

/// Shared by all who note.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal(Arc<Mutex<Notes>>);

impl Journal {
    pub(crate) fn borrow_mut(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// `C.on_fit_start`, `M.on_fit_start`, …
pub(crate) fn note(journal: &Journal, who: &str, hook: &str) {
    journal.borrow_mut().hooks.push(format!("{who}.{hook}"));
}

pub(crate) fn metrics(metrics: &Metrics) -> Value {
    metrics.iter().map(|(name, &value)| (name.clone(), written(value))).collect()
}

/// The checkpoints in a folder and below, by their relative names.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "ckpt") {
                let name = entry.strip_prefix(folder).expect("below the folder");
                found.push(name.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

/// The files that are there, or will be when the thread that writes them has had its turn.
fn files_soon(folder: &Path) -> Vec<String> {
    let begin = Instant::now();
    loop {
        let found = files(folder);
        if !found.is_empty() || begin.elapsed() > Duration::from_secs(10) {
            return found;
        }
        std::thread::yield_now();
    }
}

pub(crate) struct Recorder {
    pub(crate) journal: Journal,
    /// The folder to look into after each epoch, if somebody asks.
    pub(crate) folder: Option<PathBuf>,
}

impl Recorder {
    fn look(&self, notes: &mut Notes) {
        notes.disk.extend(self.folder.as_deref().map(|folder| json!(files_soon(folder))));
    }
}

impl Callback<f64> for Recorder {
    fn name(&self) -> &str {
        "Recorder"
    }

    fn on_hook(&mut self, hook: Hook, state: &State<'_, f64>) -> CallbackResult {
        note(&self.journal, "C", hook.name());
        let mut notes = self.journal.borrow_mut();
        let (progress, batch_idx) = (state.progress, state.batch_idx);
        match hook {
            Hook::OnBeforeOptimizerStep => {
                let lr = state.optimizer(state.optimizer_idx).lr();
                notes.lrs.push(lr);
            }
            Hook::OnTrainBatchEnd => {
                let w = state.parameters[0].1.value()[[0]];
                notes.steps.push(json!([progress.epoch, batch_idx, progress.global_step, w]));
            }
            Hook::OnTrainEpochStart if !notes.steps.is_empty() => self.look(&mut notes),
            Hook::OnTrainEnd => self.look(&mut notes),
            Hook::OnFitEnd => notes.final_lr = Some(state.optimizer(0).lr()),
            Hook::Teardown => {
                notes.callback_metrics = metrics(state.metrics);
                notes.progress_bar_metrics = metrics(state.progress_bar_metrics);
            }
            _ => (),
        }
        Ok(())
    }

    fn on_save_checkpoint(&self, _: &mut Checkpoint<f64>) {
        note(&self.journal, "C", "on_save_checkpoint");
    }

    fn on_load_checkpoint(&mut self, _: &Checkpoint<f64>) -> CallbackResult {
        note(&self.journal, "C", "on_load_checkpoint");
        Ok(())
    }
}

pub(crate) struct Rows(pub(crate) Journal);

impl Logger for Rows {
    fn name(&self) -> &str {
        "rows"
    }

    fn log_metrics(&mut self, row: &MetricsRow<'_>) -> std::io::Result<()> {
        let values = row.metrics.iter().map(|metric| (metric.name.to_string(), written(metric.value)));
        let (stage, values) = (row.stage.name(), values.collect::<Value>());
        let row = json!({ "stage": stage, "step": row.step, "epoch": row.epoch, "metrics": values });
        self.0.borrow_mut().rows.push(row);
        Ok(())
    }
}
