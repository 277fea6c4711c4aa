//! `train`: what it prints and writes, and that it does the same again.

use crate::support::{SHORT, best, done, files, folder, run, version_0, write_cohort, xtask};
use std::fs;
use std::path::Path;

#[test]
fn a_training_prints_its_table_and_writes_its_folder() {
    let dir = folder();
    let ended = done(dir.path(), &SHORT);
    for shown in [
        "generated data, the same for every --seed",
        "208 rows to learn from, 37 to choose the epoch by",
        "Views     3, with 200, 150, 100 features",
        "gates                    72,950",
        "ACC ",
        "F1 ",
        "AUC ",
        "95 % interval: bootstrap of these rows",
        "T: logits divided by a temperature fitted on validation rows",
        "AURC ",
        "the one with the smallest val_loss",
        "view 3",
        "version_0",
    ] {
        assert!(ended.stdout.contains(shown), "{shown}: {}", ended.stdout);
    }
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ended.stdout);
    assert!(ended.stderr.contains("epoch 3/3 train_loss "), "{}", ended.stderr);
    let run = version_0(dir.path());
    let hparams = fs::read_to_string(run.join("hparams.yaml")).expect("hparams.yaml");
    assert!(
        hparams.contains("hidden_dim:\n  - 8\n") && hparams.contains("  validation: 0.15\n"),
        "{hparams}"
    );
    let metrics = fs::read_to_string(run.join("metrics.csv")).expect("metrics.csv");
    assert_eq!(metrics.lines().count(), 1 + 2 * 3, "{metrics}");
    let results = fs::read_to_string(run.join("results.csv")).expect("results.csv");
    assert!(results.starts_with("seed,checkpoint,epoch,test_acc,test_f1,test_auc,train_loss,"), "{results}");
    let results = fs::read_to_string(run.join("results.json")).expect("results.json");
    let results: serde_json::Value = serde_json::from_str(&results).expect("JSON");
    assert_eq!(results["facts"]["test_rows"], 105);
    assert_eq!(results["test"]["probabilities"].as_array().map(Vec::len), Some(105));
    assert!(
        results["selective"]["aurc"].is_f64() && results["calibration"]["raw"]["ece"].is_f64(),
        "{results}"
    );
    assert!(run.join("checkpoints/last.ckpt").is_file() && best(&run).is_file());
    assert!(!files(dir.path()).iter().any(|path| path.extension().is_some_and(|end| end == "tmp")));
}

