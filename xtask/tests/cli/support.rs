//! Running the program and looking at what it left.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A training of seconds.
pub(crate) const SHORT: [&str; 5] = ["train", "--epochs", "3", "--hidden-dim", "8"];

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

pub(crate) fn xtask(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.current_dir(dir).env_remove("RAYON_NUM_THREADS");
    command
}

pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let ended = Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        ended
    }
}

/// Runs the program in `dir` to its end.
pub(crate) fn run(dir: &Path, args: &[&str]) -> Ended {
    xtask(dir).args(args).output().expect("the program starts").into()
}

/// Runs it and expects success.
pub(crate) fn done(dir: &Path, args: &[&str]) -> Ended {
    let ended = run(dir, args);
    assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
    ended
}

/// Runs it and expects this code, one line of error that holds `message`, and that nothing was written.
pub(crate) fn refused(dir: &Path, args: &[&str], code: i32, message: &str) {
    let before = files(dir);
    let ended = run(dir, args);
    assert_eq!(ended.code, Some(code), "{args:?}: {}", ended.stderr);
    assert!(ended.stderr.starts_with("error: "), "{args:?}: {}", ended.stderr);
    assert!(ended.stderr.contains(message), "{args:?}: {}", ended.stderr);
    assert_eq!(files(dir), before, "{args:?} wrote something");
}

/// All files below `dir`, sorted.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

/// The folder of the first run in `dir`.
pub(crate) fn version_0(dir: &Path) -> PathBuf {
    dir.join("lightning_logs").join("version_0")
}

/// The first checkpoint of a run that is not the last epoch's.
pub(crate) fn best(run: &Path) -> PathBuf {
    let is_best = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("epoch="))
    };
    files(run).into_iter().find(is_best).expect("a best checkpoint")
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// A cohort of two views and two classes in files: 12 training rows, 4 test rows.
pub(crate) fn write_cohort(dir: &Path) {
    let matrix = |rows: usize, columns: usize, salt: usize| {
        let cell = |i: usize, j: usize| ((i * 7 + j * 13 + salt * 5) % 11) as f64 / 10.0 + (i % 2) as f64;
        let row =
            |i: usize| (0..columns).map(|j| cell(i, j).to_string()).collect::<Vec<_>>().join(",") + "\n";
        (0..rows).map(row).collect::<String>()
    };
    let labels = |rows: usize| (0..rows).map(|i| format!("{}\n", i % 2)).collect::<String>();
    for (name, content) in [
        ("1_tr.csv", matrix(12, 4, 0)),
        ("1_te.csv", matrix(4, 4, 1)),
        ("2_tr.csv", matrix(12, 3, 2)),
        ("2_te.csv", matrix(4, 3, 3)),
        ("labels_tr.csv", labels(12)),
        ("labels_te.csv", labels(4)),
        ("classes.csv", "healthy\nill, badly\n".to_owned()),
    ] {
        fs::write(dir.join(name), content).expect("a file");
    }
}
