//! Noise and missing views from outside.

use crate::support::{SHORT, done, folder, run, version_0, write_cohort};
use serde_json::Value;
use std::fs;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// The mean of a column of the rows of one view.
fn cells(table: &Value, view: &str, column: &str) -> Vec<(String, f64)> {
    let rows = table["rows"].as_array().expect("rows").iter().filter(|row| row["view"] == view);
    let cell = |row: &Value| {
        (
            row["disturbance"].as_str().expect("a name").to_owned(),
            row[column]["mean"].as_f64().expect("a number"),
        )
    };
    rows.map(cell).collect()
}

#[test]
fn a_training_leaves_the_same_curves_that_the_command_prints() {
    let dir = folder();
    done(dir.path(), &SHORT);
    let results = fs::read_to_string(version_0(dir.path()).join("results.json")).expect("results");
    let curves = json(&results)["robustness"].clone();
    let table = json(&done(dir.path(), &["robustness", "lightning_logs/version_0", "--json"]).stdout);
    for (index, view) in ["view 1", "view 2", "view 3", "all views"].into_iter().enumerate() {
        assert_eq!(curves[index]["view"], view);
        let points = curves[index]["points"].as_array().expect("points");
        let sigmas: Vec<_> = points.iter().filter_map(|point| point["sigma"].as_f64()).collect();
        assert_eq!(sigmas, [0.0, 0.25, 0.5, 1.0, 2.0]);
        assert_eq!(points.len(), if index < 3 { 6 } else { 5 }, "the last one of a view: it is missing");
        let accuracies = cells(&table, view, "accuracy");
        for (point, (name, accuracy)) in
            points.iter().zip(accuracies.iter().filter(|(name, _)| name != "zeros"))
        {
            assert_eq!(point["accuracy"].as_f64(), Some(*accuracy), "{view}, {name}");
        }
    }
}

#[test]
fn the_table_fits_the_terminal_and_several_runs_give_mean_and_deviation() {
    let dir = folder();
    done(dir.path(), &[&SHORT[..], &["--seeds", "2"]].concat());
    let runs = ["lightning_logs/version_0", "lightning_logs/version_1"];
    let shown = done(dir.path(), &[&["robustness"], &runs[..], &["--sigmas", "0,3"]].concat()).stdout;
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(shown.contains("2 runs, mean ± standard deviation"), "{shown}");
    assert!(
        shown.contains("sigma 3") && shown.contains("missing, zeros") && shown.contains("missing, means")
    );
    assert!(shown.contains(" ± "), "{shown}");
}

#[test]
fn the_noise_aware_head_is_bounded_and_falls_and_an_ablated_model_trains_and_tests() {
    let dir = folder();
    done(dir.path(), &["train", "--epochs", "20", "--hidden-dim", "8", "--model.confidence", "noise-aware"]);
    let table = json(&done(dir.path(), &["robustness", "lightning_logs/version_0", "--json"]).stdout);
    for view in ["view 1", "view 2", "view 3"] {
        let falling: Vec<f64> =
            cells(&table, view, "confidence").into_iter().map(|(_, mean)| mean).take(5).collect();
        assert!(falling.windows(2).all(|pair| pair[1] < pair[0]) && falling[0] < 1.0, "{view}: {falling:?}");
    }
    let ablated = ["--model.confidence", "none", "--model.gates", "false", "--model.loss-view-ce", "0"];
    let shown = done(dir.path(), &[&SHORT[..], &ablated].concat()).stdout;
    assert!(shown.contains("view 1             -                 -           -"), "{shown}");
    let tested = done(dir.path(), &["test", "lightning_logs/version_1/checkpoints/last.ckpt"]).stdout;
    assert!(tested.contains("ACC"), "{tested}");
    let header =
        fs::read_to_string(dir.path().join("lightning_logs/version_1/results.csv")).expect("results");
    assert!(header.contains("view1_confidence_outside") && !header.contains("gate_l1"), "{header}");
}

#[test]
fn robustness_can_be_left_out_and_wrong_use_is_refused() {
    let dir = folder();
    done(dir.path(), &[&SHORT[..], &["--report.robustness", "false"]].concat());
    let results = fs::read_to_string(version_0(dir.path()).join("results.json")).expect("results");
    assert_eq!(json(&results)["robustness"], Value::Array(Vec::new()));
    for (flags, part) in [
        (["--sigmas", "-1"], "expected a number from 0 up"),
        (["--sigmas", "nan"], "expected a number from 0 up"),
        (["--draws", "0"], "0"),
    ] {
        let ended = run(dir.path(), &[&["robustness", "lightning_logs/version_0"], &flags[..]].concat());
        assert_eq!(ended.code, Some(2), "{flags:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(part), "{flags:?}: {}", ended.stderr);
    }
    write_cohort(dir.path());
    let ended = run(dir.path(), &["robustness", "lightning_logs/version_0", "--data", "."]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("views of width"), "{}", ended.stderr);
}
