//! `cv`: every row is tested once in each repeat, the same for any number of threads, and a signal keeps what is done.

use crate::support::{done, files, folder, refused, write_cohort, xtask};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SMALL: [&str; 6] = ["cv", "--epochs", "2", "--hidden-dim", "4", "--quiet"];

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join("lightning_logs/cv_0").join(name)).expect(name)
}

#[test]
fn every_row_is_tested_once_in_each_repeat() {
    let dir = folder();
    write_cohort(dir.path());
    let ended = done(dir.path(), &[&SMALL[..], &["--data", ".", "--folds", "4", "--repeats", "2"]].concat());
    assert!(ended.stdout.contains("method ") && ended.stdout.contains("MMDynamic "), "{}", ended.stdout);
    assert!(ended.stdout.contains(" over 8 folds"), "{}", ended.stdout);
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ended.stdout);
    let mut tested = BTreeMap::<(String, String), usize>::new();
    let predictions = read(dir.path(), "predictions.csv");
    let header = "repeat,fold,row,sample,label,predicted,probability_healthy,\"probability_ill, badly\"";
    assert_eq!(predictions.lines().next(), Some(header));
    for line in predictions.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        *tested.entry((cells[0].into(), cells[2].into())).or_default() += 1;
    }
    assert_eq!(tested.len(), 2 * 16);
    assert!(tested.values().all(|times| *times == 1), "{tested:?}");
    let folds = read(dir.path(), "folds.csv");
    assert_eq!(folds.lines().count(), 1 + 8, "{folds}");
    assert!(
        folds.starts_with("repeat,fold,seed,train_rows,validation_rows,test_rows,epoch,test_acc,"),
        "{folds}"
    );
    assert!(folds.lines().last().is_some_and(|line| line.ends_with(",lightning_logs/version_7")), "{folds}");
    let checkpoint = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "ckpt");
    assert!(!files(dir.path()).iter().any(checkpoint), "they are removed once they are tested");
}

#[test]
fn json_has_the_interval_of_nadeau_and_bengio_over_the_folds() {
    let dir = folder();
    write_cohort(dir.path());
    let ended = done(dir.path(), &[&SMALL[..], &["--data", ".", "--folds", "4", "--json"]].concat());
    let printed: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(printed, serde_json::from_str::<Value>(&read(dir.path(), "cv.json")).expect("JSON"));
    assert_eq!((&printed["folds"], &printed["done"], &printed["rows"]), (&4.into(), &4.into(), &16.into()));
    let of = |value: &Value| value.as_f64().expect("a number");
    let acc = &printed["methods"][0]["scores"][0];
    let values: Vec<f64> = acc["values"].as_array().expect("values").iter().map(of).collect();
    let mean = values.iter().sum::<f64>() / 4.0;
    let sd = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 3.0).sqrt();
    // t of 0.975 with 3 degrees of freedom; a fold to the rest is 1 to 3.
    let half = 3.182_446_305_3 * sd * (1.0f64 / 4.0 + 1.0 / 3.0).sqrt();
    assert!((of(&acc["mean"]) - mean).abs() < 1e-12 && (of(&acc["sd"]) - sd).abs() < 1e-12, "{acc}");
    assert!((of(&acc["interval"][1]) - mean - half).abs() < 1e-9, "{acc}");
    let column: Vec<f64> = read(dir.path(), "folds.csv")
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(7).expect("test_acc").parse().expect("a number"))
        .collect();
    assert_eq!(column, values);
}

#[test]
fn the_same_seed_gives_the_same_files_for_any_number_of_threads() {
    let mut found = Vec::new();
    for threads in ["1", "3"] {
        let dir = folder();
        // Wide enough for the kernels to use threads.
        let args =
            ["cv", "--epochs", "2", "--hidden-dim", "200", "--batch-size", "full", "--folds", "2", "--quiet"];
        let out = xtask(dir.path()).args(args).env("RAYON_NUM_THREADS", threads).output().expect("a run");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        found.push(["folds.csv", "predictions.csv", "cv.json"].map(|name| read(dir.path(), name)));
    }
    assert_eq!(found[0], found[1]);
}

#[test]
fn folds_that_make_no_sense_are_refused_and_nothing_is_written() {
    let dir = folder();
    write_cohort(dir.path());
    refused(dir.path(), &["cv", "--folds", "1"], 2, "folds is 1, expected a number from 2 up");
    refused(dir.path(), &["cv", "--repeats", "0"], 2, "repeats is 0, expected a number from 1 up");
    refused(dir.path(), &["cv", "--seeds", "3"], 2, "give --repeats instead");
    refused(
        dir.path(),
        &["cv", "--data", ".", "--folds", "9"],
        3,
        "class `healthy` has 8 rows, fewer than the 9 folds",
    );
    refused(
        dir.path(),
        &["cv", "--seed", "18446744073709551615"],
        2,
        "seed 18446744073709551615 and those of all folds",
    );
}

#[cfg(unix)]
#[test]
fn a_signal_keeps_the_folds_that_are_done_and_says_where() {
    let dir = folder();
    let child = xtask(dir.path())
        .args(["cv", "--epochs", "30", "--hidden-dim", "8", "--folds", "5", "--repeats", "1000"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let start = Instant::now();
    let table = dir.path().join("lightning_logs/cv_0/folds.csv");
    while !table.is_file() {
        assert!(start.elapsed() < Duration::from_secs(60), "no fold was done");
        std::thread::sleep(Duration::from_millis(20));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let out = child.wait_with_output().expect("its end");
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("done before") && stderr.contains("cv_0"), "{stderr}");
    let summary: Value = serde_json::from_str(&read(dir.path(), "cv.json")).expect("JSON");
    let lines = read(dir.path(), "folds.csv").lines().count() - 1;
    assert_eq!(summary["done"].as_u64(), Some(lines as u64));
    assert_eq!(summary["repeats"], 1000);
}
