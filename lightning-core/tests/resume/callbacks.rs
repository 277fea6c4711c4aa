//! Keeping the best checkpoints and stopping early, with a state that resumes.

use lightning_core::State;
use lightning_core::callbacks::{Callback, CallbackResult, Kind};
use lightning_core::checkpoint::{Checkpoint, CheckpointWriter, exact};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Ends the fit when `val_loss` did not improve three times.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Patience {
    #[serde(with = "exact")]
    best: f64,
    waited: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Patience { best: f64::INFINITY, waited: 0 }
    }
}

impl Patience {
    fn stop_if_tired(&self, state: &State<'_>) {
        if self.waited >= 3 {
            state.stop("no improvement");
        }
    }
}

impl Callback for Patience {
    fn name(&self) -> &str {
        "Patience"
    }
    fn on_train_start(&mut self, state: &State<'_>) -> CallbackResult {
        self.stop_if_tired(state);
        Ok(())
    }
    fn on_validation_end(&mut self, state: &State<'_>) -> CallbackResult {
        if state.is_sanity_check {
            return Ok(());
        }
        let loss = state.metrics["val_loss"];
        self.waited = if loss < self.best { 0 } else { self.waited + 1 };
        self.best = self.best.min(loss);
        self.stop_if_tired(state);
        Ok(())
    }
    fn state_dict(&self) -> Value {
        serde_json::to_value(self).expect("numbers")
    }
    fn load_state_dict(&mut self, saved: &Value) -> CallbackResult {
        *self = Patience::deserialize(saved)?;
        Ok(())
    }
}

/// Makes batches slow, and sets the interrupt flag after so many of them.
pub(crate) struct Pace {
    pub(crate) stop: (Arc<AtomicBool>, Option<u64>),
    pub(crate) slow: Duration,
}

impl Callback for Pace {
    fn name(&self) -> &str {
        "Pace"
    }
    fn on_train_batch_end(&mut self, state: &State<'_>) -> CallbackResult {
        std::thread::sleep(self.slow);
        if self.stop.1 == Some(state.progress.batches) {
            self.stop.0.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Keeps the two best checkpoints by `val_loss` and, after every second batch, the last one.
pub(crate) struct TopK {
    folder: PathBuf,
    state: TopState,
    /// What the next checkpoint is for.
    is_best: Option<String>,
    writer: CheckpointWriter,
    best: Arc<Mutex<Option<String>>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct TopState {
    /// Names and scores, the best first.
    kept: Vec<(String, Score)>,
    /// What is removed when the next checkpoint is durable; a killed run may not have come to it.
    dropped: Vec<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Score(#[serde(with = "exact")] f64);

impl TopK {
    pub(crate) fn new(folder: &Path) -> Self {
        let (folder, writer) = (folder.to_owned(), CheckpointWriter::default());
        TopK { folder, state: TopState::default(), is_best: None, writer, best: Arc::default() }
    }

    /// The name of the best checkpoint, once the fit has ended.
    pub(crate) fn best(&self) -> Arc<Mutex<Option<String>>> {
        Arc::clone(&self.best)
    }

    fn paths(&self, names: &[String]) -> Vec<PathBuf> {
        names.iter().map(|name| self.folder.join(name)).collect()
    }
}

impl Callback for TopK {
    fn name(&self) -> &str {
        "TopK"
    }
    fn kind(&self) -> Kind {
        Kind::Checkpoint
    }
    fn on_train_batch_end(&mut self, state: &State<'_>) -> CallbackResult {
        if state.progress.batches.is_multiple_of(2) {
            state.request_checkpoint();
        }
        Ok(())
    }
    fn on_validation_end(&mut self, state: &State<'_>) -> CallbackResult {
        if state.is_sanity_check {
            return Ok(());
        }
        let (progress, score) = (state.progress, state.metrics["val_loss"]);
        let name = format!("epoch={}-step={}.ckpt", progress.epoch, progress.global_step);
        let place = self.state.kept.partition_point(|(_, kept)| kept.0 <= score);
        if place < 2 {
            self.state.kept.insert(place, (name.clone(), Score(score)));
            self.state.dropped =
                self.state.kept.drain(2.min(self.state.kept.len())..).map(|(name, _)| name).collect();
            self.is_best = Some(name);
            state.request_checkpoint();
        }
        Ok(())
    }
    fn on_checkpoint(&mut self, _: &State<'_>, checkpoint: &Arc<Checkpoint>) -> CallbackResult {
        if let Some(name) = self.is_best.take() {
            let dropped = self.paths(&self.state.dropped);
            self.writer.write(Arc::clone(checkpoint), &self.folder.join(name), dropped)?;
        }
        Ok(self.writer.write(Arc::clone(checkpoint), &self.folder.join("last.ckpt"), vec![])?)
    }
    fn on_fit_end(&mut self, _: &State<'_>) -> CallbackResult {
        *self.best.lock().expect("no panic before") = self.state.kept.first().map(|(name, _)| name.clone());
        Ok(self.writer.finish()?)
    }
    fn state_dict(&self) -> Value {
        serde_json::to_value(&self.state).expect("names and numbers")
    }
    fn load_state_dict(&mut self, saved: &Value) -> CallbackResult {
        self.state = TopState::deserialize(saved)?;
        for path in self.paths(&self.state.dropped) {
            if path.exists() {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}
