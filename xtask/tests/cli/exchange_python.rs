//! What is handed on and taken over, in the real PyTorch and the real onnxruntime: `scripts/check_exchange.py`.

use crate::support::{done, folder, text, version_0, write_cohort};
use lightning_core::Seed;
use lightning_core::nn::Module;
use mmdynamic::data::{Missing, Preprocessing, ScalingKind, read_mogonet};
use mmdynamic::{Confidence, Config, Hyperparameters, MmDynamic, SavedData, Trained};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A Python that can import these modules: one that a variable names, or `python3`.
fn python(modules: &str) -> Option<String> {
    let named = ["CHECKS_PYTHON", "TORCH_PYTHON"].map(|name| std::env::var(name).unwrap_or_default());
    let candidates = named.into_iter().chain(["python3".to_owned()]).filter(|path| !path.is_empty());
    let imports = format!("import {modules}");
    candidates.into_iter().find(|python| {
        let check = Command::new(python).args(["-c", &imports]).output();
        check.is_ok_and(|ended| ended.status.success())
    })
}

/// The test runner keeps what a passing test prints to itself: this must be seen.
fn skip(test: &str, without: &str, set: &str) {
    let _ = writeln!(io::stderr(), "{test}: SKIPPED: no python with {without}; set {set} to one");
}

fn check(python: &str, args: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/check_exchange.py");
    let ended = Command::new(python).arg(script).args(args).output().expect("it starts");
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{args:?}: {out}{err}");
    out.into_owned()
}

/// A trained model beside its data, with everything that can be exported.
struct Case {
    dir: tempfile::TempDir,
    views: Vec<String>,
    train: Vec<String>,
}

impl Case {
    /// `data` is a folder, or the small cohort.
    fn new(data: Option<&Path>, flags: &[&str]) -> Self {
        let dir = folder();
        let data = data.map(Path::to_owned).unwrap_or_else(|| {
            write_cohort(dir.path());
            dir.path().to_owned()
        });
        done(
            dir.path(),
            &[&["train", "--quiet", "--validation", "0", "--data", text(&data)], flags].concat(),
        );
        let last = version_0(dir.path()).join("checkpoints/last.ckpt");
        Self::of(dir, text(&last), &data)
    }

    /// A checkpoint with everything that can be exported of it.
    fn of(dir: tempfile::TempDir, last: &str, data: &Path) -> Self {
        let files = |part: &str| -> Vec<String> {
            let file = |view: usize| data.join(format!("{view}_{part}.csv"));
            (1..).map(file).take_while(|file| file.is_file()).map(|file| text(&file).to_owned()).collect()
        };
        let (views, train) = (files("te"), files("tr"));
        predict(dir.path(), last, &views);
        done(dir.path(), &["export", "weights", last, "--out", "model.safetensors"]);
        done(dir.path(), &["export", "onnx", last, "--out", "model.onnx"]);
        Case { dir, views, train }
    }

    fn args<'a>(&'a self, check: &'a str) -> Vec<&'a str> {
        [check, text(self.dir.path())].into_iter().chain(self.views.iter().map(String::as_str)).collect()
    }
}

fn predict(dir: &Path, checkpoint: &str, views: &[String]) {
    let views: Vec<&str> = views.iter().map(String::as_str).collect();
    for what in ["probabilities", "class", "confidences"] {
        let out = format!("{what}.npy");
        let args = ["predict", checkpoint, "--what", what, "--out", &out, "--views"];
        done(dir, &[&args[..], &views].concat());
    }
}

/// The small cohort with one and several hidden layers and three classes, and ROSMAP at full width where it is there.
fn cases() -> Vec<Case> {
    let three = folder();
    write_cohort(three.path());
    fs::remove_file(three.path().join("classes.csv")).expect("removed");
    for (part, rows) in [("tr", 12), ("te", 4)] {
        let labels: String = (0..rows).map(|i| format!("{}\n", i % 3)).collect();
        fs::write(three.path().join(format!("labels_{part}.csv")), labels).expect("written");
    }
    let mut cases = vec![
        Case::new(None, &["--epochs", "20", "--hidden-dim", "8"]),
        Case::new(Some(three.path()), &["--epochs", "20", "--hidden-dim", "8,6,5"]),
    ];
    // The files are read before the folder goes.
    cases[1].keep(three);
    let rosmap = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/ROSMAP");
    if rosmap.is_dir() {
        let flags = ["--preset", "paper-rosmap", "--epochs", "6"];
        cases.push(Case::new(Some(&rosmap.canonicalize().expect("a path")), &flags));
    }
    cases
}

impl Case {
    /// Moves the data that the case was made from beside its model.
    fn keep(&mut self, data: tempfile::TempDir) {
        for file in self.views.iter_mut().chain(&mut self.train) {
            let to = self.dir.path().join(PathBuf::from(&*file).file_name().expect("a name"));
            fs::copy(&*file, &to).expect("a copy");
            *file = text(&to).to_owned();
        }
        drop(data);
    }
}

#[test]
fn the_real_onnxruntime_predicts_the_same() {
    let Some(python) = python("numpy, onnx, onnxruntime") else {
        return skip("the_real_onnxruntime_predicts_the_same", "onnx and onnxruntime", "CHECKS_PYTHON");
    };
    for case in cases() {
        let said = check(&python, &case.args("onnx"));
        assert!(said.contains("probabilities: ") && said.contains("one row alone: "), "{said}");
    }
}

