//! What a module was made from: kept with its weights, so that a file alone can rebuild it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Write;

/// Saved hyperparameters: Lightning's `self.hparams`.
///
/// Python's `save_hyperparameters()` reads the arguments of `__init__` off the stack; here a module names them:
///
/// ```
/// use lightning_core::Hyperparameters;
/// #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
/// struct Config { lr: f64, hidden_dim: Vec<usize> }
/// let config = Config { lr: 1e-3, hidden_dim: vec![50] };
/// let hparams = Hyperparameters::save(&config)?;
/// assert_eq!(hparams.load::<Config>()?, config);
/// assert_eq!(hparams.to_yaml(), "hidden_dim:\n- 50\nlr: 0.001\n");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperparameters(Value);

impl Hyperparameters {
    /// Keeps everything that `values` serialises.
    ///
    /// # Errors
    /// If a map in it has keys that are no strings.
    pub fn save(values: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::to_value(values).map(Hyperparameters)
    }

    /// The values as the type they were saved from.
    ///
    /// # Errors
    /// If a field is missing or of another type.
    pub fn load<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.0)
    }

    /// As a tree of JSON values.
    pub fn as_json(&self) -> &Value {
        &self.0
    }

    /// As a YAML document, what Lightning writes to `hparams.yaml`.
    pub fn to_yaml(&self) -> String {
        let mut out = String::new();
        write_yaml(&self.0, 0, &mut out);
        out
    }
}

impl From<Value> for Hyperparameters {
    fn from(value: Value) -> Self {
        Hyperparameters(value)
    }
}

/// Block style for what has parts; a scalar, a quoted string and an empty collection are the same in JSON and YAML.
fn write_yaml(value: &Value, indent: usize, out: &mut String) {
    let pad = "  ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let key = if is_plain(key) { key.clone() } else { Value::from(key.as_str()).to_string() };
                write_entry(&format!("{pad}{key}:"), value, indent, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for value in items {
                write_entry(&format!("{pad}-"), value, indent, out);
            }
        }
        scalar => {
            let _ = writeln!(out, "{pad}{scalar}");
        }
    }
}

fn write_entry(lead: &str, value: &Value, indent: usize, out: &mut String) {
    let nested = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if nested {
        let _ = writeln!(out, "{lead}");
        // A list under a key needs no deeper indent, everything else does.
        let deeper = if value.is_array() && lead.ends_with(':') { indent } else { indent + 1 };
        write_yaml(value, deeper, out);
    } else {
        let _ = writeln!(out, "{lead} {value}");
    }
}

/// Whether a key needs no quotes: words that YAML could take for nothing else.
fn is_plain(key: &str) -> bool {
    let word = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '/' || c == '.');
    let reserved = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    word && key.starts_with(|c: char| c.is_ascii_alphabetic())
        && !reserved.contains(&key.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_values_are_written_as_blocks() {
        let hparams = Hyperparameters::from(json!({
            "in_dim": [200, 184], "config": {"lr": 1e-4, "name": "a: b", "none": null}, "empty": [], "no": true
        }));
        assert_eq!(
            hparams.to_yaml(),
            "config:\n  lr: 0.0001\n  name: \"a: b\"\n  none: null\nempty: []\nin_dim:\n- 200\n- 184\n\"no\": true\n"
        );
    }
}
