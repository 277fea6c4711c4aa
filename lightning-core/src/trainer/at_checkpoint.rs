//! Validation and test of a checkpoint: with its weights, at its place in the run.

use super::eval::{test, validation};
use super::loaders::Loaders;
use super::resume::refuse;
use super::{Metrics, Trainer, TrainerError};
use crate::checkpoint::Checkpoint;
use crate::{Float, LightningModule, Progress};
use std::path::Path;

impl<F: Float> Trainer<F> {
    /// As [`validate`](Self::validate) with the weights of a checkpoint; what goes to the loggers stands at the
    /// checkpoint's epoch and step. The module has its own weights again afterwards.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and if the checkpoint cannot be read or does not fit.
    pub fn validate_checkpoint<M, L>(
        &mut self,
        module: &mut M,
        loaders: L,
        checkpoint: &Path,
    ) -> Result<Metrics, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        L: Loaders<Batch = M::Batch>,
    {
        let limit = self.limit_val_batches;
        self.at_checkpoint(module, checkpoint, |trainer, module, progress| {
            trainer.evaluate(module, &loaders, limit, progress, &validation()).map(|(metrics, _)| metrics)
        })
    }

    /// As [`test`](Self::test) with the weights of a checkpoint; see
    /// [`validate_checkpoint`](Self::validate_checkpoint).
    ///
    /// # Errors
    /// As [`test`](Self::test), and if the checkpoint cannot be read or does not fit.
    pub fn test_checkpoint<M, L>(
        &mut self,
        module: &mut M,
        loaders: L,
        checkpoint: &Path,
    ) -> Result<Metrics, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        L: Loaders<Batch = M::Batch>,
    {
        let limit = self.limit_test_batches;
        self.at_checkpoint(module, checkpoint, |trainer, module, progress| {
            trainer.evaluate(module, &loaders, limit, progress, &test()).map(|(metrics, _)| metrics)
        })
    }

    fn at_checkpoint<M, R>(
        &mut self,
        module: &mut M,
        path: &Path,
        run: impl FnOnce(&mut Self, &mut M, Progress) -> Result<R, TrainerError>,
    ) -> Result<R, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        let saved = Checkpoint::<F>::read(path)?;
        let own = module.state_dict();
        saved.load_weights(module, true).map_err(|error| refuse(path, &error))?;
        let result = run(self, module, progress(&saved));
        module.load_state_dict(&own).map_err(|error| refuse(path, &error))?;
        result
    }
}

/// Where the checkpoint stands: the epoch is the one that its weights come from.
fn progress<F: Float>(saved: &Checkpoint<F>) -> Progress {
    let position = saved.position;
    let known: Option<Progress> = serde_json::from_value(saved.loops["progress"].clone()).ok();
    let progress = known.unwrap_or(Progress {
        epoch: position.epoch as usize,
        global_step: position.global_step,
        batches: position.batches,
        ..Progress::default()
    });
    let is_between_epochs = saved.loops["next_batch"].is_null();
    Progress { epoch: progress.epoch.saturating_sub(usize::from(is_between_epochs)), ..progress }
}
