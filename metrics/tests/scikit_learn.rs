//! Every outcome in `fixtures/metrics.json` (made by `scripts/metrics_fixtures.py` with scikit-learn) against
//! this crate.
//!
//! One test for each family of data sets. An outcome whose name is unknown fails, so none can be skipped in
//! silence.

use metrics::{
    Average, MetricError, OvrAverage, ZeroDivision, accuracy_score, average_precision_score,
    balanced_accuracy_score, brier_score_loss, check_rows_sum_to_one, confusion_matrix, evaluate,
    expected_calibration_error, f1_score, log_loss, matthews_corrcoef, precision_recall_curve,
    precision_recall_fscore_support, precision_score, recall_score, roc_auc_score, roc_auc_score_ovr,
    roc_curve,
};
use ndarray::{Array1, Array2};
use serde_json::Value;

const TOLERANCE: f64 = 1e-12;

/// All numbers of one outcome in order, or why there are none.
type Answer = Result<Vec<f64>, MetricError>;

#[test]
fn predicted_classes_score_as_in_scikit_learn() {
    compare("classes", 1000, |case, metric| {
        let (labels, predictions) = (indices(&case["labels"]), indices(&case["predictions"]));
        match metric {
            ["classes"] => {
                vec![confusion_matrix(&labels, &predictions).map(|matrix| floats(&matrix.classes))]
            }
            ["confusion"] => vec![
                confusion_matrix(&labels, &predictions)
                    .map(|matrix| floats(&matrix.counts.into_raw_vec_and_offset().0)),
            ],
            ["accuracy"] => vec![one(accuracy_score(&labels, &predictions))],
            ["balanced_accuracy"] => vec![one(balanced_accuracy_score(&labels, &predictions))],
            ["matthews"] => vec![one(matthews_corrcoef(&labels, &predictions))],
            [score, average, zero_division] => zero_divisions(zero_division)
                .iter()
                .map(|&zero_division| class_score(score, average, zero_division, &labels, &predictions))
                .collect(),
            _ => panic!("unknown outcome {metric:?}"),
        }
    });
}

#[test]
fn scores_rank_as_in_scikit_learn() {
    compare("ranking", 200, |case, metric| {
        let (labels, scores) = (indices(&case["labels"]), Array1::from(numbers(&case["scores"])));
        let scores = scores.view();
        vec![match metric {
            ["roc_auc"] => one(roc_auc_score(&labels, scores)),
            ["average_precision"] => one(average_precision_score(&labels, scores)),
            ["roc_curve", points] => roc_curve(&labels, scores, *points == "drop")
                .map(|curve| [curve.fpr, curve.tpr, curve.thresholds].concat()),
            ["precision_recall_curve"] => precision_recall_curve(&labels, scores)
                .map(|curve| [curve.precision, curve.recall, curve.thresholds].concat()),
            _ => panic!("unknown outcome {metric:?}"),
        }]
    });
}

#[test]
fn probabilities_of_the_positive_class_score_as_in_scikit_learn() {
    compare("positive", 100, |case, metric| {
        let labels = indices(&case["labels"]);
        let probabilities = Array1::from(numbers(&case["probabilities"]));
        vec![one(match metric {
            ["log_loss"] => log_loss(&labels, &probabilities),
            ["brier"] => brier_score_loss(&labels, &probabilities),
            ["ece", bins] => {
                expected_calibration_error(&labels, probabilities.view(), bins.parse().expect("a number"))
            }
            _ => panic!("unknown outcome {metric:?}"),
        })]
    });
}

#[test]
fn probabilities_of_all_classes_score_as_in_scikit_learn() {
    compare("columns", 500, |case, metric| {
        let labels = indices(&case["labels"]);
        let rows: Vec<Vec<f64>> = array(&case["probabilities"]).iter().map(numbers).collect();
        let probabilities =
            Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).expect("a matrix");
        let values = |evaluation: metrics::Evaluation| evaluation.named().map(|(_, value)| value).to_vec();
        vec![match metric {
            ["log_loss"] => one(log_loss(&labels, &probabilities)),
            ["brier"] => one(brier_score_loss(&labels, probabilities.view())),
            ["rows_sum_to_one"] => match check_rows_sum_to_one(probabilities.view()) {
                Ok(()) => Ok(vec![1.0]),
                Err(MetricError::RowSum { .. }) => Ok(vec![0.0]),
                Err(other) => Err(other),
            },
            ["ece", bins] => {
                one(expected_calibration_error(&labels, &probabilities, bins.parse().expect("a number")))
            }
            ["evaluate", kind] => evaluate(&labels, probabilities.view(), *kind == "binary").map(values),
            ["roc_auc_ovr", "macro"] => {
                one(roc_auc_score_ovr(&labels, probabilities.view(), OvrAverage::Macro))
            }
            ["roc_auc_ovr", "weighted"] => {
                one(roc_auc_score_ovr(&labels, probabilities.view(), OvrAverage::Weighted))
            }
            _ => panic!("unknown outcome {metric:?}"),
        }]
    });
}

