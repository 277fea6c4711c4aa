//! One list of names for both ways, so that what is saved and what is loaded cannot drift apart.

use crate::OptimError;
use lightning_core::optim::StateError;
use std::collections::{BTreeMap, BTreeSet};

/// Visits the numbers of a state: writes them out, or reads them back, under their names.
///
/// A rule lists its numbers once, and both `state_dict` and `load_state_dict` follow that list. Errors of a load
/// are kept until its end, so that a list needs no `?`.
pub struct Entries<'a> {
    prefix: String,
    way: Way<'a>,
}

enum Way<'a> {
    Save(&'a mut BTreeMap<String, f64>),
    Load { from: &'a BTreeMap<String, f64>, used: BTreeSet<String>, error: Option<StateError> },
}

impl<'a> Entries<'a> {
    pub(crate) fn save(to: &'a mut BTreeMap<String, f64>) -> Self {
        Entries { prefix: String::new(), way: Way::Save(to) }
    }

    pub(crate) fn load(from: &'a BTreeMap<String, f64>) -> Self {
        Entries { prefix: String::new(), way: Way::Load { from, used: BTreeSet::new(), error: None } }
    }

    /// Sets what the names that follow begin with.
    pub(crate) fn under(&mut self, prefix: String) {
        self.prefix = prefix;
    }

    /// A number, of any value.
    pub fn number(&mut self, name: &str, value: &mut f64) {
        let name = format!("{}{name}", self.prefix);
        match &mut self.way {
            Way::Save(to) => {
                to.insert(name, *value);
            }
            Way::Load { from, used, error } => {
                match from.get(&name) {
                    Some(found) => *value = *found,
                    None => *error = error.take().or(Some(StateError::Missing(name.clone()))),
                }
                used.insert(name);
            }
        }
    }

    /// A whole number.
    pub fn count(&mut self, name: &str, value: &mut u64) {
        let mut found = *value as f64;
        self.number(name, &mut found);
        if found >= 0.0 && found.fract() == 0.0 {
            *value = found as u64;
        } else {
            self.refuse(name, found, "a whole number of at least 0");
        }
    }

    /// Yes (1) or no (0).
    pub fn flag(&mut self, name: &str, value: &mut bool) {
        let mut found = f64::from(u8::from(*value));
        self.number(name, &mut found);
        if found == 0.0 || found == 1.0 {
            *value = found == 1.0;
        } else {
            self.refuse(name, found, "0 or 1");
        }
    }

    /// A list as `name.0`, `name.1`, …; a load keeps its length, unless it is empty.
    pub fn numbers(&mut self, name: &str, values: &mut Vec<f64>) {
        if values.is_empty() {
            values.resize((0..).take_while(|i| self.has(&format!("{name}.{i}"))).count(), 0.0);
        }
        for (i, value) in values.iter_mut().enumerate() {
            self.number(&format!("{name}.{i}"), value);
        }
    }

    /// A list of whole numbers.
    pub fn counts(&mut self, name: &str, values: &mut [u64]) {
        for (i, value) in values.iter_mut().enumerate() {
            self.count(&format!("{name}.{i}"), value);
        }
    }

    /// Whether the state that is read has this entry.
    pub(crate) fn has(&self, name: &str) -> bool {
        match &self.way {
            Way::Save(_) => false,
            Way::Load { from, .. } => from.contains_key(&format!("{}{name}", self.prefix)),
        }
    }

    /// Refuses the state that is read for this entry, unless it was refused before.
    pub(crate) fn refuse(&mut self, name: &str, found: f64, expected: &'static str) {
        let name = format!("{}{name}", self.prefix);
        if let Way::Load { error, .. } = &mut self.way {
            error.get_or_insert(StateError::Value { name, found, expected });
        }
    }

    /// Refuses the state that is read if what was read makes no sense together.
    pub(crate) fn check(&mut self, outcome: Result<(), OptimError>) {
        if let Err(OptimError::Setting { name, found, expected }) = outcome {
            self.refuse(name, found, expected);
        }
    }

    /// The first error of a load, also if the state has an entry that nobody asked for.
    pub(crate) fn finish(self) -> Result<(), StateError> {
        let Way::Load { from, used, error } = self.way else { return Ok(()) };
        let unexpected = || from.keys().find(|name| !used.contains(*name)).cloned();
        match error.or_else(|| unexpected().map(StateError::Unexpected)) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}
