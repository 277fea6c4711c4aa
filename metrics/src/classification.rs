//! Scores of predicted classes. All of them are ratios of three counts for each class, so the functions
//! differ only in which ratio they take and how they average it.
//!
//! With `tp` = hits of a class, `pred` = samples predicted as it, `true` = samples of it: precision = tp /
//! pred, recall = tp / true, F1 = 2 tp / (pred + true).

use std::collections::BTreeMap;

use crate::confusion::{ClassCounts, class_counts};
use crate::{MetricError, check};

/// How the scores of the classes become one number, scikit-learn's `average`.
///
/// For the scores of each class (`average=None`) see [`precision_recall_fscore_support`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average {
    /// The score of one class; at most two classes may appear.
    Binary {
        /// The class whose score is wanted.
        pos_label: usize,
    },
    /// Counts of all classes are added before the ratio is taken; with one label for each sample this is the
    /// accuracy.
    Micro,
    /// The plain mean over the union of classes in labels and predictions.
    Macro,
    /// The mean over the same union, weighted by how many samples each class has.
    Weighted,
}

/// Binary with class 1 as the positive class, as in scikit-learn.
impl Default for Average {
    fn default() -> Self {
        Self::Binary { pos_label: 1 }
    }
}

/// The value of a ratio whose denominator is 0: a class that was never predicted, or never appears.
///
/// scikit-learn's `zero_division`; its default, `"warn"`, is 0 with a warning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZeroDivision {
    /// The ratio counts as 0.
    #[default]
    Zero,
    /// The ratio counts as 1.
    One,
    /// The class is left out of averages; NaN where nothing is left.
    NaN,
}

impl ZeroDivision {
    fn divide(self, Ratio(numerator, denominator): Ratio) -> f64 {
        match (denominator, self) {
            (0, Self::Zero) => 0.0,
            (0, Self::One) => 1.0,
            (0, Self::NaN) => f64::NAN,
            _ => numerator as f64 / denominator as f64,
        }
    }
}

/// Numerator and denominator.
struct Ratio(usize, usize);

fn precision(class: &ClassCounts) -> Ratio {
    Ratio(class.hits, class.predicted)
}

fn recall(class: &ClassCounts) -> Ratio {
    Ratio(class.hits, class.actual)
}

fn f1(class: &ClassCounts) -> Ratio {
    Ratio(2 * class.hits, class.predicted + class.actual)
}

/// The fraction of samples whose prediction is their label, `|{n : ŷ_n = y_n}| / N`.
///
/// ```
/// assert_eq!(metrics::accuracy_score(&[0, 1, 2, 2], &[0, 2, 2, 2])?, 0.75);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// Empty input, different lengths.
pub fn accuracy_score(labels: &[usize], predictions: &[usize]) -> Result<f64, MetricError> {
    check::same_length(labels.len(), "predictions", predictions.len())?;
    let hits = labels.iter().zip(predictions).filter(|(label, prediction)| label == prediction).count();
    Ok(hits as f64 / labels.len() as f64)
}

/// The mean recall over the classes that appear in `labels`.
///
/// Classes that only appear in the predictions have no recall and are left out, so this differs from the
/// macro recall.
///
/// ```
/// assert_eq!(metrics::balanced_accuracy_score(&[0, 0, 0, 1], &[0, 0, 2, 1])?, (2.0 / 3.0 + 1.0) / 2.0);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// Empty input, different lengths.
pub fn balanced_accuracy_score(labels: &[usize], predictions: &[usize]) -> Result<f64, MetricError> {
    let counts = class_counts(labels, predictions)?;
    Ok(mean(counts.values().map(|class| ZeroDivision::NaN.divide(recall(class)))))
}

