//! Every figure in `fixtures/evaluation.json` (made by `scripts/evaluation_fixtures.py` with scipy, PyTorch and
//! scikit-learn) against this crate.

use metrics::*;
use ndarray::{Array1, Array2};
use serde_json::Value;

#[test]
fn quantiles_of_student_t_are_those_of_scipy() {
    for case in cases("quantiles", 80) {
        let (p, freedom) = (number(&case["p"]), number(&case["freedom"]));
        let found = student_t_quantile(p, freedom).expect("a quantile");
        near(found, &case["t"], if freedom > 1e4 { 1e-8 } else { 1e-11 }, &format!("{p}, {freedom}"));
    }
}

#[test]
fn means_and_their_intervals_are_those_of_scipy() {
    for case in cases("means", 10) {
        let (values, level) = (numbers(&case["values"]), number(&case["level"]));
        let found = mean_interval(&values, level).expect("a mean");
        near(found.mean, &case["mean"], 1e-13, "mean");
        near(found.sd.expect("two values or more"), &case["sd"], 1e-12, "sd");
        let corrected = corrected_resampled_interval(&values, level, number(&case["ratio"])).expect("a mean");
        for end in [0, 1] {
            near(found.interval.expect("the same")[end], &case["interval"][end], 1e-11, "interval");
            near(corrected.interval.expect("the same")[end], &case["corrected"][end], 1e-11, "corrected");
        }
    }
}

#[test]
fn temperatures_are_where_the_gradient_of_pytorch_is_0() {
    for case in cases("temperatures", 5) {
        let (labels, logits) = (indices(&case["labels"]), matrix(&case["logits"]));
        let temperature = fit_temperature(&labels, logits.view()).expect("a temperature");
        near(temperature, &case["temperature"], 1e-10, "temperature");
        let scaled = softmax_at(logits.view(), temperature).expect("probabilities");
        near(log_loss(&labels, &scaled).expect("a loss"), &case["log_loss"], 1e-13, "log loss");
    }
}

#[test]
fn reliability_curves_are_those_of_scikit_learn() {
    for case in cases("reliability", 12) {
        let (labels, probabilities) = (indices(&case["labels"]), matrix(&case["probabilities"]));
        let binning = if case["binning"] == "width" { Binning::EqualWidth } else { Binning::EqualMass };
        let bins = case["bins"].as_u64().expect("a number") as usize;
        let curve = reliability_curve(&labels, &probabilities, bins, binning).expect("a curve");
        assert_eq!(curve.len(), numbers(&case["accuracy"]).len(), "{binning:?}, {bins} bins");
        for (i, bin) in curve.iter().enumerate() {
            near(bin.accuracy, &case["accuracy"][i], 1e-14, "accuracy");
            near(bin.confidence, &case["confidence"][i], 1e-14, "confidence");
        }
    }
}

#[test]
fn bootstrap_intervals_are_those_of_numpy_over_the_same_resamples() {
    for case in cases("bootstraps", 12) {
        let (labels, probabilities) = (indices(&case["labels"]), numbers(&case["probabilities"]));
        let resampling = match case["stratified"].as_bool() {
            Some(true) => Resampling::Stratified(&labels),
            _ => Resampling::Plain(labels.len()),
        };
        let resamples = case["resamples"].as_u64().expect("a number") as usize;
        let size = Bootstrap { resamples, ..Bootstrap::default() };
        let name = case["score"].as_str().expect("a name");
        let mut state = 7_u64;
        let below = |n: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 32) as usize * n) >> 32
        };
        let found = bootstrap_interval(resampling, size, below, |rows| {
            let labels: Vec<usize> = rows.iter().map(|&row| labels[row]).collect();
            let scores: Array1<f64> = rows.iter().map(|&row| probabilities[row]).collect();
            let predictions: Vec<usize> = scores.iter().map(|&score| usize::from(score > 0.5)).collect();
            match name {
                "acc" => accuracy_score(&labels, &predictions),
                "f1" => f1_score(&labels, &predictions, Average::default(), ZeroDivision::Zero),
                _ => roc_auc_score(&labels, scores.view()),
            }
        });
        let found = found.expect("an interval");
        near(found.lower, &case["lower"], 1e-13, name);
        near(found.upper, &case["upper"], 1e-13, name);
        near(found.standard_error, &case["standard_error"], 1e-12, name);
        assert_eq!(Some(found.undefined as u64), case["undefined"].as_u64(), "{name}");
        assert_eq!(found.defined + found.undefined, resamples);
    }
}

#[test]
fn the_area_under_risk_and_coverage_is_the_mean_over_all_orders_of_ties() {
    for case in cases("risk_coverage", 9) {
        let (errors, confidences) = (indices(&case["errors"]), Array1::from(numbers(&case["confidences"])));
        let right = vec![0; errors.len()];
        let curve = risk_coverage_curve(&right, &errors, confidences.view()).expect("a curve");
        near(curve.aurc, &case["aurc"], 1e-14, "aurc");
    }
}

fn cases(name: &str, minimum: usize) -> Vec<Value> {
    let mut file: Value = serde_json::from_str(include_str!("fixtures/evaluation.json")).expect("json");
    let Value::Array(cases) = file[name].take() else { panic!("no cases of {name}") };
    assert!(cases.len() >= minimum, "only {} cases of {name}", cases.len());
    cases
}

fn near(found: f64, expected: &Value, tolerance: f64, what: &str) {
    let expected = number(expected);
    let off = (found - expected).abs();
    assert!(off <= tolerance * expected.abs().max(1.0), "{what}: {found} found, {expected} expected");
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(number).collect()
}

fn indices(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|index| index as usize).collect()
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().expect("rows").iter().map(numbers).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).expect("a matrix")
}
