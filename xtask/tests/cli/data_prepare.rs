//! Missing values, scaling and names of samples, from the files to the predictions.

use crate::support::{SHORT, done, folder, refused, run, text, version_0, write_cohort};
use std::fs;
use std::path::Path;

/// The cohort of `write_cohort` with sample names, and two values of view 1 missing in train and one in test.
fn with_gaps(dir: &Path) {
    write_cohort(dir);
    for (name, rows) in [("samples_tr.csv", 12), ("samples_te.csv", 4)] {
        let names: String = (0..rows).map(|i| format!("TCGA, {i}\n")).collect();
        fs::write(dir.join(name), names).expect("a file");
    }
    for (name, rows) in [("1_tr.csv", &[3, 7][..]), ("1_te.csv", &[1][..])] {
        let path = dir.join(name);
        let all = fs::read_to_string(&path).expect("a file");
        let gap = |(i, line): (usize, &str)| match line.split_once(',') {
            Some((_, rest)) if rows.contains(&i) => format!("NA,{rest}\n"),
            _ => format!("{line}\n"),
        };
        fs::write(&path, all.lines().enumerate().map(gap).collect::<String>()).expect("a file");
    }
}

#[test]
fn missing_values_are_refused_with_their_number_their_first_place_and_the_cure() {
    let dir = folder();
    with_gaps(dir.path());
    let message = "1_tr.csv, row 4, column 1: found \"NA\", expected a number; the file has 2 missing values: fill in \
                   or leave out, or impute by data.missing = mean, median or zero";
    refused(dir.path(), &["train", "--data", "."], 3, message);
}

#[test]
fn a_model_fills_and_scales_raw_data_by_the_figures_of_its_training() {
    for (missing, scaling) in [("mean", "z-score"), ("median", "none"), ("zero", "min-max")] {
        let dir = folder();
        with_gaps(dir.path());
        let flags = ["--data", ".", "--data.missing", missing, "--data.scaling", scaling];
        let trained = done(dir.path(), &[&SHORT[..], &flags].concat()).stdout;
        let last = version_0(dir.path()).join("checkpoints/last.ckpt");
        let predict = |extra: &[&str]| done(dir.path(), &[&["predict", text(&last)], extra].concat()).stdout;
        let table = predict(&["--data", "."]);
        assert!(table.lines().nth(1).is_some_and(|line| line.starts_with("1,\"TCGA, 0\",")), "{table}");
        let views = predict(&["--views", "1_te.csv", "2_te.csv"]);
        let numbers = |table: &str| -> Vec<String> {
            let behind = |line: &str| line.rsplitn(5, ',').take(4).map(str::to_owned).collect::<Vec<_>>();
            table.lines().flat_map(behind).collect()
        };
        assert_eq!(numbers(&views), numbers(&table));
        let tested = done(dir.path(), &["test", text(&last), "--data", "."]).stdout;
        assert!(tested.contains("Test, 4 rows") && trained.contains("ACC"), "{tested}");
    }
}

#[test]
fn a_model_trained_on_whole_data_refuses_gaps() {
    let dir = folder();
    write_cohort(dir.path());
    done(dir.path(), &[&SHORT[..], &["--data", "."]].concat());
    with_gaps(dir.path());
    let last = version_0(dir.path()).join("checkpoints/last.ckpt");
    refused(
        dir.path(),
        &["predict", text(&last), "--views", "1_te.csv", "2_te.csv"],
        3,
        "1_te.csv, row 2, column 1",
    );
    refused(dir.path(), &["test", text(&last), "--data", "."], 3, "1_tr.csv, row 4, column 1");
}

#[test]
fn a_feature_without_a_value_is_named() {
    let dir = folder();
    write_cohort(dir.path());
    let all = fs::read_to_string(dir.path().join("2_tr.csv")).expect("a file");
    let without = |line: &str| line.rsplit_once(',').map(|(head, _)| format!("{head},\n"));
    fs::write(dir.path().join("2_tr.csv"), all.lines().filter_map(without).collect::<String>())
        .expect("a file");
    for missing in ["mean", "median", "zero"] {
        let message = "view 2 has no value of `view2_2` in any of the";
        refused(dir.path(), &["train", "--data", ".", "--data.missing", missing], 3, message);
    }
}

#[test]
fn a_name_that_is_no_kind_is_refused() {
    let dir = folder();
    refused(dir.path(), &["train", "--data.scaling", "zscore"], 2, "expected one of min-max, z-score, none");
    refused(
        dir.path(),
        &["train", "--data.missing", "drop"],
        2,
        "expected one of refuse, mean, median, zero",
    );
}

/// Written before there was a choice of scaling, on `write_cohort`'s data; the predictions are of that time, too.
#[test]
fn a_checkpoint_of_an_older_version_still_predicts_the_same() {
    let dir = folder();
    write_cohort(dir.path());
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let checkpoint = fixtures.join("before_scaling_kinds.ckpt");
    let table = done(dir.path(), &["predict", text(&checkpoint), "--views", "1_te.csv", "2_te.csv"]).stdout;
    let old = fs::read_to_string(fixtures.join("before_scaling_kinds.csv")).expect("the fixture");
    // The last four cells of a line; another processor may round them in the last digit.
    let numbers = |table: &str| -> Vec<f64> {
        let of =
            |line: &str| line.rsplit(',').take(4).map(|x| x.parse().expect("a number")).collect::<Vec<f64>>();
        table.lines().skip(1).flat_map(of).collect()
    };
    let (now, then) = (numbers(&table), numbers(&old));
    assert!(
        now.len() == then.len() && now.iter().zip(&then).all(|(a, b)| (a - b).abs() < 5e-6),
        "{table}{old}"
    );
    let ended = run(dir.path(), &["test", text(&checkpoint), "--data", "."]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn names_of_a_megabyte_fit_in_a_checkpoint() {
    let dir = folder();
    write_cohort(dir.path());
    let names = |view: usize, width: usize| -> String {
        (0..width).map(|i| format!("{view}_{i}_{}\n", "x".repeat(300_000))).collect()
    };
    fs::write(dir.path().join("1_featname.csv"), names(1, 4)).expect("a file");
    fs::write(dir.path().join("2_featname.csv"), names(2, 3)).expect("a file");
    done(dir.path(), &[&SHORT[..], &["--data", "."]].concat());
    let last = version_0(dir.path()).join("checkpoints/last.ckpt");
    assert!(fs::metadata(&last).expect("a checkpoint").len() > 2_000_000);
    done(dir.path(), &["test", text(&last), "--data", "."]);
}
