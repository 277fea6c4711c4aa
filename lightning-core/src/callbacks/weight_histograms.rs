//! Shows how weights and gradients are spread.

use super::{Callback, CallbackResult};
use crate::Float;
use crate::loggers::Histogram;
use crate::optim::{grad_norm, weight_norm};
use crate::trainer::State;
use crate::{LogOptions, Parameter};

/// Gives loggers a histogram of every parameter, `weights/NAME`, at the end of an epoch, and of its gradient,
/// `gradients/NAME`, before the epoch's last step.
///
/// ```
/// use lightning_core::Trainer;
/// use lightning_core::callbacks::WeightHistograms;
/// let histograms = WeightHistograms { every_n_epochs: 5, gradients: true };
/// let trainer: Trainer = Trainer { callbacks: vec![Box::new(histograms)], ..Trainer::default() };
/// # let _ = trainer;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightHistograms {
    /// Epochs between two sets of histograms; at least 1.
    pub every_n_epochs: usize,
    /// Whether gradients are shown too.
    pub gradients: bool,
}

impl WeightHistograms {
    fn is_due<F: Float>(&self, state: &State<'_, F>) -> bool {
        (state.progress.epoch + 1).is_multiple_of(self.every_n_epochs.max(1)) && !state.is_fast_dev_run
    }
}

fn log<F: Float>(state: &State<'_, F>, tag: &str, values: impl Iterator<Item = F>) -> CallbackResult {
    let histogram = Histogram::of(values.map(F::as_f64));
    let step = state.progress.global_step;
    Ok(state.each_logger(|logger| logger.log_histogram(tag, &histogram, step))?)
}

impl<F: Float> Callback<F> for WeightHistograms {
    fn name(&self) -> &str {
        "WeightHistograms"
    }

    fn on_before_optimizer_step(&mut self, state: &State<'_, F>) -> CallbackResult {
        if !self.gradients || !self.is_due(state) || state.batch_idx + 1 != state.batches {
            return Ok(());
        }
        for (name, parameter) in state.parameters {
            if let Some(grad) = parameter.grad() {
                log(state, &format!("gradients/{name}"), grad.iter().copied())?;
            }
        }
        Ok(())
    }

    fn on_train_epoch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        if self.is_due(state) {
            for (name, parameter) in state.parameters {
                log(state, &format!("weights/{name}"), parameter.value().iter().copied())?;
            }
        }
        Ok(())
    }
}

/// Logs the L2 norms of all gradients and all weights as `grad_norm` and `weight_norm` before each step: Lightning's old
/// `track_grad_norm`. Gradients are those before they are clipped.
///
/// ```
/// use lightning_core::Trainer;
/// use lightning_core::callbacks::NormMonitor;
/// let trainer: Trainer = Trainer { callbacks: vec![Box::new(NormMonitor)], ..Trainer::default() };
/// # let _ = trainer;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NormMonitor;

impl<F: Float> Callback<F> for NormMonitor {
    fn name(&self) -> &str {
        "NormMonitor"
    }

    fn on_before_optimizer_step(&mut self, state: &State<'_, F>) -> CallbackResult {
        let parameters: Vec<Parameter<F>> =
            state.parameters.iter().map(|(_, parameter)| parameter.clone()).collect();
        state.log_with("grad_norm", grad_norm(&parameters), LogOptions::default());
        state.log_with("weight_norm", weight_norm(&parameters), LogOptions::default());
        Ok(())
    }
}
