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
    // A header that cannot be read comes first: reading the whole file says why.
    let mut candidates: Vec<(bool, Position, PathBuf)> = checkpoints(folder)?
        .into_iter()
        .map(|path| match decode::peek(&path) {
            Ok(position) => (false, position, path),
            Err(_) => (true, Position::default(), path),
        })
        .collect();
    candidates.sort_by(|a, b| b.cmp(a));
    let mut passed_over = Vec::new();
    for (_, _, path) in candidates {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn the_clock_does_not_decide_and_weights_alone_are_no_training() {
        let dir = tempfile::tempdir().expect("a folder");
        let write = |name: &str, position, loops: bool| {
            let loops = if loops { true.into() } else { serde_json::Value::Null };
            let checkpoint: Checkpoint = Checkpoint { position, loops, ..Checkpoint::default() };
            checkpoint.write(&dir.path().join(name)).expect("written");
        };
        let at = |batches, epoch, saves| Position { batches, epoch, saves, ..Position::default() };
        write("early.ckpt", at(9, 0, 1), true);
        write("end of epoch.ckpt", at(10, 1, 2), true);
        write("weights.ckpt", at(10, 1, 3), false);
        write(".late.ckpt.1-1.tmp", at(99, 9, 9), true);
        // The clock was set back while the run went on.
        for (name, hours) in [("early.ckpt", 2), ("end of epoch.ckpt", 1)] {
            let file = fs::OpenOptions::new().write(true).open(dir.path().join(name)).expect("the file");
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(3600 * hours)).expect("a time");
        }
        let newest = newest_valid::<f32>(dir.path()).expect("a folder");
        assert!(newest.found.is_some_and(|(path, _)| path.ends_with("end of epoch.ckpt")));
        assert_eq!(newest.passed_over.len(), 1);
        assert!(
            newest.passed_over[0]
                .to_string()
                .ends_with("weights.ckpt: not a usable checkpoint: it holds weights alone")
        );
    }

    #[test]
    fn a_folder_with_nothing_sound_says_what_it_has() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("a.ckpt"), "not a checkpoint").expect("a file");
        fs::create_dir(dir.path().join("b.ckpt")).expect("a folder");
        let newest = newest_valid::<f32>(dir.path()).expect("a folder");
        assert!(newest.found.is_none());
        let names: Vec<String> = newest.passed_over.iter().map(ToString::to_string).collect();
        assert!(names[0].contains("b.ckpt: not a usable checkpoint: not a regular file"), "{names:?}");
        assert!(names[1].contains("a.ckpt: not a usable checkpoint: its header says"), "{names:?}");
        assert!(newest_valid::<f32>(&dir.path().join("none")).is_err());
    }
}
