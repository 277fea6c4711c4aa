//! `kill -9` at random moments, in a process of its own.

use crate::program::{Settings, remains, run, same, undisturbed};
use lightning_core::Seed;
use rand::Rng;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

const FOLDER: &str = "RESUME_TEST_FOLDER";
const BY_EPOCH: &str = "RESUME_TEST_BY_EPOCH";

/// The program itself, when this test binary starts itself; otherwise there is nothing to do.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let slow = Duration::from_millis(5);
    if let Err(error) = run(
        Path::new(&folder),
        Settings {
            resume: true,
            slow,
            by_epoch: std::env::var_os(BY_EPOCH).is_some(),
            ..Settings::default()
        },
    ) {
        eprintln!("{error}");
        std::process::exit(5);
    }
}

pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "killed::child", "--nocapture", "--test-threads=1"]).env(FOLDER, folder);
    command
}

fn spawn(folder: &Path, by_epoch: bool) -> Child {
    let mut command = command(folder);
    if by_epoch {
        command.env(BY_EPOCH, "1");
    }
    command.stdout(std::process::Stdio::null()).spawn().expect("a process")
}

/// Kills runs until so many were killed, each a chain of kills and resumes until it ends by itself.
fn kill_often(kills: usize, seed: u64, by_epoch: bool) {
    let whole = undisturbed(by_epoch);
    let mut rng = Seed(seed).stream("moments");
    let (mut killed, mut chains) = (0, 0);
    while killed < kills {
        let folder = tempfile::tempdir().expect("a folder");
        chains += 1;
        loop {
            let mut child = spawn(folder.path(), by_epoch);
            if killed < kills {
                std::thread::sleep(Duration::from_millis(rng.random_range(5..250)));
                child.kill().expect("a signal");
            }
            let status = child.wait().expect("its end");
            if status.success() {
                break;
            }
            assert_eq!(status.code(), None, "killed, not failed");
            killed += 1;
        }
        same(&remains(folder.path()), &whole, &format!("chain {chains}, {killed} kills so far"));
    }
    eprintln!("{killed} kills in {chains} runs");
}

#[cfg(unix)]
#[test]
fn a_run_killed_at_random_moments_and_resumed_ends_the_same() {
    kill_often(15, 1, false);
    kill_often(5, 2, true);
}

/// The long form: `scripts/kill_resume.sh`.
#[cfg(unix)]
#[test]
#[ignore = "takes minutes"]
fn killed_very_often() {
    let number =
        |name: &str, default| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let kills = number("KILLS", 200) as usize;
    kill_often(kills * 3 / 4, number("SEED", 2), false);
    kill_often(kills / 4, number("SEED", 2), true);
}
