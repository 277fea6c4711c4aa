//! Keeps the best weights and the last ones.

use super::{Callback, CallbackResult, Kind};
use crate::Float;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::trainer::State;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Whether a smaller or a larger value is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Smaller is better.
    #[default]
    Min,
    /// Larger is better.
    Max,
}

/// Writes `last.ckpt` at the end of the fit, also of an interrupted one, and, if it monitors a value,
/// `epoch=E-step=S.ckpt` after each validation that is the best so far. Ties keep the older, and NaN is never best.
///
/// A better checkpoint is durable before the one it replaces is deleted.
#[derive(Clone, Debug)]
pub struct ModelCheckpoint {
    /// The folder; it is made if it is not there.
    pub dirpath: PathBuf,
    /// The logged value that decides what is best; nothing is best without one.
    pub monitor: Option<String>,
    /// Its direction.
    pub mode: Mode,
    /// What a reader of the weights needs beside them, such as a scaler: kept as `data` in the checkpoint's
    /// [`extra`](Checkpoint::extra), unless it is null, as at first.
    pub data: Value,
    best: Arc<Mutex<Option<Best>>>,
}

#[derive(Clone, Debug)]
struct Best {
    score: f64,
    epoch: usize,
    path: PathBuf,
}

impl ModelCheckpoint {
    /// Keeps the last weights and those with the best `monitor`.
    pub fn new(dirpath: impl Into<PathBuf>, monitor: Option<&str>, mode: Mode) -> Self {
        let monitor = monitor.map(str::to_owned);
        ModelCheckpoint { dirpath: dirpath.into(), monitor, mode, data: Value::Null, best: Arc::default() }
    }

    /// A handle that stays with the caller when the callback goes into a trainer.
    pub fn handle(&self) -> Self {
        self.clone()
    }

    /// The file of the best epoch so far.
    pub fn best_model_path(&self) -> Option<PathBuf> {
        self.best().map(|best| best.path)
    }

    /// The best value so far and its epoch.
    pub fn best_model_score(&self) -> Option<(f64, usize)> {
        self.best().map(|best| (best.score, best.epoch))
    }

    /// The file of the last epoch.
    pub fn last_model_path(&self) -> PathBuf {
        self.dirpath.join("last.ckpt")
    }

    fn best(&self) -> Option<Best> {
        self.best.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_better(&self, score: f64, than: Option<&Best>) -> bool {
        !score.is_nan()
            && than.is_none_or(|best| match self.mode {
                Mode::Min => score < best.score,
                Mode::Max => score > best.score,
            })
    }

    fn save<F: Float>(&self, state: &State<'_, F>, path: &Path) -> Result<(), CheckpointError> {
        std::fs::create_dir_all(&self.dirpath)
            .map_err(|source| CheckpointError::Write { path: self.dirpath.clone(), source })?;
        let mut checkpoint = checkpoint(state);
        if !self.data.is_null() {
            checkpoint.extra["data"] = self.data.clone();
        }
        checkpoint.write(path)
    }
}

/// A file that somebody else removed already is gone, as it should be.
fn remove(path: &Path) -> Result<(), CheckpointError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(CheckpointError::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn checkpoint<F: Float>(state: &State<'_, F>) -> Checkpoint<F> {
    let progress = state.progress;
    Checkpoint {
        state_dict: state.parameters.iter().map(|(n, p)| (n.clone(), p.value().into_owned())).collect(),
        hyperparameters: state.hyperparameters.cloned(),
        extra: json!({ "epoch": progress.epoch, "global_step": progress.global_step, "metrics": finite(state) }),
        ..Checkpoint::default()
    }
}

/// JSON has no NaN; a value that is not finite is left out.
fn finite<F: Float>(state: &State<'_, F>) -> Value {
    state.metrics.iter().filter(|(_, value)| value.is_finite()).map(|(k, v)| (k.clone(), json!(v))).collect()
}

impl<F: Float> Callback<F> for ModelCheckpoint {
    fn name(&self) -> &str {
        "ModelCheckpoint"
    }

    fn kind(&self) -> Kind {
        Kind::Checkpoint
    }

    fn on_validation_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let Some(monitor) = self.monitor.as_ref().filter(|_| !state.is_sanity_check) else { return Ok(()) };
        let Some(&score) = state.metrics.get(monitor) else {
            let logged = state.metrics.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(format!("monitors `{monitor}`, which was not logged; logged are: {logged}").into());
        };
        let old = self.best();
        if !self.is_better(score, old.as_ref()) {
            return Ok(());
        }
        let progress = state.progress;
        let path = self.dirpath.join(format!("epoch={}-step={}.ckpt", progress.epoch, progress.global_step));
        self.save(state, &path)?;
        if let Some(old) = old.filter(|old| old.path != path) {
            remove(&old.path)?;
        }
        *self.best.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Best { score, epoch: progress.epoch, path });
        Ok(())
    }

    fn on_fit_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        Ok(self.save(state, &self.last_model_path())?)
    }
}
