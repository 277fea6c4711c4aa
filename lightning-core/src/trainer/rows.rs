//! When rows go to the loggers, and what is checked before an epoch counts.

use super::TrainerError;
use super::backward::first_bad_parameter;
use super::fit::FitLoop;
use super::run::Run;
use crate::Float;
use crate::hook::Stage;

impl<F: Float> Run<'_, F> {
    /// The x axis of a row.
    pub(super) fn row_step(&self) -> u64 {
        let progress = self.shared.progress;
        if self.trainer.compat.row_axis {
            let last = u64::from(!self.shared.is_window_open);
            progress.batches_that_stepped.saturating_sub(last)
        } else {
            progress.global_step
        }
    }
}

impl<F: Float> FitLoop<'_, F> {
    /// The values of a batch that stepped, every so many of those.
    pub(super) fn write_step_row(&mut self) -> Result<(), TrainerError> {
        self.run.shared.is_window_open = self.window.is_open();
        if !self.has_stepped {
            return Ok(());
        }
        let steps = self.progress().batches_that_stepped;
        if steps.is_multiple_of(self.run.trainer.log_every_n_steps) {
            self.run.write_step(Stage::Train, self.run.row_step())?;
        }
        self.run.shared.train_log.end_step();
        Ok(())
    }

    /// The values of the epoch.
    pub(super) fn write_epoch_row(&mut self) -> Result<(), TrainerError> {
        self.run.show_epoch(Stage::Train)?;
        self.run.write_epoch(Stage::Train)?;
        self.run.shared.train_log.end_epoch();
        Ok(())
    }

    /// A gradient that overflowed shows in the weights before anything is saved or scored.
    pub(super) fn check_parameters(&self) -> Result<(), TrainerError> {
        match first_bad_parameter(&self.run.shared) {
            Some(name) => Err(TrainerError::Diverged {
                epoch: self.progress().epoch,
                batch: self.next_batch.unwrap_or(1) - 1,
                what: format!("parameter `{name}` is not finite"),
            }),
            None => Ok(()),
        }
    }

    /// A misspelt name shows in the first epoch, not by a folder without checkpoints at the end.
    pub(super) fn check_monitors(&mut self) -> Result<(), TrainerError> {
        let validates = self.plan.val_batches.iter().any(|&batches| batches > 0);
        if self.monitors_checked || (validates && self.progress().validations == 0) {
            return Ok(());
        }
        self.monitors_checked = true;
        let metrics = &self.run.shared.views.callback;
        for callback in &self.run.trainer.callbacks {
            if let Some(monitor) = callback.monitor().filter(|monitor| !metrics.contains_key(*monitor)) {
                let logged = metrics.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                let (callback, monitor) = (callback.name().to_owned(), monitor.to_owned());
                return Err(TrainerError::CallbackMonitor { callback, monitor, logged });
            }
        }
        Ok(())
    }
}
