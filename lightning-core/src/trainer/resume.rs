//! Going on from a checkpoint.

use super::fit::FitLoop;
use super::position::FitState;
use super::{Trainer, TrainerError};
use crate::checkpoint::{Checkpoint, Newest, newest_valid};
use crate::{Float, LightningModule};
use std::path::{Path, PathBuf};

/// Where a fit goes on: Lightning's `ckpt_path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resume {
    /// This checkpoint.
    Path(PathBuf),
    /// The newest usable checkpoint of this folder. Damaged ones are passed over and named in the report's warnings;
    /// without any the fit begins anew.
    Last(PathBuf),
}

type Found<F> = Option<(PathBuf, Checkpoint<F>)>;

impl<F: Float> Trainer<F> {
    /// The checkpoint to go on from, and what was noticed on the way to it.
    pub(super) fn find_checkpoint(&self) -> Result<(Found<F>, Vec<String>), TrainerError> {
        let folder = match &self.resume {
            None => return Ok((None, Vec::new())),
            Some(Resume::Path(path)) => {
                return Ok((Some((path.clone(), Checkpoint::read(path)?)), Vec::new()));
            }
            Some(Resume::Last(folder)) => folder,
        };
        let Newest { found, mut passed_over } = match folder.exists() {
            true => newest_valid(folder)?,
            false => Newest { found: None, passed_over: Vec::new() },
        };
        if found.is_some() {
            Ok((found, passed_over.iter().map(|error| format!("passed over {error}")).collect()))
        } else if passed_over.is_empty() {
            Ok((None, vec![format!("{}: nothing to resume, beginning anew", folder.display())]))
        } else {
            Err(passed_over.swap_remove(0).into())
        }
    }
}

impl<F: Float> FitLoop<'_, F> {
    /// Weights, module and callbacks: what must be there before `configure_optimizers`.
    pub(super) fn load<M>(
        &mut self,
        module: &mut M,
        path: &Path,
        saved: &Checkpoint<F>,
    ) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        module.on_load_checkpoint(&saved.extra["module"]);
        module.load_state_dict(&saved.state_dict).map_err(|error| refuse(path, &error))?;
        let callbacks = &mut self.run.trainer.callbacks;
        for callback in callbacks.iter_mut() {
            let failed = |source, name: &str| TrainerError::Callback { callback: name.to_owned(), source };
            if let Err(source) = callback.on_load_checkpoint(saved) {
                return Err(failed(source, callback.name()));
            }
            if let Some(state) = saved.callbacks.get(&callback.state_key())
                && let Err(source) = callback.load_state_dict(state)
            {
                return Err(failed(source, callback.name()));
            }
        }
        for key in saved.callbacks.keys() {
            if !callbacks.iter().any(|callback| callback.state_key() == *key) {
                let warning = format!("{}: has a state of `{key}`, which this run has not", path.display());
                self.run.warnings.push(warning);
            }
        }
        Ok(())
    }

    /// Optimizers, schedulers, open gradients and the loop itself.
    pub(super) fn resume<M>(
        &mut self,
        module: &M,
        path: &Path,
        saved: &Checkpoint<F>,
    ) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        saved
            .restore(module, &mut self.optimization().borrow_mut().optimizers)
            .map_err(|error| refuse(path, &error))?;
        let state: FitState =
            serde_json::from_value(saved.loops.clone()).map_err(|error| refuse(path, &error))?;
        if let Some(next) = state.next_batch().filter(|&next| next > self.plan.batches) {
            let reason = format!(
                "it stands before batch {next} of an epoch that has {} batches here: resume it with the data and \
                 the batch size that it was trained with",
                self.plan.batches
            );
            return Err(TrainerError::Resume { path: path.to_owned(), reason });
        }
        self.restore(state);
        self.is_resumed = true;
        Ok(())
    }
}

fn refuse(path: &Path, error: &dyn std::error::Error) -> TrainerError {
    TrainerError::Resume { path: path.to_owned(), reason: error.to_string() }
}
