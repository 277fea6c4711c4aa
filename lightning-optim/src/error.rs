//! Settings that make no optimizer or schedule.

/// A setting out of its range, or a parameter given twice.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum OptimError {
    /// A setting out of its range.
    #[error("{optimizer}: {setting} is {found}, expected {expected}")]
    Setting {
        /// The optimizer or scheduler.
        optimizer: &'static str,
        /// The setting.
        setting: &'static str,
        /// Its value.
        found: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// A parameter that is already in a group: it would be changed twice a step.
    #[error("{optimizer}: parameter {index} (`{name}`) of the new group is in the optimizer already")]
    Twice {
        /// The optimizer.
        optimizer: &'static str,
        /// Its place in the new group.
        index: usize,
        /// Its name, if it has one.
        name: String,
    },
}

/// An error unless `holds`.
pub(crate) fn check(
    holds: bool,
    optimizer: &'static str,
    setting: &'static str,
    found: f64,
    expected: &'static str,
) -> Result<(), OptimError> {
    if holds { Ok(()) } else { Err(OptimError::Setting { optimizer, setting, found, expected }) }
}

/// An error unless `found` is a finite number from 0 up.
pub(crate) fn check_not_negative(
    optimizer: &'static str,
    setting: &'static str,
    found: f64,
) -> Result<(), OptimError> {
    check(found >= 0.0 && found.is_finite(), optimizer, setting, found, "a finite number from 0 up")
}
