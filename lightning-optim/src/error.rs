//! Settings that make no optimizer, scheduler or parameter group.

/// A setting is out of range, or parameters are grouped wrongly.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum OptimError {
    /// A setting out of its range.
    #[error("`{name}` is {found}, expected {expected}")]
    Setting {
        /// Its name, PyTorch's.
        name: &'static str,
        /// Its value.
        found: f64,
        /// Its range.
        expected: &'static str,
    },
    /// A parameter that is listed twice would be changed twice in a step.
    #[error(
        "parameter `{name}` is in group {first} and again in group {second}; give each parameter to one group once"
    )]
    SharedParameter {
        /// Its name, empty before the module tree has named it.
        name: String,
        /// The group that has it.
        first: usize,
        /// The group that was given it again, perhaps the same.
        second: usize,
    },
    /// Nothing to optimize.
    #[error("there is no parameter to optimize; give the optimizer `module.parameters()`")]
    NoParameters,
}

/// `Ok` if the setting is in its range.
pub(crate) fn setting(
    ok: bool,
    name: &'static str,
    found: f64,
    expected: &'static str,
) -> Result<(), OptimError> {
    if ok { Ok(()) } else { Err(OptimError::Setting { name, found, expected }) }
}

/// A finite number of at least 0.
pub(crate) fn not_negative(name: &'static str, found: f64) -> Result<(), OptimError> {
    setting(found.is_finite() && found >= 0.0, name, found, "a finite number of at least 0")
}

/// A share that is never the whole: Adam's betas.
pub(crate) fn below_one(name: &'static str, found: f64) -> Result<(), OptimError> {
    setting((0.0..1.0).contains(&found), name, found, "at least 0 and below 1")
}
