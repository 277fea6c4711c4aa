//! Reading what PyTorch recorded, and how close to it we must be.

use lightning_core::Float;
use ndarray::ArrayD;
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

pub(crate) fn usizes(value: &Value) -> Vec<usize> {
    value.as_array().expect("a list").iter().map(|x| x.as_u64().expect("a count") as usize).collect()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

pub(crate) fn tensor<F: Float>(value: &Value) -> ArrayD<F> {
    let data = numbers(&value["data"]).into_iter().map(F::of).collect();
    ArrayD::from_shape_vec(usizes(&value["shape"]), data).expect("a tensor")
}

pub(crate) fn named<F: Float>(value: &Value) -> BTreeMap<String, ArrayD<F>> {
    let entry = |entry: &Value| (entry["name"].as_str().expect("a name").to_owned(), tensor(entry));
    value.as_array().expect("a list").iter().map(entry).collect()
}

/// How close to PyTorch: `|a − b| ≤ absolute + relative · |b|`.
pub(crate) trait Close: Float {
    const RELATIVE: f64;
    const ABSOLUTE: f64;

    #[track_caller]
    fn check(what: &str, ours: &ArrayD<Self>, torch: &ArrayD<Self>) {
        assert_eq!(ours.shape(), torch.shape(), "{what}");
        for (index, (a, b)) in ours.iter().zip(torch).enumerate() {
            let (a, b) = (a.as_f64(), b.as_f64());
            assert!(
                (a - b).abs() <= Self::ABSOLUTE + Self::RELATIVE * b.abs(),
                "{what}, element {index}: {a:e}, torch {b:e}"
            );
        }
    }
}
impl Close for f64 {
    const RELATIVE: f64 = 1e-10;
    const ABSOLUTE: f64 = 1e-13;
}
impl Close for f32 {
    const RELATIVE: f64 = 1e-5;
    // Rounding of a 32-bit number of order one, which cancellation leaves behind.
    const ABSOLUTE: f64 = 1e-6;
}
