//! Features ranked by gate and permutation, for one run and over several.

use crate::support::{SHORT, done, folder, refused, run, text, version_0};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Rows of a csv file after its head, as fields.
fn rows(path: &Path) -> (String, Vec<Vec<String>>) {
    let text = fs::read_to_string(path).expect("a csv file");
    let (head, rows) = text.split_once('\n').expect("a head");
    (head.to_owned(), rows.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn a_training_leaves_every_feature_with_its_gate_and_rank_and_the_best_in_results_json() {
    let dir = folder();
    done(dir.path(), &SHORT);
    let run = version_0(dir.path());
    let (head, rows) = rows(&run.join("features.csv"));
    assert_eq!(head, "view,feature,rank,gate,gate_0,gate_1");
    assert!(rows.iter().all(|row| row.len() == 6));
    assert_eq!(rows.len(), 450, "generated views have 200, 150 and 100 features");
    let results = json(&fs::read_to_string(run.join("results.json")).expect("results"));
    for (view, width) in [200, 150, 100].into_iter().enumerate() {
        let mut of_view: Vec<_> = rows.iter().filter(|row| row[0] == format!("view {}", view + 1)).collect();
        of_view.sort_by_key(|row| row[2].parse::<usize>().expect("a rank"));
        assert_eq!(of_view.len(), width);
        let gates: Vec<f64> = of_view.iter().map(|row| row[3].parse().expect("a gate")).collect();
        assert!(gates.is_sorted_by(|a, b| a >= b), "rank 1 has the largest gate");
        assert!(gates.iter().all(|gate| (0.0..=1.0).contains(gate)));
        let best = results["views"][view]["features"].as_array().expect("features");
        assert_eq!(best.len(), 50);
        assert_eq!(best[0]["name"], of_view[0][1].as_str());
        assert_eq!(best[0]["permutation"], Value::Null);
    }
}

#[test]
fn explain_shows_gates_and_permutation_side_by_side_and_how_far_they_agree() {
    let dir = folder();
    done(dir.path(), &SHORT);
    let args = ["explain", "lightning_logs/version_0", "--top", "3", "--permutation", "2"];
    let shown = done(dir.path(), &args).stdout;
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    for part in ["view 3, mean gate 0.", "   3 ", "lost ACC  log loss", "gates and permutation: Spearman"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let found = json(&done(dir.path(), &[&args[..], &["--json"]].concat()).stdout);
    let view = &found["views"][0];
    assert_eq!(view["features"].as_array().map(Vec::len), Some(3));
    assert_eq!(view["features"][0]["gate_by_class"].as_array().map(Vec::len), Some(2));
    assert!(view["features"][0]["permutation"][1].is_f64());
    assert!(view["agreement"]["spearman"].is_f64() && view["stability"].is_null());
}

#[test]
fn a_checkpoint_and_its_run_are_explained_alike_whatever_the_number_of_threads() {
    let dir = folder();
    done(dir.path(), &[&SHORT[..], &["--checkpoint", "last"]].concat());
    let explain = |what: &str, threads: &str| {
        let mut command = crate::support::xtask(dir.path());
        command.args(["explain", what, "--permutation", "1", "--json"]).env("RAYON_NUM_THREADS", threads);
        let output = command.output().expect("the program starts");
        let mut found = json(&String::from_utf8_lossy(&output.stdout));
        found["runs"] = Value::Null;
        found
    };
    let one = explain("lightning_logs/version_0", "1");
    assert_eq!(explain("lightning_logs/version_0", "3"), one);
    assert_eq!(explain("lightning_logs/version_0/checkpoints/last.ckpt", "2"), one);
}

#[test]
fn several_runs_tell_how_stable_the_ranking_is() {
    let dir = folder();
    done(dir.path(), &[&SHORT[..], &["--seeds", "3"]].concat());
    let runs = ["lightning_logs/version_0", "lightning_logs/version_1", "lightning_logs/version_2"];
    let args = [&["explain"], &runs[..], &["--out", "all.csv"]].concat();
    let shown = done(dir.path(), &args).stdout;
    assert!(shown.contains("mean of 3 runs") && shown.contains("gates over runs: Spearman"), "{shown}");
    let (head, rows) = rows(&dir.path().join("all.csv"));
    assert_eq!(head, "view,feature,rank,gate,gate_sd,runs,runs_in_top");
    let in_top: usize = rows.iter().take(200).map(|row| row[6].parse::<usize>().expect("a count")).sum();
    assert_eq!(in_top, 3 * 20, "each run has 20 best features of view 1");
    let same = [&["explain"], &[runs[0], runs[0]][..], &["--json"]].concat();
    let found = json(&done(dir.path(), &same).stdout);
    assert_eq!(found["views"][0]["stability"]["nogueira"], 1.0);
}

#[test]
fn a_training_can_be_asked_for_permutation_importance() {
    let dir = folder();
    done(dir.path(), &[&SHORT[..], &["--report.permutation", "1"]].concat());
    let (head, rows) = rows(&version_0(dir.path()).join("features.csv"));
    assert!(head.ends_with(",permutation_acc,permutation_log_loss"), "{head}");
    assert!(rows.iter().all(|row| row.len() == 8));
}

#[test]
fn a_model_without_gates_is_ranked_by_permutation_and_says_so_if_that_is_missing() {
    let dir = folder();
    done(dir.path(), &[&SHORT[..], &["--model.gates", "false"]].concat());
    let run_folder = version_0(dir.path());
    refused(
        dir.path(),
        &["explain", text(&run_folder)],
        2,
        "has no gates to rank features by; add --permutation 5",
    );
    let shown = done(dir.path(), &["explain", text(&run_folder), "--permutation", "1"]).stdout;
    assert!(shown.contains("lost ACC") && !shown.contains("gates and permutation"), "{shown}");
}

#[test]
fn what_is_no_run_is_refused_with_the_cure() {
    let dir = folder();
    fs::create_dir(dir.path().join("empty")).expect("a folder");
    refused(dir.path(), &["explain", "empty"], 4, "holds no checkpoints/*.ckpt; name the folder of a run");
    refused(dir.path(), &["explain", "missing"], 4, "missing");
    let ended = run(dir.path(), &["explain"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
}

#[test]
fn predictions_name_the_features_that_each_sample_lets_through_best() {
    let dir = folder();
    done(dir.path(), &SHORT);
    let checkpoint = version_0(dir.path()).join("checkpoints/last.ckpt");
    let table = done(dir.path(), &["predict", text(&checkpoint), "--top-features", "2"]).stdout;
    let mut lines = table.lines();
    assert!(
        lines.next().expect("a head").ends_with("top_features_view1,top_features_view2,top_features_view3")
    );
    for line in lines {
        let cell = line.rsplit(',').next().expect("a cell");
        let gates: Vec<f64> = cell
            .split("; ")
            .map(|named| named.rsplit_once('=').expect("NAME=gate").1.parse().expect("a gate"))
            .collect();
        assert!(gates.len() == 2 && gates[0] >= gates[1] && gates[1] > 0.0, "{line}");
    }
    let plain = done(dir.path(), &["predict", text(&checkpoint)]).stdout;
    assert!(!plain.contains("top_features"));
    let found =
        json(&done(dir.path(), &["predict", text(&checkpoint), "--json", "--top-features", "2"]).stdout);
    let (first, line) = (&found["rows"][0], plain.lines().nth(1).expect("a row"));
    let probability = first["probabilities"][1].as_f64().expect("a number");
    assert!(line.contains(&format!("{probability:.6}")), "{line}: {first}");
    assert_eq!(first["top_features"].as_array().map(Vec::len), Some(3));
    assert_eq!(found["rows"].as_array().map(Vec::len), Some(plain.lines().count() - 1));
}
