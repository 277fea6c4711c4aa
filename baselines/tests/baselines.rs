//! The baselines against scikit-learn's, and what holds for all of them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use baselines::{Prediction, Rows, run};
use ndarray::Array2;
use serde_json::Value;

struct Case {
    classes: usize,
    labels: Vec<usize>,
    train: Vec<Array2<f32>>,
    test: Vec<Array2<f32>>,
    answers: Vec<(String, Array2<f64>)>,
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).unwrap();
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

fn cases() -> Vec<Case> {
    let all: Value = serde_json::from_str(include_str!("fixtures/scikit_learn.json")).unwrap();
    let views = |value: &Value| -> Vec<Array2<f32>> {
        value.as_array().unwrap().iter().map(|view| matrix(view).mapv(|x| x as f32)).collect()
    };
    let case = |case: &Value| Case {
        classes: case["classes"].as_u64().unwrap() as usize,
        labels: serde_json::from_value(case["labels"].clone()).unwrap(),
        train: views(&case["train"]),
        test: views(&case["test"]),
        answers: case["answers"].as_object().unwrap().iter().map(|(n, a)| (n.clone(), matrix(a))).collect(),
    };
    all.as_array().unwrap().iter().map(case).collect()
}

impl Case {
    fn run(&self, seed: u64) -> Vec<Prediction> {
        let unseen = vec![0; self.test[0].nrows()];
        let train = Rows { views: &self.train, labels: &self.labels };
        run(train, Rows { views: &self.test, labels: &unseen }, self.classes, seed).unwrap()
    }
}

#[test]
fn logistic_regression_and_neighbours_say_what_scikit_learn_says() {
    for case in cases() {
        let ours = case.run(0);
        for (name, theirs) in &case.answers {
            let found = ours.iter().find(|method| &method.name == name).expect(name);
            let apart = (&found.probabilities - theirs).mapv(f64::abs).into_iter().fold(0.0, f64::max);
            assert!(apart < 1e-4, "{name}, {} classes: {apart} apart", case.classes);
        }
    }
}

#[test]
fn probabilities_of_every_method_add_up_to_one() {
    for case in cases() {
        let methods = case.run(3);
        assert_eq!(methods.len(), 6);
        for method in methods {
            assert_eq!(method.probabilities.dim(), (12, case.classes), "{}", method.name);
            for row in method.probabilities.rows() {
                assert!((row.sum() - 1.0).abs() < 1e-9 && row.iter().all(|p| *p >= 0.0), "{}", method.name);
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing_and_the_seed_changes_the_forest_alone() {
    let case = &cases()[1];
    let with = |threads: usize, seed: u64| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| case.run(seed))
    };
    let one = with(1, 5);
    assert_eq!(one, with(3, 5));
    for (a, b) in one.iter().zip(with(2, 6)) {
        assert_eq!(*a == b, !a.name.starts_with("random forest"), "{}", a.name);
    }
}

#[test]
fn the_forest_learns_what_no_linear_map_can() {
    let point = |i: usize, j: usize| ((i >> j) & 1) as f32 + (i / 4) as f32 / 100.0;
    let views = [Array2::from_shape_fn((40, 2), |(i, j)| point(i, j))];
    let labels: Vec<usize> = (0..40).map(|i| (i & 1) ^ (i >> 1 & 1)).collect();
    let rows = Rows { views: &views, labels: &labels };
    let right = |name: &str| {
        let all = run(rows, rows, 2, 1).unwrap();
        let method = all.into_iter().find(|method| method.name.starts_with(name)).unwrap();
        (0..40).filter(|&i| method.probabilities[[i, labels[i]]] > 0.5).count()
    };
    assert_eq!(right("random forest"), 40);
    assert!(right("logistic") < 30);
}

#[test]
fn a_class_without_a_training_row_gets_no_probability() {
    let case = &cases()[1];
    let kept: Vec<usize> = (0..case.labels.len()).filter(|&i| case.labels[i] != 1).collect();
    let views: Vec<_> = case.train.iter().map(|view| view.select(ndarray::Axis(0), &kept)).collect();
    let labels: Vec<usize> = kept.iter().map(|&i| case.labels[i]).collect();
    let test = Rows { views: &case.test, labels: &[0; 12] };
    for method in run(Rows { views: &views, labels: &labels }, test, 3, 0).unwrap() {
        assert!(method.probabilities.column(1).iter().all(|p| *p == 0.0), "{}", method.name);
        assert!((method.probabilities.row(0).sum() - 1.0).abs() < 1e-9, "{}", method.name);
    }
}

#[test]
fn with_one_class_every_method_says_that_class() {
    let views = [Array2::from_elem((3, 2), 1.0)];
    let rows = Rows { views: &views, labels: &[1; 3] };
    for method in run(rows, rows, 2, 0).unwrap() {
        assert!(method.probabilities.column(1).iter().all(|p| *p == 1.0), "{}", method.name);
    }
}

#[test]
fn numbers_that_are_not_finite_are_an_error_or_an_answer_but_no_panic() {
    let views = [Array2::from_elem((4, 2), f32::NAN)];
    let rows = Rows { views: &views, labels: &[0, 1, 0, 1] };
    let _ = run(rows, rows, 2, 0);
}
