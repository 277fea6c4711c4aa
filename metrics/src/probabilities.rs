//! scikit-learn's calibration metrics take either the probability of the positive class (1-d) or one column
//! for each class (2-d) under the same function name; this type is how the functions here do the same.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::{MetricError, check};

/// Predicted probabilities in one of the two forms scikit-learn takes.
///
/// No code names this type: pass a view, or a reference to an array, of either dimension.
///
/// ```
/// use metrics::log_loss;
/// use ndarray::{array, stack, Axis};
///
/// let labels = [0, 1, 1];
/// let positive = array![0.2, 0.7, 0.9];
/// let both = stack![Axis(1), 1.0 - &positive, positive];
/// let (one_d, two_d) = (log_loss(&labels, &positive)?, log_loss(&labels, both.view())?);
/// assert!((one_d - two_d).abs() < 1e-15);
/// # Ok::<(), metrics::MetricError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Probabilities<'a> {
    /// Shape (samples): the probability of class 1, of two classes.
    Positive(ArrayView1<'a, f64>),
    /// Shape (samples, classes): column `c` belongs to class `c`.
    Classes(ArrayView2<'a, f64>),
}

impl<'a> Probabilities<'a> {
    /// The number of classes: 2 for the 1-d form, else the number of columns.
    pub(crate) fn classes(&self) -> usize {
        match self {
            Self::Positive(_) => 2,
            Self::Classes(columns) => columns.ncols(),
        }
    }

    /// The probability of `class` in `row`; panics where the array has no such element.
    pub(crate) fn of(&self, row: usize, class: usize) -> f64 {
        match self {
            Self::Positive(positive) if class == 0 => 1.0 - positive[row],
            Self::Positive(positive) => positive[row],
            Self::Classes(columns) => columns[[row, class]],
        }
    }

    /// The first class of highest probability in `row`, and that probability.
    pub(crate) fn top(&self, row: usize) -> (usize, f64) {
        first_maximum((0..self.classes()).map(|class| self.of(row, class)))
    }

    /// One row for every label, two classes or more, all values probabilities, all labels below the number of
    /// classes.
    pub(crate) fn check_against(&self, labels: &[usize]) -> Result<(), MetricError> {
        let values = match self {
            Self::Positive(positive) => positive.view().insert_axis(Axis(1)),
            Self::Classes(columns) => columns.view(),
        };
        check::same_length(labels.len(), "rows of probabilities", values.nrows())?;
        if self.classes() < 2 {
            return Err(MetricError::ClassCount {
                found: self.classes(),
                expected: "2 or more (or a 1-d array for the positive class)",
            });
        }
        check::within_unit(values)?;
        check::labels_below(labels, self.classes())
    }
}

/// Index and value of the first maximum; values must hold no NaN.
pub(crate) fn first_maximum(values: impl Iterator<Item = f64>) -> (usize, f64) {
    let start = (0, f64::NEG_INFINITY);
    values.enumerate().fold(start, |best, next| if next.1 > best.1 { next } else { best })
}

impl<'a> From<ArrayView1<'a, f64>> for Probabilities<'a> {
    fn from(positive: ArrayView1<'a, f64>) -> Self {
        Self::Positive(positive)
    }
}

impl<'a> From<&'a Array1<f64>> for Probabilities<'a> {
    fn from(positive: &'a Array1<f64>) -> Self {
        Self::Positive(positive.view())
    }
}

impl<'a> From<ArrayView2<'a, f64>> for Probabilities<'a> {
    fn from(columns: ArrayView2<'a, f64>) -> Self {
        Self::Classes(columns)
    }
}

impl<'a> From<&'a Array2<f64>> for Probabilities<'a> {
    fn from(columns: &'a Array2<f64>) -> Self {
        Self::Classes(columns.view())
    }
}
