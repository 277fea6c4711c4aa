//! Scores of the probabilities themselves: a model may rank well and still be far too sure of itself.

use std::collections::BTreeMap;

use ndarray::ArrayView2;

use crate::probabilities::Probabilities;
use crate::{MetricError, check};

/// The mean negative log-likelihood of the labels, `-1/N Σ_n ln p_{n, y_n}`.
///
/// Takes the 2-d form (column `c` is class `c`, scikit-learn's `labels=range(classes)`) or the 1-d form
/// (probability of class 1). Each `p` is first clipped to `[ε, 1 - ε]` with `ε = 2⁻⁵²`, so that a certain
/// error costs 36.04 and not infinity.
///
/// Rows need not sum to 1: scikit-learn warns of such rows and uses them as they are, and so does this
/// function, without the warning. [`check_rows_sum_to_one`] is that warning as an error.
///
/// ```
/// use metrics::log_loss;
/// use ndarray::array;
///
/// let probabilities = array![[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]];
/// assert_eq!(log_loss(&[0, 2], &probabilities)?, (2f64.ln() + 4f64.ln()) / 2.0);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// Empty input, different lengths, fewer than two columns, a value that is not finite or outside [0, 1], a
/// label without a column.
pub fn log_loss<'a>(
    labels: &[usize],
    probabilities: impl Into<Probabilities<'a>>,
) -> Result<f64, MetricError> {
    let probabilities = probabilities.into();
    probabilities.check_against(labels)?;
    let loss = |(row, &label): (usize, &usize)| {
        -probabilities.of(row, label).clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
    };
    Ok(labels.iter().enumerate().map(loss).sum::<f64>() / labels.len() as f64)
}

/// The mean squared distance between probabilities and the truth, `1/N Σ_n Σ_c (1[y_n = c] - p_{n,c})²`.
///
/// For two classes, in either form, half of that: `1/N Σ_n (y_n - p_n)²` in [0, 1], as is customary. For
/// three or more the range is [0, 2]. This is scikit-learn's `scale_by_half="auto"`, with `pos_label=1` or
/// `labels=range(classes)`.
///
/// ```
/// use metrics::brier_score_loss;
/// use ndarray::array;
///
/// assert_eq!(brier_score_loss(&[0, 1], &array![0.25, 0.5])?, (0.0625 + 0.25) / 2.0);
/// assert_eq!(brier_score_loss(&[2], &array![[0.25, 0.25, 0.5]])?, 0.0625 + 0.0625 + 0.25);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// As [`log_loss`].
pub fn brier_score_loss<'a>(
    labels: &[usize],
    probabilities: impl Into<Probabilities<'a>>,
) -> Result<f64, MetricError> {
    let probabilities = probabilities.into();
    probabilities.check_against(labels)?;
    let classes = probabilities.classes();
    let distance = |(row, &label): (usize, &usize)| -> f64 {
        let truth = |class| f64::from(u8::from(class == label));
        (0..classes).map(|class| (truth(class) - probabilities.of(row, class)).powi(2)).sum()
    };
    let mean = labels.iter().enumerate().map(distance).sum::<f64>() / labels.len() as f64;
    Ok(if classes == 2 { mean / 2.0 } else { mean })
}

