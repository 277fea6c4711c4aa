//! Checkpoints as the commands read them.

use crate::failure::{Exit, Failure};
use mmdynamic::TrainedError;
pub(crate) use mmdynamic::{SavedData, Trained as Loaded};
use serde_json::Value;
use std::path::Path;

/// Reads a checkpoint and makes its model.
pub(crate) fn load(path: &Path) -> Result<Loaded, Failure> {
    Ok(Loaded::read(path)?)
}

/// As JSON. A checkpoint keeps what is long outside its header, so that any number of features fits.
pub(crate) fn to_json(data: &SavedData) -> Result<Value, Failure> {
    serde_json::to_value(data).map_err(|error| Failure::new(Exit::Data, error.to_string()))
}

impl From<TrainedError> for Failure {
    fn from(error: TrainedError) -> Self {
        match error {
            TrainedError::Checkpoint(error) => error.into(),
            TrainedError::Data(error) => error.into(),
            TrainedError::Misfit { .. } => {
                Failure::new(Exit::Data, error.to_string()).with("name it with --data")
            }
            _ => Failure::new(Exit::Checkpoint, error.to_string()),
        }
    }
}
