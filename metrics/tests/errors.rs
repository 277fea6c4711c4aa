//! What every function refuses, and that the refusal names the place.

use metrics::*;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, array};

type OfClasses = fn(&[usize], &[usize]) -> Result<(), MetricError>;
type OfScores = fn(&[usize], ArrayView1<'_, f64>) -> Result<(), MetricError>;
type OfProbabilities = fn(&[usize], ArrayView2<'_, f64>) -> Result<(), MetricError>;

const OF_CLASSES: [OfClasses; 9] = [
    |y, p| accuracy_score(y, p).map(drop),
    |y, p| balanced_accuracy_score(y, p).map(drop),
    |y, p| matthews_corrcoef(y, p).map(drop),
    |y, p| precision_score(y, p, Average::Macro, ZeroDivision::Zero).map(drop),
    |y, p| recall_score(y, p, Average::Micro, ZeroDivision::One).map(drop),
    |y, p| f1_score(y, p, Average::default(), ZeroDivision::NaN).map(drop),
    |y, p| precision_recall_fscore_support(y, p, ZeroDivision::Zero).map(drop),
    |y, p| confusion_matrix(y, p).map(drop),
    |y, p| confusion_matrix_of_classes(y, p, 3).map(drop),
];

const OF_SCORES: [OfScores; 7] = [
    |y, s| roc_auc_score(y, s).map(drop),
    |y, s| average_precision_score(y, s).map(drop),
    |y, s| roc_curve(y, s, true).map(drop),
    |y, s| precision_recall_curve(y, s).map(drop),
    |y, s| log_loss(y, s).map(drop),
    |y, s| brier_score_loss(y, s).map(drop),
    |y, s| expected_calibration_error(y, s, 10).map(drop),
];

const OF_PROBABILITIES: [OfProbabilities; 7] = [
    |y, p| evaluate(y, p, true).map(drop),
    |y, p| evaluate(y, p, false).map(drop),
    |y, p| roc_auc_score_ovr(y, p, OvrAverage::Macro).map(drop),
    |y, p| roc_auc_score_ovr(y, p, OvrAverage::Weighted).map(drop),
    |y, p| log_loss(y, p).map(drop),
    |y, p| brier_score_loss(y, p).map(drop),
    |y, p| expected_calibration_error(y, p, 10).map(drop),
];

#[test]
fn no_samples_is_an_error() {
    for metric in OF_CLASSES {
        assert_eq!(metric(&[], &[]), Err(MetricError::Empty));
    }
    for metric in OF_SCORES {
        assert_eq!(metric(&[], Array1::zeros(0).view()), Err(MetricError::Empty));
    }
    for metric in OF_PROBABILITIES {
        assert_eq!(metric(&[], Array2::zeros((0, 2)).view()), Err(MetricError::Empty));
    }
    assert_eq!(argmax_rows(Array2::zeros((0, 2)).view()), Err(MetricError::Empty));
}

#[test]
fn different_lengths_are_an_error() {
    for metric in OF_CLASSES {
        let expected = MetricError::LengthMismatch { labels: 2, what: "predictions", found: 3 };
        assert_eq!(metric(&[0, 1], &[0, 1, 1]), Err(expected));
    }
    for metric in OF_SCORES {
        let result = metric(&[0, 1], array![0.5].view());
        assert!(matches!(result, Err(MetricError::LengthMismatch { labels: 2, found: 1, .. })), "{result:?}");
    }
    for metric in OF_PROBABILITIES {
        let expected = MetricError::LengthMismatch { labels: 1, what: "rows of probabilities", found: 2 };
        assert_eq!(metric(&[0], array![[0.5, 0.5], [0.5, 0.5]].view()), Err(expected));
    }
}

#[test]
fn nan_and_infinity_are_errors_that_name_their_place() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for metric in OF_SCORES {
            let result = metric(&[0, 1, 1], array![0.5, 0.5, bad].view());
            assert!(matches!(result, Err(MetricError::NotFinite { row: 2, column: 0, .. })), "{result:?}");
        }
        for metric in OF_PROBABILITIES {
            let result = metric(&[0, 1], array![[0.5, 0.5], [0.5, bad]].view());
            assert!(matches!(result, Err(MetricError::NotFinite { row: 1, column: 1, .. })), "{result:?}");
        }
        let result = argmax_rows(array![[0.5, bad]].view());
        assert!(matches!(result, Err(MetricError::NotFinite { row: 0, column: 1, .. })), "{result:?}");
        let result = check_rows_sum_to_one(array![[0.5, bad]].view());
        assert!(matches!(result, Err(MetricError::NotFinite { row: 0, column: 1, .. })), "{result:?}");
    }
}

#[test]
fn a_label_without_a_class_is_an_error() {
    let expected = Err(MetricError::LabelOutOfRange { row: 1, label: 2, classes: 2 });
    for metric in OF_SCORES {
        assert_eq!(metric(&[0, 2, 1], array![0.5, 0.5, 0.25].view()), expected);
    }
    for metric in OF_PROBABILITIES {
        assert_eq!(metric(&[0, 2], array![[0.5, 0.5], [0.5, 0.5]].view()), expected);
    }
    assert_eq!(confusion_matrix_of_classes(&[0, 2], &[0, 0], 2).map(drop), expected);
    assert_eq!(confusion_matrix_of_classes(&[0, 0], &[0, 2], 2).map(drop), expected);
}

