//! `validate`, `test`, `predict`: a checkpoint alone is enough to use a model on raw data.

use crate::support::{SHORT, best, done, folder, refused, run, text, version_0, write_cohort, xtask};
use std::fs;
use std::path::Path;
use std::process::Stdio;

/// The number behind `label` in a printed table.
fn number<'a>(printed: &'a str, label: &str) -> &'a str {
    let line = printed.lines().find(|line| line.trim_start().starts_with(label)).expect(label);
    line.trim_start()[label.len()..].split_whitespace().next().expect("a number")
}

#[test]
fn test_and_validate_give_the_numbers_of_the_training_again() {
    let dir = folder();
    let trained = done(dir.path(), &SHORT).stdout;
    let best = best(&version_0(dir.path()));
    let tested = done(dir.path(), &["test", text(&best)]).stdout;
    for label in ["ACC", "F1", "AUC"] {
        assert_eq!(number(&tested, label), number(&trained, label));
    }
    let validated = done(dir.path(), &["validate", text(&best)]).stdout;
    let val_loss = number(&validated, "val_loss");
    assert!(trained.contains(&format!("smallest val_loss, {val_loss} ")), "{trained}{validated}");
    assert!(validated.contains("Validation, 37 rows"), "{validated}");
}

#[test]
fn test_and_validate_give_json_with_the_intervals_of_the_training() {
    let dir = folder();
    done(dir.path(), &SHORT);
    let run = version_0(dir.path());
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    let results = json(&fs::read_to_string(run.join("results.json")).expect("results.json"));
    let best = best(&run);
    let tested = json(&done(dir.path(), &["test", text(&best), "--json"]).stdout);
    assert_eq!(tested["rows"], 105);
    assert_eq!(tested["scores"], results["scores"]);
    assert_eq!(tested["calibration"]["raw"], results["calibration"]["raw"]);
    assert_eq!(tested["selective"], results["selective"]);
    let validated = json(&done(dir.path(), &["validate", text(&best), "--json"]).stdout);
    assert_eq!(validated["rows"], 37);
    let loss = validated["loss"].as_f64().expect("the loss");
    assert!((loss - results["facts"]["val_loss"].as_f64().expect("a number")).abs() < 1e-6, "{validated}");
    assert!(validated["scores"][2]["interval"][0].is_f64(), "{validated}");
}

fn trained_on_files(dir: &Path) -> String {
    write_cohort(dir);
    done(dir, &[&SHORT[..], &["--data", ".", "--validation", "0.25"]].concat());
    text(&version_0(dir).join("checkpoints/last.ckpt")).to_owned()
}

