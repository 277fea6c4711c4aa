//! Keeps the best checkpoints and the last one.

use super::file_name::Moment;
use super::ranking::{Kept, Ranking, Verdict};
use super::{Callback, CallbackResult, Kind, Mode};
use crate::checkpoint::{Checkpoint, CheckpointError, CheckpointWriter};
use crate::trainer::{State, TrainerError};
use crate::{Float, Stage};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many of the best checkpoints stay: Lightning's `save_top_k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TopK {
    /// So many; 0 for none. Without a `monitor` the newest counts as the best, and no more than one can be kept.
    Best(usize),
    /// All of them: Lightning's −1.
    All,
}

/// Whether there is a `last.ckpt`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaveLast {
    /// There is none, but after an interruption.
    #[default]
    No,
    /// It holds the newest state that was saved, whether or not this is one of the best.
    Yes,
    /// The same, and it shares the bytes of the newest file where one was just written: a hard link, which stays whole
    /// when that file is removed.
    Link,
}

/// When a checkpoint is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SaveEvery {
    /// After every so many epochs, at their validation or their end; at least 1.
    Epochs(usize),
    /// After every so many steps of optimizers; at least 1. A value that validation logs is waited for: the checkpoint
    /// is then taken after the next validation, so that its score is its own. (Lightning gives it the score of the
    /// validation before.)
    TrainSteps(u64),
    /// After a batch, when so much time has passed since the one before.
    Time(Duration),
}

/// Lightning's `ModelCheckpoint`: complete checkpoints from which a fit resumes exactly, written in the background.
///
/// What is replaced is removed once what replaces it is durable, and only if this run wrote it. Ties never replace, and
/// NaN is never best. Nothing is saved twice without a step of an optimizer in between. `last.ckpt` is also written at
/// the end of the fit, and whenever the fit is interrupted.
///
/// ```
/// use lightning_core::Trainer;
/// use lightning_core::callbacks::{ModelCheckpoint, SaveLast, TopK};
/// let checkpoints = ModelCheckpoint {
///     filename: Some("{epoch:03d}-{val_loss:.3f}".into()),
///     save_top_k: TopK::Best(3),
///     save_last: SaveLast::Yes,
///     ..ModelCheckpoint::monitoring("lightning_logs/version_0/checkpoints", "val_loss")
/// };
/// let handle = checkpoints.handle(); // answers `best_model_path()` after the fit
/// let trainer: Trainer = Trainer { callbacks: vec![Box::new(checkpoints)], ..Trainer::default() };
/// assert!(handle.best_model_path().is_none());
/// # let _ = trainer;
/// ```
#[derive(Debug)]
pub struct ModelCheckpoint {
    /// The folder; it is made if it is not there.
    pub dirpath: PathBuf,
    /// Template of the files' names without `.ckpt`; `{epoch}-{step}` if none is given. In braces stand `epoch`, `step`
    /// or names of logged values, with a format as in `{val_loss:.2f}`; a slash makes a folder.
    pub filename: Option<String>,
    /// Whether a value in a name stands behind its own name, as in `epoch=3`.
    pub auto_insert_metric_name: bool,
    /// Whether a name that is taken gets `-v1`, `-v2`, … instead of replacing the file.
    pub enable_version_counter: bool,
    /// The logged value that decides what is best.
    pub monitor: Option<String>,
    /// Its direction.
    pub mode: Mode,
    /// How many stay.
    pub save_top_k: TopK,
    /// Whether there is a `last.ckpt`.
    pub save_last: SaveLast,
    /// When a checkpoint is due.
    pub every: SaveEvery,
    /// Saves weights alone, from which no fit resumes.
    pub save_weights_only: bool,
    /// Whether an epoch's checkpoint is taken at its end (`true`) or after its validation (`false`). `None` chooses the
    /// end where every epoch ends with the one validation it has.
    pub save_on_train_epoch_end: Option<bool>,
    /// What a reader of the weights needs beside them, such as a scaler: kept as `data` in the checkpoint's
    /// [`extra`](Checkpoint::extra), unless it is null, as at first.
    pub data: Value,
    /// What it has done so far; `..ModelCheckpoint::new(folder)` fills it.
    pub run: CheckpointRun,
}

/// What a [`ModelCheckpoint`] has done so far.
#[derive(Debug, Default)]
pub struct CheckpointRun {
    writer: CheckpointWriter,
    last_time: Option<Instant>,
    plan: Option<Plan>,
    saved: Arc<Mutex<Saved>>,
}

/// What the next checkpoint is for.
#[derive(Clone, Debug, Default)]
struct Plan {
    name: Option<String>,
    last: bool,
}

