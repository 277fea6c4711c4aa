//! Scores of rankings: do positives stand above negatives, whatever the threshold.
//!
//! One sort, then one walk down the distinct scores (`Step`), serves all functions: O(n log n). Scores are
//! checked to be finite before they are sorted, so no comparison can fail.

use ndarray::{ArrayView1, ArrayView2, Axis};

use crate::{MetricError, check};

/// What a threshold selects: samples of a score at or above it.
struct Step {
    threshold: f64,
    true_positives: usize,
    false_positives: usize,
}

/// One step for each distinct score, descending. Equal scores share a step: that is what makes a tie count
/// half.
fn steps(positive: impl Iterator<Item = bool>, scores: ArrayView1<'_, f64>) -> Vec<Step> {
    let mut ranked: Vec<(f64, bool)> = scores.iter().copied().zip(positive).collect();
    ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));

    let mut steps: Vec<Step> = Vec::new();
    let (mut true_positives, mut false_positives) = (0, 0);
    for (threshold, positive) in ranked {
        true_positives += usize::from(positive);
        false_positives += usize::from(!positive);
        let step = Step { threshold, true_positives, false_positives };
        match steps.last_mut() {
            Some(last) if last.threshold == threshold => *last = step,
            _ => steps.push(step),
        }
    }
    steps
}

/// [`steps`] for labels 0 and 1, with all checks; the second value is (positives, negatives).
fn binary_steps(
    labels: &[usize],
    scores: ArrayView1<'_, f64>,
) -> Result<(Vec<Step>, (usize, usize)), MetricError> {
    check::same_length(labels.len(), "scores", scores.len())?;
    check::labels_below(labels, 2)?;
    check::finite(scores.insert_axis(Axis(1)))?;
    let positives = labels.iter().filter(|&&label| label == 1).count();
    let steps = steps(labels.iter().map(|&label| label == 1), scores);
    Ok((steps, (positives, labels.len() - positives)))
}

fn check_both(class: usize, (positives, negatives): (usize, usize)) -> Result<(), MetricError> {
    if positives == 0 || negatives == 0 {
        return Err(MetricError::UndefinedAuc { class, positives, negatives });
    }
    Ok(())
}

/// The area under the steps in units of half a (positive, negative) pair, then divided: exact up to the one
/// division.
fn area(steps: &[Step], (positives, negatives): (usize, usize)) -> f64 {
    let (mut doubled, mut above, mut left) = (0_u128, 0, 0);
    for step in steps {
        doubled += (step.false_positives - left) as u128 * (step.true_positives + above) as u128;
        (above, left) = (step.true_positives, step.false_positives);
    }
    doubled as f64 / (2 * positives as u128 * negatives as u128) as f64
}

/// The area under the ROC curve: the chance that a positive scores above a negative, ties counting half.
///
/// `AUC = (|{(p, n) : s_p > s_n}| + ½ |{(p, n) : s_p = s_n}|) / (P N)` over all pairs of a positive `p`
/// (label 1) and a negative `n` (label 0). Any finite score will do: a probability, a logit, a distance.
///
/// ```
/// use metrics::roc_auc_score;
/// use ndarray::array;
///
/// let scores = array![0.1, 0.4, 0.4, 0.8];
/// assert_eq!(roc_auc_score(&[0, 0, 1, 1], scores.view())?, 3.5 / 4.0);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// [`MetricError::UndefinedAuc`] for labels of one class, where scikit-learn warns and returns NaN; empty
/// input, different lengths, a label above 1, a score that is not finite.
pub fn roc_auc_score(labels: &[usize], scores: ArrayView1<'_, f64>) -> Result<f64, MetricError> {
    let (steps, sizes) = binary_steps(labels, scores)?;
    check_both(1, sizes)?;
    Ok(area(&steps, sizes))
}

/// How one-vs-rest areas become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OvrAverage {
    /// The plain mean over all columns: each class needs a sample.
    #[default]
    Macro,
    /// Weighted by the number of samples of each class: classes without any are left out.
    Weighted,
}