#[test]
fn predict_gives_the_same_table_for_a_folder_and_for_its_views() {
    let dir = folder();
    let last = trained_on_files(dir.path());
    let printed = done(dir.path(), &["predict", &last, "--data", "."]).stdout;
    let header =
        "row,sample,class,probability_healthy,\"probability_ill, badly\",confidence_view1,confidence_view2";
    assert_eq!(printed.lines().next(), Some(header));
    assert_eq!(printed.lines().count(), 1 + 4);
    let ended = done(dir.path(), &["predict", &last, "--out", "p.csv", "--views", "1_te.csv", "2_te.csv"]);
    assert_eq!(ended.stdout, "");
    assert_eq!(fs::read_to_string(dir.path().join("p.csv")).expect("the table"), printed);
    for line in printed.lines().skip(1) {
        let cells: Vec<f64> = line.rsplit(',').take(4).map(|cell| cell.parse().expect("a number")).collect();
        assert!((cells[2] + cells[3] - 1.0).abs() < 2e-6, "{line}");
        let name = if cells[3] >= cells[2] { ",healthy," } else { ",\"ill, badly\"," };
        assert!(line.contains(name), "{line}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let dir = folder();
    done(dir.path(), &SHORT);
    let last = version_0(dir.path()).join("checkpoints/last.ckpt");
    let mut child = xtask(dir.path())
        .args(["predict", text(&last)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let out = child.wait_with_output().expect("its end");
    assert_eq!((out.status.code(), String::from_utf8_lossy(&out.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn data_that_does_not_fit_the_checkpoint_is_refused_with_both_numbers() {
    let dir = folder();
    let last = trained_on_files(dir.path());
    for command in ["test", "validate", "predict"] {
        refused(dir.path(), &[command, &last], 3, "views of width [4, 3], the data has [200, 150, 100]");
    }
    refused(dir.path(), &["predict", &last, "--views", "1_te.csv"], 3, "1 files, the checkpoint has 2 views");
    let views = ["predict", &last, "--views", "2_te.csv", "2_te.csv"];
    refused(dir.path(), &views, 3, "2_te.csv: has 3 columns, view 1 of the checkpoint has 4");
    let views = ["predict", &last, "--views", "1_te.csv", "2_tr.csv"];
    refused(dir.path(), &views, 3, "2_tr.csv: has 12 rows, 1_te.csv has 4");

    fs::write(dir.path().join("classes.csv"), "ill, badly\nhealthy\n").expect("a file");
    refused(
        dir.path(),
        &["test", &last, "--data", "."],
        3,
        "expects the classes [\"healthy\", \"ill, badly\"]",
    );
    fs::remove_file(dir.path().join("classes.csv")).expect("removed");
    fs::write(dir.path().join("labels_te.csv"), "0\n1\n2\n1\n").expect("a file");
    let labels: String = (0..12).map(|i| format!("{}\n", i % 3)).collect();
    fs::write(dir.path().join("labels_tr.csv"), labels).expect("a file");
    refused(dir.path(), &["test", &last, "--data", "."], 3, "a number of classes of 2, the data has 3");
}

#[test]
fn columns_in_another_order_are_noticed_by_their_names() {
    let dir = folder();
    let names = dir.path().join("1_featname.csv");
    fs::write(&names, "a\nb\nc\nd\n").expect("a file");
    let last = trained_on_files(dir.path());
    fs::write(&names, "a\nc\nb\nd\n").expect("a file");
    refused(dir.path(), &["test", &last, "--data", "."], 3, "view 1, column 2 to be `b`, the data has `c`");
}

#[test]
fn validate_wants_the_rows_it_was_trained_on() {
    let dir = folder();
    let last = trained_on_files(dir.path());
    for name in ["1_tr.csv", "2_tr.csv", "labels_tr.csv"] {
        let path = dir.path().join(name);
        let all = fs::read_to_string(&path).expect("a file");
        fs::write(&path, all.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>())
            .expect("shorter");
    }
    refused(dir.path(), &["validate", &last, "--data", "."], 3, "12 rows before the split, the data has 11");
    done(dir.path(), &["train", "--epochs", "1", "--data", ".", "--validation", "0", "--out", "whole"]);
    let whole = version_0(&dir.path().join("whole")).join("checkpoints/last.ckpt");
    refused(dir.path(), &["validate", text(&whole), "--data", "."], 4, "trained without validation rows");
}

#[test]
fn damaged_checkpoints_are_refused_by_name() {
    let dir = folder();
    done(dir.path(), &SHORT);
    let last = version_0(dir.path()).join("checkpoints/last.ckpt");
    let whole = fs::read(&last).expect("the checkpoint");
    let damaged = dir.path().join("damaged.ckpt");
    let middle = whole.len() / 2;
    for command in ["validate", "test", "predict"] {
        let flipped = [&whole[..middle], &[whole[middle] ^ 4], &whole[middle + 1..]].concat();
        fs::write(&damaged, flipped).expect("a file");
        refused(dir.path(), &[command, "damaged.ckpt"], 4, "damaged.ckpt: not a usable checkpoint: checksum");
        fs::write(&damaged, &whole[..middle]).expect("a file");
        refused(dir.path(), &[command, "damaged.ckpt"], 4, "damaged");
        refused(dir.path(), &[command, "none.ckpt"], 4, "none.ckpt: No such file");
        refused(dir.path(), &[command, "."], 4, "not a regular file");
    }
}

#[cfg(unix)]
#[test]
fn a_table_that_cannot_be_written_is_a_failure_and_a_device_is_not_replaced() {
    let dir = folder();
    done(dir.path(), &SHORT);
    let last = version_0(dir.path()).join("checkpoints/last.ckpt");
    let predict = |out: &str| run(dir.path(), &["predict", text(&last), "--out", out]);
    assert_eq!(predict("/dev/null").code, Some(0));
    assert!(!fs::metadata("/dev/null").expect("the device").is_file());
    assert_eq!(predict("no/such/folder/p.csv").code, Some(5));
    assert_eq!(predict("lightning_logs").code, Some(5));
    if Path::new("/dev/full").exists() {
        let ended = predict("/dev/full");
        assert_eq!(ended.code, Some(5), "{}", ended.stderr);
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("the device");
        let status = xtask(dir.path()).args(["test", text(&last)]).stdout(full).status().expect("its end");
        assert_eq!(status.code(), Some(5));
    }
}
