//! A published cohort, where it lies beside the workspace.

use crate::support::{done, folder, text, xtask};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// From starting the program to its line about the first epoch.
fn first_epoch(data: &Path) -> Duration {
    let dir = folder();
    let start = Instant::now();
    let mut command = xtask(dir.path());
    command.args(["train", "--data", text(data)]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let stderr = child.stderr.take().expect("a pipe");
    let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
    lines.find(|line| line.contains("epoch 1/")).expect("a line about the first epoch");
    let taken = start.elapsed();
    child.kill().expect("its end");
    child.wait().expect("its end");
    taken
}

#[test]
fn the_first_epoch_shows_within_300_ms() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/ROSMAP");
    if !data.is_dir() {
        eprintln!("SKIPPED the_first_epoch_shows_within_300_ms: {} is not there", data.display());
        return;
    }
    let mut times: Vec<Duration> = (0..7).map(|_| first_epoch(&data)).collect();
    times.sort();
    eprintln!("first epoch of ROSMAP: fastest {:?}, median {:?}", times[0], times[3]);
    // Built for tests the kernels are slower, and others may use the machine.
    let limit = if cfg!(debug_assertions) { 1000 } else { 300 };
    assert!(times[0] < Duration::from_millis(limit), "{times:?}");
}

#[test]
fn rosmap_is_learnt() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/ROSMAP");
    if !data.is_dir() {
        eprintln!("SKIPPED rosmap_is_learnt: {} is not there", data.display());
        return;
    }
    let dir = folder();
    let ended = done(dir.path(), &["train", "--data", text(&data), "--epochs", "60"]);
    assert!(ended.stdout.contains("0 Normal Control (118), 1 Alzheimer's Disease (127)"), "{}", ended.stdout);
    let acc = ended.stdout.lines().find_map(|line| line.trim().strip_prefix("ACC")).expect("the accuracy");
    let acc: f64 = acc.split_whitespace().next().expect("a number").parse().expect("a number");
    // Always the larger class would give 0.519; the whole recipe gives 0.79 on average, with a deviation of 0.03.
    assert!((0.68..0.9).contains(&acc), "{acc}");
}
