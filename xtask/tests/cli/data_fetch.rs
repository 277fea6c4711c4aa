//! `data fetch` from repositories on this disk: what arrives, what is refused, and that nothing is left behind.

use crate::support::{Ended, done, files, folder, text, write_cohort, xtask};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn git(dir: &Path, args: &[&str]) {
    let settings =
        ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"];
    let status = Command::new("git").args(settings).args(args).current_dir(dir).status().expect("git starts");
    assert!(status.success(), "git {args:?}");
}

fn no_git() -> bool {
    let there = Command::new("git").arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("SKIPPED a test of `data fetch`: there is no git");
    }
    !there
}

/// A bare repository with a small cohort in `ROSMAP` and `BRCA`, beside files that nobody asks for.
fn repository(dir: &Path) -> PathBuf {
    let work = dir.join("work");
    for name in ["ROSMAP", "BRCA"] {
        let cohort = work.join(name);
        fs::create_dir_all(&cohort).expect("a folder");
        write_cohort(&cohort);
        fs::remove_file(cohort.join("classes.csv")).expect("removed");
        for (view, width) in [(1, 4), (2, 3), (3, 3)] {
            let names: String = (0..width).map(|i| format!("g{view}_{i}\n")).collect();
            fs::write(cohort.join(format!("{view}_featname.csv")), names).expect("a file");
        }
        for part in ["tr", "te"] {
            fs::copy(cohort.join(format!("2_{part}.csv")), cohort.join(format!("3_{part}.csv")))
                .expect("a copy");
        }
        fs::write(cohort.join("models.pth"), "weights").expect("a file");
    }
    let labels: String = (0..12).map(|i| format!("{}\n", i % 5)).collect();
    fs::write(work.join("BRCA/labels_tr.csv"), labels).expect("a file");
    publish(dir)
}

fn publish(dir: &Path) -> PathBuf {
    let work = dir.join("work");
    git(&work, &["init", "--quiet"]);
    git(&work, &["add", "."]);
    git(&work, &["commit", "--quiet", "-m", "data"]);
    git(dir, &["clone", "--quiet", "--bare", "work", "mirror.git"]);
    dir.join("mirror.git")
}

/// SHA-256 of the cohort's files as `sha256sum` writes them; none where there is no such program.
fn sums(dir: &Path, cohort: &str) -> Option<PathBuf> {
    let data = dir.join("work").join(cohort);
    let mut names: Vec<_> =
        fs::read_dir(&data).expect("a folder").map(|e| e.expect("an entry").file_name()).collect();
    names.retain(|name| name.to_string_lossy().ends_with(".csv"));
    let Ok(output) = Command::new("sha256sum").args(&names).current_dir(&data).output() else {
        eprintln!("SKIPPED a test of `data fetch`: there is no sha256sum");
        return None;
    };
    let file = dir.join("sums.txt");
    fs::write(&file, output.stdout).expect("a file");
    Some(file)
}

fn fetch(dir: &Path, args: &[&str], change: impl FnOnce(&mut Command)) -> Ended {
    let mut command = xtask(dir);
    command.args(["data", "fetch"]).args(args);
    change(&mut command);
    command.output().expect("the program starts").into()
}

/// Runs it in an empty folder, and expects code, message and that the folder stays empty.
fn refused(args: &[&str], code: i32, message: &str, change: impl FnOnce(&mut Command)) {
    let dir = folder();
    let ended = fetch(dir.path(), args, change);
    assert_eq!(ended.code, Some(code), "{args:?}: {}", ended.stderr);
    assert!(
        ended.stderr.starts_with("error: ") && ended.stderr.contains(message),
        "{args:?}: {}",
        ended.stderr
    );
    assert!(code == 2 || ended.stderr.lines().count() == 1, "{}", ended.stderr);
    assert!(files(dir.path()).is_empty(), "{args:?} left {:?}", files(dir.path()));
}

#[test]
fn a_cohort_arrives_whole_with_its_names_its_licence_and_what_was_compared() {
    if no_git() {
        return;
    }
    let dir = folder();
    let mirror = repository(dir.path());
    let Some(sums) = sums(dir.path(), "ROSMAP") else { return };
    let to = folder();
    let args = ["rosmap", "--from", text(&mirror), "--checksums", text(&sums)];
    let ended = fetch(to.path(), &args, |_| {});
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let flat = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in
        ["11 of 11 files have the SHA-256 that was expected.", "MIT, copyright 2021 txWang", "Nat Commun 12"]
    {
        assert!(flat.contains(said), "{said}\n{}", ended.stdout);
    }
    assert_eq!(files(to.path()).len(), 1 + 11 + 2, "{:?}", files(to.path()));
    let described = done(to.path(), &["data", "describe", "ROSMAP"]).stdout;
    assert!(described.contains("Alzheimer's Disease"), "{described}");
    let again = fetch(to.path(), &args, |_| {});
    assert_eq!(again.code, Some(2));
    assert!(
        again.stderr.contains("ROSMAP: is there already; remove it, or name another by --out"),
        "{}",
        again.stderr
    );
}

