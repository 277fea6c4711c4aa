//! Going on from a checkpoint.

use super::fit::FitLoop;
use super::position::FitState;
use super::{Trainer, TrainerError};
use crate::checkpoint::{Checkpoint, Newest, newest_valid, remove_leftovers};
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

/// The checkpoint to go on from, and what was noticed on the way to it.
pub(super) struct Found<F: Float> {
    pub(super) checkpoint: Option<(PathBuf, Checkpoint<F>)>,
    pub(super) notes: Vec<String>,
}

impl<F: Float> Trainer<F> {
    pub(super) fn find_checkpoint(&self) -> Result<Found<F>, TrainerError> {
        let folder = match &self.resume {
            None => return Ok(Found { checkpoint: None, notes: Vec::new() }),
            Some(Resume::Path(path)) => {
                let checkpoint = Some((path.clone(), Checkpoint::read(path)?));
                return Ok(Found { checkpoint, notes: Vec::new() });
            }
            Some(Resume::Last(folder)) => folder,
        };
        let Newest { found: checkpoint, mut passed_over } = match folder.exists() {
            true => newest_valid(folder)?,
            false => Newest { found: None, passed_over: Vec::new() },
        };
        let mut notes: Vec<String> = match checkpoint {
            Some(_) => passed_over.iter().map(|error| format!("passed over {error}")).collect(),
            None if passed_over.is_empty() => {
                vec![format!("{}: nothing to resume, beginning anew", folder.display())]
            }
            None => return Err(passed_over.swap_remove(0).into()),
        };
        notes.extend(clean(folder));
        Ok(Found { checkpoint, notes })
    }
}

/// Removes half-written files of a run that was killed here. What cannot be removed is in nobody's way.
fn clean(folder: &Path) -> Vec<String> {
    match remove_leftovers(folder) {
        Ok(paths) => {
            paths.iter().map(|path| format!("{}: left by a killed run, removed", path.display())).collect()
        }
        Err(error) => vec![error.to_string()],
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
        self.check_data(path, saved)?;
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
        self.restore(state);
        self.is_resumed = true;
        Ok(())
    }
}

impl<F: Float> FitLoop<'_, F> {
    /// In the middle of an epoch the batches must be the very same; between two epochs other data is a wish.
    fn check_data(&mut self, path: &Path, saved: &Checkpoint<F>) -> Result<(), TrainerError> {
        let (found, here) = (&saved.loaders["train"], (self.data)()["train"].take());
        if *found == here {
            return Ok(());
        }
        let reason = format!("its training loader was {found}, here it is {here}");
        if saved.loops["next_batch"].is_null() {
            self.run.warnings.push(format!("{}: {reason}", path.display()));
            return Ok(());
        }
        let cure =
            "resume with the data and the batch size that it was trained with, or from the end of an epoch";
        Err(TrainerError::Resume { path: path.to_owned(), reason: format!("{reason}; {cure}") })
    }
}

pub(super) fn refuse(path: &Path, error: &dyn std::error::Error) -> TrainerError {
    TrainerError::Resume { path: path.to_owned(), reason: error.to_string() }
}
