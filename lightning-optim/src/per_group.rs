//! Settings of schedulers that may differ between parameter groups.

use crate::Entries;

/// One value for all parameter groups, or one for each.
///
/// ```
/// use lightning_optim::PerGroup;
/// assert_eq!(PerGroup::from(0.1), PerGroup::All(0.1));
/// assert_eq!(PerGroup::from(vec![0.1, 0.02]), PerGroup::Each(vec![0.1, 0.02]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum PerGroup {
    /// The same for all.
    All(f64),
    /// In the order of the groups.
    Each(Vec<f64>),
}

impl PerGroup {
    /// The value of a group.
    pub(crate) fn of(&self, group: usize) -> f64 {
        match self {
            PerGroup::All(value) => *value,
            PerGroup::Each(values) => values[group],
        }
    }

    /// How many groups there are values for, unless one value serves all.
    pub(crate) fn groups(&self) -> Option<usize> {
        match self {
            PerGroup::All(_) => None,
            PerGroup::Each(values) => Some(values.len()),
        }
    }

    /// All values, one after the other.
    pub(crate) fn values(&self) -> &[f64] {
        match self {
            PerGroup::All(value) => std::slice::from_ref(value),
            PerGroup::Each(values) => values,
        }
    }

    /// Visits the values as `name`, or as `name.0`, `name.1`, ….
    pub(crate) fn entries(&mut self, name: &str, entries: &mut Entries<'_>) {
        match self {
            PerGroup::All(value) => entries.number(name, value),
            PerGroup::Each(values) => entries.numbers(name, values),
        }
    }
}

impl From<f64> for PerGroup {
    fn from(value: f64) -> Self {
        PerGroup::All(value)
    }
}

impl From<Vec<f64>> for PerGroup {
    fn from(values: Vec<f64>) -> Self {
        PerGroup::Each(values)
    }
}
