//! `f64` in JSON without losing a bit.
//!
//! JSON has no NaN and no infinity, and serde_json writes `null` for them. A number that decides how a run goes on,
//! such as the best value so far, must come back as it was: finite numbers are written as the shortest text that
//! reads as the same bits, all others as their bits.
//!
//! ```
//! use lightning_core::checkpoint::exact;
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct EarlyStoppingState {
//!     #[serde(with = "exact")]
//!     best_score: f64,
//! }
//! let text = serde_json::to_string(&EarlyStoppingState { best_score: f64::INFINITY })?;
//! assert_eq!(text, r#"{"best_score":"bits:7ff0000000000000"}"#);
//! assert_eq!(serde_json::from_str::<EarlyStoppingState>(&text)?.best_score, f64::INFINITY);
//! # Ok::<(), serde_json::Error>(())
//! ```

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;

const PREFIX: &str = "bits:";

/// The number as JSON.
pub fn to_json(x: f64) -> Value {
    if x.is_finite() { x.into() } else { format!("{PREFIX}{:016x}", x.to_bits()).into() }
}

/// The number that [`to_json`] was given; `None` for anything else.
pub fn from_json(value: &Value) -> Option<f64> {
    let Some(text) = value.as_str() else { return value.as_f64() };
    let digits = text.strip_prefix(PREFIX).filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok().map(f64::from_bits)
}

/// For `#[serde(with = "exact")]` on an `f64`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(x: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    to_json(*x).serialize(serializer)
}

/// For `#[serde(with = "exact")]` on an `f64`.
///
/// # Errors
/// If it is not what [`serialize`] writes.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    from_json(&value).ok_or_else(|| D::Error::custom(format!("{value} is no number")))
}

/// The same for named numbers, such as metrics: `#[serde(with = "exact::map")]`.
pub mod map {
    use super::{BTreeMap, Deserialize, Deserializer, Serializer, Value, from_json, to_json};

    /// The numbers as a JSON object.
    pub fn to_value(numbers: &BTreeMap<String, f64>) -> Value {
        numbers.iter().map(|(name, &x)| (name.clone(), to_json(x))).collect()
    }

    /// The numbers that [`to_value`] was given.
    ///
    /// # Errors
    /// Names the first entry that is no number.
    pub fn from_value(value: &Value) -> Result<BTreeMap<String, f64>, String> {
        let Value::Object(entries) = value else { return Err(format!("{value} is no object of numbers")) };
        let number = |(name, value): (&String, &Value)| match from_json(value) {
            Some(x) => Ok((name.clone(), x)),
            None => Err(format!("`{name}` is {value}, not a number")),
        };
        entries.iter().map(number).collect()
    }

    /// For `#[serde(with = "exact::map")]`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<Out: Serializer>(
        numbers: &BTreeMap<String, f64>,
        serializer: Out,
    ) -> Result<Out::Ok, Out::Error> {
        use serde::Serialize as _;
        to_value(numbers).serialize(serializer)
    }

    /// For `#[serde(with = "exact::map")]`.
    ///
    /// # Errors
    /// If it is not what [`serialize`] writes.
    pub fn deserialize<'de, In: Deserializer<'de>>(
        deserializer: In,
    ) -> Result<BTreeMap<String, f64>, In::Error> {
        use serde::de::Error as _;
        from_value(&Value::deserialize(deserializer)?).map_err(In::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_pattern_comes_back() {
        let mut bits = 1u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let text = to_json(f64::from_bits(bits)).to_string();
            let back = from_json(&serde_json::from_str(&text).expect("JSON")).expect("a number");
            assert_eq!(back.to_bits(), bits, "{text}");
        }
        for x in
            [0.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, f64::MAX, 0.1 + 0.2]
        {
            let text = to_json(x).to_string();
            let back = from_json(&serde_json::from_str(&text).expect("JSON")).expect("a number");
            assert_eq!(back.to_bits(), x.to_bits(), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_named() {
        let numbers = serde_json::json!({"a": 1.5, "b": "bits:zz"});
        assert_eq!(map::from_value(&numbers).expect_err("b"), "`b` is \"bits:zz\", not a number");
        assert_eq!(from_json(&Value::Null), None);
    }
}