/// ROC AUC of each class against the rest, averaged: scikit-learn's `roc_auc_score(..., multi_class="ovr")`.
///
/// `probabilities` has shape (samples, classes) and, as there, rows that sum to 1 (to 1e-5). Unlike there,
/// two columns are allowed too; for those the result is the binary AUC.
///
/// ```
/// use metrics::{OvrAverage, roc_auc_score_ovr};
/// use ndarray::array;
///
/// let probabilities = array![[0.8, 0.1, 0.1], [0.3, 0.3, 0.4], [0.4, 0.4, 0.2], [0.1, 0.2, 0.7]];
/// let labels = [0, 0, 1, 2];
/// // Class 0 wins 3 of its 4 pairs; classes 1 and 2 win all.
/// assert_eq!(roc_auc_score_ovr(&labels, probabilities.view(), OvrAverage::Macro)?, (0.75 + 1.0 + 1.0) / 3.0);
/// assert_eq!(roc_auc_score_ovr(&labels, probabilities.view(), OvrAverage::Weighted)?, (2.0 * 0.75 + 1.0 + 1.0) / 4.0);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// [`MetricError::UndefinedAuc`] for a class without samples (macro) or for labels of one class; fewer than
/// two columns, rows that do not sum to 1, empty input, different lengths, a label without a column, a value
/// that is not finite.
pub fn roc_auc_score_ovr(
    labels: &[usize],
    probabilities: ArrayView2<'_, f64>,
    average: OvrAverage,
) -> Result<f64, MetricError> {
    let classes = probabilities.ncols();
    check::same_length(labels.len(), "rows of probabilities", probabilities.nrows())?;
    if classes < 2 {
        return Err(MetricError::ClassCount { found: classes, expected: "2 or more" });
    }
    check::labels_below(labels, classes)?;
    check::finite(probabilities)?;
    check::row_sums(probabilities, 1e-8, 1e-5)?;

    let mut support = vec![0_usize; classes];
    labels.iter().for_each(|&label| support[label] += 1);
    let (mut sum, mut weights) = (0.0, 0.0);
    for (class, scores) in probabilities.columns().into_iter().enumerate() {
        let sizes = (support[class], labels.len() - support[class]);
        let weight = match average {
            OvrAverage::Macro => 1.0,
            OvrAverage::Weighted if sizes.0 == 0 => continue,
            OvrAverage::Weighted => sizes.0 as f64,
        };
        check_both(class, sizes)?;
        sum += weight * area(&steps(labels.iter().map(|&label| label == class), scores), sizes);
        weights += weight;
    }
    Ok(sum / weights)
}

/// Average precision, the step sum `AP = Σ_k (R_k - R_{k-1}) P_k` over descending thresholds.
///
/// `P_k`, `R_k` are precision and recall at threshold `k`. No interpolation, so it differs a little from the
/// trapezoid under [`precision_recall_curve`]. Without positives it is 0, as in scikit-learn (which also
/// warns).
///
/// ```
/// use metrics::average_precision_score;
/// use ndarray::array;
///
/// let scores = array![0.1, 0.4, 0.35, 0.8];
/// assert_eq!(average_precision_score(&[0, 0, 1, 1], scores.view())?, 0.5 * 1.0 + 0.5 * (2.0 / 3.0));
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// Empty input, different lengths, a label above 1, a score that is not finite.
pub fn average_precision_score(labels: &[usize], scores: ArrayView1<'_, f64>) -> Result<f64, MetricError> {
    let (steps, (positives, _)) = binary_steps(labels, scores)?;
    if positives == 0 {
        return Ok(0.0);
    }
    let (mut sum, mut before) = (0.0, 0);
    for step in &steps {
        sum += (step.true_positives - before) as f64 * precision(step);
        before = step.true_positives;
    }
    Ok(sum / positives as f64)
}

fn precision(step: &Step) -> f64 {
    step.true_positives as f64 / (step.true_positives + step.false_positives) as f64
}

/// A ROC curve: point `i` is what selecting all scores at or above `thresholds[i]` gives.
#[derive(Clone, Debug, PartialEq)]
pub struct RocCurve {
    /// Fraction of negatives selected, ascending from 0 to 1.
    pub fpr: Vec<f64>,
    /// Fraction of positives selected, ascending from 0 to 1.
    pub tpr: Vec<f64>,
    /// Descending; the first is infinite and selects nothing.
    pub thresholds: Vec<f64>,
}

