//! Event files against the real TensorBoard's reader, or, where there is none, against bytes that it has read.
#![cfg(feature = "tensorboard")]

use lightning_core::loggers::{Figure, Histogram, Logger, Metric, MetricsRow, RunStatus, TensorBoardLogger};
use lightning_core::{Hyperparameters, Stage};
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

const FILE: &str = "events.out.tfevents.1700000000.fixture";

/// Logs one of everything and notes what must be found again.
struct Noted {
    logger: TensorBoardLogger,
    scalars: Vec<Value>,
}

impl Noted {
    fn row(&mut self, stage: Stage, step: u64, values: &[(&str, f64)]) -> io::Result<()> {
        let metrics: Vec<Metric> = values.iter().map(|&(name, value)| Metric::new(name, value)).collect();
        // JSON has no NaN.
        let noted = values.iter().map(|(name, value)| json!([name, step, (*value as f32).to_string()]));
        self.scalars.extend(noted);
        self.logger.log_metrics(&MetricsRow { stage, epoch: 0, step, batches: step, metrics: &metrics })
    }
}

fn picture() -> Vec<u8> {
    (0..4 * 3 * 3).map(|i: u32| u8::try_from(i * 7).expect("below 256")).collect()
}

fn noted(tag: &str, step: u64, histogram: &Histogram) -> Value {
    let Histogram { min, max, num, sum, sum_squares, limits, counts, .. } = histogram;
    json!({
        "tag": tag, "step": step, "min": min, "max": max, "num": num, "sum": sum,
        "sum_squares": sum_squares, "limits": limits, "counts": counts,
    })
}

fn write_log(dir: &Path) -> io::Result<Value> {
    let logger = TensorBoardLogger::new(dir).reproducible(FILE, 1.7e9);
    let mut log = Noted { logger, scalars: Vec::new() };
    let hparams = json!({ "lr": 1e-3, "binary": true, "config": { "hidden_dim": [50, 20], "name": "post" } });
    log.logger.log_hyperparameters(&Hyperparameters::from(hparams))?;
    for step in 1..=20 {
        log.row(Stage::Train, step, &[("train/loss", 1.0 / step as f64), ("lr-Adam", 1e-3)])?;
        if step % 5 == 0 {
            log.row(Stage::Validate, step, &[("ptl/val_loss", 0.1 * step as f64), ("größe", f64::NAN)])?;
        }
    }
    log.row(Stage::Test, 20, &[("test_acc", 0.75), ("huge", f64::INFINITY)])?;
    let mut histograms = Vec::new();
    for step in [5_u64, 10] {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i - 400) * 1e-3 * step as f64).collect();
        let histogram = Histogram::of(values);
        log.logger.log_histogram("weights/layer.weight", &histogram, step)?;
        histograms.push(noted("weights/layer.weight", step, &histogram));
    }
    let pixels = picture();
    let figure = Figure::Rgb { width: 4, height: 3, pixels: &pixels };
    log.logger.log_figure("confusion", &figure, 20)?;
    log.logger.log_figure("confusion", &Figure::Png(&figure.to_file()?.0), 21)?;
    log.logger.log_figure("roc", &Figure::Svg("<svg/>"), 20)?;
    log.logger.log_final_metrics(&[Metric::new("val_acc", 0.875)], 20)?;
    log.logger.finalize(RunStatus::Success)?;
    log.scalars.push(json!(["hp/val_acc", 20, "0.875"]));
    Ok(json!({
        "scalars": log.scalars,
        "histograms": histograms,
        "images": [["confusion", 20, 4, 3, pixels], ["confusion", 21, 4, 3, pixels]],
        "texts": [["roc", 20, "```svg\n<svg/>\n```"]],
        "hparams": { "lr": 1e-3, "binary": true, "config/hidden_dim": "[50,20]", "config/name": "post" },
        "hparams_metrics": { "hp/val_acc": 0.875, "test_acc": 0.75 },
        "status": "STATUS_SUCCESS",
    }))
}

/// A Python that has TensorBoard: the one that `CHECKS_PYTHON` names, or `python3`.
fn python() -> Option<String> {
    let named = std::env::var("CHECKS_PYTHON").ok().filter(|path| !path.is_empty());
    let python = named.unwrap_or_else(|| "python3".into());
    let check = Command::new(&python).args(["-c", "import tensorboard"]).output();
    check.is_ok_and(|ended| ended.status.success()).then_some(python)
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn the_real_tensorboard_finds_everything_again() {
    let Some(python) = python() else {
        // The test runner keeps what a passing test prints to itself: this must be seen.
        let told = "the_real_tensorboard_finds_everything_again: SKIPPED the real reader, only bytes are compared: \
                    no python with tensorboard; set CHECKS_PYTHON to one";
        let _ = writeln!(io::stderr(), "{told}");
        return;
    };
    let dir = tempfile::tempdir().expect("a folder");
    let expected = write_log(&dir.path().join("version_0")).expect("a log");
    let noted = dir.path().join("expected.json");
    fs::write(&noted, expected.to_string()).expect("written");
    let mut check = Command::new(python);
    check.arg(root("../scripts/check_tensorboard.py")).arg(dir.path()).arg(&noted);
    let ended = check.output().expect("it starts");
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{out}{err}");
    assert!(
        out.contains("found again: 51 scalars, 2 histograms, 2 images, 1 texts, 4 hyperparameters"),
        "{out}"
    );
}

#[test]
fn the_bytes_are_those_that_tensorboard_has_read() {
    let dir = tempfile::tempdir().expect("a folder");
    write_log(dir.path()).expect("a log");
    let (written, fixture) = (dir.path().join(FILE), root("tests/fixtures").join(FILE));
    if fs::read(&written).ok() != fs::read(&fixture).ok() {
        let kept = dir.keep().join(FILE);
        panic!(
            "the log differs from {}: once scripts/check_tensorboard.py accepts it, copy {} there",
            fixture.display(),
            kept.display()
        );
    }
}
