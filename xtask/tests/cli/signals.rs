//! Ctrl-C and `kill` keep the work done so far.

use crate::support::{done, files, folder, text, version_0, xtask};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A training without an end, once it has begun.
fn endless(dir: &TempDir) -> Child {
    let child = xtask(dir.path())
        .args(["train", "--epochs", "1000000000", "--hidden-dim", "8"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let start = Instant::now();
    let checkpoints = version_0(dir.path()).join("checkpoints");
    while !checkpoints.is_dir() {
        assert!(start.elapsed() < Duration::from_secs(60), "the training did not begin");
        sleep(Duration::from_millis(20));
    }
    child
}

fn signal(child: Child, name: &str) -> Output {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    child.wait_with_output().expect("its end")
}

#[test]
fn a_signal_ends_the_training_after_its_batch_and_keeps_the_weights() {
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let dir = folder();
        let child = endless(&dir);
        let start = Instant::now();
        let out = signal(child, name);
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(code), "{stderr}");
        assert!(start.elapsed() < Duration::from_secs(10));
        assert!(stderr.contains("stopped by a signal in epoch") && stderr.contains("last.ckpt"), "{stderr}");
        let last = version_0(dir.path()).join("checkpoints/last.ckpt");
        assert!(done(dir.path(), &["test", text(&last)]).stdout.contains("ACC"));
        assert!(version_0(dir.path()).join("metrics.csv").is_file());
        let temporary = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "tmp");
        assert!(!files(dir.path()).iter().any(temporary));
    }
}

#[test]
fn a_full_disk_is_said_with_the_file_and_a_code_of_its_own() {
    let dir = folder();
    let command = format!(
        "ulimit -f 64; exec {} train --epochs 2 --hidden-dim 64 --quiet",
        env!("CARGO_BIN_EXE_xtask")
    );
    let output = std::process::Command::new("sh").args(["-c", &command]).current_dir(dir.path()).output();
    let ended = crate::support::Ended::from(output.expect("a shell"));
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains(".ckpt: cannot be written"), "{}", ended.stderr);
}
