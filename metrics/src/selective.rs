//! Scores of a model that may decline: how often is it wrong among the samples it is surest of.

use ndarray::{ArrayView1, Axis};

use crate::{MetricError, check};

/// What accepting the surest samples costs: point `i` is what accepting all confidences at or above
/// `thresholds[i]` gives.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskCoverageCurve {
    /// Share of the samples accepted, ascending to 1.
    pub coverage: Vec<f64>,
    /// Share of wrong predictions among those accepted.
    pub risk: Vec<f64>,
    /// The distinct confidences, descending.
    pub thresholds: Vec<f64>,
    /// The mean risk over accepting the 1, 2, … N surest samples; smaller is better.
    pub aurc: f64,
}

/// Risk against coverage, and the area under it (Geifman and El-Yaniv 2017, "Selective Classification for Deep
/// Neural Networks"; the area: Geifman, Uziel and El-Yaniv 2019).
///
/// With the samples in descending order of confidence, `AURC = 1/N Σ_k r(k)`, where `r(k)` is the share of
/// wrong predictions among the first `k`. Samples of equal confidence have no order, so each counts as wrong
/// by the share of its ties that are wrong: `r(k)` is the mean over all their orders, and the order of the
/// rows does not matter. The confidence may be any finite number, a probability or not.
///
/// ```
/// use metrics::risk_coverage_curve;
/// use ndarray::array;
///
/// // The two surest are right, the third is wrong.
/// let curve = risk_coverage_curve(&[0, 1, 1], &[0, 1, 0], array![0.9, 0.8, 0.6].view())?;
/// assert_eq!(curve.risk, [0.0, 0.0, 1.0 / 3.0]);
/// assert_eq!(curve.aurc, 1.0 / 9.0);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// Empty input, different lengths, a confidence that is not finite.
pub fn risk_coverage_curve(
    labels: &[usize],
    predictions: &[usize],
    confidences: ArrayView1<'_, f64>,
) -> Result<RiskCoverageCurve, MetricError> {
    check::same_length(labels.len(), "predictions", predictions.len())?;
    check::same_length(labels.len(), "confidences", confidences.len())?;
    check::finite(confidences.insert_axis(Axis(1)))?;
    let wrong = labels.iter().zip(predictions).map(|(label, prediction)| label != prediction);
    let mut ranked: Vec<(f64, bool)> = confidences.iter().copied().zip(wrong).collect();
    ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));

    let mut curve =
        RiskCoverageCurve { coverage: Vec::new(), risk: Vec::new(), thresholds: Vec::new(), aurc: 0.0 };
    let (mut accepted, mut errors) = (0_usize, 0_usize);
    // By value and not by bits: 0 and -0 tie.
    for ties in ranked.chunk_by(|a, b| a.0 == b.0) {
        let wrong = ties.iter().filter(|(_, wrong)| *wrong).count();
        let share = wrong as f64 / ties.len() as f64;
        for taken in 1..=ties.len() {
            curve.aurc += (errors as f64 + taken as f64 * share) / (accepted + taken) as f64;
        }
        (accepted, errors) = (accepted + ties.len(), errors + wrong);
        curve.coverage.push(accepted as f64 / labels.len() as f64);
        curve.risk.push(errors as f64 / accepted as f64);
        curve.thresholds.push(ties[0].0);
    }
    curve.aurc /= labels.len() as f64;
    Ok(curve)
}
