//! `ci` with a stand-in for cargo: which checks run, in which order, and where they stop.

use crate::support::{Ended, folder, text, xtask};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Runs `ci` with a cargo that notes its arguments and fails at the subcommand `failing`.
fn ci(dir: &Path, failing: &str) -> (Ended, String) {
    let cargo = dir.join("cargo");
    let script = format!(
        "#!/bin/sh\nif [ $1 = locate-project ]; then echo {0}/Cargo.toml; exit; fi\n\
         echo \"$@ $RUSTDOCFLAGS\" >> {0}/calls\n[ $1 != {failing} ]\n",
        text(dir)
    );
    fs::write(&cargo, script).expect("a script");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("executable");
    let ended =
        xtask(dir).arg("ci").env("CARGO", &cargo).env_remove("RUSTDOCFLAGS").output().expect("its end");
    (ended.into(), fs::read_to_string(dir.join("calls")).expect("calls"))
}

#[test]
fn all_checks_run_cheapest_first_and_each_time_is_shown() {
    let dir = folder();
    let (ended, calls) = ci(dir.path(), "none");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let commands: Vec<&str> = calls.lines().filter_map(|line| line.split(' ').next()).collect();
    // Every example of lightning-core is run: their names are held to the folder beside the list.
    let checks = ["fmt", "clippy", "doc", "check", "test", "build", "run", "run", "run", "run", "run", "run"];
    assert_eq!(commands, checks);
    assert!(calls.contains("doc --workspace --no-deps -D warnings"), "{calls}");
    assert_eq!(
        ended.stdout.lines().filter(|line| line.starts_with("passed") && line.contains(" s  ")).count(),
        checks.len()
    );
}

#[test]
fn the_first_check_that_fails_is_named_and_is_the_last() {
    let dir = folder();
    let (ended, calls) = ci(dir.path(), "doc");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("error: documentation failed after "), "{}", ended.stderr);
    assert_eq!(calls.lines().count(), 3, "{calls}");
}
