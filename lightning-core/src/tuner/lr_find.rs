//! A sweep of the learning rate: Lightning's `lr_find`.

use super::curve::{LrCurve, SKIP_BEGIN};
use super::trial::trial;
use super::{TunerError, setting};
use crate::callbacks::{Callback, CallbackResult};
use crate::data::Loader;
use crate::trainer::{State, Trainer, TrainerError};
use crate::{Float, LightningModule};
use std::sync::{Arc, Mutex, PoisonError};

/// How the learning rate grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LrMode {
    /// By the same factor each step.
    #[default]
    Exponential,
    /// By the same amount each step.
    Linear,
}

/// The settings of [`lr_find`], with Lightning's names and defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct LrFind {
    /// The first learning rate, above 0; 1e-8.
    pub min_lr: f64,
    /// The last one; 1.
    pub max_lr: f64,
    /// Steps of the sweep, at least 2; 100.
    pub num_training: usize,
    /// How the rate grows; exponentially.
    pub mode: LrMode,
    /// Ends the sweep when the smoothed loss is more than so many times the best so far, at least 1; 4. For a loss that
    /// can be negative it counts the distance: more than `best + (threshold − 1) · |best|`. The first 10 steps, over which
    /// too little is averaged yet, neither end it nor are the best. (Lightning begins with the second.)
    pub early_stop_threshold: Option<f64>,
    /// The weight of the past in the smoothed loss, from 0 to below 1; 0.98.
    pub beta: f64,
}

impl Default for LrFind {
    fn default() -> Self {
        LrFind {
            min_lr: 1e-8,
            max_lr: 1.0,
            num_training: 100,
            mode: LrMode::Exponential,
            early_stop_threshold: Some(4.0),
            beta: 0.98,
        }
    }
}

impl LrFind {
    /// The learning rate of step `i`: Lightning's, whose second step already goes two parts of the way.
    fn lr(&self, i: usize) -> f64 {
        let part = if i == 0 { 0.0 } else { (i + 1) as f64 / self.num_training as f64 };
        match self.mode {
            LrMode::Exponential => self.min_lr * (self.max_lr / self.min_lr).powf(part),
            LrMode::Linear => self.min_lr + part * (self.max_lr - self.min_lr),
        }
    }

    fn check(&self) -> Result<(), TunerError> {
        let LrFind { min_lr, max_lr, num_training, early_stop_threshold, beta, .. } = *self;
        if !(min_lr > 0.0 && min_lr.is_finite()) {
            return Err(setting("min_lr", format!("{min_lr}; give a number above 0, for example 1e-8")));
        }
        if !(max_lr > min_lr && max_lr.is_finite()) {
            return Err(setting(
                "max_lr",
                format!("{max_lr}; give a number above min_lr, which is {min_lr}"),
            ));
        }
        if num_training < 2 {
            return Err(setting("num_training", format!("{num_training}; give at least 2, for example 100")));
        }
        if let Some(threshold) =
            early_stop_threshold.filter(|threshold| threshold.is_nan() || *threshold < 1.0)
        {
            return Err(setting("early_stop_threshold", format!("{threshold}; give at least 1, or None")));
        }
        if !(0.0..1.0).contains(&beta) {
            return Err(setting("beta", format!("{beta}; give a number from 0 to below 1")));
        }
        Ok(())
    }
}

/// Trains for some steps with a learning rate that grows from step to step, and gives the curve of the losses.
/// Afterwards the module is what it was.
///
/// The smoothed loss is `sₜ = avgₜ / (1 − βᵗ)` with `avgₜ = β · avgₜ₋₁ + (1 − β) · lossₜ` and t from 1, so that a constant
/// loss stays what it is. (Lightning divides by `1 − βᵗ⁺¹`.) Schedules are left out; a loss or a weight that is no
/// longer finite ends the sweep and is no error.
///
/// # Errors
/// If a setting makes no sense, the module optimizes by hand, or the training fails.
///
/// ```
/// use lightning_core::Trainer;
/// use lightning_core::testing::{Line, line_batches};
/// use lightning_core::tuner::{LrFind, lr_find};
/// let mut line: Line = Line::default();
/// let settings = LrFind { min_lr: 1e-4, ..LrFind::default() };
/// let curve = lr_find(&Trainer::default(), &mut line, &line_batches(), &settings)?;
/// line.lr = curve.suggestion()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn lr_find<F, M, T>(
    trainer: &Trainer<F>,
    module: &mut M,
    train: &T,
    settings: &LrFind,
) -> Result<LrCurve, TunerError>
where
    F: Float,
    M: LightningModule<F> + ?Sized,
    T: Loader<Batch = M::Batch> + ?Sized,
{
    settings.check()?;
    if !module.automatic_optimization() {
        return Err(TunerError::ManualOptimization);
    }
    let curve = Arc::new(Mutex::new(LrCurve { mode: settings.mode, ..LrCurve::default() }));
    let sweep = Sweep {
        settings: settings.clone(),
        curve: Arc::clone(&curve),
        steps: 0,
        window: Vec::new(),
        best: None,
    };
    let batches = settings.num_training.saturating_mul(trainer.accumulate_grad_batches);
    match trial(trainer, module, train, batches, sweep) {
        Ok(()) | Err(TrainerError::Diverged { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let curve = curve.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(curve.clone())
}

/// Sets the learning rate before each step and writes down what came of it.
struct Sweep {
    settings: LrFind,
    curve: Arc<Mutex<LrCurve>>,
    /// Steps so far.
    steps: usize,
    /// Losses of the batches of the step.
    window: Vec<f64>,
    best: Option<f64>,
}

impl Sweep {
    fn is_hopeless(&self, smoothed: f64) -> bool {
        let (Some(best), Some(threshold)) = (self.best, self.settings.early_stop_threshold) else {
            return false;
        };
        smoothed > best + (threshold - 1.0) * best.abs()
    }
}

impl<F: Float> Callback<F> for Sweep {
    fn name(&self) -> &str {
        "lr_find"
    }

    fn on_train_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        state.forget_schedules();
        Ok(())
    }

    fn on_train_batch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        let lr = self.settings.lr(state.progress.global_step as usize);
        state
            .optimizer(0)
            .with(|optimizer| (0..optimizer.groups()).for_each(|group| optimizer.set_lr(group, lr)));
        Ok(())
    }

    fn on_train_batch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        self.window.extend(state.loss);
        let step = std::mem::replace(&mut self.steps, state.progress.global_step as usize);
        // A step whose batches were all skipped has no loss.
        if step == self.steps || self.window.is_empty() {
            return Ok(());
        }
        let loss = self.window.iter().sum::<f64>() / self.window.len() as f64;
        self.window.clear();
        let mut curve = self.curve.lock().unwrap_or_else(PoisonError::into_inner);
        let smoothed = curve.push(self.settings.lr(step), loss, self.settings.beta);
        let is_early = curve.lrs.len() <= SKIP_BEGIN;
        drop(curve);
        if is_early {
            return Ok(());
        }
        if self.is_hopeless(smoothed) {
            state.stop("the loss grows");
        }
        self.best = Some(self.best.map_or(smoothed, |best| best.min(smoothed)));
        Ok(())
    }
}
