//! Nearest neighbours by smartcore.

use crate::BaselineError;
use crate::rows::Rows;
use ndarray::Array2;
use smartcore::algorithm::neighbour::KNNAlgorithmName;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::neighbors::knn_classifier::{KNNClassifier, KNNClassifierParameters};

/// How many neighbours vote.
pub(crate) const NEIGHBOURS: usize = 3;

pub(crate) fn run(train: Rows<'_>, test: Rows<'_>, learnt: &[usize]) -> Result<Array2<f64>, BaselineError> {
    let (x, width) = matrix(train);
    let failed = |error: smartcore::error::Failed| BaselineError {
        method: "nearest neighbours",
        rows: train.len(),
        width,
        reason: error.to_string(),
    };
    let settings = KNNClassifierParameters::default()
        .with_k(NEIGHBOURS.min(train.len()))
        .with_algorithm(KNNAlgorithmName::LinearSearch);
    let model = KNNClassifier::fit(&x, &train.places(learnt), settings).map_err(failed)?;
    let shares = model.predict_proba(&matrix(test).0).map_err(failed)?;
    Ok(Array2::from_shape_fn((test.len(), learnt.len()), |(row, place)| shares[row][place]))
}

/// All views side by side, in smartcore's own form.
pub(crate) fn matrix(rows: Rows<'_>) -> (DenseMatrix<f64>, usize) {
    let (values, width) = rows.flat(None);
    let matrix = DenseMatrix::new(rows.len(), width, values, false);
    (matrix.expect("as many values as rows times width"), width)
}
