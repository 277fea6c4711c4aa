//! Variables that name no setting or hold no fitting value, and outputs that cannot be written to.

use super::{ended, refused_by};
use crate::support::{folder, xtask};
use std::fs::OpenOptions;

#[test]
fn a_variable_is_refused_by_its_name() {
    let dir = folder();
    for (name, value, message) in [
        (
            "XTASK_OPTIMIZER__LR",
            "fast",
            "XTASK_OPTIMIZER__LR: optimizer.lr is \"fast\", expected a positive number",
        ),
        ("XTASK_OPTIMIZER__LR", "", "XTASK_OPTIMIZER__LR: optimizer.lr is \"\""),
        ("XTASK_OPTIMISER__LR", "1", "did you mean XTASK_OPTIMIZER__LR?"),
        ("XTASK_TRAINER_MAX_EPOCHS", "1", "did you mean XTASK_TRAINER__MAX_EPOCHS?"),
        ("XTASK_PRESET", "pots", "XTASK_PRESET: preset is \"pots\", expected one of post"),
        ("XTASK_", "1", "the environment names a setting that is not there"),
    ] {
        let mut command = xtask(dir.path());
        command.args(["train", "--epochs", "1"]).env(name, value);
        refused_by(dir.path(), command, 2, message);
    }
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text_are_refused_where_a_configuration_must_hold_them() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let dir = folder();
    let odd = OsStr::from_bytes(b"a\xff\nb");
    let mut command = xtask(dir.path());
    command.args(["train", "--epochs", "1"]).env("XTASK_OUT", odd);
    refused_by(dir.path(), command, 2, "XTASK_OUT: \"a\u{fffd}\\nb\" is not UTF-8");
    for flag in ["--data", "--out"] {
        let mut command = xtask(dir.path());
        command.args(["train", flag]).arg(odd);
        refused_by(dir.path(), command, 2, &format!("{flag}: \"a\u{fffd}\\nb\" is not UTF-8"));
    }
    let mut command = xtask(dir.path());
    command.args(["train", "--config"]).arg(odd);
    refused_by(dir.path(), command, 2, "\\nb: the configuration cannot be read");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_a_failure_to_write_and_a_closed_pipe_is_none() {
    let dir = folder();
    for args in
        [&["print-config"][..], &["train", "--help"], &["completions", "zsh"], &["train", "--epochs", "1"]]
    {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("the device");
        let mut command = xtask(dir.path());
        command.args(args).stdout(full);
        let ended = ended(command);
        assert_eq!(ended.code, Some(5), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("error: stdout: cannot be written"), "{args:?}: {}", ended.stderr);
    }
    let mut command = std::process::Command::new("sh");
    let program = env!("CARGO_BIN_EXE_xtask");
    command.args(["-c", &format!("{program} print-config | head -n 1; {program} print-config >&-")]);
    let ended = ended(command);
    assert!(ended.stdout.starts_with("# Every setting"), "{}", ended.stdout);
}
