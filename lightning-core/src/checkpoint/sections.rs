//! A checkpoint as named entries and named JSON texts, and back.

use super::{Checkpoint, exact};
use crate::Float;
use crate::optim::StateDict;
use ndarray::ArrayD;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What all names begin with that are no weights. PyTorch refuses an empty name and a dot within one, so no name
/// in a `state_dict` begins with a dot.
pub(super) const RESERVED: char = '.';
const OPTIMIZER: &str = ".optimizer.";
const SCHEDULER: &str = ".scheduler.";
const GRADIENT: &str = ".gradient.";
const ARRAY: &str = ".array.";

type Arrays<F> = BTreeMap<String, ArrayD<F>>;

impl<F: Float> Checkpoint<F> {
    /// Every array with its name in the file.
    pub(super) fn entries(&self) -> impl Iterator<Item = (String, &ArrayD<F>)> {
        let weights = self.state_dict.iter().map(|(name, array)| (name.clone(), array));
        weights
            .chain(states(OPTIMIZER, &self.optimizers))
            .chain(states(SCHEDULER, &self.schedulers))
            .chain(under(GRADIENT, &self.gradients))
            .chain(under(ARRAY, &self.arrays))
    }

    /// Everything that is no array, by the name of its section; what is empty is left out.
    pub(super) fn sections(&self) -> Map<String, Value> {
        let numbers = |states: &[StateDict<F>]| -> Value {
            states.iter().map(|state| exact::map::to_value(&state.numbers)).collect()
        };
        let all = [
            ("hyperparameters", self.hyperparameters.as_ref().map_or(Value::Null, |h| h.as_json().clone())),
            ("position", json!(self.position)),
            ("optimizers", numbers(&self.optimizers)),
            ("schedulers", numbers(&self.schedulers)),
            ("loops", self.loops.clone()),
            ("callbacks", json!(self.callbacks)),
            ("loggers", json!(self.loggers)),
            ("loaders", self.loaders.clone()),
            ("extra", self.extra.clone()),
        ];
        all.into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.into(), value))
            .collect()
    }

    /// From the JSON texts, still without arrays.
    pub(super) fn from_sections(mut sections: Map<String, Value>) -> Result<Self, String> {
        let mut take = |name: &str| sections.remove(name).unwrap_or_default();
        let states = |what: &str, value: Value| -> Result<Vec<StateDict<F>>, String> {
            let numbers =
                |numbers: &Value| exact::map::from_value(numbers).map_err(|e| format!("{what}: {e}"));
            let dict = |value: &Value| Ok(StateDict { numbers: numbers(value)?, arrays: BTreeMap::new() });
            value.as_array().map_or(&[][..], Vec::as_slice).iter().map(dict).collect()
        };
        let hyperparameters = take("hyperparameters");
        Ok(Checkpoint {
            hyperparameters: (!hyperparameters.is_null()).then(|| hyperparameters.into()),
            position: parse("position", take("position"))?,
            optimizers: states("optimizers", take("optimizers"))?,
            schedulers: states("schedulers", take("schedulers"))?,
            loops: take("loops"),
            callbacks: parse("callbacks", take("callbacks"))?,
            loggers: parse("loggers", take("loggers"))?,
            loaders: take("loaders"),
            extra: take("extra"),
            ..Checkpoint::default()
        })
    }

    /// Puts an array of the file where it belongs.
    pub(super) fn insert(&mut self, name: String, array: ArrayD<F>) -> Result<(), String> {
        let unknown = || format!("`{name}` belongs to nothing that is saved here");
        let into = if let Some(rest) = name.strip_prefix(OPTIMIZER) {
            indexed(&mut self.optimizers, rest)
        } else if let Some(rest) = name.strip_prefix(SCHEDULER) {
            indexed(&mut self.schedulers, rest)
        } else if let Some(rest) = name.strip_prefix(GRADIENT) {
            Some((&mut self.gradients, rest))
        } else if let Some(rest) = name.strip_prefix(ARRAY) {
            Some((&mut self.arrays, rest))
        } else if name.starts_with(RESERVED) {
            None
        } else {
            self.state_dict.insert(name, array);
            return Ok(());
        };
        let (arrays, key) = into.ok_or_else(unknown)?;
        arrays.insert(key.to_owned(), array);
        Ok(())
    }
}

fn under<'a, F: Float>(
    prefix: &'static str,
    arrays: &'a Arrays<F>,
) -> impl Iterator<Item = (String, &'a ArrayD<F>)> {
    arrays.iter().map(move |(name, array)| (format!("{prefix}{name}"), array))
}

fn states<'a, F: Float>(
    prefix: &'static str,
    states: &'a [StateDict<F>],
) -> impl Iterator<Item = (String, &'a ArrayD<F>)> {
    let numbered = states.iter().enumerate();
    numbered.flat_map(move |(i, state)| {
        state.arrays.iter().map(move |(name, array)| (format!("{prefix}{i}.{name}"), array))
    })
}

/// The state that `INDEX.NAME` means, and the name.
fn indexed<'a, 'n, F: Float>(
    states: &'a mut [StateDict<F>],
    rest: &'n str,
) -> Option<(&'a mut Arrays<F>, &'n str)> {
    let (index, name) = rest.split_once('.')?;
    Some((&mut states.get_mut(index.parse::<usize>().ok()?)?.arrays, name))
}

/// A section of this type; one that is not there is its default.
fn parse<T: serde::de::DeserializeOwned + Default>(name: &str, value: Value) -> Result<T, String> {
    if value.is_null() {
        return Ok(T::default());
    }
    serde_json::from_value(value).map_err(|e| format!("section `{name}`: {e}"))
}