/// What a resumed run must know.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Saved {
    /// Those that are kept for their score.
    kept: Ranking,
    /// The newest file.
    newest: Option<String>,
    /// Removed when the next checkpoint is durable; a killed run may not have come to it.
    dropped: Vec<String>,
    /// The step of the newest checkpoint.
    step: Option<u64>,
    /// Whether there is a `last.ckpt` of this run, and its step.
    last_step: Option<u64>,
    /// Whether a checkpoint waits for its score.
    is_due: bool,
}

/// Answers where the checkpoints are while the callback itself belongs to a trainer.
#[derive(Clone, Debug)]
pub struct CheckpointHandle {
    dirpath: PathBuf,
    mode: Mode,
    has_monitor: bool,
    saved: Arc<Mutex<Saved>>,
}

impl ModelCheckpoint {
    /// Keeps the newest checkpoint of an epoch, Lightning's default.
    pub fn new(dirpath: impl Into<PathBuf>) -> Self {
        ModelCheckpoint {
            dirpath: dirpath.into(),
            filename: None,
            auto_insert_metric_name: true,
            enable_version_counter: true,
            monitor: None,
            mode: Mode::Min,
            save_top_k: TopK::Best(1),
            save_last: SaveLast::No,
            every: SaveEvery::Epochs(1),
            save_weights_only: false,
            save_on_train_epoch_end: None,
            data: Value::Null,
            run: CheckpointRun::default(),
        }
    }

    /// Keeps the checkpoint with the smallest value of `monitor`.
    pub fn monitoring(dirpath: impl Into<PathBuf>, monitor: &str) -> Self {
        ModelCheckpoint { monitor: Some(monitor.to_owned()), ..ModelCheckpoint::new(dirpath) }
    }

    /// A handle that stays with the caller when the callback goes into a trainer.
    pub fn handle(&self) -> CheckpointHandle {
        CheckpointHandle {
            dirpath: self.dirpath.clone(),
            mode: self.mode,
            has_monitor: self.monitor.is_some(),
            saved: Arc::clone(&self.run.saved),
        }
    }