/// Precision, `tp / (tp + fp)`: how many of those predicted as the class belong to it.
///
/// ```
/// use metrics::{Average, ZeroDivision, precision_score};
///
/// let (labels, predictions) = ([0, 1, 1, 0], [1, 1, 1, 0]);
/// assert_eq!(precision_score(&labels, &predictions, Average::default(), ZeroDivision::Zero)?, 2.0 / 3.0);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// Empty input, different lengths; for [`Average::Binary`] more than two classes or a positive class that is
/// neither.
pub fn precision_score(
    labels: &[usize],
    predictions: &[usize],
    average: Average,
    zero_division: ZeroDivision,
) -> Result<f64, MetricError> {
    averaged(precision, &class_counts(labels, predictions)?, average, zero_division)
}

/// Recall, `tp / (tp + fn)`: how many of those that belong to the class were predicted as it.
///
/// ```
/// use metrics::{Average, ZeroDivision, recall_score};
///
/// let (labels, predictions) = ([0, 1, 1, 2], [0, 1, 0, 2]);
/// assert_eq!(recall_score(&labels, &predictions, Average::Macro, ZeroDivision::Zero)?, 2.5 / 3.0);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// As [`precision_score`].
pub fn recall_score(
    labels: &[usize],
    predictions: &[usize],
    average: Average,
    zero_division: ZeroDivision,
) -> Result<f64, MetricError> {
    averaged(recall, &class_counts(labels, predictions)?, average, zero_division)
}

/// F1, the harmonic mean of precision and recall, `2 tp / (2 tp + fp + fn)`.
///
/// ```
/// use metrics::{Average, ZeroDivision, f1_score};
///
/// // Class 2 is never the label, but it was predicted: it counts in the macro average, with F1 = 0.
/// let (labels, predictions) = ([0, 1, 1, 1], [0, 1, 1, 2]);
/// assert_eq!(f1_score(&labels, &predictions, Average::Macro, ZeroDivision::Zero)?, (1.0 + 0.8 + 0.0) / 3.0);
/// assert_eq!(f1_score(&labels, &predictions, Average::Weighted, ZeroDivision::Zero)?, (1.0 + 3.0 * 0.8) / 4.0);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// As [`precision_score`].
pub fn f1_score(
    labels: &[usize],
    predictions: &[usize],
    average: Average,
    zero_division: ZeroDivision,
) -> Result<f64, MetricError> {
    averaged(f1, &class_counts(labels, predictions)?, average, zero_division)
}

/// The scores of every class: element `i` of each field belongs to `classes[i]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassScores {
    /// The union of classes in labels and predictions, ascending.
    pub classes: Vec<usize>,
    /// See [`precision_score`].
    pub precision: Vec<f64>,
    /// See [`recall_score`].
    pub recall: Vec<f64>,
    /// See [`f1_score`].
    pub f1: Vec<f64>,
    /// How many labels are of the class.
    pub support: Vec<usize>,
}

/// Precision, recall, F1 and support of each class: what a report shows line by line.
///
/// ```
/// use metrics::{ZeroDivision, precision_recall_fscore_support};
///
/// let scores = precision_recall_fscore_support(&[0, 0, 1, 3], &[0, 1, 1, 1], ZeroDivision::Zero)?;
/// assert_eq!(scores.classes, [0, 1, 3]);
/// assert_eq!(scores.precision, [1.0, 1.0 / 3.0, 0.0]);
/// assert_eq!(scores.recall, [0.5, 1.0, 0.0]);
/// assert_eq!(scores.support, [2, 1, 1]);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// Empty input, different lengths.
pub fn precision_recall_fscore_support(
    labels: &[usize],
    predictions: &[usize],
    zero_division: ZeroDivision,
) -> Result<ClassScores, MetricError> {
    let counts = class_counts(labels, predictions)?;
    let each = |ratio: fn(&ClassCounts) -> Ratio| {
        counts.values().map(|class| zero_division.divide(ratio(class))).collect()
    };
    Ok(ClassScores {
        classes: counts.keys().copied().collect(),
        precision: each(precision),
        recall: each(recall),
        f1: each(f1),
        support: counts.values().map(|class| class.actual).collect(),
    })
}

