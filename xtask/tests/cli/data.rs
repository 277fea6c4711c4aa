//! `data describe` on small folders with known faults.

use crate::support::{done, folder, refused, text};
use std::fs;
use std::path::Path;

/// Two views; training rows 1 and 3 are equal under two classes, test row 2 is training row 2 under another class.
fn faulty(dir: &Path) {
    let files = [
        ("1_tr.csv", "5,1,7\n6,2,7\n5,1,7\n9,4,7\n"),
        ("1_te.csv", "3,3,7\n6,2,7\n"),
        ("2_tr.csv", "10\n20\n10\n40\n"),
        ("2_te.csv", "15\n20\n"),
        ("labels_tr.csv", "0\n0\n1\n1\n"),
        ("labels_te.csv", "0\n1\n"),
        ("1_featname.csv", "RTN2\nNDRG2\nGAPDH\n"),
    ];
    for (name, content) in files {
        fs::write(dir.join(name), content).expect("a file");
    }
}

#[test]
fn faults_of_a_cohort_are_called_out_in_80_columns() {
    let dir = folder();
    faulty(dir.path());
    let ended = done(dir.path(), &["data", "describe", "."]);
    let flat = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "4 to train on, 2 to test on",
        "nothing to learn from: GAPDH",
        "2 rows of train are equal to another: 1 = 3. WARNING: under different classes: 1 = 3.",
        "WARNING: 1 of 2 test rows stand in train, 1 of them under another class: test 2 = train 2 (another class).",
    ] {
        assert!(flat.contains(said), "{said}\n{}", ended.stdout);
    }
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ended.stdout);
}

#[test]
fn json_has_the_same_findings_with_rows_from_0() {
    let dir = folder();
    faulty(dir.path());
    let ended = done(dir.path(), &["data", "describe", "--json", "."]);
    let found: serde_json::Value = serde_json::from_str(&ended.stdout).expect("one JSON document");
    assert_eq!(found["duplicates"]["within_train"][0]["rows"], serde_json::json!([0, 2]));
    assert_eq!(found["duplicates"]["across"][0]["test_row"], 1);
    assert_eq!(found["views"][0]["constant"], serde_json::json!(["GAPDH"]));
}

#[test]
fn generated_data_has_no_fault() {
    let ended = done(folder().path(), &["data", "describe"]);
    assert!(
        ended.stdout.contains("no row stands there twice") && !ended.stdout.contains("WARNING"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_folder_that_is_not_there_is_refused() {
    refused(folder().path(), &["data", "describe", "none"], 3, "none: cannot be read");
}

#[test]
fn the_public_cohorts_show_what_is_known_of_them() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !data.is_dir() {
        eprintln!("SKIPPED the_public_cohorts_show_what_is_known_of_them: {} is not there", data.display());
        return;
    }
    let dir = folder();
    let says = |name: &str| {
        let ended = done(dir.path(), &["data", "describe", text(&data.join(name))]);
        ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(
        says("ROSMAP")
            .contains("WARNING: views 1, 2, 3 look scaled before, and not by the training rows alone")
    );
    assert!(says("BRCA263").contains("5 of 106 test rows stand in train, 5 of them under another class"));
    let mfeat = says("MFEAT");
    assert!(
        mfeat.contains("3 of 400 test rows stand in train, 0 of them") && mfeat.contains("no sign of it"),
        "{mfeat}"
    );
}

#[test]
fn a_training_says_what_stands_against_its_scores() {
    let dir = folder();
    faulty(dir.path());
    let train =
        ["train", "--data", ".", "--epochs", "1", "--hidden-dim", "4", "--validation", "0", "--quiet"];
    let ended = done(dir.path(), &train);
    let said = "1 of 2 test rows stand in train as well, 1 of them under another class";
    assert!(ended.stderr.contains(&format!("warning: {said}")), "{}", ended.stderr);
    let results =
        fs::read_to_string(dir.path().join("lightning_logs/version_0/results.json")).expect("results");
    assert!(results.contains(said), "the results keep it for the report");
}
