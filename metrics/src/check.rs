//! The questions every metric asks of its input, in one place so that all of them refuse alike.

use ndarray::ArrayView2;

use crate::MetricError;

/// At least one sample, and as many of `what` as labels.
pub(crate) fn same_length(labels: usize, what: &'static str, found: usize) -> Result<(), MetricError> {
    if labels != found {
        return Err(MetricError::LengthMismatch { labels, what, found });
    }
    if labels == 0 {
        return Err(MetricError::Empty);
    }
    Ok(())
}

/// Every label below `classes`.
pub(crate) fn labels_below(labels: &[usize], classes: usize) -> Result<(), MetricError> {
    match labels.iter().position(|&label| label >= classes) {
        Some(row) => Err(MetricError::LabelOutOfRange { row, label: labels[row], classes }),
        None => Ok(()),
    }
}

/// No NaN and no infinity.
pub(crate) fn finite(values: ArrayView2<'_, f64>) -> Result<(), MetricError> {
    match values.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), &value)) => Err(MetricError::NotFinite { row, column, value }),
        None => Ok(()),
    }
}

/// Every value finite and within [0, 1].
pub(crate) fn within_unit(values: ArrayView2<'_, f64>) -> Result<(), MetricError> {
    finite(values)?;
    match values.indexed_iter().find(|(_, value)| !(0.0..=1.0).contains(*value)) {
        Some(((row, column), &value)) => Err(MetricError::ProbabilityOutOfRange { row, column, value }),
        None => Ok(()),
    }
}

/// Every row sum `s` with `|s - 1| <= absolute + relative * |s|`.
pub(crate) fn row_sums(values: ArrayView2<'_, f64>, absolute: f64, relative: f64) -> Result<(), MetricError> {
    for (row, probabilities) in values.rows().into_iter().enumerate() {
        let sum: f64 = probabilities.iter().sum();
        let near = (sum - 1.0).abs() <= absolute + relative * sum.abs();
        if !near {
            return Err(MetricError::RowSum { row, sum });
        }
    }
    Ok(())
}
