//! The numbers by which a classification is judged.

use super::rows::PredictedRows;
use crate::failure::{Exit, Failure};
use crate::results::{Calibration, CalibrationScores, Score, Selective};
use metrics::{
    MetricError, argmax_rows, brier_score_loss, evaluate, expected_calibration_error, log_loss,
    risk_coverage_curve,
};
use ndarray::{ArrayView2, Axis};

/// Bins of the calibration error.
const BINS: usize = 15;

/// The three metrics of the post.
pub(crate) fn scores(rows: &PredictedRows) -> Result<Vec<Score>, Failure> {
    let binary = rows.probabilities.ncols() == 2;
    let evaluation = evaluate(&rows.labels, rows.probabilities.view(), binary).map_err(undefined)?;
    let score = |(name, value): (&str, f64)| Score {
        name: name.into(),
        label: label(name).into(),
        value,
        interval: None,
    };
    Ok(evaluation.named().map(score).into())
}

/// How a score is called in tables.
pub(crate) fn label(name: &str) -> &str {
    match name {
        "acc" => "ACC",
        "f1" => "F1",
        "auc" => "AUC",
        "weighted_f1" => "weighted F1",
        "macro_f1" => "macro F1",
        other => other,
    }
}

pub(crate) fn calibration(rows: &PredictedRows) -> Result<Calibration, Failure> {
    let raw = calibration_scores(&rows.labels, rows.probabilities.view()).map_err(undefined)?;
    Ok(Calibration { raw, temperature: None, scaled: None })
}

fn calibration_scores(
    labels: &[usize],
    probabilities: ArrayView2<'_, f64>,
) -> Result<CalibrationScores, MetricError> {
    Ok(CalibrationScores {
        ece: expected_calibration_error(labels, probabilities, BINS)?,
        brier: brier_score_loss(labels, probabilities)?,
        log_loss: log_loss(labels, probabilities)?,
    })
}

pub(crate) fn selective(rows: &PredictedRows) -> Result<Selective, Failure> {
    let predictions = argmax_rows(rows.probabilities.view()).map_err(undefined)?;
    let surest = rows.probabilities.fold_axis(Axis(1), 0.0, |most: &f64, next| most.max(*next));
    let trust = rows.confidences.mean_axis(Axis(1)).unwrap_or_default();
    let aurc = |confidences| {
        let curve = risk_coverage_curve(&rows.labels, &predictions, confidences);
        curve.map(|curve| curve.aurc).map_err(undefined)
    };
    Ok(Selective { aurc: aurc(surest.view())?, aurc_by_confidence: aurc(trust.view())? })
}

/// Classes and rows were checked: what is left is a probability that is no number.
fn undefined(error: MetricError) -> Failure {
    Failure::new(Exit::Diverged, format!("the test has no result: {error}"))
}
