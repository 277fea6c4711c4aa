//! What a model says of each row of a part.

use crate::failure::{Exit, Failure};
use crate::prepare::in_order;
use crate::results::TestRows;
use lightning_core::Trainer;
use mmdynamic::data::MultiOmics;
use mmdynamic::{MmDynamic, Prediction};
use ndarray::{Array2, ArrayView2, Axis, concatenate};

/// Predictions for all rows, beside their classes.
pub(crate) struct PredictedRows {
    pub(crate) samples: Vec<String>,
    pub(crate) labels: Vec<usize>,
    /// (rows, classes).
    pub(crate) probabilities: Array2<f64>,
    /// (rows, views); a confidence may leave 0 to 1.
    pub(crate) confidences: Array2<f64>,
    /// Per view, over rows and features.
    pub(crate) mean_gates: Vec<f64>,
}

/// The predictions for scaled rows, batch after batch.
pub(crate) fn predict(model: &MmDynamic, rows: &MultiOmics) -> Result<Vec<Prediction>, Failure> {
    Ok(Trainer::default().predict_shared(model, &in_order(rows))?)
}

impl PredictedRows {
    pub(crate) fn new(model: &MmDynamic, rows: &MultiOmics) -> Result<Self, Failure> {
        let batches = predict(model, rows)?;
        let gates = |view: usize| {
            let weighted = |batch: &Prediction| batch.mean_gates[view] * batch.confidences.nrows() as f64;
            batches.iter().map(weighted).sum::<f64>() / rows.rows().max(1) as f64
        };
        Ok(PredictedRows {
            samples: rows.sample_names.clone(),
            labels: rows.labels.clone(),
            probabilities: below_each_other(&batches, |batch| batch.probabilities.view())?,
            confidences: below_each_other(&batches, |batch| batch.confidences.view())?,
            mean_gates: (0..rows.views.len()).map(gates).collect(),
        })
    }

    /// As `results.json` holds them.
    pub(crate) fn to_results(&self) -> TestRows {
        TestRows {
            samples: self.samples.clone(),
            labels: self.labels.clone(),
            probabilities: lists(&self.probabilities),
            confidences: lists(&self.confidences),
        }
    }

    /// Per view, the share of rows whose confidence is no probability.
    pub(crate) fn confidence_outside(&self, view: usize) -> f64 {
        let column = self.confidences.column(view);
        let outside = column.iter().filter(|confidence| !(0.0..=1.0).contains(*confidence)).count();
        outside as f64 / column.len().max(1) as f64
    }
}

fn below_each_other(
    batches: &[Prediction],
    part: impl Fn(&Prediction) -> ArrayView2<'_, f64>,
) -> Result<Array2<f64>, Failure> {
    let parts: Vec<ArrayView2<'_, f64>> = batches.iter().map(part).collect();
    concatenate(Axis(0), &parts)
        .map_err(|error| Failure::new(Exit::Data, format!("there are no rows to predict: {error}")))
}

fn lists(matrix: &Array2<f64>) -> Vec<Vec<f64>> {
    matrix.rows().into_iter().map(|row| row.to_vec()).collect()
}
