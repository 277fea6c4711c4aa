//! Writing in the background: the training goes on while its last checkpoint is made durable.

use super::store::link_atomically;
use super::{Checkpoint, CheckpointError};
use crate::Float;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

type Job = Box<dyn FnOnce() + Send>;

/// The way to the one thread that writes: what is handed over first, by whatever writer, is durable first. So a checkpoint
/// that tells of another callback's file is never there before that file.
static JOBS: Mutex<Option<SyncSender<Job>>> = Mutex::new(None);

/// Writes checkpoints in the order in which they are handed over, on a thread that all writers share.
///
/// One may wait while another is written; handing over a third waits, so that memory holds three at most. A write
/// that failed is reported by the next call, or by [`finish`](Self::finish). Only if a writer is dropped without
/// `finish` has it nobody to tell and prints the error.
///
/// ```
/// use lightning_core::checkpoint::{Checkpoint, CheckpointWriter};
/// use std::sync::Arc;
/// let dir = tempfile::tempdir()?;
/// let [old, new] = ["epoch=0.ckpt", "epoch=1.ckpt"].map(|name| dir.path().join(name));
/// let checkpoint = Arc::new(Checkpoint::<f32>::default());
/// let mut writer = CheckpointWriter::default();
/// writer.write(Arc::clone(&checkpoint), &old, vec![])?;
/// writer.write(checkpoint, &new, vec![old.clone()])?; // removes the old one once the new one is durable
/// writer.finish()?;
/// assert!(new.exists() && !old.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct CheckpointWriter {
    /// Whether something was handed over that is perhaps not durable yet.
    is_busy: bool,
    failure: Arc<Mutex<Option<CheckpointError>>>,
}

impl CheckpointWriter {
    /// Hands a checkpoint over. `replaces` lists files that are removed once it is durable, and stay if it fails;
    /// one that is not there any more is no error.
    ///
    /// # Errors
    /// That of an earlier write, in which case this checkpoint is not handed over; or if no thread can be started.
    pub fn write<F: Float>(
        &mut self,
        checkpoint: Arc<Checkpoint<F>>,
        path: &Path,
        replaces: Vec<PathBuf>,
    ) -> Result<(), CheckpointError> {
        self.check()?;
        let path = path.to_owned();
        let job = {
            let path = path.clone();
            move || {
                make_folder(&path)?;
                checkpoint.write(&path)?;
                // Its memory is free before the next one is copied.
                drop(checkpoint);
                replaces.iter().filter(|old| **old != path).try_for_each(|old| remove(old))
            }
        };
        self.hand_over(&path, job)
    }

    /// Lets `link` be another name of `file`, which was handed over before: a hard link, made in its turn and in one
    /// instant.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn link(&mut self, file: &Path, link: &Path) -> Result<(), CheckpointError> {
        self.check()?;
        let (file, name) = (file.to_owned(), link.to_owned());
        let job = move || link_atomically(&file, &name).map_err(CheckpointError::write(&name));
        self.hand_over(link, job)
    }

    /// Waits until everything that was handed over is durable.
    ///
    /// # Errors
    /// The first failure since the last report.
    pub fn finish(&mut self) -> Result<(), CheckpointError> {
        if std::mem::take(&mut self.is_busy) {
            let (say, hear) = channel();
            let reached = send(Box::new(move || {
                // Somebody waits below.
                let _ = say.send(());
            }));
            // Whoever cannot be reached any more has nothing left to write.
            if reached.is_ok() {
                let _ = hear.recv();
            }
        }
        self.check()
    }

    fn check(&self) -> Result<(), CheckpointError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }

    fn hand_over(
        &mut self,
        path: &Path,
        job: impl FnOnce() -> Result<(), CheckpointError> + Send + 'static,
    ) -> Result<(), CheckpointError> {
        self.is_busy = true;
        let (failure, of) = (Arc::clone(&self.failure), path.to_owned());
        let job = move || {
            // A mistake of ours in one job must neither end all others nor pass for a file that was written.
            let panicked = |_| Err(CheckpointError::write(&of)(io::Error::other("the writer panicked")));
            if let Err(error) = catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(panicked) {
                failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        };
        send(Box::new(job)).map_err(CheckpointError::write(path))
    }
}

/// Hands a job to the thread, which is started by the first one.
fn send(job: Job) -> io::Result<()> {
    let jobs = {
        let mut jobs = JOBS.lock().unwrap_or_else(PoisonError::into_inner);
        match &*jobs {
            Some(jobs) => jobs.clone(),
            None => jobs.insert(start()?).clone(),
        }
    };
    jobs.send(job).map_err(|_| io::Error::other("the thread that writes checkpoints ended"))
}

fn start() -> io::Result<SyncSender<Job>> {
    let (jobs, queue) = sync_channel::<Job>(1);
    let work = move || {
        queue.into_iter().for_each(|job| job());
    };
    Builder::new().name("checkpoints".into()).spawn(work)?;
    Ok(jobs)
}

impl Drop for CheckpointWriter {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            eprintln!("{error}");
        }
    }
}

fn make_folder(path: &Path) -> Result<(), CheckpointError> {
    match path.parent() {
        Some(folder) => fs::create_dir_all(folder).map_err(CheckpointError::write(folder)),
        None => Ok(()),
    }
}

fn remove(path: &Path) -> Result<(), CheckpointError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(CheckpointError::write(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_is_reported_by_the_next_call_and_removes_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let old = dir.path().join("old.ckpt");
        let checkpoint = Arc::new(Checkpoint::<f32>::default());
        let mut writer = CheckpointWriter::default();
        writer.write(Arc::clone(&checkpoint), &old, vec![]).expect("handed over");
        writer.finish().expect("written");
        let taken = dir.path().join("taken.ckpt");
        fs::create_dir(&taken).expect("a folder in the way");
        writer.write(Arc::clone(&checkpoint), &taken, vec![old.clone()]).expect("handed over");
        let error = writer.finish().expect_err("a folder is in the way").to_string();
        assert!(error.contains("taken.ckpt: cannot be written"), "{error}");
        assert!(old.exists());
        writer
            .write(
                checkpoint,
                &dir.path().join("new/a.ckpt"),
                vec![old.clone(), taken.with_file_name("none")],
            )
            .expect("no failure is left");
        writer.finish().expect("written");
        assert!(!old.exists());
    }

    #[test]
    fn what_was_handed_over_is_written_when_the_writer_goes() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut writer = CheckpointWriter::default();
        let path = |i: u64| dir.path().join(format!("{i}.ckpt"));
        for i in 0..5 {
            let checkpoint: Checkpoint = Checkpoint { extra: i.into(), ..Checkpoint::default() };
            writer.write(Arc::new(checkpoint), &path(i), vec![]).expect("handed over");
        }
        drop(writer);
        for i in 0..5 {
            assert_eq!(Checkpoint::<f32>::read(&path(i)).expect("whole").extra, i);
        }
    }
}
