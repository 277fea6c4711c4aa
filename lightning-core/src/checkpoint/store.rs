//! Writing files so that a path holds, at every instant, the old file or the new one.

use super::CheckpointError;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes handed to the system at a time.
const BUFFER: usize = 1 << 20;

/// Writes a file completely or not at all: a temporary file beside it, synced, renamed over it, the folder synced.
///
/// # Errors
/// If any of this fails; the old file is then untouched and the temporary one removed.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_atomically(path, |file| file.write_all(bytes))
}

/// The same for a file that `write` makes piece by piece.
pub(super) fn replace_atomically(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = temporary_beside(path)?;
    let written = write_synced(&temporary, write).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // A file that was there before is not ours. Of two errors the first is the one to report.
        if error.kind() != io::ErrorKind::AlreadyExists {
            let _ = fs::remove_file(&temporary);
        }
        return Err(error);
    }
    sync_folder(path)
}

/// Makes `link` another name of `file`, in the place of what was there.
pub(super) fn link_atomically(file: &Path, link: &Path) -> io::Result<()> {
    let temporary = temporary_beside(link)?;
    fs::hard_link(file, &temporary)?;
    if let Err(error) = fs::rename(&temporary, link) {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    // Renaming one name of a file to another does nothing, and leaves both.
    if temporary.exists() {
        fs::remove_file(&temporary)?;
    }
    sync_folder(link)
}

/// A name that no other writer, in this process or another, uses: `.NAME.PROCESS-NUMBER.tmp`.
fn temporary_beside(path: &Path) -> io::Result<PathBuf> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("{} names no file", path.display()))
    })?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}-{}.tmp", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    Ok(path.with_file_name(hidden))
}

/// Whether [`temporary_beside`] makes such names.
fn is_temporary(path: &Path) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some((original, ids)) = name
        .strip_prefix('.')
        .and_then(|rest| rest.strip_suffix(".tmp"))
        .and_then(|rest| rest.rsplit_once('.'))
    else {
        return false;
    };
    !original.is_empty() && ids.split_once('-').is_some_and(|(id, n)| is_number(id) && is_number(n))
}

/// Removes what writers that were killed left in a folder, and says what that was. A temporary file is held
/// locked while it is written, and the system lets go of the lock when a process ends: one that is locked belongs
/// to a run that is alive and stays, as does every file of another name.
///
/// # Errors
/// If the folder cannot be read or a file not be removed. A folder that is not there has no leftovers.
pub fn remove_leftovers(folder: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let fail = CheckpointError::read(folder);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(&fail)?,
    };
    let mut removed = Vec::new();
    for entry in entries {
        let entry = entry.map_err(&fail)?;
        let path = entry.path();
        let is_file = entry.file_type().map_err(&fail)?.is_file();
        if is_file && is_temporary(&path) && is_abandoned(&path).map_err(CheckpointError::read(&path))? {
            fs::remove_file(&path).map_err(CheckpointError::write(&path))?;
            removed.push(path);
        }
    }
    removed.sort();
    Ok(removed)
}

fn is_abandoned(path: &Path) -> io::Result<bool> {
    match File::open(path) {
        // Its writer has just renamed it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        file => match file?.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        },
    }
}

fn write_synced(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    // Where locks do not exist nobody else can take one either, and the file is never taken for abandoned.
    let _ = file.lock();
    let mut file = BufWriter::with_capacity(BUFFER, file);
    write(&mut file)?;
    file.into_inner()?.sync_all()
}

/// Makes a file durable that others write, if it is there.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    match OpenOptions::new().append(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        file => file?.sync_data().and_then(|()| sync_folder(path)),
    }
}

/// Makes the rename itself durable, where a folder can be opened for that.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_new_file_replaces_the_old_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a b.ckpt");
        write_atomically(&path, b"old").expect("written");
        write_atomically(&path, b"new").expect("written");
        assert_eq!(fs::read(&path).expect("the file"), b"new");
        assert_eq!(fs::read_dir(dir.path()).expect("the folder").count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_the_folder_as_it_was() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("taken");
        fs::create_dir(&path).expect("a folder in the way");
        write_atomically(&path, b"new").expect_err("a folder is in the way");
        assert_eq!(fs::read_dir(dir.path()).expect("the folder").count(), 1);
    }

    #[test]
    fn only_what_a_killed_writer_left_is_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let all =
            [".a b.ckpt.71-3.tmp", ".ckpt.71-.tmp", ".x.tmp", "a.ckpt", "b.71-3.tmp", ".live.ckpt.72-0.tmp"];
        for name in all {
            fs::write(dir.path().join(name), "half").expect("a file");
        }
        fs::create_dir(dir.path().join(".folder.1-1.tmp")).expect("a folder");
        let live = File::open(dir.path().join(".live.ckpt.72-0.tmp")).expect("the file");
        live.lock().expect("its writer's lock");
        let removed = remove_leftovers(dir.path()).expect("a look");
        assert_eq!(removed, [dir.path().join(".a b.ckpt.71-3.tmp")]);
        assert_eq!(
            names(dir.path()),
            [".ckpt.71-.tmp", ".folder.1-1.tmp", ".live.ckpt.72-0.tmp", ".x.tmp", "a.ckpt", "b.71-3.tmp"]
        );
        assert!(remove_leftovers(&dir.path().join("none")).expect("no folder").is_empty());
    }
}
