//! The folder of a run, `lightning_logs/version_N`, and what goes into its `hparams.yaml`.

use crate::failure::Failure;
use lightning_core::Hyperparameters;
use lightning_core::loggers::{CsvLogger, Logger, MetricsRow, RunStatus};
use serde_json::Value;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Makes the next free `lightning_logs/version_N` under `out`.
///
/// `create_dir` fails when the folder is there, so that two runs started at once get two folders.
pub(crate) fn create(out: &Path) -> Result<PathBuf, Failure> {
    let logs = out.join("lightning_logs");
    fs::create_dir_all(&logs).map_err(|error| Failure::writing(&logs, &error))?;
    let mut version = next_version(&logs).map_err(|error| Failure::writing(&logs, &error))?;
    loop {
        let folder = logs.join(format!("version_{version}"));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => version = version.saturating_add(1),
            Err(error) => return Err(Failure::writing(&folder, &error)),
        }
    }
}

fn next_version(logs: &Path) -> io::Result<u32> {
    let mut next = 0;
    for entry in fs::read_dir(logs)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("version_")?.parse::<u32>().ok());
        next = next.max(number.map_or(0, |number| number.saturating_add(1)));
    }
    Ok(next)
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

    #[test]
    fn versions_go_on_after_the_largest_and_other_names_do_not_count() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(create(dir.path()).expect("the first"), dir.path().join("lightning_logs/version_0"));
        for name in ["version_7", "version_x", "other_9"] {
            fs::create_dir(dir.path().join("lightning_logs").join(name)).expect("a folder");
        }
        assert_eq!(create(dir.path()).expect("the next"), dir.path().join("lightning_logs/version_8"));
    }
}
