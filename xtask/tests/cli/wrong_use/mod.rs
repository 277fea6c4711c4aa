//! Wrong use: each case ends with its exit code and one line that says what to do, and leaves every file as it was.

mod configuration;
mod environment;
mod flags;
mod paths;

use crate::support::{Ended, xtask};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

/// Every path below `dir` with its bytes, where it is a file.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        let kind = fs::symlink_metadata(&path).expect("an entry").file_type();
        if kind.is_dir() {
            found.extend(contents(&path));
        }
        let bytes = kind.is_file().then(|| fs::read(&path).expect("bytes"));
        found.insert(path, bytes);
    }
    found
}

/// Runs the program with a limit: to wait for ever is wrong, too.
fn ended(mut command: Command) -> Ended {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(command.output()));
    let output = receiver.recv_timeout(Duration::from_secs(60)).expect("an end within a minute");
    output.expect("the program starts").into()
}

/// Expects the code, one line on stderr that holds `message`, nothing on stdout, and no file changed in `dir`.
fn refused_by(dir: &Path, command: Command, code: i32, message: &str) {
    let shown = format!("{command:?}");
    let before = contents(dir);
    let ended = ended(command);
    assert_eq!(ended.code, Some(code), "{shown}: {}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{shown}: {}", ended.stderr);
    assert!(ended.stderr.starts_with("error: "), "{shown}: {}", ended.stderr);
    assert!(ended.stderr.contains(message), "{shown}: expected {message}: {}", ended.stderr);
    assert_eq!(ended.stdout, "", "{shown}");
    assert!(contents(dir) == before, "{shown} changed files");
}

/// The same for arguments.
fn refused(dir: &Path, args: &[&str], code: i32, message: &str) {
    let mut command = xtask(dir);
    command.args(args);
    refused_by(dir, command, code, message);
}
