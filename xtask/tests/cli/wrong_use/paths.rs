//! Data, checkpoints and outputs that are missing, of another kind, or in the way.

use super::refused;
use crate::support::{SHORT, done, folder, text, version_0, write_cohort};
use std::fs;
use std::path::Path;

fn link(from: &str, to: &Path) {
    #[cfg(unix)]
    std::os::unix::fs::symlink(from, to).expect("a link");
}

#[test]
fn data_that_cannot_be_read_is_refused_by_name() {
    let dir = folder();
    fs::create_dir(dir.path().join("empty")).expect("a folder");
    fs::write(dir.path().join("notes.txt"), "not data").expect("a file");
    link("circle", &dir.path().join("circle"));
    link("nowhere", &dir.path().join("dangling"));
    for (path, message) in [
        ("none", "none: cannot be read"),
        ("empty", "labels_tr.csv"),
        ("circle", "circle: cannot be read"),
        ("dangling", "dangling: cannot be read"),
    ] {
        refused(dir.path(), &["train", "--data", path], 3, message);
    }
    // Here a flag is missing: the name does not tell what it is.
    for path in ["notes.txt", "/dev/null"] {
        refused(dir.path(), &["train", "--data", path], 2, &format!("{path}: is no folder"));
    }
}

#[cfg(unix)]
#[test]
fn a_folder_or_a_pipe_in_place_of_a_table_is_refused_at_once() {
    for name in ["1_tr.csv", "labels_te.csv", "classes.csv"] {
        let dir = folder();
        write_cohort(dir.path());
        let path = dir.path().join(name);
        fs::remove_file(&path).expect("removed");
        fs::create_dir(&path).expect("a folder");
        refused(dir.path(), &["train", "--data", "."], 3, name);
        fs::remove_dir(&path).expect("removed");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("mkfifo").success());
        refused(dir.path(), &["train", "--data", "."], 3, name);
    }
}

#[test]
fn a_checkpoint_that_is_none_is_refused_by_every_command() {
    let dir = folder();
    write_cohort(dir.path());
    fs::write(dir.path().join("empty.ckpt"), "").expect("a file");
    fs::write(dir.path().join("long.ckpt"), [0xff; 100]).expect("a file");
    fs::create_dir(dir.path().join("folder.ckpt")).expect("a folder");
    for path in ["none.ckpt", "empty.ckpt", "long.ckpt", "folder.ckpt", "1_tr.csv", "/dev/zero"] {
        for command in ["test", "validate", "predict"] {
            refused(dir.path(), &[command, path], 4, path);
        }
    }
    refused(
        dir.path(),
        &["train", "--resume", "none.ckpt"],
        2,
        "none.ckpt: there is no such folder or checkpoint",
    );
    refused(dir.path(), &["train", "--resume", "1_tr.csv"], 2, "give a folder version_N");
}

#[cfg(unix)]
#[test]
fn an_output_that_is_in_the_way_is_a_failure_to_write() {
    let dir = folder();
    fs::write(dir.path().join("file"), "").expect("a file");
    fs::create_dir(dir.path().join("taken")).expect("a folder");
    fs::write(dir.path().join("taken/lightning_logs"), "").expect("a file");
    link("nowhere/at/all", &dir.path().join("dangling"));
    for out in ["file", "taken", "dangling", "/dev/full", "/proc"] {
        refused(dir.path(), &["train", "--epochs", "1", "--quiet", "--out", out], 5, "cannot be written");
    }
}

#[test]
fn predictions_that_have_no_place_or_no_data_are_refused() {
    let dir = folder();
    write_cohort(dir.path());
    done(dir.path(), &[&SHORT[..], &["--data", ".", "--quiet"]].concat());
    let last = version_0(dir.path()).join("checkpoints/last.ckpt");
    let last = text(&last);
    fs::create_dir(dir.path().join("folder")).expect("a folder");
    for (args, code, message) in [
        (&["--data", ".", "--out", "folder"][..], 5, "folder: cannot be written"),
        (&["--data", ".", "--out", "none/table.csv"], 5, "none/table.csv: cannot be written"),
        (&["--views", "1_te.csv"], 3, "2 views"),
        (&["--views", "1_te.csv", "none.csv"], 3, "none.csv: cannot be read"),
        (&["--views", "2_te.csv", "1_te.csv"], 3, "columns"),
        (&["--data", "none"], 3, "none: cannot be read"),
    ] {
        refused(dir.path(), &[&["predict", last], args].concat(), code, message);
    }
}

#[test]
fn spaces_quotes_umlauts_and_links_in_paths_are_no_trouble() {
    let dir = folder();
    let odd = dir.path().join("a b 'ü' \"Δ\"\t#");
    fs::create_dir(&odd).expect("a folder");
    write_cohort(&odd);
    link(text(&odd), &dir.path().join("linked"));
    for data in [text(&odd), "linked"] {
        done(dir.path(), &[&SHORT[..], &["--data", data, "--out", text(&odd), "--quiet"]].concat());
    }
    let run = version_0(&odd);
    done(dir.path(), &["train", "--config", text(&run.join("config.toml")), "--quiet"]);
    done(dir.path(), &["train", "--resume", text(&run), "--quiet"]);
    assert!(odd.join("lightning_logs/version_2/results.csv").is_file());
}
