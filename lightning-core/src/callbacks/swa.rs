//! The mean of the weights of the last epochs.

use super::averaged_weights::{AveragedWeights, STATE_KEY};
use super::{Callback, CallbackResult};
use crate::Float;
use crate::checkpoint::Checkpoint;
use crate::trainer::State;
use serde_json::{Value, json};

/// How the learning rate goes to its new value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Annealing {
    /// Along half a wave of the cosine.
    #[default]
    Cos,
    /// In a straight line.
    Linear,
}

impl Annealing {
    /// The share of the way that is gone at `x` from 0 to 1.
    fn share(self, x: f64) -> f64 {
        match self {
            Annealing::Cos => (1.0 - (std::f64::consts::PI * x).cos()) / 2.0,
            Annealing::Linear => x,
        }
    }
}

/// Stochastic weight averaging (Izmailov et al. 2018): from an epoch on, a constant learning rate, and in the end the mean
/// of the weights at the end of each of these epochs. Lightning's callback of this name takes the weights at the epochs'
/// beginnings.
///
/// The rate that is set here wins over that of schedulers. The first optimizer is meant. A checkpoint's weights are the
/// mean so far, those in training are kept beside it, so that a resumed fit goes on exactly.
///
/// ```
/// use lightning_core::Trainer;
/// use lightning_core::callbacks::StochasticWeightAveraging;
/// let swa = StochasticWeightAveraging { swa_epoch_start: 75, ..StochasticWeightAveraging::new(0.01) };
/// let trainer: Trainer = Trainer { max_epochs: 100, callbacks: vec![Box::new(swa)], ..Trainer::default() };
/// # let _ = trainer;
/// ```
#[derive(Clone, Debug)]
pub struct StochasticWeightAveraging<F: Float = f32> {
    /// The learning rate of the averaged epochs.
    pub swa_lr: f64,
    /// The first epoch that is averaged, counted from 0.
    pub swa_epoch_start: usize,
    /// Epochs in which the rate goes to `swa_lr`.
    pub annealing_epochs: usize,
    /// How it goes there.
    pub annealing_strategy: Annealing,
    /// What it has averaged so far; `..StochasticWeightAveraging::new(lr)` fills it.
    pub weights: SwaWeights<F>,
}

/// What a [`StochasticWeightAveraging`] has averaged so far.
#[derive(Clone, Debug, Default)]
pub struct SwaWeights<F: Float = f32> {
    kept: AveragedWeights<F>,
    epochs: u64,
    /// The learning rate of each group when averaging began.
    lrs: Vec<f64>,
}

impl<F: Float> StochasticWeightAveraging<F> {
    /// Averages from epoch 80 on; ten epochs of annealing along the cosine.
    pub fn new(swa_lr: f64) -> Self {
        let weights = SwaWeights { kept: AveragedWeights::default(), epochs: 0, lrs: Vec::new() };
        StochasticWeightAveraging {
            swa_lr,
            swa_epoch_start: 80,
            annealing_epochs: 10,
            annealing_strategy: Annealing::Cos,
            weights,
        }
    }

    fn is_averaging(&self, state: &State<'_, F>) -> bool {
        state.progress.epoch >= self.swa_epoch_start
    }
}

impl<F: Float> Callback<F> for StochasticWeightAveraging<F> {
    fn name(&self) -> &str {
        "StochasticWeightAveraging"
    }

    fn state_key(&self) -> String {
        STATE_KEY.to_owned()
    }

    fn state_dict(&self) -> Value {
        json!({ "epochs": self.weights.epochs, "lrs": self.weights.lrs })
    }

    fn load_state_dict(&mut self, saved: &Value) -> CallbackResult {
        self.weights.epochs = saved["epochs"].as_u64().ok_or("its state has no `epochs`")?;
        self.weights.lrs = serde_json::from_value(saved["lrs"].clone())?;
        Ok(())
    }

    fn on_fit_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        if !(self.swa_lr > 0.0 && self.swa_lr.is_finite()) {
            return Err(format!("swa_lr is {}; give a number above 0", self.swa_lr).into());
        }
        if self.swa_epoch_start >= state.max_epochs {
            let (start, most) = (self.swa_epoch_start, state.max_epochs);
            return Err(
                format!("swa_epoch_start is {start}, but the fit has {most} epochs; give less").into()
            );
        }
        Ok(())
    }

    fn on_train_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        self.weights.kept.swap_out(state);
        Ok(())
    }

    fn on_train_batch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        if !self.is_averaging(state) {
            return Ok(());
        }
        state.optimizer(0).with(|optimizer| {
            if self.weights.lrs.is_empty() {
                self.weights.lrs = (0..optimizer.groups()).map(|group| optimizer.lr(group)).collect();
            }
            let epochs = (state.progress.epoch - self.swa_epoch_start) as f64;
            let x = if self.annealing_epochs == 0 {
                1.0
            } else {
                (epochs / self.annealing_epochs as f64).min(1.0)
            };
            let share = self.annealing_strategy.share(x);
            for (group, from) in self.weights.lrs.iter().enumerate() {
                optimizer.set_lr(group, from + (self.swa_lr - from) * share);
            }
        });
        Ok(())
    }

    fn on_train_epoch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        if self.is_averaging(state) {
            self.weights.epochs += 1;
            self.weights.kept.update(state.parameters, 1.0 / self.weights.epochs as f64);
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
