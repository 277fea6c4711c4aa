//! The folder of a run, `lightning_logs/version_N`, and what goes into its `hparams.yaml`.

use crate::failure::{Exit, Failure};
use lightning_core::Hyperparameters;
use lightning_core::loggers::{CsvLogger, Logger, MetricsRow, RunStatus};
use serde_json::Value;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// A folder in which this process alone trains.
pub(crate) struct RunFolder {
    path: PathBuf,
    /// The lock is the system's: it ends with the process, however that ends.
    _lock: Option<File>,
}

impl RunFolder {
    /// Makes the next free `lightning_logs/version_N` under `out`.
    pub(crate) fn create(out: &Path) -> Result<Self, Failure> {
        Self::create_numbered(out, "version")
    }

    /// Makes the next free `lightning_logs/STEM_N` under `out`.
    ///
    /// `create_dir` fails when the folder is there, so that two runs started at once get two folders.
    pub(crate) fn create_numbered(out: &Path, stem: &str) -> Result<Self, Failure> {
        let logs = out.join("lightning_logs");
        fs::create_dir_all(&logs).map_err(|error| Failure::writing(&logs, &error))?;
        let newest = newest_number(&logs, stem).map_err(|error| Failure::writing(&logs, &error))?;
        let mut number = newest.map_or(0, |newest| newest.saturating_add(1));
        loop {
            let folder = logs.join(format!("{stem}_{number}"));
            match fs::create_dir(&folder) {
                // Another process may have resumed it in this very moment.
                Ok(()) => match RunFolder::lock(folder)? {
                    Some(folder) => return Ok(folder),
                    None => number = number.saturating_add(1),
                },
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number = number.saturating_add(1),
                Err(error) => return Err(Failure::writing(&folder, &error)),
            }
        }
    }

    /// The folder with its lock; none if another process has it.
    pub(crate) fn lock(path: PathBuf) -> Result<Option<Self>, Failure> {
        let file = path.join(".lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&file);
        let lock = lock.map_err(|error| Failure::writing(&file, &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(RunFolder { path, _lock: Some(lock) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            // A file system without locks: nobody can be warned there.
            Err(TryLockError::Error(_)) => Ok(Some(RunFolder { path, _lock: None })),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The run folder under `out` with the largest number.
pub(crate) fn newest(out: &Path) -> Result<Option<PathBuf>, Failure> {
    let logs = out.join("lightning_logs");
    if !logs.is_dir() {
        return Ok(None);
    }
    let newest = newest_number(&logs, "version")
        .map_err(|error| Failure::new(Exit::Usage, format!("{}: cannot be read: {error}", logs.display())))?;
    Ok(newest.map(|version| logs.join(format!("version_{version}"))))
}

fn newest_number(logs: &Path, stem: &str) -> io::Result<Option<u32>> {
    let mut newest = None;
    for entry in fs::read_dir(logs)? {
        let name = entry?.file_name();
        let number =
            name.to_str().and_then(|name| name.strip_prefix(stem)?.strip_prefix('_')?.parse::<u32>().ok());
        newest = newest.max(number);
    }
    Ok(newest)
}

/// A [`CsvLogger`] whose `hparams.yaml` has the run's own settings under `run`.
pub(crate) struct RunLogger {
    pub(crate) csv: CsvLogger,
    pub(crate) run: Value,
}

impl Logger for RunLogger {
    fn name(&self) -> &str {
        self.csv.name()
    }

    fn log_hyperparameters(&mut self, hparams: &Hyperparameters) -> io::Result<()> {
        let mut all = hparams.as_json().clone();
        if let Value::Object(fields) = &mut all {
            fields.insert("run".into(), self.run.clone());
        }
        self.csv.log_hyperparameters(&all.into())
    }

    fn log_metrics(&mut self, row: &MetricsRow<'_>) -> io::Result<()> {
        self.csv.log_metrics(row)
    }

    fn position(&mut self) -> io::Result<Value> {
        self.csv.position()
    }

    fn rewind(&mut self, position: &Value) -> io::Result<()> {
        self.csv.rewind(position)
    }

    fn finalize(&mut self, status: RunStatus) -> io::Result<()> {
        self.csv.finalize(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(out: &Path) -> RunFolder {
        RunFolder::create(out).expect("a folder")
    }

    #[test]
    fn versions_go_on_after_the_largest_and_other_names_do_not_count() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(newest(dir.path()).expect("a look"), None);
        assert_eq!(create(dir.path()).path(), dir.path().join("lightning_logs/version_0"));
        for name in ["version_7", "version_x", "other_9"] {
            fs::create_dir(dir.path().join("lightning_logs").join(name)).expect("a folder");
        }
        let last = dir.path().join("lightning_logs/version_8");
        assert_eq!(create(dir.path()).path(), last);
        assert_eq!(newest(dir.path()).expect("a look"), Some(last));
    }

    #[test]
    fn a_folder_is_locked_as_long_as_it_is_held_and_the_file_alone_is_no_lock() {
        let dir = tempfile::tempdir().expect("a folder");
        let held = create(dir.path());
        let path = held.path().to_owned();
        assert!(RunFolder::lock(path.clone()).expect("a look").is_none());
        drop(held);
        assert!(path.join(".lock").is_file());
        assert!(RunFolder::lock(path).expect("a look").is_some());
    }
}