fn class_score(
    score: &str,
    average: &str,
    zero_division: ZeroDivision,
    labels: &[usize],
    predictions: &[usize],
) -> Answer {
    let average = match average {
        "binary0" => Average::Binary { pos_label: 0 },
        "binary1" => Average::Binary { pos_label: 1 },
        "micro" => Average::Micro,
        "macro" => Average::Macro,
        "weighted" => Average::Weighted,
        "each" => {
            let scores = precision_recall_fscore_support(labels, predictions, zero_division)?;
            return Ok(match score {
                "precision" => scores.precision,
                "recall" => scores.recall,
                _ => scores.f1,
            });
        }
        _ => panic!("unknown average {average}"),
    };
    one(match score {
        "precision" => precision_score(labels, predictions, average, zero_division),
        "recall" => recall_score(labels, predictions, average, zero_division),
        "f1" => f1_score(labels, predictions, average, zero_division),
        _ => panic!("unknown score {score}"),
    })
}

/// "any" stands for outcomes that do not depend on the choice: all three must give it.
fn zero_divisions(name: &str) -> &'static [ZeroDivision] {
    match name {
        "0" => &[ZeroDivision::Zero],
        "1" => &[ZeroDivision::One],
        "nan" => &[ZeroDivision::NaN],
        "any" => &[ZeroDivision::Zero, ZeroDivision::One, ZeroDivision::NaN],
        _ => panic!("unknown zero division {name}"),
    }
}

/// Compares all outcomes of a family, of which there are at least `minimum`, and shows all that differ.
fn compare(family: &str, minimum: usize, answers: impl Fn(&Value, &[&str]) -> Vec<Answer>) {
    let file: Value = serde_json::from_str(include_str!("fixtures/metrics.json")).expect("json");
    let mut compared = 0;
    let mut differences = Vec::new();
    for case in array(&file["cases"]).iter().filter(|case| case["family"] == family) {
        for (key, expected) in case["expect"].as_object().expect("an object") {
            let metric: Vec<&str> = key.split('/').collect();
            for answer in answers(case, &metric) {
                compared += 1;
                if !agrees(expected, &answer, metric[0]) {
                    differences
                        .push(format!("{} {key}: {answer:?}, scikit-learn gives {expected}", case["name"]));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
    assert!(compared >= minimum, "only {compared} outcomes were compared");
}

fn agrees(expected: &Value, answer: &Answer, metric: &str) -> bool {
    if expected == "raises" {
        return matches!(answer, Err(error) if !matches!(error, MetricError::UndefinedAuc { .. }));
    }
    let expected = numbers(expected);
    let undefined_is_an_error = metric.starts_with("roc_") || metric == "evaluate";
    match answer {
        Err(MetricError::UndefinedAuc { .. }) => {
            undefined_is_an_error && expected.iter().any(|value| value.is_nan())
        }
        Err(_) => false,
        Ok(found) => {
            found.len() == expected.len() && found.iter().zip(&expected).all(|(&a, &b)| same_number(a, b))
        }
    }
}

fn same_number(found: f64, expected: f64) -> bool {
    found == expected
        || (found.is_nan() && expected.is_nan())
        || (found - expected).abs() <= TOLERANCE * expected.abs().max(1.0)
}

fn one(answer: Result<f64, MetricError>) -> Answer {
    answer.map(|value| vec![value])
}

fn array(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

/// All numbers in a value, arrays in arrays included, in order.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        Value::String(word) => vec![word.parse().expect("nan, inf or -inf")],
        number => vec![number.as_f64().expect("a number")],
    }
}

fn indices(value: &Value) -> Vec<usize> {
    array(value).iter().map(|item| item.as_u64().expect("a class") as usize).collect()
}

fn floats(counts: &[usize]) -> Vec<f64> {
    counts.iter().map(|&count| count as f64).collect()
}
