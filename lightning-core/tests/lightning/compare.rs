//! Lightning's outcome beside ours.

use super::number::{list, number, text};
use serde_json::{Map, Value};

/// Lightning calls these and we have no such thing: batches need no other device, loaders are given to the trainer,
/// a constructor configures the model.
const WITHOUT_COUNTERPART: [&str; 5] = [
    "M.on_before_batch_transfer",
    "M.transfer_batch_to_device",
    "M.on_after_batch_transfer",
    "M.configure_model",
    "M.prepare_data",
];

/// Runs are in f64 on both sides; sums may be put together in another order.
const TOLERANCE: f64 = 1e-12;

/// What our trainer must give where it differs from Lightning on purpose.
pub(crate) fn mended(scenario: &Value) -> Vec<Value> {
    let mut outcomes = list(&scenario["lightning"]).to_vec();
    for (outcome, ours) in outcomes.iter_mut().zip(list(&scenario["mended"]["ours"])) {
        let ours = ours.as_object().expect("our part of the outcome").clone();
        match ours.contains_key("refused") {
            true => *outcome = Value::Object(ours),
            false => outcome.as_object_mut().expect("an outcome").extend(ours),
        }
    }
    outcomes
}

/// The x axis of log rows.
#[derive(Clone, Copy)]
pub(crate) enum Axis {
    /// The number of the last batch that stepped.
    Lightning,
    /// Updates so far.
    Updates,
}

/// In the words of the replay: hooks as a list without those that have no counterpart, rows with one x.
fn expected(outcome: &Value, axis: Axis) -> Value {
    let outcome = outcome.as_object().expect("an outcome");
    let parts = outcome.iter().map(|(part, value)| {
        let value = match part.as_str() {
            "hooks" => list(value).iter().flat_map(|line| text(line).split(' ')).filter(is_ours).collect(),
            "rows" | "rates" => list(value).iter().map(|row| with_one_x(row, axis)).collect(),
            "returned" if list(value).iter().any(Value::is_object) => merged(value),
            _ => value.clone(),
        };
        (part.clone(), value)
    });
    parts.collect()
}

fn is_ours(hook: &&str) -> bool {
    !WITHOUT_COUNTERPART.contains(hook)
}

fn with_one_x(row: &Value, axis: Axis) -> Value {
    let mut row = row.as_object().expect("a row").clone();
    let updates = row.remove("updates").expect("the updates so far");
    if let Axis::Updates = axis {
        row.insert("step".to_owned(), updates);
    }
    Value::Object(row)
}

/// One map for all loaders; their names are told apart by `dataloader_idx`.
fn merged(returned: &Value) -> Value {
    let maps = list(returned).iter().flat_map(|map| map.as_object().expect("metrics").clone());
    Value::Object(maps.collect::<Map<_, _>>())
}

/// How a run of ours differs from what is expected of it.
pub(crate) fn difference(outcome: &Value, axis: Axis, found: &Value) -> Option<String> {
    match (&outcome["refused"], &found["refused"]) {
        (Value::Null, Value::Bool(true)) => Some(format!("was refused: {}", found["says"])),
        (Value::Null, _) => first_difference(&expected(outcome, axis), found, "it"),
        (refused, ours) if refused == ours => None,
        (refused, _) => Some(format!("refused: expected {refused}, found {found}")),
    }
}

/// The first thing in which `found` is not as `expected`.
fn first_difference(expected: &Value, found: &Value, path: &str) -> Option<String> {
    let differs = || Some(format!("{path}: expected {expected}, found {found}"));
    match (expected, found) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = |map: &Map<String, Value>| map.keys().cloned().collect::<Vec<_>>().join(", ");
            let mut a = a.clone();
            if a.get("epoch").is_some_and(Value::is_null) {
                // Lightning's row of a single validation batch has no epoch; all of ours have.
                a.insert("epoch".to_owned(), b.get("epoch").cloned().unwrap_or_default());
            }
            if !a.keys().eq(b.keys()) {
                return Some(format!("{path}: expected {{{}}}, found {{{}}}", keys(&a), keys(b)));
            }
            a.iter().find_map(|(key, value)| first_difference(value, &b[key], &format!("{path}.{key}")))
        }
        (Value::Array(a), Value::Array(b)) => {
            let first = a.iter().zip(b).enumerate();
            let first =
                first.filter_map(|(i, (a, b))| first_difference(a, b, &format!("{path}[{i}]"))).next();
            first.or_else(|| {
                let next = a.get(b.len()).or_else(|| b.get(a.len()));
                (a.len() != b.len())
                    .then(|| format!("{path}: expected {} entries, found {}: {next:?}", a.len(), b.len()))
            })
        }
        (Value::Number(_), Value::Number(_)) => {
            let (a, b) = (number(expected), number(found));
            if (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()) { None } else { differs() }
        }
        (a, b) => {
            if a == b {
                None
            } else {
                differs()
            }
        }
    }
}