/// How far the confidence is from the accuracy, `ECE = Σ_m |B_m| / N · |acc(B_m) - conf(B_m)|` (Guo et al.
/// 2017, "On Calibration of Modern Neural Networks", equation 5).
///
/// The confidence of a sample is its highest probability, its prediction the first class that has it. Bin `m`
/// of `M` holds the confidences in `((m - 1)/M, m/M]`, the edges being the floats nearest to those fractions;
/// a confidence of 0 belongs to the first bin. `acc` and `conf` are the means within a bin; empty bins add
/// nothing.
///
/// scikit-learn has no such function. Ten or fifteen bins are usual; the number changes the value, so report
/// it.
///
/// ```
/// use metrics::expected_calibration_error;
/// use ndarray::array;
///
/// // Two samples at 0.75, one of them right; one at 1.0, right.
/// let probabilities = array![[0.75, 0.25], [0.75, 0.25], [0.0, 1.0]];
/// assert_eq!(expected_calibration_error(&[0, 1, 1], &probabilities, 10)?, 2.0 / 3.0 * (0.75 - 0.5));
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// As [`log_loss`], and [`MetricError::NoBins`] for zero bins.
pub fn expected_calibration_error<'a>(
    labels: &[usize],
    probabilities: impl Into<Probabilities<'a>>,
    bins: usize,
) -> Result<f64, MetricError> {
    let probabilities = probabilities.into();
    probabilities.check_against(labels)?;
    if bins == 0 {
        return Err(MetricError::NoBins);
    }
    // |B_m| · (acc - conf) is the sum of (hit - confidence) over the bin; a map, for any number of bins may be asked.
    let mut gaps: BTreeMap<usize, f64> = BTreeMap::new();
    for (row, &label) in labels.iter().enumerate() {
        let (prediction, confidence) = probabilities.top(row);
        let hit = f64::from(u8::from(prediction == label));
        *gaps.entry(bin(confidence, bins)).or_default() += hit - confidence;
    }
    Ok(gaps.values().map(|gap| gap.abs()).sum::<f64>() / labels.len() as f64)
}

/// The smallest `m` in 1..=bins with `confidence <= m / bins`.
pub(crate) fn bin(confidence: f64, bins: usize) -> usize {
    let edge = |m: usize| m as f64 / bins as f64;
    let mut m = ((confidence * bins as f64).ceil() as usize).clamp(1, bins);
    // The product is rounded: the true bin may be the one before or after.
    while m > 1 && confidence <= edge(m - 1) {
        m -= 1;
    }
    while m < bins && confidence > edge(m) {
        m += 1;
    }
    m
}

/// Refuses rows whose sum differs from 1 by more than 2.5e-8, the limit beyond which scikit-learn's
/// [`log_loss`] and [`brier_score_loss`] warn for 64-bit numbers.
///
/// Probabilities computed in 32-bit floats miss that limit by their rounding alone: the check is for 64-bit
/// ones.
///
/// ```
/// use metrics::{MetricError, check_rows_sum_to_one};
/// use ndarray::array;
///
/// assert!(check_rows_sum_to_one(array![[0.5, 0.5]].view()).is_ok());
/// let error = check_rows_sum_to_one(array![[0.5, 0.5], [0.5, 0.75]].view()).unwrap_err();
/// assert_eq!(error, MetricError::RowSum { row: 1, sum: 1.25 });
/// ```
///
/// # Errors
/// [`MetricError::RowSum`] for the first such row; [`MetricError::NotFinite`].
pub fn check_rows_sum_to_one(probabilities: ArrayView2<'_, f64>) -> Result<(), MetricError> {
    check::finite(probabilities)?;
    check::row_sums(probabilities, 1e-8 + f64::EPSILON.sqrt(), 0.0)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::{bin, log_loss};

    #[test]
    fn certainty_is_clipped_on_both_sides() -> Result<(), crate::MetricError> {
        assert_eq!(log_loss(&[1], &array![1.0])?, -(1.0 - f64::EPSILON).ln());
        assert_eq!(log_loss(&[0], &array![1.0])?, -f64::EPSILON.ln());
        Ok(())
    }

    #[test]
    fn a_confidence_on_an_edge_belongs_to_the_bin_below() {
        for bins in 1..=100 {
            for m in 1..=bins {
                let edge = m as f64 / bins as f64;
                assert_eq!(bin(edge, bins), m);
                assert_eq!(bin(edge.next_up().min(1.0), bins), (m + 1).min(bins));
                assert_eq!(bin(edge.next_down(), bins), m);
            }
        }
    }

    #[test]
    fn zero_belongs_to_the_first_bin_and_one_to_the_last() {
        assert_eq!(bin(0.0, 15), 1);
        assert_eq!(bin(1.0, 15), 15);
    }
}
