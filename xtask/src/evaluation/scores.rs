//! The scores of a classification, with their intervals.

use super::rows::PredictedRows;
use super::undefined;
use crate::failure::Failure;
use crate::results::Score;
use lightning_core::Seed;
use metrics::{
    Average, Bootstrap, Resampling, ZeroDivision, accuracy_score, argmax_rows, bootstrap_interval, evaluate,
    f1_score, roc_auc_score,
};
use ndarray::Axis;
use rand_chacha::rand_core::RngCore;

/// Resamples in which a score may be undefined, of a thousand, before it has no interval.
const UNDEFINED_PER_MILLE: usize = 50;

/// The three metrics of the post. The intervals are drawn from a stream of their own.
pub(crate) fn scores(rows: &PredictedRows, seed: u64) -> Result<Vec<Score>, Failure> {
    let binary = rows.probabilities.ncols() == 2;
    let evaluation = evaluate(&rows.labels, rows.probabilities.view(), binary).map_err(undefined)?;
    let score = |(name, value): (&str, f64)| Score {
        name: name.into(),
        label: label(name).into(),
        value,
        interval: interval(rows, seed, name),
    };
    Ok(evaluation.named().map(score).into())
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

/// The interval of one of the scores. Every score sees the same resamples.
///
/// Drawn from all rows alike, and not within each class: that would hold the shares of the classes fixed, and call
/// the accuracy of a model that always says the same class known without any doubt.
fn interval(rows: &PredictedRows, seed: u64, name: &str) -> Option<[f64; 2]> {
    let mut rng = Seed(seed).stream("bootstrap");
    let below = |n: usize| ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize;
    let size = Bootstrap::default();
    let predictions = argmax_rows(rows.probabilities.view()).ok()?;
    let found = bootstrap_interval(Resampling::Plain(rows.labels.len()), size, below, |resample| {
        let of = |all: &[usize]| resample.iter().map(|&row| all[row]).collect::<Vec<_>>();
        let (labels, predictions) = (of(&rows.labels), of(&predictions));
        let f1 = |average| f1_score(&labels, &predictions, average, ZeroDivision::Zero);
        match name {
            "acc" => accuracy_score(&labels, &predictions),
            "f1" => f1(Average::Binary { pos_label: 1 }),
            "weighted_f1" => f1(Average::Weighted),
            "macro_f1" => f1(Average::Macro),
            // Undefined where a class is missing, which the other scores are not.
            _ => roc_auc_score(&labels, rows.probabilities.column(1).select(Axis(0), resample).view()),
        }
    });
    let found = found.ok().filter(|found| found.undefined * 1000 <= size.resamples * UNDEFINED_PER_MILLE)?;
    Some([found.lower, found.upper])
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn rows(classes: &[usize], sure_of: impl Fn(usize) -> usize) -> PredictedRows {
        let probability = |(row, class)| if sure_of(row) == class { 0.9 } else { 0.1 };
        PredictedRows {
            samples: vec![String::new(); classes.len()],
            labels: classes.to_vec(),
            probabilities: Array2::from_shape_fn((classes.len(), 2), probability),
            confidences: Array2::ones((classes.len(), 1)),
            mean_gates: vec![1.0],
        }
    }

    #[test]
    fn the_interval_of_an_accuracy_is_as_wide_as_that_of_a_share_even_for_one_class_alone() {
        let labels: Vec<usize> = (0..100).map(|row| usize::from(row < 30)).collect();
        let found = scores(&rows(&labels, |_| 0), 1).expect("scores");
        assert_eq!((found[0].name.as_str(), found[0].value), ("acc", 0.7));
        let [lower, upper] = found[0].interval.expect("it is defined");
        // 0.7 ± 1.96 √(0.7 · 0.3 / 100)
        assert!((lower - 0.61).abs() < 0.02 && (upper - 0.79).abs() < 0.02, "{lower} {upper}");
    }

    #[test]
    fn a_score_that_many_resamples_do_not_define_has_no_interval() {
        // Without the only row of class 1 there is no AUC: 0.9^10 = 35 % of the resamples.
        let labels: Vec<usize> = (0..10).map(|row| usize::from(row == 3)).collect();
        let found = scores(&rows(&labels, |row| labels[row]), 1).expect("scores");
        assert!(found[0].interval.is_some());
        assert_eq!((found[2].name.as_str(), found[2].interval), ("auc", None));
    }

    #[test]
    fn the_same_seed_draws_the_same_interval_and_another_one_nearly_the_same() {
        let labels: Vec<usize> = (0..80).map(|row| row % 2).collect();
        let of =
            |seed| scores(&rows(&labels, |row| usize::from(row % 5 < 2)), seed).expect("scores")[0].interval;
        assert_eq!(of(1), of(1));
        let (Some(one), Some(other)) = (of(1), of(2)) else { panic!("no interval") };
        assert!((one[0] - other[0]).abs() < 0.02 && (one[1] - other[1]).abs() < 0.02);
    }
}