/// Weights that nothing was learnt with, for parts of the model that are switched off or replaced.
fn untrained(config: Config) -> Case {
    let dir = folder();
    write_cohort(dir.path());
    let train = read_mogonet(dir.path()).expect("a cohort").train;
    let hparams = Hyperparameters { in_dim: train.widths(), num_class: 2, binary: true, config };
    let mut state = MmDynamic::new(hparams.clone(), Seed(5)).expect("a model").state_dict();
    for (name, array) in &mut state {
        // As if typical rows were all 0.6, so that some of the test rows are distant.
        if name.starts_with("ViewReference.") {
            array.fill(0.6);
        }
    }
    let data = SavedData {
        source: "a test".into(),
        seed: 0,
        validation: None,
        rows: train.rows(),
        class_names: train.class_names.clone(),
        feature_names: train.feature_names.clone(),
        columns: None,
        preprocessing: Preprocessing::fit(&train, Missing::Refuse, ScalingKind::MinMax).expect("figures"),
    };
    let model = MmDynamic::from_state_dict(hparams, &state).expect("a model");
    let path = dir.path().join("model.ckpt");
    Trained { model, data }.write(&path).expect("written");
    let data = dir.path().to_owned();
    Case::of(dir, text(&path), &data)
}

#[test]
fn a_model_without_some_parts_or_with_others_predicts_the_same_in_onnxruntime() {
    let Some(python) = python("numpy, onnx, onnxruntime") else {
        let test = "a_model_without_some_parts_or_with_others_predicts_the_same_in_onnxruntime";
        return skip(test, "onnx and onnxruntime", "CHECKS_PYTHON");
    };
    for (gates, confidence) in [
        (false, Confidence::Linear),
        (true, Confidence::None),
        (true, Confidence::NoiseAware),
        (false, Confidence::NoiseAware),
        (false, Confidence::None),
    ] {
        let config = Config { hidden_dim: vec![8, 6], gates, confidence, ..Config::default() };
        check(&python, &untrained(config).args("onnx"));
    }
}

#[test]
fn missing_values_constant_features_and_each_scaling_are_in_the_graph() {
    let Some(python) = python("numpy, onnx, onnxruntime") else {
        let test = "missing_values_constant_features_and_each_scaling_are_in_the_graph";
        return skip(test, "onnx and onnxruntime", "CHECKS_PYTHON");
    };
    for flags in [
        ["--data.missing", "mean", "--data.scaling", "z-score"],
        ["--data.missing", "median", "--data.scaling", "min-max"],
        ["--data.missing", "zero", "--data.scaling", "none"],
    ] {
        let data = folder();
        write_cohort(data.path());
        // A hole in each part, and a third column that says the same of every training row.
        for part in ["tr", "te"] {
            let file = data.path().join(format!("1_{part}.csv"));
            let csv = fs::read_to_string(&file).expect("a view");
            let line = |(row, line): (usize, &str)| {
                let mut cells: Vec<&str> = line.split(',').collect();
                cells[0] = if row == 2 { "NaN" } else { cells[0] };
                cells[2] = if part == "tr" { "1.25" } else { cells[2] };
                cells.join(",") + "\n"
            };
            fs::write(&file, csv.lines().enumerate().map(line).collect::<String>()).expect("written");
        }
        let case =
            Case::new(Some(data.path()), &[&["--epochs", "5", "--hidden-dim", "8"], &flags[..]].concat());
        check(&python, &case.args("onnx"));
    }
}

#[test]
fn exported_weights_predict_the_same_in_pytorch() {
    let torch = python("numpy, safetensors, torch");
    if torch.is_none() {
        let without = "safetensors and torch (numpy runs the weights instead, if there is safetensors)";
        skip("exported_weights_predict_the_same_in_pytorch", without, "TORCH_PYTHON");
    }
    let Some(python) = torch.or_else(|| python("numpy, safetensors")) else { return };
    for case in cases() {
        let train = case.train.iter().map(String::as_str);
        // The views end before the flag, which takes all that follows.
        let args: Vec<&str> = case.args("weights").into_iter().chain(["--train"]).chain(train).collect();
        let said = check(&python, &args);
        assert!(said.contains("probabilities: "), "{said}");
    }
}

#[test]
fn a_model_of_pytorch_predicts_the_same_here_and_in_onnxruntime() {
    let Some(torch) = python("numpy, safetensors, torch") else {
        let test = "a_model_of_pytorch_predicts_the_same_here_and_in_onnxruntime";
        return skip(test, "safetensors and torch", "TORCH_PYTHON");
    };
    for (hidden, classes) in [("8", "2"), ("300", "5"), ("16,12,7", "3")] {
        let dir = folder();
        let dir = dir.path();
        write_cohort(dir);
        let theirs = dir.join("theirs");
        fs::create_dir(&theirs).expect("a folder");
        let views = ["1_te.csv", "2_te.csv"].map(|name| text(&dir.join(name)).to_owned());
        let made = ["make", text(&theirs), &views[0], &views[1], "--hidden", hidden, "--classes", classes];
        check(&torch, &made);
        let weights = theirs.join("model.safetensors");
        done(dir, &["import", "weights", text(&weights), "--unscaled", "--out", "model.ckpt"]);
        predict(dir, "model.ckpt", &views);
        check(&torch, &["same", text(dir), text(&theirs)]);
        if let Some(python) = python("numpy, onnx, onnxruntime") {
            done(dir, &["export", "onnx", "model.ckpt", "--out", "model.onnx"]);
            check(&python, &["onnx", text(dir), &views[0], &views[1]]);
        }
    }
}
