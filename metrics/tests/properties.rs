//! What must hold for any data: the statements a reader would make about a metric before computing one.

use metrics::*;
use ndarray::{Array1, Array2, Axis};
use proptest::prelude::*;

/// Labels and predictions of up to six classes.
fn classes() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    prop::collection::vec((0..6_usize, 0..6_usize), 1..60).prop_map(|pairs| pairs.into_iter().unzip())
}

/// Labels with at least one 0 and one 1, and scores from few enough values that many tie.
fn ranking() -> impl Strategy<Value = (Vec<usize>, Vec<i32>)> {
    prop::collection::vec((0..2_usize, -12..12_i32), 2..60).prop_map(|mut pairs| {
        (pairs[0].0, pairs[1].0) = (0, 1);
        pairs.into_iter().unzip()
    })
}

/// Labels and rows of probabilities that sum to 1, for 2 to 5 classes.
fn probabilities() -> impl Strategy<Value = (Vec<usize>, Array2<f64>)> {
    (2..6_usize).prop_flat_map(|k| {
        prop::collection::vec((0..k, prop::collection::vec(0.01..1.0_f64, k)), 1..40).prop_map(move |rows| {
            let (labels, values): (Vec<usize>, Vec<Vec<f64>>) = rows.into_iter().unzip();
            let raw = Array2::from_shape_vec((labels.len(), k), values.concat()).expect("rows of length k");
            let sums = raw.sum_axis(Axis(1)).insert_axis(Axis(1));
            (labels, raw / sums)
        })
    })
}

fn floats(scores: &[i32], f: impl Fn(f64) -> f64) -> Array1<f64> {
    scores.iter().map(|&score| f(f64::from(score))).collect()
}

/// The definition, over all pairs.
fn auc_by_pairs(labels: &[usize], scores: &[i32]) -> f64 {
    let of = |class| labels.iter().zip(scores).filter(move |(label, _)| **label == class).map(|(_, s)| *s);
    let (mut halves, mut pairs) = (0, 0);
    for positive in of(1) {
        for negative in of(0) {
            pairs += 1;
            halves += match positive.cmp(&negative) {
                std::cmp::Ordering::Greater => 2,
                std::cmp::Ordering::Equal => 1,
                std::cmp::Ordering::Less => 0,
            };
        }
    }
    f64::from(halves) / f64::from(2 * pairs)
}

fn area_under(x: &[f64], y: &[f64]) -> f64 {
    let trapezoids = x.windows(2).zip(y.windows(2)).map(|(x, y)| (x[1] - x[0]) * (y[0] + y[1]) / 2.0);
    trapezoids.sum()
}

