//! `train --resume`: a run that was killed or stopped ends as if nothing had happened, and is the same run.

use crate::support::{best, done, folder, refused, run, text, version_0, write_cohort, xtask};
use lightning_core::checkpoint::Checkpoint;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Long enough to be caught in the middle.
const LONG: [&str; 7] = ["train", "--epochs", "150", "--hidden-dim", "8", "--validation", "0.3"];

/// A training that has written its first checkpoint.
fn begun(dir: &Path, args: &[&str]) -> Child {
    let mut command = xtask(dir);
    let child = command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a start");
    let checkpoints = version_0(dir).join("checkpoints");
    let start = Instant::now();
    let has_checkpoint = || {
        fs::read_dir(&checkpoints).is_ok_and(|entries| {
            entries.flatten().any(|entry| entry.path().extension().is_some_and(|end| end == "ckpt"))
        })
    };
    while !has_checkpoint() {
        assert!(start.elapsed() < Duration::from_secs(60), "the training did not begin");
        sleep(Duration::from_millis(2));
    }
    child
}

fn end(mut child: Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    child.wait().expect("its end");
}

/// Weights, state of the optimizer, table of metrics and results of two runs are the same.
fn assert_same(one: &Path, other: &Path) {
    for name in ["metrics.csv", "results.csv", "config.toml", "run.json"] {
        let read = |run: &Path| fs::read_to_string(run.join(name)).expect(name);
        // Each keeps the folder that it was written to.
        let without_out =
            |text: String| text.lines().filter(|line| !line.starts_with("out =")).collect::<String>();
        assert_eq!(without_out(read(one)), without_out(read(other)), "{name}");
    }
    let name = |run: &Path| best(run).file_name().expect("a name").to_owned();
    assert_eq!(name(one), name(other), "the best epoch");
    for path in ["checkpoints/last.ckpt".into(), Path::new("checkpoints").join(name(one))] {
        let read = |run: &Path| Checkpoint::<f32>::read(&run.join(&path)).expect("a checkpoint");
        let (one, other) = (read(one), read(other));
        assert!(one.state_dict == other.state_dict, "weights of {path:?}");
        // An interruption saves once more; all else is the same.
        for name in ["progress", "logged_metrics", "next_batch"] {
            assert_eq!(one.loops[name], other.loops[name], "{path:?}");
        }
        assert!(one.optimizers == other.optimizers, "moments of {path:?}");
    }
}

#[test]
fn a_run_that_was_killed_or_stopped_goes_on_and_ends_with_the_same_bits() {
    let whole = folder();
    done(whole.path(), &[&LONG[..], &["--quiet"]].concat());
    for signal in ["-KILL", "-INT"] {
        let dir = folder();
        end(begun(dir.path(), &LONG), signal);
        assert!(!version_0(dir.path()).join("results.json").is_file(), "it was not caught in the middle");
        let ended = done(dir.path(), &["train", "--resume", "auto"]);
        assert!(ended.stderr.contains("note: going on from "), "{}", ended.stderr);
        assert!(!dir.path().join("lightning_logs/version_1").exists());
        assert_same(&version_0(whole.path()), &version_0(dir.path()));
    }
}

#[test]
fn a_damaged_checkpoint_is_passed_over_with_its_reason() {
    let whole = folder();
    done(whole.path(), &[&LONG[..], &["--quiet"]].concat());
    let dir = folder();
    end(begun(dir.path(), &LONG), "-INT");
    let last = version_0(dir.path()).join("checkpoints/last.ckpt");
    let bytes = fs::read(&last).expect("the last checkpoint");
    fs::write(&last, &bytes[..bytes.len() / 2]).expect("cut");
    let ended = done(dir.path(), &["train", "--resume", text(&version_0(dir.path()))]);
    assert!(ended.stderr.contains("note: passed over "), "{}", ended.stderr);
    assert!(ended.stderr.contains("last.ckpt: not a usable checkpoint"), "{}", ended.stderr);
    assert_same(&version_0(whole.path()), &version_0(dir.path()));
}

#[test]
fn the_same_flags_may_be_repeated_and_others_are_refused() {
    let dir = folder();
    write_cohort(dir.path());
    let args = ["train", "--epochs", "4", "--hidden-dim", "8", "--data", ".", "--batch-size", "4"];
    done(dir.path(), &args);
    let run_0 = version_0(dir.path());
    let again = done(dir.path(), &[&args[..], &["--resume", "auto"]].concat());
    assert!(again.stdout.contains("ACC"), "{}", again.stdout);
    for (flags, code, message) in [
        (&["--resume", "auto", "--lr", "0.5"][..], 2, "was begun with optimizer.lr = 0.001, --lr says 0.5"),
        (&["--resume", "auto", "--seed", "7"], 2, "was begun with seed = 0, --seed says 7"),
        (&["--resume", "auto", "--preset", "quick"], 2, "was begun with preset = \"post\""),
        (&["--resume", "auto", "--seeds", "2"], 2, "leave --seeds out"),
        (&["--resume", "auto", "--data", ""], 3, "was begun with other data"),
        (&["--resume", "none"], 2, "none: there is no such folder or checkpoint to resume"),
        (&["--resume", "."], 2, "config.toml: is missing"),
    ] {
        refused(dir.path(), &[&["train"], flags].concat(), code, message);
    }
    let labels = fs::read_to_string(dir.path().join("labels_te.csv")).expect("labels");
    fs::write(dir.path().join("labels_te.csv"), labels.replacen('0', "1", 1)).expect("other labels");
    refused(dir.path(), &["train", "--resume", text(&run_0)], 3, "was begun with other data");
}

#[test]
fn a_run_folder_in_use_is_refused_and_a_lock_that_a_killed_run_left_is_not() {
    let dir = folder();
    let child = begun(dir.path(), &["train", "--epochs", "1000000000", "--hidden-dim", "8"]);
    let ended = run(dir.path(), &["train", "--resume", "auto"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("another process is training in this run folder"), "{}", ended.stderr);
    end(child, "-KILL");
    assert!(version_0(dir.path()).join(".lock").is_file());
    // It goes on: only a signal ends it.
    let again = begun(dir.path(), &["train", "--resume", "auto"]);
    sleep(Duration::from_millis(200));
    end(again, "-INT");
    let last = version_0(dir.path()).join("checkpoints/last.ckpt");
    assert!(done(dir.path(), &["test", text(&last)]).stdout.contains("ACC"));
}

#[test]
fn auto_begins_where_there_is_no_run_and_after_one_that_ended_before_it_began() {
    let dir = folder();
    let args = ["train", "--epochs", "1", "--hidden-dim", "8", "--resume", "auto"];
    let ended = done(dir.path(), &args);
    assert!(ended.stderr.contains("note: no run in ./lightning_logs, beginning one"), "{}", ended.stderr);
    fs::create_dir(dir.path().join("lightning_logs/version_1")).expect("a folder");
    let ended = done(dir.path(), &args);
    assert!(ended.stderr.contains("version_1: ended before it began"), "{}", ended.stderr);
    assert!(dir.path().join("lightning_logs/version_2/results.csv").is_file());
}
