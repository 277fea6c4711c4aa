//! Flags and data that make no sense: the code, the message, and that nothing is written.

use crate::support::{folder, refused, run, write_cohort};
use std::fs;

#[test]
fn settings_out_of_range_are_named_with_what_is_expected() {
    let dir = folder();
    for (flag, value, message) in [
        ("--lr", "nan", "lr is NaN, expected a positive number"),
        ("--lr", "-1", "lr is -1, expected a positive number"),
        ("--lr", "fast", "--lr: optimizer.lr is \"fast\", expected a positive number"),
        ("--reg", "-0.1", "--reg: optimizer.weight-decay is -0.1"),
        ("--hidden-dim", "0", "--hidden-dim: model.hidden-dim is 0, expected widths"),
        ("--hidden-dim", "50,0", "model.hidden-dim is \"50,0\""),
        ("--hidden-dim", "9999999999", "GiB"),
        ("--dropout", "1", "dropout is 1"),
        ("--gamma", "0", "gamma is 0"),
        ("--step-size", "0", "step-size is 0"),
        ("--epochs", "0", "epochs is 0, expected a whole number, at least 1"),
        ("--batch-size", "0", "expected a whole number, at least 1, or \"full\""),
        ("--validation", "1", "validation is 1"),
        ("--validation", "nan", "validation is NaN"),
        ("--seeds", "0", "seeds is 0"),
        ("--seed", "-1", "seed is -1, expected a whole number from 0 up"),
        ("--preset", "pots", "preset is \"pots\", expected one of post, paper-rosmap, paper-brca, quick"),
        ("--no-such-flag", "1", "unexpected argument '--no-such-flag'"),
    ] {
        refused(dir.path(), &["train", flag, value], 2, message);
    }
    let seeds = ["train", "--seed", "18446744073709551615", "--seeds", "2"];
    refused(dir.path(), &seeds, 2, "18446744073709551615");
    let best = ["train", "--preset", "paper", "--checkpoint", "best"];
    refused(dir.path(), &best, 2, "--checkpoint best needs validation rows");
}

#[test]
fn bad_data_is_named_by_file_row_and_column() {
    for (name, content, message) in [
        ("1_tr.csv", "1,2,3,4\n1,2,3\n", "1_tr.csv, row 2: found 3 columns, expected 4"),
        ("1_tr.csv", "1,2,3,NA\n", "1_tr.csv, row 1, column 4: found \"NA\""),
        ("1_tr.csv", "", "1_tr.csv: found no rows"),
        ("2_te.csv", "1,2,3\n", "2_te.csv: has 1 rows"),
        ("labels_tr.csv", "1.5\n", "labels_tr.csv, row 1"),
        ("labels_te.csv", "0\n1\n5\n1\n", "labels_te.csv, row 3: class 5"),
        ("labels_te.csv", "0\n0\n0\n0\n", "no sample of class `ill, badly`"),
    ] {
        let dir = folder();
        write_cohort(dir.path());
        fs::write(dir.path().join(name), content).expect("a file");
        refused(dir.path(), &["train", "--data", "."], 3, message);
    }
    let dir = folder();
    refused(dir.path(), &["train", "--data", "none"], 3, "none: cannot be read");
    refused(dir.path(), &["train", "--data", "."], 3, "is missing");
}

#[test]
fn an_output_folder_that_cannot_be_made_is_a_failure_to_write() {
    let dir = folder();
    fs::write(dir.path().join("file"), "").expect("a file");
    let ended = run(dir.path(), &["train", "--epochs", "1", "--out", "file"]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains("error: file/lightning_logs: cannot be written"), "{}", ended.stderr);
}