    fn saved(&self) -> MutexGuard<'_, Saved> {
        lock(&self.run.saved)
    }

    fn check(&self) -> Result<(), String> {
        let every = match self.every {
            SaveEvery::Epochs(n) => n as u64,
            SaveEvery::TrainSteps(n) => n,
            SaveEvery::Time(time) => u64::from(!time.is_zero()),
        };
        if every == 0 {
            return Err("`every` is 0; give at least 1".into());
        }
        match (&self.monitor, self.save_top_k) {
            (None, TopK::Best(k)) if k > 1 => Err(format!(
                "save_top_k is {k} without a monitor; name the value that decides which are best, or keep 1 or all"
            )),
            _ => Ok(()),
        }
    }

    /// Whether the epoch that ends now is one to save.
    fn is_epoch_due<F: Float>(&self, state: &State<'_, F>, at_epoch_end: bool) -> bool {
        let SaveEvery::Epochs(every) = self.every else { return false };
        let here = self.save_on_train_epoch_end.unwrap_or(state.is_validation_at_epoch_end);
        here == at_epoch_end && (state.progress.epoch + 1).is_multiple_of(every)
    }

    fn is_batch_due<F: Float>(&mut self, state: &State<'_, F>) -> bool {
        match self.every {
            SaveEvery::Epochs(_) => false,
            SaveEvery::TrainSteps(every) => {
                let step = state.progress.global_step;
                step > 0 && step.is_multiple_of(every) && self.saved().step != Some(step)
            }
            SaveEvery::Time(time) => {
                let is_due = self.run.last_time.get_or_insert_with(Instant::now).elapsed() >= time;
                if is_due {
                    self.run.last_time = Some(Instant::now());
                }
                is_due
            }
        }
    }

    /// Decides what is written, if there was a step since the last time, and asks for the checkpoint.
    fn save<F: Float>(&mut self, state: &State<'_, F>) -> CallbackResult {
        let step = state.progress.global_step;
        if state.is_fast_dev_run || self.saved().step == Some(step) || step == 0 {
            return Ok(());
        }
        let name = match &self.monitor {
            Some(monitor) => match state.metrics.get(monitor) {
                Some(&score) => self.place(state, score)?,
                // Not logged yet; the trainer tells of a name that never is.
                None => return Ok(()),
            },
            None => self.newest(state)?,
        };
        let last = self.save_last != SaveLast::No;
        {
            let mut saved = self.saved();
            saved.is_due = false;
            if name.is_some() {
                (saved.step, saved.newest) = (Some(step), name.clone());
            }
            saved.last_step = if last { Some(step) } else { saved.last_step };
        }
        self.ask(state, Plan { name, last });
        Ok(())
    }

    fn ask<F: Float>(&mut self, state: &State<'_, F>, plan: Plan) {
        if plan.name.is_some() || plan.last {
            self.run.plan = Some(plan);
            state.request_checkpoint();
        }
    }

    /// The name under which a checkpoint with this score is kept, if it is good enough.
    fn place<F: Float>(&self, state: &State<'_, F>, score: f64) -> Result<Option<String>, String> {
        let most = match self.save_top_k {
            TopK::Best(most) => Some(most),
            TopK::All => None,
        };
        let Verdict::Keep { replaces } = self.saved().kept.judge(score, self.mode, most) else {
            return Ok(None);
        };
        let worse = replaces.map(|i| self.saved().kept.0.remove(i).name);
        let name = self.name(state, worse.as_deref())?;
        let mut saved = self.saved();
        saved.kept.put(Kept { name: name.clone(), score, epoch: state.progress.epoch }, self.mode);
        saved.dropped = worse.filter(|worse| *worse != name).into_iter().collect();
        Ok(Some(name))
    }

    /// The name of the newest checkpoint, which counts as the best where nothing decides.
    fn newest<F: Float>(&self, state: &State<'_, F>) -> Result<Option<String>, String> {
        if self.save_top_k == TopK::Best(0) {
            return Ok(None);
        }
        let older = self.saved().newest.clone().filter(|_| self.save_top_k != TopK::All);
        let name = self.name(state, older.as_deref())?;
        self.saved().dropped = older.filter(|older| *older != name).into_iter().collect();
        Ok(Some(name))
    }

    /// A name that is not taken, but by the file that is replaced.
    fn name<F: Float>(&self, state: &State<'_, F>, replaced: Option<&str>) -> Result<String, String> {
        let moment =
            Moment { epoch: state.progress.epoch, step: state.progress.global_step, metrics: state.metrics };
        let template = self.filename.as_deref().unwrap_or("{epoch}-{step}");
        let stem = moment.fill(template, self.auto_insert_metric_name)?;
        let saved = self.saved();
        // A file that is about to be removed is not in the way: files are written and removed in order.
        let is_taken = |name: &str| {
            let is_kept = saved.kept.0.iter().any(|kept| kept.name == name);
            is_kept || (!saved.dropped.iter().any(|gone| gone == name) && self.dirpath.join(name).exists())
        };
        let versions = (1..).map(|version| format!("{stem}-v{version}.ckpt"));
        let mut names = std::iter::once(format!("{stem}.ckpt")).chain(versions);
        let is_free = |name: &String| {
            !self.enable_version_counter || Some(name.as_str()) == replaced || !is_taken(name)
        };
        Ok(names.find(is_free).expect("there is always another version"))
    }

    /// Hands the checkpoint over to the writer.
    fn write<F: Float>(
        &mut self,
        plan: &Plan,
        checkpoint: &Arc<Checkpoint<F>>,
    ) -> Result<(), CheckpointError> {
        let checkpoint = match self.save_weights_only {
            true => Arc::new(weights_only(checkpoint)),
            false => Arc::clone(checkpoint),
        };
        let last = self.dirpath.join("last.ckpt");
        if let Some(name) = &plan.name {
            let dropped = self.saved().dropped.iter().map(|name| self.dirpath.join(name)).collect();
            let path = self.dirpath.join(name);
            self.run.writer.write(Arc::clone(&checkpoint), &path, dropped)?;
            if plan.last && self.save_last == SaveLast::Link {
                return self.run.writer.link(&path, &last);
            }
        }
        if plan.last { self.run.writer.write(checkpoint, &last, Vec::new()) } else { Ok(()) }
    }
}

fn lock(saved: &Mutex<Saved>) -> MutexGuard<'_, Saved> {
    saved.lock().unwrap_or_else(PoisonError::into_inner)
}

fn weights_only<F: Float>(checkpoint: &Checkpoint<F>) -> Checkpoint<F> {
    Checkpoint {
        state_dict: checkpoint.state_dict.clone(),
        hyperparameters: checkpoint.hyperparameters.clone(),
        position: checkpoint.position,
        extra: checkpoint.extra.clone(),
        ..Checkpoint::default()
    }
}

impl CheckpointHandle {
    /// The file with the best value so far or, where nothing is monitored, the newest.
    pub fn best_model_path(&self) -> Option<PathBuf> {
        let saved = lock(&self.saved);
        let name = match self.has_monitor {
            true => saved.kept.best(self.mode).map(|kept| kept.name.clone()),
            false => saved.newest.clone(),
        };
        name.map(|name| self.dirpath.join(name))
    }

    /// The best value so far and its epoch.
    pub fn best_model_score(&self) -> Option<(f64, usize)> {
        lock(&self.saved).kept.best(self.mode).map(|kept| (kept.score, kept.epoch))
    }