proptest! {
    #[test]
    fn micro_precision_recall_and_f1_are_the_accuracy((labels, predictions) in classes()) {
        let accuracy = accuracy_score(&labels, &predictions)?;
        for score in [precision_score, recall_score, f1_score] {
            prop_assert_eq!(score(&labels, &predictions, Average::Micro, ZeroDivision::NaN)?, accuracy);
        }
    }

    #[test]
    fn weighted_recall_is_the_accuracy((labels, predictions) in classes()) {
        let recall = recall_score(&labels, &predictions, Average::Weighted, ZeroDivision::Zero)?;
        prop_assert!((recall - accuracy_score(&labels, &predictions)?).abs() < 1e-14);
    }

    #[test]
    fn a_confusion_matrix_sums_to_the_number_of_samples((labels, predictions) in classes()) {
        let matrix = confusion_matrix(&labels, &predictions)?;
        prop_assert_eq!(matrix.counts.sum(), labels.len());
        let hits = labels.iter().zip(&predictions).filter(|(a, b)| a == b).count();
        prop_assert_eq!(matrix.counts.diag().sum(), hits);
        let fixed = confusion_matrix_of_classes(&labels, &predictions, 6)?;
        for (i, &row) in matrix.classes.iter().enumerate() {
            for (j, &column) in matrix.classes.iter().enumerate() {
                prop_assert_eq!(matrix.counts[[i, j]], fixed.counts[[row, column]]);
            }
        }
        prop_assert_eq!(fixed.counts.sum(), labels.len());
    }

    #[test]
    fn exchanging_truth_and_prediction_exchanges_precision_and_recall((labels, predictions) in classes()) {
        let zero = ZeroDivision::Zero;
        let one_way = precision_recall_fscore_support(&labels, &predictions, zero)?;
        let other_way = precision_recall_fscore_support(&predictions, &labels, zero)?;
        prop_assert_eq!(one_way.precision, other_way.recall);
        prop_assert_eq!(one_way.f1, other_way.f1);
        let there = confusion_matrix(&labels, &predictions)?;
        let back = confusion_matrix(&predictions, &labels)?;
        prop_assert_eq!(there.counts, back.counts.reversed_axes());
        prop_assert_eq!(matthews_corrcoef(&labels, &predictions)?, matthews_corrcoef(&predictions, &labels)?);
    }

    #[test]
    fn scores_stay_in_their_range((labels, predictions) in classes()) {
        for average in [Average::Micro, Average::Macro, Average::Weighted] {
            for score in [precision_score, recall_score, f1_score] {
                let value = score(&labels, &predictions, average, ZeroDivision::One)?;
                prop_assert!((0.0..=1.0 + 1e-15).contains(&value), "{value}");
            }
        }
        prop_assert!((-1.0 - 1e-15..=1.0 + 1e-15).contains(&matthews_corrcoef(&labels, &predictions)?));
    }

    #[test]
    fn the_order_of_samples_does_not_matter((labels, predictions) in classes(), cut in 0..60_usize) {
        let rotated = |values: &[usize]| {
            let mut values = values.to_vec();
            let cut = cut % values.len();
            values.rotate_left(cut);
            values.reverse();
            values
        };
        let (other_labels, other_predictions) = (rotated(&labels), rotated(&predictions));
        prop_assert_eq!(
            precision_recall_fscore_support(&labels, &predictions, ZeroDivision::Zero)?,
            precision_recall_fscore_support(&other_labels, &other_predictions, ZeroDivision::Zero)?
        );
        prop_assert_eq!(
            confusion_matrix(&labels, &predictions)?,
            confusion_matrix(&other_labels, &other_predictions)?
        );
    }

    #[test]
    fn the_order_of_samples_does_not_matter_to_a_ranking(
        (labels, scores, other) in ranking().prop_flat_map(|(labels, scores)| {
            let order: Vec<usize> = (0..labels.len()).collect();
            (Just(labels), Just(scores), Just(order).prop_shuffle())
        })
    ) {
        let values = floats(&scores, |s| s);
        let other_labels: Vec<usize> = other.iter().map(|&i| labels[i]).collect();
        let other_values = values.select(Axis(0), &other);
        let (a, b) = (values.view(), other_values.view());
        prop_assert_eq!(roc_auc_score(&labels, a)?, roc_auc_score(&other_labels, b)?);
        prop_assert_eq!(average_precision_score(&labels, a)?, average_precision_score(&other_labels, b)?);
        prop_assert_eq!(roc_curve(&labels, a, true)?, roc_curve(&other_labels, b, true)?);
        prop_assert_eq!(precision_recall_curve(&labels, a)?, precision_recall_curve(&other_labels, b)?);
    }

    #[test]
    fn auc_is_the_share_of_pairs_won_to_the_last_bit((labels, scores) in ranking()) {
        prop_assert_eq!(
            roc_auc_score(&labels, floats(&scores, |s| s).view())?,
            auc_by_pairs(&labels, &scores)
        );
    }

    #[test]
    fn ranking_scores_do_not_change_under_growing_functions((labels, scores) in ranking()) {
        let of = |f: fn(f64) -> f64| {
            let values = floats(&scores, f);
            Ok::<_, MetricError>((
                roc_auc_score(&labels, values.view())?,
                average_precision_score(&labels, values.view())?,
            ))
        };
        let plain = of(|s| s)?;
        for growing in [f64::exp, f64::atan, |s: f64| s.powi(3), |s: f64| 1e-3 * s - 7.0] as [fn(f64) -> f64; 4] {
            prop_assert_eq!(of(growing)?, plain);
        }
    }

    #[test]
    fn turning_the_scores_around_turns_auc_around((labels, scores) in ranking()) {
        let up = roc_auc_score(&labels, floats(&scores, |s| s).view())?;
        let down = roc_auc_score(&labels, floats(&scores, |s| -s).view())?;
        prop_assert!((up + down - 1.0).abs() < 1e-15);
    }

    #[test]
    fn the_area_under_the_roc_curve_is_auc_with_and_without_intermediate_points((labels, scores) in ranking()) {
        let values = floats(&scores, |s| s);
        let auc = roc_auc_score(&labels, values.view())?;
        for drop_intermediate in [false, true] {
            let curve = roc_curve(&labels, values.view(), drop_intermediate)?;
            prop_assert!((area_under(&curve.fpr, &curve.tpr) - auc).abs() < 1e-12);
            prop_assert!(curve.thresholds.windows(2).all(|pair| pair[0] > pair[1]));
        }
    }

    #[test]
    fn two_columns_score_as_the_probability_of_class_one(
        (labels, positive) in prop::collection::vec((0..2_usize, 0.0..=1.0_f64), 1..40)
            .prop_map(|pairs| pairs.into_iter().unzip::<_, _, Vec<_>, Vec<_>>())
    ) {
        let positive = Array1::from(positive);
        let both = ndarray::stack![Axis(1), 1.0 - &positive, positive];
        prop_assert!((log_loss(&labels, &positive)? - log_loss(&labels, &both)?).abs() < 1e-12);
        prop_assert!((brier_score_loss(&labels, &positive)? - brier_score_loss(&labels, &both)?).abs() < 1e-14);
        prop_assert_eq!(
            expected_calibration_error(&labels, &positive, 15)?,
            expected_calibration_error(&labels, &both, 15)?
        );
    }

    #[test]
    fn one_bin_leaves_the_distance_of_mean_confidence_from_accuracy((labels, rows) in probabilities()) {
        let predictions = argmax_rows(rows.view())?;
        let confidence: f64 = predictions.iter().enumerate().map(|(i, &class)| rows[[i, class]]).sum();
        let distance = (confidence / labels.len() as f64 - accuracy_score(&labels, &predictions)?).abs();
        prop_assert!((expected_calibration_error(&labels, &rows, 1)? - distance).abs() < 1e-12);
        prop_assert!(expected_calibration_error(&labels, &rows, 10)? >= distance - 1e-12);
    }

    #[test]
    fn evaluate_is_made_of_the_single_metrics((labels, rows) in probabilities()) {
        let predictions = argmax_rows(rows.view())?;
        let f1 = |average| f1_score(&labels, &predictions, average, ZeroDivision::Zero);
        let expected = Evaluation::Multiclass {
            acc: accuracy_score(&labels, &predictions)?,
            weighted_f1: f1(Average::Weighted)?,
            macro_f1: f1(Average::Macro)?,
        };
        prop_assert_eq!(evaluate(&labels, rows.view(), false)?, expected);
    }

    #[test]
    fn any_bits_as_scores_give_an_answer_or_an_error_and_never_a_panic(
        pairs in prop::collection::vec((0..2_usize, prop_oneof![20 => any::<f64>(), 1 => prop::num::f64::ANY]), 0..30)
    ) {
        let (labels, scores): (Vec<usize>, Vec<f64>) = pairs.into_iter().unzip();
        let scores = Array1::from(scores);
        let usable = !labels.is_empty() && scores.iter().all(|score| score.is_finite());
        let both = labels.contains(&0) && labels.contains(&1);
        let within = scores.iter().all(|score| (0.0..=1.0).contains(score));
        prop_assert_eq!(average_precision_score(&labels, scores.view()).is_ok(), usable);
        prop_assert_eq!(precision_recall_curve(&labels, scores.view()).is_ok(), usable);
        prop_assert_eq!(roc_auc_score(&labels, scores.view()).is_ok(), usable && both);
        prop_assert_eq!(log_loss(&labels, &scores).is_ok(), usable && within);
    }
}
