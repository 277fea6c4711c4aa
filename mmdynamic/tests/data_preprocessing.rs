//! Imputer and scalers against scikit-learn: `scripts/data_fixtures.py`.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use mmdynamic::data::{Imputer, Missing, MultiOmics, Preprocessing, Scaler, ScalingKind};
use ndarray::Array2;
use serde_json::Value;

fn matrix(rows: &Value) -> Array2<f32> {
    let rows = rows.as_array().unwrap();
    let columns = rows[0].as_array().unwrap().len();
    let cell = |i: usize, j: usize| rows[i][j].as_f64().map_or(f32::NAN, |x| x as f32);
    Array2::from_shape_fn((rows.len(), columns), |(i, j)| cell(i, j))
}

fn part(view: Array2<f32>) -> MultiOmics {
    MultiOmics {
        labels: vec![0; view.nrows()],
        feature_names: vec![(0..view.ncols()).map(|j| format!("f{j}")).collect()],
        class_names: vec!["0".into()],
        sample_names: vec![String::new(); view.nrows()],
        views: vec![view],
    }
}

fn near(found: &Array2<f32>, expected: &Value, tolerance: f32) {
    let expected = matrix(expected);
    assert_eq!(found.dim(), expected.dim());
    for (a, b) in found.iter().zip(&expected) {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{a} {b}");
    }
}

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("fixtures/preprocessing.json")).unwrap()
}

#[test]
fn imputed_values_are_those_of_scikit_learn() {
    for case in cases() {
        let train = part(matrix(&case["train"]));
        for (name, expected) in case["imputers"].as_object().unwrap() {
            let imputer = Imputer::fit(name.parse::<Missing>().unwrap(), &train).unwrap();
            for (figure, expected) in imputer.views[0].iter().zip(expected["figures"].as_array().unwrap()) {
                assert!((figure - expected.as_f64().unwrap()).abs() < 1e-12, "{name}: {figure} {expected}");
            }
            for part in ["train", "test"] {
                let mut views = [matrix(&case[part])];
                imputer.fill(&mut views).unwrap();
                near(&views[0], &expected[part], 1e-7);
            }
        }
    }
}

#[test]
fn scaled_values_are_those_of_scikit_learn() {
    for case in cases() {
        let (train, test) = (part(matrix(&case["train"])), part(matrix(&case["test"])));
        for (name, expected) in case["scalers"].as_object().unwrap() {
            let kind = name.parse::<ScalingKind>().unwrap();
            let fitted = Preprocessing::fit(&train, Missing::Mean, kind).unwrap();
            for (part, raw) in [("train", &train), ("test", &test)] {
                let scaled = fitted.transform(raw).unwrap();
                near(&scaled.views[0], &expected[part], 2e-6);
            }
        }
    }
}

#[test]
fn what_was_fitted_goes_through_json_and_older_files_refuse_missing_values() {
    let train = part(matrix(&cases()[1]["train"]));
    let fitted = Preprocessing::fit(&train, Missing::Median, ScalingKind::ZScore).unwrap();
    let json = serde_json::to_string(&fitted).unwrap();
    assert_eq!(serde_json::from_str::<Preprocessing>(&json).unwrap(), fitted);

    let whole = part(Array2::from_shape_fn((3, 8), |(i, j)| (i * j) as f32));
    let old = serde_json::json!({ "scaler": Scaler::fit(ScalingKind::MinMax, &whole).unwrap() });
    let old: Preprocessing = serde_json::from_value(old).unwrap();
    assert!(old.transform(&whole).is_ok());
    assert!(old.transform(&train).unwrap_err().to_string().contains("found NaN, expected a finite number"));
}
