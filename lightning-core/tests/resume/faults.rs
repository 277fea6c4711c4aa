//! A disk that does not take what is saved.

use crate::killed::command;
use crate::program::{Settings, remains, run, same, undisturbed};
use std::fs;
use std::path::Path;
use std::process::Output;

/// The program with files that may grow to so many blocks of 512 bytes only.
#[cfg(unix)]
fn limited(folder: &Path, blocks: u32) -> Output {
    let program = command(folder);
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""));
    shell.arg(program.get_program()).args(program.get_args());
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.output().expect("its end")
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_reported_and_the_run_goes_on_when_there_is_room() {
    let whole = undisturbed(false);
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), Settings { stop_after: Some(9), ..Settings::default() }).expect("a fit");
    let last = folder.path().join("checkpoints/last.ckpt");
    let before = fs::read(&last).expect("the checkpoint");
    let ended = limited(folder.path(), 8);
    let message = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(5), "{message}");
    assert!(message.contains("cannot be written: File too large"), "{message}");
    assert!(!message.contains("panicked"), "{message}");
    assert_eq!(fs::read(&last).expect("the old file"), before);
    run(folder.path(), Settings { resume: true, ..Settings::default() }).expect("a fit");
    same(&remains(folder.path()), &whole, "after a full disk");
}

#[test]
fn a_folder_that_takes_no_file_is_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("checkpoints"), "a file in the way").expect("a file");
    let error = run(folder.path(), Settings::default()).expect_err("no folder for checkpoints").to_string();
    assert!(error.contains("TopK: ") && error.contains("checkpoints"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_read_only_is_reported() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let checkpoints = folder.path().join("checkpoints");
    fs::create_dir(&checkpoints).expect("a folder");
    let allow =
        |mode| fs::set_permissions(&checkpoints, fs::Permissions::from_mode(mode)).expect("permissions");
    allow(0o555);
    if fs::write(checkpoints.join("probe"), "").is_ok() {
        eprintln!("skipped: this user may write everywhere");
        return;
    }
    let error =
        run(folder.path(), Settings::default()).expect_err("no checkpoint can be written").to_string();
    allow(0o755);
    assert!(error.contains("cannot be written: Permission denied"), "{error}");
}
