//! Why a checkpoint could not be written or must not be used.

use std::io;
use std::path::{Path, PathBuf};

/// A checkpoint that cannot be written or must not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no checkpoint, a damaged one, or one of something else.
    #[error("{}: not a usable checkpoint: {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl CheckpointError {
    pub(super) fn read(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| CheckpointError::Read { path: path.clone(), source }
    }

    pub(crate) fn write(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| CheckpointError::Write { path: path.clone(), source }
    }

    pub(super) fn refused(path: &Path) -> impl Fn(String) -> Self + use<> {
        let path = path.to_owned();
        move |reason| CheckpointError::Refused { path: path.clone(), reason }
    }
}