/// The ROC curve, a point for each distinct score and one before them.
///
/// `drop_intermediate` (scikit-learn's default: true) leaves out points in the middle of a straight line of
/// equal steps: the curve and its area stay the same.
///
/// ```
/// use metrics::roc_curve;
/// use ndarray::array;
///
/// let curve = roc_curve(&[0, 0, 1, 1], array![0.1, 0.4, 0.35, 0.8].view(), true)?;
/// assert_eq!(curve.fpr, [0.0, 0.0, 0.5, 0.5, 1.0]);
/// assert_eq!(curve.tpr, [0.0, 0.5, 0.5, 1.0, 1.0]);
/// assert_eq!(curve.thresholds, [f64::INFINITY, 0.8, 0.4, 0.35, 0.1]);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// As [`roc_auc_score`].
pub fn roc_curve(
    labels: &[usize],
    scores: ArrayView1<'_, f64>,
    drop_intermediate: bool,
) -> Result<RocCurve, MetricError> {
    let (steps, (positives, negatives)) = binary_steps(labels, scores)?;
    check_both(1, (positives, negatives))?;

    let mut curve = RocCurve { fpr: vec![0.0], tpr: vec![0.0], thresholds: vec![f64::INFINITY] };
    for (i, step) in steps.iter().enumerate() {
        let between = 0 < i && i + 1 < steps.len();
        if drop_intermediate && between && goes_straight_on(&steps[i - 1], step, &steps[i + 1]) {
            continue;
        }
        curve.fpr.push(step.false_positives as f64 / negatives as f64);
        curve.tpr.push(step.true_positives as f64 / positives as f64);
        curve.thresholds.push(step.threshold);
    }
    Ok(curve)
}

/// Both counts grow by as much into `here` as out of it.
fn goes_straight_on(before: &Step, here: &Step, after: &Step) -> bool {
    before.false_positives + after.false_positives == 2 * here.false_positives
        && before.true_positives + after.true_positives == 2 * here.true_positives
}

/// A precision-recall curve: point `i` is what selecting all scores at or above `thresholds[i]` gives.
#[derive(Clone, Debug, PartialEq)]
pub struct PrecisionRecallCurve {
    /// One longer than `thresholds`: the last is 1, for an infinite threshold.
    pub precision: Vec<f64>,
    /// Descending; one longer than `thresholds`: the last is 0.
    pub recall: Vec<f64>,
    /// The distinct scores, ascending.
    pub thresholds: Vec<f64>,
}

/// Precision and recall at each distinct score, in ascending order of score.
///
/// Without positives the recall is 1 at every threshold, as in scikit-learn (which also warns).
///
/// ```
/// use metrics::precision_recall_curve;
/// use ndarray::array;
///
/// let curve = precision_recall_curve(&[0, 0, 1, 1], array![0.1, 0.4, 0.35, 0.8].view())?;
/// assert_eq!(curve.thresholds, [0.1, 0.35, 0.4, 0.8]);
/// assert_eq!(curve.precision, [0.5, 2.0 / 3.0, 0.5, 1.0, 1.0]);
/// assert_eq!(curve.recall, [1.0, 1.0, 0.5, 0.5, 0.0]);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// As [`average_precision_score`].
pub fn precision_recall_curve(
    labels: &[usize],
    scores: ArrayView1<'_, f64>,
) -> Result<PrecisionRecallCurve, MetricError> {
    let (steps, (positives, _)) = binary_steps(labels, scores)?;
    let recall = |step: &Step| match positives {
        0 => 1.0,
        _ => step.true_positives as f64 / positives as f64,
    };
    let ascending = || steps.iter().rev();
    Ok(PrecisionRecallCurve {
        precision: ascending().map(precision).chain([1.0]).collect(),
        recall: ascending().map(recall).chain([0.0]).collect(),
        thresholds: ascending().map(|step| step.threshold).collect(),
    })
}
