//! Other methods on the very rows of a run, scored as the model is.

use super::rows::PredictedRows;
use super::scores::scores;
use crate::failure::{Exit, Failure};
use crate::prepare::Prepared;
use crate::results::Baseline;
use baselines::{Prediction, Rows};
use mmdynamic::data::MultiOmics;
use ndarray::Array2;

/// Each method learns from the rows the model learnt from, scaled as for the model, and is asked about the test rows.
pub(crate) fn run(data: &Prepared, seed: u64) -> Result<Vec<Baseline>, Failure> {
    let classes = data.train.classes();
    let methods = baselines::run(rows(&data.train), rows(&data.test), classes, seed);
    let methods = methods.map_err(|error| Failure::new(Exit::Data, error.to_string()))?;
    methods.into_iter().map(|method| judged(method, &data.test.labels, seed)).collect()
}

fn rows(part: &MultiOmics) -> Rows<'_> {
    Rows { views: &part.views, labels: &part.labels }
}

fn judged(method: Prediction, labels: &[usize], seed: u64) -> Result<Baseline, Failure> {
    let rows = PredictedRows {
        samples: Vec::new(),
        labels: labels.to_vec(),
        confidences: Array2::zeros((labels.len(), 0)),
        mean_gates: Vec::new(),
        probabilities: method.probabilities,
    };
    Ok(Baseline { name: method.name, scores: scores(&rows, seed)? })
}