/// Bytes of everything a run leaves, but for the seconds it took, which the page tells too.
fn bytes(run: &Path) -> Vec<(String, Vec<u8>)> {
    let all = files(run).into_iter().filter(|path| path.is_file() && !path.ends_with("report.html"));
    all.map(|path| {
        let mut bytes = fs::read(&path).expect("bytes");
        if path.ends_with("results.json") {
            let mut results: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
            results["facts"]["seconds"] = 0.into();
            bytes = results.to_string().into_bytes();
        }
        (path.strip_prefix(run).expect("below").display().to_string(), bytes)
    })
    .collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads_and_another_seed_others() {
    let dir = folder();
    // Wide enough for the kernels to use threads.
    let args = ["train", "--epochs", "2", "--hidden-dim", "300", "--batch-size", "full", "--quiet"];
    for threads in ["1", "2", "7"] {
        let out = xtask(dir.path()).args(args).env("RAYON_NUM_THREADS", threads).output().expect("a run");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
    done(dir.path(), &[&args[..], &["--seed", "1"]].concat());
    let version = |n: usize| bytes(&dir.path().join(format!("lightning_logs/version_{n}")));
    let (figures, others): (Vec<_>, Vec<_>) =
        version(0).into_iter().partition(|(name, _)| name.starts_with("figures"));
    assert_eq!(others.len(), 10, "lock, config, run, hparams, metrics, features, two of results, best, last");
    assert!(figures.len() >= 7);
    assert_eq!(version(0), version(1));
    assert_eq!(version(0), version(2));
    assert_ne!(version(0), version(3));
}

#[test]
fn several_seeds_have_a_row_each_and_their_mean() {
    let dir = folder();
    let ended = done(dir.path(), &[&SHORT[..], &["--seeds", "3", "--seed", "5", "--quiet"]].concat());
    let row = |label: &str| -> Vec<f64> {
        let line = ended.stdout.lines().find(|line| line.starts_with(label)).expect(label);
        line[8..56].split_whitespace().map(|cell| cell.parse().expect("a number")).collect()
    };
    let seeds = [row("5 "), row("6 "), row("7 ")];
    for (j, mean) in row("mean").into_iter().enumerate() {
        let expected = seeds.iter().map(|row| row[j]).sum::<f64>() / 3.0;
        assert!((mean - expected).abs() < 1.01e-4, "{}", ended.stdout);
        let squares: f64 = seeds.iter().map(|row| (row[j] - expected).powi(2)).sum();
        assert!((row("sd")[j] - (squares / 2.0).sqrt()).abs() < 2e-4, "{}", ended.stdout);
    }
    let found = fs::read_to_string(version_0(dir.path()).join("seeds.json")).expect("seeds.json");
    let found: serde_json::Value = serde_json::from_str(&found).expect("JSON");
    assert_eq!(found["seeds"], serde_json::json!([5, 6, 7]));
    assert_eq!(found["folders"][2], "version_2");
    let acc = &found["methods"][0]["scores"][0];
    assert_eq!((&found["methods"][0]["name"], &acc["name"]), (&"MMDynamic".into(), &"acc".into()));
    let of = |value: &serde_json::Value| value.as_f64().expect("a number");
    // t of 0.975 with 2 degrees of freedom.
    let half = 4.302_652_729_7 * of(&acc["sd"]) / 3f64.sqrt();
    assert!((of(&acc["interval"][0]) - (of(&acc["mean"]) - half)).abs() < 1e-9, "{acc}");
    assert!((row("lower")[0] - of(&acc["interval"][0])).abs() < 1e-4, "{}", ended.stdout);
    assert!((row("upper")[0] - of(&acc["interval"][1])).abs() < 1e-4, "{}", ended.stdout);
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ended.stdout);
    assert!(dir.path().join("lightning_logs/version_2/results.csv").is_file());
    assert_eq!(ended.stderr, "");
}

#[test]
fn json_of_several_seeds_is_what_their_files_hold() {
    let dir = folder();
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    let printed = json(&done(dir.path(), &[&SHORT[..], &["--json", "--seeds", "2"]].concat()).stdout);
    let file =
        |name: &str| json(&fs::read_to_string(dir.path().join("lightning_logs").join(name)).expect(name));
    assert_eq!(printed["seeds"], file("version_0/seeds.json"));
    assert_eq!(printed["runs"][1]["results"], file("version_1/results.json"));
}

#[test]
fn without_validation_the_last_epoch_is_tested() {
    let dir = folder();
    let ended = done(dir.path(), &[&SHORT[..], &["--validation", "0", "--out", "a b ü"]].concat());
    assert!(ended.stdout.contains("245 rows to learn from, 105 to test on"), "{}", ended.stdout);
    assert!(ended.stdout.contains("Epoch     2, the last one"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("temperature"), "there are no rows to fit one to: {}", ended.stdout);
    assert_eq!(files(&dir.path().join("a b ü/lightning_logs/version_0/checkpoints")).len(), 1);
}

#[test]
fn a_folder_with_class_names_is_read() {
    let dir = folder();
    write_cohort(dir.path());
    let ended =
        done(dir.path(), &[&SHORT[..], &["--data", ".", "--preset", "paper", "--out", "runs"]].concat());
    assert!(ended.stdout.contains("2: 0 healthy (6), 1 ill, badly (6)"), "{}", ended.stdout);
    assert!(ended.stdout.contains("Views     2, with 4, 3 features"), "{}", ended.stdout);
}

#[test]
fn a_learning_rate_of_1e10_diverges_and_names_the_place() {
    let dir = folder();
    let ended = run(dir.path(), &[&SHORT[..], &["--lr", "1e10"]].concat());
    assert_eq!(ended.code, Some(6), "{}", ended.stderr);
    assert!(ended.stderr.contains("error: diverged in epoch 0, batch "), "{}", ended.stderr);
}

#[test]
fn no_value_of_rayon_num_threads_is_a_panic() {
    let dir = folder();
    for threads in ["0", "-1", "1000000", "many", ""] {
        let out = xtask(dir.path()).args(SHORT).env("RAYON_NUM_THREADS", threads).output().expect("a run");
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(0), "{threads}: {stderr}");
        assert!(stderr.contains("is no number from 1 to 256"), "{threads}: {stderr}");
    }
}
