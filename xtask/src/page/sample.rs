//! A run made by hand, for tests.

use super::curves::Curves;
use super::run::Run;
use crate::results::*;

/// `classes` classes, `views` views and `rows` test rows, of which every fifth is wrong.
pub(crate) fn results(classes: usize, views: usize, rows: usize) -> RunResults {
    let share = |row: usize, class: usize| {
        let label = row % classes;
        let named = if row % 5 == 4 { (label + 1) % classes } else { label };
        let sure = 0.55 + 0.4 * ((row * 7 % 11) as f64 / 11.0);
        if class == named { sure } else { (1.0 - sure) / (classes - 1) as f64 }
    };
    let score = |name: &str, label: &str, value: f64| Score {
        name: name.into(),
        label: label.into(),
        value,
        interval: Some([value - 0.08, value + 0.06]),
    };
    let scores = |shift: f64| {
        vec![
            score("acc", "ACC", 0.8 + shift),
            score("f1", "F1", 0.81 + shift),
            score("auc", "AUC", 0.9 + shift),
        ]
    };
    let feature = |i: usize| FeatureResult {
        name: format!("gene {i}"),
        gate: 0.4 / (i + 1) as f64,
        gate_by_class: vec![0.4 / (i + 1) as f64; classes],
        permutation: (i < 5).then_some(0.01),
    };
    let view = |i: usize| ViewResults {
        name: format!("view {}", i + 1),
        mean_gate: 0.1,
        mean_confidence: 0.8,
        confidence_outside: 0.02,
        features: (0..20).map(feature).collect(),
    };
    let point = |sigma: Option<f64>| RobustnessPoint {
        sigma,
        accuracy: 0.8 - 0.1 * sigma.unwrap_or(1.5),
        confidences: vec![0.7 + sigma.unwrap_or(0.0); views],
    };
    let curve = |view: String| RobustnessCurve {
        view,
        points: [Some(0.0), Some(0.5), Some(1.0), Some(2.0), None].map(point).into(),
    };
    let errors = |ece| CalibrationScores { ece, brier: 0.14, log_loss: 0.45 };
    RunResults {
        format: 1,
        facts: Facts {
            data: "/data/COHORT".into(),
            data_hash: "0123456789abcdef".repeat(4),
            config_hash: "fedcba9876543210".repeat(4),
            seed: 3,
            preset: "post".into(),
            checkpoint: "best".into(),
            epoch: 2,
            val_loss: Some(0.4),
            train_rows: 200,
            validation_rows: 40,
            test_rows: rows,
            classes: (0..classes).map(|class| format!("class {class}")).collect(),
            parameters: 123_456,
            seconds: 1.5,
            program: "xtask 0.1.0".into(),
            warnings: vec!["2 rows of the test stand in the training, too".into()],
        },
        test: TestRows {
            samples: (1..=rows).map(|row| row.to_string()).collect(),
            labels: (0..rows).map(|row| row % classes).collect(),
            probabilities: (0..rows)
                .map(|row| (0..classes).map(|class| share(row, class)).collect())
                .collect(),
            confidences: (0..rows).map(|row| vec![0.5 + 0.6 * ((row % 13) as f64 / 13.0); views]).collect(),
        },
        scores: scores(0.0),
        calibration: Calibration { raw: errors(0.09), temperature: Some(1.3), scaled: Some(errors(0.05)) },
        selective: Selective { aurc: 0.08, aurc_by_confidence: 0.1 },
        views: (0..views).map(view).collect(),
        robustness: (0..views)
            .map(|i| curve(format!("view {}", i + 1)))
            .chain([curve("all views".into())])
            .collect(),
        baselines: [
            ("majority", -0.3),
            ("logistic regression, all views", 0.01),
            ("3 nearest neighbours, all views", -0.1),
        ]
        .map(|(name, shift)| Baseline { name: name.into(), scores: scores(shift) })
        .into(),
    }
}

pub(crate) const METRICS: &str = "stage,epoch,val_loss,val_acc,train_loss,train_classifier_ce\n\
    val,0,0.7,0.5,,\ntrain,0,,,4.7,0.69\nval,1,0.5,0.7,,\ntrain,1,,,3.1,0.5\n\
    val,2,0.4,0.8,,\ntrain,2,,,2.0,0.3\nval,3,0.45,0.75,,\ntrain,3,,,1.8,0.2\n";

pub(crate) fn run(results: RunResults) -> Run {
    Run {
        folder: "lightning_logs/version_0".into(),
        name: "version_0".into(),
        results,
        curves: Curves::parse(METRICS).unwrap(),
        config: vec![("trainer.max_epochs".into(), "4".into())],
    }
}
