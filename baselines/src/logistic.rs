//! Logistic regression by linfa.

use crate::BaselineError;
use crate::rows::Rows;
use linfa::Dataset;
use linfa::traits::Fit;
use linfa_logistic::{LogisticRegression, MultiLogisticRegression};
use ndarray::Array2;
use ndarray_of_linfa as theirs;

/// Weight of the penalty, ½·ALPHA·‖W‖²: the inverse of scikit-learn's `C`, whose default is 1.
const ALPHA: f64 = 1.0;
/// Where L-BFGS stops; below scikit-learn's 1e-4, so that probabilities agree to three digits.
const GRADIENT_TOLERANCE: f64 = 1e-5;
const MAX_ITERATIONS: u64 = 2000;

pub(crate) fn run(
    train: Rows<'_>,
    test: Rows<'_>,
    view: Option<usize>,
    learnt: &[usize],
) -> Result<Array2<f64>, BaselineError> {
    let (x, width) = matrix(train, view);
    let failed = |error: linfa_logistic::error::Error| BaselineError {
        method: "logistic regression",
        rows: train.len(),
        width,
        reason: error.to_string(),
    };
    let labels: theirs::Array1<usize> =
        train.places(learnt).into_iter().map(|place| place as usize).collect();
    let rows = Dataset::new(x, labels);
    let asked = matrix(test, view).0;
    if learnt.len() == 2 {
        let model = LogisticRegression::default()
            .alpha(ALPHA)
            .gradient_tolerance(GRADIENT_TOLERANCE)
            .max_iterations(MAX_ITERATIONS)
            .fit(&rows)
            .map_err(failed)?;
        let of_positive = model.predict_probabilities(&asked);
        // linfa calls the first label it meets positive, whichever that is.
        let positive = model.labels().pos.class;
        let share = |(row, place): (usize, usize)| {
            if place == positive { of_positive[row] } else { 1.0 - of_positive[row] }
        };
        return Ok(Array2::from_shape_fn((test.len(), 2), share));
    }
    let model = MultiLogisticRegression::default()
        .alpha(ALPHA)
        .gradient_tolerance(GRADIENT_TOLERANCE)
        .max_iterations(MAX_ITERATIONS)
        .fit(&rows)
        .map_err(failed)?;
    let answer = model.predict_probabilities(&asked);
    let column = |place: usize| model.classes().iter().position(|&class| class == place).unwrap_or(place);
    let columns: Vec<usize> = (0..learnt.len()).map(column).collect();
    Ok(Array2::from_shape_fn((test.len(), learnt.len()), |(row, place)| answer[[row, columns[place]]]))
}

fn matrix(rows: Rows<'_>, view: Option<usize>) -> (theirs::Array2<f64>, usize) {
    let (values, width) = rows.flat(view);
    let matrix = theirs::Array2::from_shape_vec((rows.len(), width), values);
    (matrix.expect("as many values as rows times width"), width)
}