#[test]
fn probabilities_outside_the_unit_interval_are_refused() {
    for bad in [-1e-9, 1.0 + 1e-9, -3.0, 7.0] {
        let expected = Err(MetricError::ProbabilityOutOfRange { row: 1, column: 0, value: bad });
        let (one_d, two_d) = (array![0.5, bad], array![[0.5, 0.5], [bad, 0.5]]);
        assert_eq!(log_loss(&[0, 1], &one_d), expected);
        assert_eq!(log_loss(&[0, 1], &two_d), expected);
        assert_eq!(brier_score_loss(&[0, 1], &one_d), expected);
        assert_eq!(brier_score_loss(&[0, 1], &two_d), expected);
        assert_eq!(expected_calibration_error(&[0, 1], &one_d, 10), expected);
        assert_eq!(expected_calibration_error(&[0, 1], &two_d, 10), expected);
    }
}

#[test]
fn auc_of_one_class_is_undefined_and_not_a_half() {
    let scores = array![0.25, 0.5, 0.75];
    let (all, none) = (
        MetricError::UndefinedAuc { class: 1, positives: 3, negatives: 0 },
        MetricError::UndefinedAuc { class: 1, positives: 0, negatives: 3 },
    );
    assert_eq!(roc_auc_score(&[1, 1, 1], scores.view()), Err(all.clone()));
    assert_eq!(roc_auc_score(&[0, 0, 0], scores.view()), Err(none.clone()));
    assert_eq!(roc_curve(&[1, 1, 1], scores.view(), true), Err(all));
    assert_eq!(roc_curve(&[0, 0, 0], scores.view(), true), Err(none));

    let probabilities = array![[0.25, 0.75], [0.75, 0.25]];
    let expected = MetricError::UndefinedAuc { class: 1, positives: 0, negatives: 2 };
    assert_eq!(evaluate(&[0, 0], probabilities.view(), true), Err(expected));
}

#[test]
fn a_class_without_samples_is_an_error_in_the_macro_auc_and_left_out_of_the_weighted() {
    let probabilities = array![[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]];
    let expected = MetricError::UndefinedAuc { class: 1, positives: 0, negatives: 2 };
    assert_eq!(roc_auc_score_ovr(&[0, 2], probabilities.view(), OvrAverage::Macro), Err(expected));
    assert_eq!(roc_auc_score_ovr(&[0, 2], probabilities.view(), OvrAverage::Weighted), Ok(1.0));
}

#[test]
fn one_vs_rest_wants_rows_that_sum_to_one() {
    let logits = array![[0.5, 0.5], [2.0, -3.0]];
    let expected = MetricError::RowSum { row: 1, sum: -1.0 };
    assert_eq!(roc_auc_score_ovr(&[0, 1], logits.view(), OvrAverage::Macro), Err(expected));
}

#[test]
fn the_binary_average_refuses_three_classes_and_a_class_that_is_not_there() {
    let three = precision_score(&[0, 1, 2], &[0, 1, 1], Average::default(), ZeroDivision::Zero);
    assert_eq!(three, Err(MetricError::NotBinary { classes: 3 }));
    let absent = f1_score(&[0, 2], &[0, 0], Average::Binary { pos_label: 1 }, ZeroDivision::Zero);
    assert_eq!(absent, Err(MetricError::PositiveLabelAbsent { pos_label: 1, classes: [0, 2] }));
}

#[test]
fn a_wrong_number_of_columns_is_refused() {
    let (one, three) = (Array2::from_elem((1, 1), 1.0), Array2::from_elem((1, 3), 1.0 / 3.0));
    for metric in OF_PROBABILITIES {
        let result = metric(&[0], one.view());
        assert!(matches!(result, Err(MetricError::ClassCount { found: 1, .. })), "{result:?}");
    }
    let result = evaluate(&[0], three.view(), true);
    assert!(matches!(result, Err(MetricError::ClassCount { found: 3, .. })), "{result:?}");
    let result = argmax_rows(Array2::zeros((1, 0)).view());
    assert!(matches!(result, Err(MetricError::ClassCount { found: 0, .. })), "{result:?}");
}

#[test]
fn a_confusion_matrix_too_large_to_read_is_refused_before_it_is_made() {
    let classes: Vec<usize> = (0..=MAX_CLASSES).collect();
    let expected = Err(MetricError::TooManyClasses { found: MAX_CLASSES + 1, limit: MAX_CLASSES });
    assert_eq!(confusion_matrix(&classes, &classes).map(drop), expected);
    assert_eq!(confusion_matrix_of_classes(&[0], &[0], MAX_CLASSES + 1).map(drop), expected);
}

#[test]
fn a_calibration_error_of_no_bins_is_refused() {
    assert_eq!(expected_calibration_error(&[1], &array![0.5], 0), Err(MetricError::NoBins));
}

#[test]
fn any_number_of_bins_may_be_asked_for() {
    assert_eq!(expected_calibration_error(&[1, 0], &array![0.75, 0.25], usize::MAX), Ok(0.25));
}

#[test]
fn messages_name_what_was_found_what_was_expected_and_the_cure() {
    let error = roc_auc_score(&[1, 1], array![0.25, 0.5].view()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "roc auc of class 1 is undefined with 2 positive and 0 negative samples: \
         one of each is the least; use a larger set, or accuracy and f1 alone"
    );
    let error = log_loss(&[1, 0], &array![0.25, 1.5]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "row 1, column 0: 1.5 found, a probability in [0, 1] expected: apply softmax or sigmoid to logits first"
    );
}
