//! A moving average of the weights.

use super::averaged_weights::{AveragedWeights, STATE_KEY};
use super::{Callback, CallbackResult};
use crate::Float;
use crate::checkpoint::Checkpoint;
use crate::trainer::State;
use serde_json::{Value, json};

/// Lightning's `EMAWeightAveraging`: `average ← decay · average + (1 − decay) · weights` after every so many steps.
///
/// Validation uses the average, and the trained weights are put back after it; at the end of the fit the module has the
/// average. A checkpoint's weights are the average, those in training are kept beside it, so that a resumed fit goes on
/// exactly.
///
/// ```
/// use lightning_core::Trainer;
/// use lightning_core::callbacks::ExponentialMovingAverage;
/// let ema = ExponentialMovingAverage { decay: 0.99, ..ExponentialMovingAverage::default() };
/// let trainer: Trainer = Trainer { callbacks: vec![Box::new(ema)], ..Trainer::default() };
/// # let _ = trainer;
/// ```
#[derive(Clone, Debug)]
pub struct ExponentialMovingAverage<F: Float = f32> {
    /// How much of the average stays, from 0 to 1.
    pub decay: f64,
    /// Steps between two updates; at least 1.
    pub update_every_n_steps: u64,
    /// The step after which averaging begins.
    pub update_starting_at_step: u64,
    /// The epoch, counted from 0, in which averaging begins.
    pub update_starting_at_epoch: usize,
    /// What it has averaged so far; `..ExponentialMovingAverage::default()` fills it.
    pub weights: EmaWeights<F>,
}

/// What an [`ExponentialMovingAverage`] has averaged so far.
#[derive(Clone, Debug, Default)]
pub struct EmaWeights<F: Float = f32> {
    kept: AveragedWeights<F>,
    step: u64,
}

impl<F: Float> Default for ExponentialMovingAverage<F> {
    fn default() -> Self {
        ExponentialMovingAverage {
            decay: 0.999,
            update_every_n_steps: 1,
            update_starting_at_step: 0,
            update_starting_at_epoch: 0,
            weights: EmaWeights { kept: AveragedWeights::default(), step: 0 },
        }
    }
}

impl<F: Float> Callback<F> for ExponentialMovingAverage<F> {
    fn name(&self) -> &str {
        "ExponentialMovingAverage"
    }

    fn state_key(&self) -> String {
        STATE_KEY.to_owned()
    }

    fn state_dict(&self) -> Value {
        json!({ "step": self.weights.step })
    }

    fn load_state_dict(&mut self, saved: &Value) -> CallbackResult {
        self.weights.step = saved["step"].as_u64().ok_or("its state has no `step`")?;
        Ok(())
    }

    fn on_fit_start(&mut self, _: &State<'_, F>) -> CallbackResult {
        if !(0.0..=1.0).contains(&self.decay) {
            return Err(format!("decay is {}; give a number from 0 to 1", self.decay).into());
        }
        if self.update_every_n_steps == 0 {
            return Err("update_every_n_steps is 0; give at least 1".into());
        }
        Ok(())
    }

    fn on_train_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        self.weights.kept.swap_out(state);
        Ok(())
    }

    fn on_train_batch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let step = state.progress.global_step;
        let begins =
            step > self.update_starting_at_step && state.progress.epoch >= self.update_starting_at_epoch;
        if begins && step != self.weights.step && step.is_multiple_of(self.update_every_n_steps) {
            self.weights.step = step;
            self.weights.kept.update(state.parameters, 1.0 - self.decay);
        }
        Ok(())
    }

    fn on_validation_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        // A validation of its own is about the weights that the module has.
        if state.is_fitting {
            self.weights.kept.swap_in(state);
        }
        Ok(())
    }

    fn on_validation_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        if state.is_fitting {
            self.weights.kept.swap_out(state);
        }
        Ok(())
    }

    fn on_train_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        self.weights.kept.swap_in(state);
        Ok(())
    }

    fn on_save_checkpoint(&self, checkpoint: &mut Checkpoint<F>) {
        self.weights.kept.save(checkpoint);
    }

    fn on_load_checkpoint(&mut self, checkpoint: &Checkpoint<F>) -> CallbackResult {
        self.weights.kept.load(checkpoint);
        Ok(())
    }
}
