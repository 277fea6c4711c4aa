//! Where a fit stands, to the last bit: what a resumed run must know beside weights, optimizers and callbacks.

use super::TrainerError;
use super::fit::FitLoop;
use super::run::Run;
use crate::callbacks::Callback;
use crate::checkpoint::{Checkpoint, Position, exact};
use crate::context::{Moment, Progress};
use crate::hook::{Hook, Stage};
use crate::log::{MetricViews, Metrics, SavedEntry};
use crate::{Float, LightningModule, State, loggers};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

/// The batches whose gradients are put together for one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    /// Batches from its first to its last; 0 for none open.
    size: usize,
    /// Batches that it had.
    seen: usize,
    /// Those of them that gave gradients.
    count: usize,
    /// What each loss is divided by.
    divisor: usize,
}

impl Window {
    /// Begins a window of `factor` batches, or as many as the epoch still has, unless one is open.
    pub(super) fn open(&mut self, factor: usize, remaining: usize, full_divisor: bool) {
        if self.size == 0 {
            let size = factor.min(remaining);
            *self = Window { size, seen: 0, count: 0, divisor: if full_divisor { factor } else { size } };
        }
    }

    /// A batch is done; whether it was the window's last.
    pub(super) fn take(&mut self, has_gradients: bool) -> bool {
        self.seen += 1;
        self.count += usize::from(has_gradients);
        self.seen == self.size
    }

    pub(super) fn is_open(&self) -> bool {
        self.seen > 0
    }

    /// Whether it has no gradients yet.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn divisor(&self) -> usize {
        self.divisor
    }

    /// What gradients are multiplied by when the window had fewer batches than it was to have: the mean is over
    /// those that it had.
    pub(super) fn correction(&self) -> Option<f64> {
        let missing = self.divisor == self.size && (1..self.size).contains(&self.count);
        missing.then(|| self.divisor as f64 / self.count as f64)
    }
}

/// A batch whose end, validation and plateau schedulers, was left for the resumed run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) skips_rest: bool,
    pub(super) has_stepped: bool,
}

/// Everything of a fit's loop that its future depends on, between two batches or two epochs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FitState {
    progress: Progress,
    next_batch: Option<usize>,
    pending: Option<Pending>,
    window: Window,
    skipped: u64,
    saves: u64,
    seconds: f64,
    accumulate_grad_batches: usize,
    /// How often each schedule came up.
    due: Vec<u64>,
    train_log: Vec<SavedEntry>,
    #[serde(with = "exact::map")]
    callback_metrics: Metrics,
    #[serde(with = "exact::map")]
    logged_metrics: Metrics,
    #[serde(with = "exact::map")]
    progress_bar_metrics: Metrics,
    monitors_checked: bool,
    was_asked_to_stop: bool,
    warnings: Vec<String>,
}

impl<F: Float> FitLoop<'_, F> {
    fn state(&self) -> FitState {
        let shared = &self.run.shared;
        let views = &shared.views;
        FitState {
            progress: shared.progress,
            next_batch: self.next_batch,
            pending: self.pending,
            window: self.window,
            skipped: self.skipped,
            saves: self.saves,
            // Only where the time decides something: a file must not depend on the clock without need.
            seconds: self.run.trainer.max_time.map_or(0.0, |_| self.clock.elapsed().as_secs_f64()),
            accumulate_grad_batches: shared.wishes.accumulate_grad_batches.get(),
            due: self.optimization().borrow().due.clone(),
            train_log: shared.train_log.save(),
            callback_metrics: views.callback.clone(),
            logged_metrics: views.logged.clone(),
            progress_bar_metrics: views.progress_bar.clone(),
            monitors_checked: self.monitors_checked,
            was_asked_to_stop: shared.wishes.stop.borrow().is_some(),
            warnings: self.run.warnings.clone(),
        }
    }

    /// Goes on from there; what was noticed since the fit began is kept.
    pub(super) fn restore(&mut self, saved: FitState) {
        self.next_batch = saved.next_batch;
        self.window = saved.window;
        self.skipped = saved.skipped;
        self.saves = saved.saves;
        self.clock.add(Duration::from_secs_f64(saved.seconds));
        self.monitors_checked = saved.monitors_checked;
        self.was_asked_to_stop = saved.was_asked_to_stop;
        self.pending = saved.pending;
        self.run.warnings.splice(0..0, saved.warnings);
        {
            let optimization = &mut *self.optimization().borrow_mut();
            optimization.steps = saved.progress.global_step;
            optimization.due = saved.due;
        }
        let shared = &mut self.run.shared;
        shared.progress = saved.progress;
        shared.is_window_open = saved.window.is_open();
        shared.wishes.accumulate_grad_batches.set(saved.accumulate_grad_batches);
        shared.train_log.load(&saved.train_log);
        shared.views = MetricViews {
            callback: saved.callback_metrics,
            logged: saved.logged_metrics,
            progress_bar: saved.progress_bar_metrics,
            ..MetricViews::default()
        };
    }

    /// Gives the complete state to the callbacks, if one of them asked for it.
    pub(super) fn save_if_asked<M>(&mut self, module: &mut M) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        if self.run.shared.wishes.checkpoint.take() { self.save(module) } else { Ok(()) }
    }

    /// Gives the complete state to the callbacks.
    pub(super) fn save<M>(&mut self, module: &mut M) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        let _span = self.run.span("save_checkpoint");
        self.saves += 1;
        let mut checkpoint = self.checkpoint(module);
        checkpoint.loggers =
            loggers::positions(&mut self.run.trainer.loggers).map_err(TrainerError::Logger)?;
        checkpoint.logs = self.run.trainer.loggers.iter().flat_map(|logger| logger.files()).collect();
        let checkpoint = Arc::new(checkpoint);
        let Run { trainer, shared, .. } = &mut self.run;
        let loggers = RefCell::new(&mut trainer.loggers);
        let state = State::new(shared, Moment::new(Hook::OnSaveCheckpoint, Stage::Train), &loggers);
        for callback in &mut trainer.callbacks {
            callback
                .on_checkpoint(&state, &checkpoint)
                .map_err(|source| TrainerError::Callback { callback: callback.name().to_owned(), source })?;
        }
        Ok(())
    }

    fn checkpoint<M>(&self, module: &M) -> Checkpoint<F>
    where
        M: LightningModule<F> + ?Sized,
    {
        let Run { trainer, shared, .. } = &self.run;
        let progress = shared.progress;
        let optimization = self.optimization().borrow();
        let captured =
            Checkpoint::capture(&shared.parameters, &optimization.optimizers, self.window.is_open());
        let mut checkpoint = Checkpoint {
            hyperparameters: shared.hyperparameters.clone(),
            position: Position {
                batches: progress.batches,
                epoch: progress.epoch as u64,
                global_step: progress.global_step,
                saves: self.saves,
            },
            loops: serde_json::to_value(self.state()).expect("numbers and names"),
            callbacks: trainer.callbacks.iter().filter_map(|c| saved_state(c.as_ref())).collect(),
            loaders: (self.data)(),
            extra: json!({
                "epoch": progress.epoch,
                "global_step": progress.global_step,
            }),
            ..captured
        };
        trainer.callbacks.iter().for_each(|callback| callback.on_save_checkpoint(&mut checkpoint));
        checkpoint.extra["module"] = module.on_save_checkpoint();
        checkpoint
    }
}

fn saved_state<F: Float>(callback: &dyn Callback<F>) -> Option<(String, serde_json::Value)> {
    Some((callback.state_key(), callback.state_dict())).filter(|(_, state)| !state.is_null())
}
