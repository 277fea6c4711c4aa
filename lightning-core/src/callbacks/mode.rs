//! Whether a smaller or a larger value is better.

use serde::{Deserialize, Serialize};

/// The direction in which a monitored value gets better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Smaller is better.
    #[default]
    Min,
    /// Larger is better.
    Max,
}

impl Mode {
    /// Whether `a` is strictly better than `b`; never with a NaN.
    pub(super) fn is_better(self, a: f64, b: f64) -> bool {
        match self {
            Mode::Min => a < b,
            Mode::Max => a > b,
        }
    }

    /// Worse than every number.
    pub(super) fn worst(self) -> f64 {
        match self {
            Mode::Min => f64::INFINITY,
            Mode::Max => f64::NEG_INFINITY,
        }
    }

    /// `min` or `max`, as Lightning writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Mode::Min => "min",
            Mode::Max => "max",
        }
    }
}