#[test]
fn what_no_checksum_is_known_for_is_said_plainly() {
    if no_git() {
        return;
    }
    let dir = folder();
    let mirror = repository(dir.path());
    let only = dir.path().join("only.txt");
    fs::write(&only, "").expect("a file");
    let args = ["brca", "--from", text(&mirror), "--checksums", text(&only), "--out", "a b/BRCÄ", "--json"];
    let ended = fetch(dir.path(), &args, |_| {});
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let found: serde_json::Value = serde_json::from_str(&ended.stdout).expect("one JSON document");
    assert_eq!(found["unpinned"].as_array().expect("a list").len(), 11);
    assert_eq!(found["commit"].as_str().expect("a text").len(), 40);
    assert!(dir.path().join("a b/BRCÄ/classes.csv").is_file());
}

#[test]
fn other_bytes_than_the_published_ones_are_refused() {
    if no_git() {
        return;
    }
    let dir = folder();
    let mirror = repository(dir.path());
    let from = ["--from", text(&mirror)];
    let rosmap = [&["rosmap"][..], &from].concat();
    refused(&rosmap, 3, "1_featname.csv from ", |_| {});
    refused(&rosmap, 3, "expected 1df5c536e47eb0d5", |_| {});
    refused(&[&["brca"][..], &from].concat(), 3, "3_featname.csv from ", |_| {});
}

#[test]
fn a_repository_without_the_folder_and_no_repository_are_refused() {
    if no_git() {
        return;
    }
    let dir = folder();
    fs::create_dir(dir.path().join("work")).expect("a folder");
    fs::write(dir.path().join("work/README.md"), "nothing").expect("a file");
    let mirror = publish(dir.path());
    refused(&["rosmap", "--from", text(&mirror)], 3, "git checkout failed: error: pathspec", |_| {});
    refused(&["rosmap", "--from", "/nowhere/at/all.git"], 3, "git fetch failed: fatal: ", |_| {});
    // What looks like a flag never reaches git as one.
    refused(&["rosmap", "--from", "--upload-pack=true"], 2, "--upload-pack", |_| {});
    refused(&["rosmap", "--from=--upload-pack=true"], 3, "git fetch failed", |_| {});
}

#[test]
fn no_network_and_no_git_are_told_in_one_line() {
    if no_git() {
        return;
    }
    // As where no name is resolved: git itself is told to look at a place that is not there.
    refused(&["brca"], 3, "https://github.com/txWang/MOGONET: git fetch failed: fatal: ", |command| {
        command
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "url./nowhere/.insteadOf")
            .env("GIT_CONFIG_VALUE_0", "https://github.com/");
    });
    refused(&["rosmap"], 3, "git cannot be run", |command| {
        command.env("PATH", "/nowhere");
    });
}

#[test]
fn a_table_of_checksums_is_checked() {
    let dir = folder();
    for (content, message) in [
        ("abc  1_tr.csv\n", "sums.txt: line 1: found `abc  1_tr.csv`, expected 64 hexadecimal digits"),
        (&format!("{}  9_tr.csv\n", "a".repeat(64)), "sums.txt: line 1: ROSMAP has no file `9_tr.csv`"),
    ] {
        let sums = dir.path().join("sums.txt");
        fs::write(&sums, content).expect("a file");
        refused(&["rosmap", "--checksums", text(&sums)], 2, message, |_| {});
    }
    refused(&["rosmap", "--checksums", "none"], 2, "none: cannot be read", |_| {});
    refused(&["tcga"], 2, "invalid value 'tcga'", |_| {});
}

#[test]
fn the_published_bytes_have_the_checksums_of_the_program() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/ROSMAP");
    if no_git() || !data.is_dir() {
        eprintln!(
            "SKIPPED the_published_bytes_have_the_checksums_of_the_program: no git, or no {}",
            data.display()
        );
        return;
    }
    let dir = folder();
    let cohort = dir.path().join("work/ROSMAP");
    fs::create_dir_all(&cohort).expect("a folder");
    for path in files(&data) {
        let to = cohort.join(path.file_name().expect("a name"));
        fs::write(to, fs::read(&path).expect("bytes")).expect("a file");
    }
    let mirror = publish(dir.path());
    let ended = fetch(dir.path(), &["rosmap", "--from", text(&mirror)], |_| {});
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("11 of 11 files"), "{}", ended.stdout);
}
