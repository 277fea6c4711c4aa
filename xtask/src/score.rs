//! Numbers of a finished model on scaled rows.

use crate::failure::{Exit, Failure};
use crate::prepare::in_order;
use lightning_core::Trainer;
use metrics::Evaluation;
use mmdynamic::data::MultiOmics;
use mmdynamic::{MmDynamic, Prediction};

/// The test's three metrics.
pub(crate) fn test(model: &mut MmDynamic, rows: &MultiOmics) -> Result<Evaluation, Failure> {
    Trainer::default().test(model, &in_order(rows))?;
    match model.test_result.take() {
        Some(Ok(evaluation)) => Ok(evaluation),
        // Classes and rows were checked: what is left is a probability that is no number.
        Some(Err(error)) => Err(Failure::new(Exit::Diverged, format!("the test has no result: {error}"))),
        None => Err(Failure::new(Exit::Usage, "the test left no result")),
    }
}

/// The predictions for scaled rows, batch after batch.
pub(crate) fn predict(model: &MmDynamic, rows: &MultiOmics) -> Result<Vec<Prediction>, Failure> {
    Ok(Trainer::default().predict_shared(model, &in_order(rows))?)
}

/// Per view, the share of rows whose confidence is no probability.
pub(crate) fn outside_unit(predictions: &[Prediction], views: usize) -> Vec<f64> {
    let rows: usize = predictions.iter().map(|batch| batch.confidences.nrows()).sum();
    let outside = |view: usize| {
        let column = predictions.iter().flat_map(|batch| batch.confidences.column(view));
        column.filter(|confidence| !(0.0..=1.0).contains(*confidence)).count()
    };
    (0..views).map(|view| outside(view) as f64 / rows.max(1) as f64).collect()
}