/// Matthews' correlation coefficient between labels and predictions, in [-1, 1], for any number of classes.
///
/// With `n` samples, `c` hits, `t_k` labels and `p_k` predictions of class `k` (Gorodkin 2004):
/// `(c n - Σ t_k p_k) / sqrt((n² - Σ p_k²) (n² - Σ t_k²))`. It is 0 where labels or predictions are all of one
/// class and the denominator vanishes, as in scikit-learn.
///
/// ```
/// assert_eq!(metrics::matthews_corrcoef(&[0, 1, 0, 1], &[0, 1, 0, 1])?, 1.0);
/// assert_eq!(metrics::matthews_corrcoef(&[0, 1, 0, 1], &[1, 1, 1, 1])?, 0.0);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// Empty input, different lengths.
pub fn matthews_corrcoef(labels: &[usize], predictions: &[usize]) -> Result<f64, MetricError> {
    let counts = class_counts(labels, predictions)?;
    // Whole numbers, so that "all of one class" is an exact zero; a square of a length fits i128 with room to
    // spare.
    let over = |term: fn(&ClassCounts) -> (usize, usize)| -> i128 {
        counts.values().map(term).map(|(a, b)| a as i128 * b as i128).sum()
    };
    let n = labels.len() as i128;
    let hits: i128 = counts.values().map(|class| class.hits as i128).sum();
    let covariance = hits * n - over(|class| (class.actual, class.predicted));
    let of_predictions = n * n - over(|class| (class.predicted, class.predicted));
    let of_labels = n * n - over(|class| (class.actual, class.actual));
    if of_predictions == 0 || of_labels == 0 {
        return Ok(0.0);
    }
    Ok(covariance as f64 / (of_predictions as f64 * of_labels as f64).sqrt())
}

fn averaged(
    ratio: fn(&ClassCounts) -> Ratio,
    counts: &BTreeMap<usize, ClassCounts>,
    average: Average,
    zero_division: ZeroDivision,
) -> Result<f64, MetricError> {
    let scores = || counts.values().map(|class| zero_division.divide(ratio(class)));
    match average {
        Average::Binary { pos_label } => {
            check_binary(counts, pos_label)?;
            let class = counts.get(&pos_label).copied().unwrap_or_default();
            Ok(zero_division.divide(ratio(&class)))
        }
        Average::Micro => {
            let total = counts.values().fold(ClassCounts::default(), |total, class| ClassCounts {
                hits: total.hits + class.hits,
                predicted: total.predicted + class.predicted,
                actual: total.actual + class.actual,
            });
            Ok(zero_division.divide(ratio(&total)))
        }
        Average::Macro => Ok(mean(scores())),
        Average::Weighted => {
            Ok(weighted_mean(scores().zip(counts.values().map(|class| class.actual as f64))))
        }
    }
}

/// A single class is fine whatever the positive label: data of one class still has a second one that did not
/// appear.
fn check_binary(counts: &BTreeMap<usize, ClassCounts>, pos_label: usize) -> Result<(), MetricError> {
    let mut classes = counts.keys().copied();
    match (classes.next(), classes.next(), classes.next()) {
        (_, _, Some(_)) => Err(MetricError::NotBinary { classes: counts.len() }),
        (Some(a), Some(b), None) if pos_label != a && pos_label != b => {
            Err(MetricError::PositiveLabelAbsent { pos_label, classes: [a, b] })
        }
        _ => Ok(()),
    }
}

/// The mean of all values that are not NaN.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    weighted_mean(values.map(|value| (value, 1.0)))
}

/// The weighted mean of all values that are not NaN; plain where all their weights are 0, NaN where none is
/// left.
fn weighted_mean(values: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (mut count, mut plain, mut weighted, mut weights) = (0_usize, 0.0, 0.0, 0.0);
    for (value, weight) in values.filter(|(value, _)| !value.is_nan()) {
        count += 1;
        plain += value;
        weighted += value * weight;
        weights += weight;
    }
    match (count, weights) {
        (0, _) => f64::NAN,
        (_, 0.0) => plain / count as f64,
        _ => weighted / weights,
    }
}
