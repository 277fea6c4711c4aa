//! Counting comes before every score: how often was which class taken for which.
//!
//! Scores need three numbers for each class ([`ClassCounts`]); the full table is only built where someone
//! asks for it, because it grows with the square of the number of classes.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::Array2;

use crate::{MetricError, check};

/// The most classes a confusion matrix may have: a table of 4096 × 4096 counts takes 128 MiB.
pub const MAX_CLASSES: usize = 4096;

/// A table of counts with the classes its rows and columns stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    /// Class of row `i` and of column `i`, ascending.
    pub classes: Vec<usize>,
    /// Shape (classes, classes): `counts[[i, j]]` samples of class `classes[i]` were predicted as
    /// `classes[j]`.
    pub counts: Array2<usize>,
}

/// Counts how often each true class (row) was predicted as each class (column):
/// `C[i, j] = |{n : y_n = i, ŷ_n = j}|`.
///
/// The classes are the sorted union of those in `labels` and `predictions`, as in scikit-learn. A class that
/// appears in neither has no row; where a fixed size is wanted, use [`confusion_matrix_of_classes`].
///
/// ```
/// use metrics::confusion_matrix;
/// use ndarray::array;
///
/// let matrix = confusion_matrix(&[0, 0, 2, 2, 2], &[0, 2, 2, 2, 0])?;
/// assert_eq!(matrix.classes, [0, 2]);
/// assert_eq!(matrix.counts, array![[1, 1], [1, 2]]);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// Empty input, different lengths, more than [`MAX_CLASSES`] classes.
pub fn confusion_matrix(labels: &[usize], predictions: &[usize]) -> Result<ConfusionMatrix, MetricError> {
    check::same_length(labels.len(), "predictions", predictions.len())?;
    let union: BTreeSet<usize> = labels.iter().chain(predictions).copied().collect();
    let classes: Vec<usize> = union.into_iter().collect();
    fill(classes, labels, predictions)
}

/// [`confusion_matrix`] over the classes `0..classes`, present or not.
///
/// scikit-learn's `labels=range(classes)` leaves out samples of other classes; here they are refused.
///
/// ```
/// use metrics::confusion_matrix_of_classes;
/// use ndarray::array;
///
/// let matrix = confusion_matrix_of_classes(&[0, 2], &[0, 0], 3)?;
/// assert_eq!(matrix.counts, array![[1, 0, 0], [0, 0, 0], [1, 0, 0]]);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// As [`confusion_matrix`], and [`MetricError::LabelOutOfRange`] for a label or prediction of `classes` or
/// above.
pub fn confusion_matrix_of_classes(
    labels: &[usize],
    predictions: &[usize],
    classes: usize,
) -> Result<ConfusionMatrix, MetricError> {
    check::same_length(labels.len(), "predictions", predictions.len())?;
    check::labels_below(labels, classes)?;
    check::labels_below(predictions, classes)?;
    check_size(classes)?;
    fill((0..classes).collect(), labels, predictions)
}

fn check_size(classes: usize) -> Result<(), MetricError> {
    if classes > MAX_CLASSES {
        return Err(MetricError::TooManyClasses { found: classes, limit: MAX_CLASSES });
    }
    Ok(())
}

/// `classes` is sorted and holds every label and prediction.
fn fill(
    classes: Vec<usize>,
    labels: &[usize],
    predictions: &[usize],
) -> Result<ConfusionMatrix, MetricError> {
    check_size(classes.len())?;
    let mut counts = Array2::zeros((classes.len(), classes.len()));
    let index = |class: usize| classes.partition_point(|&other| other < class);
    for (&label, &prediction) in labels.iter().zip(predictions) {
        counts[[index(label), index(prediction)]] += 1;
    }
    Ok(ConfusionMatrix { classes, counts })
}

/// What precision, recall, F1 and Matthews' coefficient need to know of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClassCounts {
    /// Samples of this class predicted as this class.
    pub(crate) hits: usize,
    /// Samples predicted as this class.
    pub(crate) predicted: usize,
    /// Samples of this class.
    pub(crate) actual: usize,
}

/// Counts for each class in the union of labels and predictions, in ascending order of class.
pub(crate) fn class_counts(
    labels: &[usize],
    predictions: &[usize],
) -> Result<BTreeMap<usize, ClassCounts>, MetricError> {
    check::same_length(labels.len(), "predictions", predictions.len())?;
    let mut counts: BTreeMap<usize, ClassCounts> = BTreeMap::new();
    for (&label, &prediction) in labels.iter().zip(predictions) {
        counts.entry(prediction).or_default().predicted += 1;
        let own = counts.entry(label).or_default();
        own.actual += 1;
        own.hits += usize::from(label == prediction);
    }
    Ok(counts)
}
