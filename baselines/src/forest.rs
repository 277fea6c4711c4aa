//! A random forest by smartcore, grown tree by tree so that the votes can be counted.

use crate::BaselineError;
use crate::neighbours::matrix;
use crate::rows::Rows;
use ndarray::Array2;
use rayon::prelude::*;
use smartcore::ensemble::random_forest_classifier::{
    RandomForestClassifier, RandomForestClassifierParameters,
};

/// As many as scikit-learn's forest has by default.
const TREES: u64 = 100;

pub(crate) fn run(
    train: Rows<'_>,
    test: Rows<'_>,
    learnt: &[usize],
    seed: u64,
) -> Result<Array2<f64>, BaselineError> {
    let (x, width) = matrix(train);
    let failed = |error: smartcore::error::Failed| BaselineError {
        method: "random forest",
        rows: train.len(),
        width,
        reason: error.to_string(),
    };
    let (labels, asked) = (train.places(learnt), matrix(test).0);
    // smartcore's forest answers with a class alone; one tree a forest gives each tree's vote.
    let votes = |tree: u64| {
        let settings = RandomForestClassifierParameters::default()
            .with_n_trees(1)
            .with_seed(seed.wrapping_mul(TREES).wrapping_add(tree));
        RandomForestClassifier::fit(&x, &labels, settings)?.predict(&asked)
    };
    let votes: Vec<Vec<u32>> =
        (0..TREES).into_par_iter().map(votes).collect::<Result<_, _>>().map_err(failed)?;
    let mut shares = Array2::zeros((test.len(), learnt.len()));
    for tree in votes {
        tree.into_iter().enumerate().for_each(|(row, place)| shares[[row, place as usize]] += 1.0);
    }
    Ok(shares / TREES as f64)
}
