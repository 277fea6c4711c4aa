//! How far the probabilities can be trusted: calibration, and the risk of the rows that a model is surest of.

use super::rows::PredictedRows;
use super::undefined;
use crate::failure::Failure;
use crate::results::{Calibration, CalibrationScores, Selective};
use metrics::{
    MetricError, argmax_rows, brier_score_loss, expected_calibration_error, fit_temperature, log_loss,
    risk_coverage_curve, softmax_at,
};
use ndarray::{Array2, ArrayView2, Axis};

/// Bins of the calibration error.
pub(crate) const BINS: usize = 15;

/// As the probabilities are, and at the temperature that fits the validation rows.
pub(super) fn calibration(
    rows: &PredictedRows,
    validation: Option<&PredictedRows>,
) -> Result<Calibration, Failure> {
    let raw = calibration_scores(&rows.labels, rows.probabilities.view()).map_err(undefined)?;
    let temperature =
        match validation.map(|held_out| fit_temperature(&held_out.labels, logits(held_out).view())) {
            None | Some(Err(MetricError::NoTemperature { .. })) => None,
            Some(fitted) => Some(fitted.map_err(undefined)?),
        };
    let scaled = temperature.map(|temperature| {
        let scaled = softmax_at(logits(rows).view(), temperature)?;
        calibration_scores(&rows.labels, scaled.view())
    });
    Ok(Calibration { raw, temperature, scaled: scaled.transpose().map_err(undefined)? })
}

/// Logits but for a constant in each row, which no softmax sees. A probability that was too small for a 32-bit
/// number is taken for the smallest.
fn logits(rows: &PredictedRows) -> Array2<f64> {
    rows.probabilities.mapv(|probability| probability.max(f64::from(f32::MIN_POSITIVE)).ln())
}

fn calibration_scores(
    labels: &[usize],
    probabilities: ArrayView2<'_, f64>,
) -> Result<CalibrationScores, MetricError> {
    // Rounding may leave the sum of a softmax a little above 1, and so a probability.
    let probabilities = probabilities.mapv(|probability| probability.clamp(0.0, 1.0));
    Ok(CalibrationScores {
        ece: expected_calibration_error(labels, &probabilities, BINS)?,
        brier: brier_score_loss(labels, &probabilities)?,
        log_loss: log_loss(labels, &probabilities)?,
    })
}

pub(super) fn selective(rows: &PredictedRows) -> Result<Selective, Failure> {
    let predictions = argmax_rows(rows.probabilities.view()).map_err(undefined)?;
    let surest = rows.probabilities.fold_axis(Axis(1), 0.0, |most: &f64, next| most.max(*next));
    let trust = rows.confidences.mean_axis(Axis(1)).unwrap_or_default();
    let aurc = |confidences| {
        let curve = risk_coverage_curve(&rows.labels, &predictions, confidences);
        curve.map(|curve| curve.aurc).map_err(undefined)
    };
    Ok(Selective { aurc: aurc(surest.view())?, aurc_by_confidence: aurc(trust.view())? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn rows(labels: &[usize], probabilities: Array2<f64>) -> PredictedRows {
        let confidences = Array2::from_elem((labels.len(), 1), 0.5);
        let samples = vec![String::new(); labels.len()];
        PredictedRows { samples, labels: labels.to_vec(), probabilities, confidences, mean_gates: vec![0.1] }
    }

    #[test]
    fn the_temperature_is_that_of_the_validation_rows_and_leaves_the_raw_scores() {
        let sure = rows(&[0, 1], array![[0.9, 0.1], [0.2, 0.8]]);
        // Odds of 9 are claimed, 3 of 4 are right: odds of 3 = 9^(1/2).
        let held_out = rows(&[0, 0, 0, 1], Array2::from_shape_fn((4, 2), |(_, j)| [0.9, 0.1][j]));
        let alone = calibration(&sure, None).expect("scores");
        assert!(alone.temperature.is_none() && alone.scaled.is_none());
        let both = calibration(&sure, Some(&held_out)).expect("scores");
        assert!((both.temperature.expect("a minimum") - 2.0).abs() < 1e-9);
        assert_eq!(both.raw.log_loss, alone.raw.log_loss);
        let expected = -(0.75f64.ln() + (2.0f64 / 3.0).ln()) / 2.0;
        assert!((both.scaled.expect("the same").log_loss - expected).abs() < 1e-9);
    }

    #[test]
    fn validation_rows_that_are_all_right_give_no_temperature() {
        let right = rows(&[0, 1], array![[0.9, 0.1], [0.2, 0.8]]);
        assert!(calibration(&right, Some(&right)).expect("scores").temperature.is_none());
    }

    #[test]
    fn a_probability_of_0_has_a_finite_logit() {
        let certain = rows(&[0, 1, 1], array![[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]);
        assert!(calibration(&certain, Some(&certain)).expect("scores").temperature.is_some());
    }
}
