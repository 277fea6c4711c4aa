//! The scores of a classification, with their intervals.

use super::rows::PredictedRows;
use super::undefined;
use crate::failure::Failure;
use crate::results::Score;
use lightning_core::Seed;
use metrics::{Bootstrap, Resampling, bootstrap_interval, evaluate};
use ndarray::Axis;
use rand_chacha::rand_core::RngCore;

/// Resamples in which a score may be undefined, of a thousand, before it has no interval.
const UNDEFINED_PER_MILLE: usize = 50;

/// The three metrics of the post. The intervals are drawn from a stream of their own.
pub(crate) fn scores(rows: &PredictedRows, seed: u64) -> Result<Vec<Score>, Failure> {
    let binary = rows.probabilities.ncols() == 2;
    let evaluation = evaluate(&rows.labels, rows.probabilities.view(), binary).map_err(undefined)?;
    let named = evaluation.named().into_iter().enumerate();
    let score = |(at, (name, value)): (usize, (&str, f64))| Score {
        name: name.into(),
        label: label(name).into(),
        value,
        interval: interval(rows, seed, at),
    };
    Ok(named.map(score).collect())
}

/// How a score is called in tables.
pub(crate) fn label(name: &str) -> &str {
    match name {
        "acc" => "ACC",
        "f1" => "F1",
        "auc" => "AUC",
        "weighted_f1" => "weighted F1",
        "macro_f1" => "macro F1",
        other => other,
    }
}

/// The interval of the score at position `at`. Every score sees the same resamples.
///
/// Drawn within classes: their shares in a test part are a choice of whoever made the split, and a rare class
/// that is missing from a resample would change what is measured.
fn interval(rows: &PredictedRows, seed: u64, at: usize) -> Option<[f64; 2]> {
    let binary = rows.probabilities.ncols() == 2;
    let mut rng = Seed(seed).stream("bootstrap");
    let below = |n: usize| ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize;
    let size = Bootstrap::default();
    let found = bootstrap_interval(Resampling::Stratified(&rows.labels), size, below, |resample| {
        let labels: Vec<usize> = resample.iter().map(|&row| rows.labels[row]).collect();
        let probabilities = rows.probabilities.select(Axis(0), resample);
        Ok(evaluate(&labels, probabilities.view(), binary)?.named()[at].1)
    });
    let found = found.ok().filter(|found| found.undefined * 1000 <= size.resamples * UNDEFINED_PER_MILLE)?;
    Some([found.lower, found.upper])
}
