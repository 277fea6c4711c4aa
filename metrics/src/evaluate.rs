//! The three numbers MMDynamic reports, which are not the same three for two classes and for more.

use ndarray::{ArrayView2, Axis};

use crate::probabilities::first_maximum;
use crate::{Average, MetricError, ZeroDivision, accuracy_score, check, f1_score, roc_auc_score};

/// Three metrics of a classifier on one data set, and which three they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Evaluation {
    /// Two classes, class 1 being the positive one.
    Binary {
        /// Accuracy.
        acc: f64,
        /// F1 of class 1.
        f1: f64,
        /// Area under the ROC curve, by the probability of class 1.
        auc: f64,
    },
    /// Any number of classes.
    Multiclass {
        /// Accuracy.
        acc: f64,
        /// F1 averaged over classes by their number of samples.
        weighted_f1: f64,
        /// F1 averaged over classes, all alike.
        macro_f1: f64,
    },
}

impl Evaluation {
    /// Names and values in the order in which the post's `evaluate` returns them.
    ///
    /// ```
    /// use metrics::Evaluation;
    ///
    /// let evaluation = Evaluation::Binary { acc: 0.8, f1: 0.75, auc: 0.9 };
    /// assert_eq!(evaluation.named(), [("acc", 0.8), ("f1", 0.75), ("auc", 0.9)]);
    /// ```
    pub fn named(&self) -> [(&'static str, f64); 3] {
        match *self {
            Self::Binary { acc, f1, auc } => [("acc", acc), ("f1", f1), ("auc", auc)],
            Self::Multiclass { acc, weighted_f1, macro_f1 } => {
                [("acc", acc), ("weighted_f1", weighted_f1), ("macro_f1", macro_f1)]
            }
        }
    }
}

/// The post's `evaluate`: accuracy, F1 and AUC for two classes (`binary`); accuracy, weighted and macro F1
/// for more.
///
/// `probabilities` has shape (samples, classes); the prediction is the [first maximum](argmax_rows) of its
/// row. Only the order of the values matters, so logits give the same numbers for more than two classes.
///
/// ```
/// use metrics::{Evaluation, evaluate};
/// use ndarray::array;
///
/// let probabilities = array![[0.75, 0.25], [0.5, 0.5], [0.375, 0.625], [0.625, 0.375]];
/// let evaluation = evaluate(&[0, 0, 1, 1], probabilities.view(), true)?;
/// assert_eq!(evaluation, Evaluation::Binary { acc: 0.75, f1: 2.0 / 3.0, auc: 0.75 });
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// With `binary`, [`MetricError::ClassCount`] unless there are two columns and [`MetricError::UndefinedAuc`]
/// for labels of one class; without, fewer than two columns. Empty input, different lengths, a label without
/// a column, a value that is not finite.
pub fn evaluate(
    labels: &[usize],
    probabilities: ArrayView2<'_, f64>,
    binary: bool,
) -> Result<Evaluation, MetricError> {
    check::same_length(labels.len(), "rows of probabilities", probabilities.nrows())?;
    check_columns(probabilities.ncols(), binary)?;
    check::labels_below(labels, probabilities.ncols())?;
    let predictions = argmax_rows(probabilities)?;

    let acc = accuracy_score(labels, &predictions)?;
    let f1 = |average| f1_score(labels, &predictions, average, ZeroDivision::Zero);
    if binary {
        let auc = roc_auc_score(labels, probabilities.index_axis(Axis(1), 1))?;
        Ok(Evaluation::Binary { acc, f1: f1(Average::Binary { pos_label: 1 })?, auc })
    } else {
        Ok(Evaluation::Multiclass { acc, weighted_f1: f1(Average::Weighted)?, macro_f1: f1(Average::Macro)? })
    }
}

fn check_columns(found: usize, binary: bool) -> Result<(), MetricError> {
    match (found, binary) {
        (2, _) | (3.., false) => Ok(()),
        (_, true) => Err(MetricError::ClassCount { found, expected: "2 (binary evaluation)" }),
        (_, false) => Err(MetricError::ClassCount { found, expected: "2 or more" }),
    }
}

/// The column of the first maximum in each row: the predicted class, as NumPy's `argmax(axis=1)`.
///
/// ```
/// use ndarray::array;
///
/// assert_eq!(metrics::argmax_rows(array![[0.2, 0.4, 0.4], [0.5, 0.3, 0.2]].view())?, [1, 0]);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// No rows, no columns, a value that is not finite (NumPy would take a NaN for the maximum).
pub fn argmax_rows(values: ArrayView2<'_, f64>) -> Result<Vec<usize>, MetricError> {
    if values.nrows() == 0 {
        return Err(MetricError::Empty);
    }
    if values.ncols() == 0 {
        return Err(MetricError::ClassCount { found: 0, expected: "1 or more" });
    }
    check::finite(values)?;
    Ok(values.rows().into_iter().map(|row| first_maximum(row.iter().copied()).0).collect())
}
