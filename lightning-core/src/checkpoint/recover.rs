//! Finding the newest checkpoint that can be trusted.

use super::{Checkpoint, CheckpointError, Position, decode};
use crate::Float;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// What a look through a folder found.
#[derive(Debug)]
pub struct Newest<F: Float = f32> {
    /// The newest checkpoint that verifies and holds a whole training, with its path.
    pub found: Option<(PathBuf, Checkpoint<F>)>,
    /// Those that would have been newer, each with the reason why it was not taken.
    pub passed_over: Vec<CheckpointError>,
}

/// Takes the newest `.ckpt` file of a folder from which a run can [resume](Checkpoint::can_resume). Newest is the
/// one with the largest [`Position`], which the run itself has counted; times of files play no part.
///
/// ```
/// use lightning_core::checkpoint::{Checkpoint, Position, newest_valid};
/// let dir = tempfile::tempdir()?;
/// for batches in [3, 9, 12] {
///     let position = Position { batches, ..Position::default() };
///     let checkpoint: Checkpoint = Checkpoint { position, loops: true.into(), ..Checkpoint::default() };
///     checkpoint.write(&dir.path().join(format!("{batches}.ckpt")))?;
/// }
/// let newest = dir.path().join("12.ckpt");
/// std::fs::write(&newest, &std::fs::read(&newest)?[..100])?; // cut short
/// let newest = newest_valid::<f32>(dir.path())?;
/// assert!(newest.found.is_some_and(|(path, _)| path.ends_with("9.ckpt")));
/// assert!(newest.passed_over[0].to_string().contains("12.ckpt: not a usable checkpoint"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`CheckpointError::Read`] if the folder cannot be read. Files that cannot be read are passed over.
pub fn newest_valid<F: Float>(folder: &Path) -> Result<Newest<F>, CheckpointError> {
    let mut passed_over = Vec::new();
    let mut candidates = Vec::new();
    for path in checkpoints(folder)? {
        match decode::peek(&path) {
            Ok(position) => candidates.push((position, path)),
            Err(error) => passed_over.push(error),
        }
    }
    candidates.sort_by(|a: &(Position, PathBuf), b| b.cmp(a));
    for (_, path) in candidates {
        match Checkpoint::read(&path) {
            Ok(checkpoint) if checkpoint.can_resume() => {
                return Ok(Newest { found: Some((path, checkpoint)), passed_over });
            }
            Ok(_) => passed_over.push(CheckpointError::refused(&path)("it holds weights alone".into())),
            Err(error) => passed_over.push(error),
        }
    }
    Ok(Newest { found: None, passed_over })
}

/// The checkpoints of a folder, by name.
fn checkpoints(folder: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let fail = CheckpointError::read(folder);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(&fail)? {
        let path = entry.map_err(&fail)?.path();
        if path.extension() == Some(OsStr::new("ckpt")) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