    /// All files that are kept for their values, the oldest first. NaN shows as the worst number.
    pub fn best_k_models(&self) -> Vec<(PathBuf, f64)> {
        let saved = lock(&self.saved);
        saved.kept.0.iter().map(|kept| (self.dirpath.join(&kept.name), kept.score)).collect()
    }

    /// The file that the next better one replaces.
    pub fn kth_best_model_path(&self) -> Option<PathBuf> {
        let saved = lock(&self.saved);
        saved.kept.worst(self.mode).map(|i| self.dirpath.join(&saved.kept.0[i].name))
    }

    /// `last.ckpt`, if it was written.
    pub fn last_model_path(&self) -> Option<PathBuf> {
        lock(&self.saved).last_step.map(|_| self.dirpath.join("last.ckpt"))
    }
}

impl<F: Float> Callback<F> for ModelCheckpoint {
    fn name(&self) -> &str {
        "ModelCheckpoint"
    }

    fn kind(&self) -> Kind {
        Kind::Checkpoint
    }

    fn monitor(&self) -> Option<&str> {
        self.monitor.as_deref()
    }

    fn state_key(&self) -> String {
        let settings = json!({ "monitor": self.monitor, "mode": self.mode.name(), "every": self.every, "top_k": self.save_top_k });
        format!("ModelCheckpoint{settings}")
    }

    fn state_dict(&self) -> Value {
        serde_json::to_value(&*self.saved()).expect("names and numbers")
    }

    fn load_state_dict(&mut self, saved: &Value) -> CallbackResult {
        let loaded = Saved::deserialize(saved)?;
        for path in loaded.dropped.iter().map(|name| self.dirpath.join(name)).filter(|path| path.exists()) {
            std::fs::remove_file(&path).map_err(CheckpointError::write(&path))?;
        }
        *self.saved() = loaded;
        Ok(())
    }

    /// Of several files of one checkpoint a killed run may have written the first alone.
    fn on_load_checkpoint(&mut self, checkpoint: &Checkpoint<F>) -> CallbackResult {
        let key = Callback::<F>::state_key(self);
        let Some(saved) = checkpoint.callbacks.get(&key).map(Saved::deserialize).transpose()? else {
            return Ok(());
        };
        let is_of_now = saved.step == Some(checkpoint.position.global_step);
        match saved.newest.filter(|name| is_of_now && !self.dirpath.join(name).exists()) {
            Some(name) => {
                Ok(self.write(&Plan { name: Some(name), last: false }, &Arc::new(checkpoint.clone()))?)
            }
            None => Ok(()),
        }
    }

    fn on_fit_start(&mut self, _: &State<'_, F>) -> CallbackResult {
        self.run.last_time = Some(Instant::now());
        Ok(self.check()?)
    }

    fn on_train_batch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        if !self.is_batch_due(state) {
            return Ok(());
        }
        let waits = self.monitor.as_ref().is_some_and(|name| state.stage_of(name) != Some(Stage::Train));
        if waits {
            self.saved().is_due = true;
            return Ok(());
        }
        self.save(state)
    }

    fn on_validation_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let is_due = self.saved().is_due || self.is_epoch_due(state, false);
        if state.is_fitting && is_due && !state.is_sanity_check { self.save(state) } else { Ok(()) }
    }

    fn on_train_epoch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        if self.is_epoch_due(state, true) { self.save(state) } else { Ok(()) }
    }

    fn on_train_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let step = state.progress.global_step;
        if self.save_last != SaveLast::No && !state.is_fast_dev_run && self.saved().last_step != Some(step) {
            self.saved().last_step = Some(step);
            self.ask(state, Plan { name: None, last: true });
        }
        Ok(())
    }

    fn on_save_checkpoint(&self, checkpoint: &mut Checkpoint<F>) {
        if !self.data.is_null() {
            checkpoint.extra["data"] = self.data.clone();
        }
    }

    fn on_checkpoint(&mut self, state: &State<'_, F>, checkpoint: &Arc<Checkpoint<F>>) -> CallbackResult {
        let plan = match self.run.plan.take() {
            Some(plan) => plan,
            None if state.is_interrupted => Plan { name: None, last: true },
            None => return Ok(()),
        };
        if plan.last {
            self.saved().last_step = Some(state.progress.global_step);
        }
        Ok(self.write(&plan, checkpoint)?)
    }

    fn teardown(&mut self, _: &State<'_, F>) -> CallbackResult {
        Ok(self.run.writer.finish()?)
    }

    /// What was handed over is durable before anybody hears of the error; one more goes to stderr.
    fn on_exception(&mut self, _: &State<'_, F>, _: &TrainerError) {
        if let Err(error) = self.run.writer.finish() {
            eprintln!("{error}");
        }
    }
}
