//! Established classifiers beside the model.

use crate::support::{done, folder};
use serde_json::Value;

#[test]
fn baselines_stand_in_the_table_and_in_the_results() {
    let dir = folder();
    let ended = done(dir.path(), &["train", "--epochs", "2", "--hidden-dim", "8", "--quiet", "--baselines"]);
    let results = dir.path().join("lightning_logs/version_0/results.json");
    let results: Value = serde_json::from_str(&std::fs::read_to_string(results).unwrap()).unwrap();
    let names: Vec<&str> =
        results["baselines"].as_array().unwrap().iter().map(|b| b["name"].as_str().unwrap()).collect();
    assert_eq!(names[0], "majority");
    assert_eq!(names.len(), 7, "{names:?}");
    for (name, scores) in names.iter().zip(results["baselines"].as_array().unwrap()) {
        let scores = scores["scores"].as_array().unwrap();
        let labels: Vec<&Value> = scores.iter().map(|score| &score["name"]).collect();
        assert_eq!(labels, ["acc", "f1", "auc"]);
        let accuracy = scores[0]["value"].as_f64().unwrap();
        let line = ended.stdout.lines().find(|line| line.trim().starts_with(name)).expect(name);
        assert!(line.contains(&format!("{accuracy:.4}")), "{line}");
        assert!(line.len() <= 80, "{line}");
    }
    // The generated cohort can be learnt by far more than guessing.
    let accuracy = |at: usize| results["baselines"][at]["scores"][0]["value"].as_f64().unwrap();
    assert!(accuracy(4) > accuracy(0) + 0.1, "all views {} against majority {}", accuracy(4), accuracy(0));
}

#[test]
fn a_study_without_its_data_set_is_refused_by_name() {
    let dir = folder();
    crate::support::refused(dir.path(), &["study", "--data", ".", "--only", "TYPO"], 2, "ROSMAP, ");
}
