//! Reading the fixtures' JSON, where NaN and the infinities are words.

use serde_json::Value;

/// A number, or the word for one.
pub(crate) fn number(value: &Value) -> f64 {
    match value {
        Value::String(word) => word.parse().unwrap_or_else(|_| panic!("{word} is no number")),
        other => other.as_f64().unwrap_or_else(|| panic!("{other} is no number")),
    }
}

/// How the fixtures write it.
pub(crate) fn written(x: f64) -> Value {
    if x.is_finite() {
        serde_json::json!(x)
    } else if x.is_nan() {
        "nan".into()
    } else {
        if x > 0.0 { "inf".into() } else { "-inf".into() }
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// The elements; none if it is not there.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The numbers; none if it is not there.
pub(crate) fn array(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}
