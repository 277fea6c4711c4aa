//! The values that settings have names for.

use super::setting::{Setting, names};
use mmdynamic::Confidence;
use mmdynamic::data::{Missing, ScalingKind};
use std::path::Path;
use toml::Value;

names! {
    /// A recipe.
    Preset {
        /// The post's, with the epoch chosen on validation rows.
        Post = "post",
        /// The paper's for ROSMAP: full batch, last epoch, no validation.
        PaperRosmap = "paper-rosmap" | "paper",
        /// The paper's for BRCA.
        PaperBrca = "paper-brca",
        /// A first look, in a second or two.
        Quick = "quick",
    }
}

names! {
    /// Which epoch is tested.
    Choice {
        /// The one with the smallest `val_loss`.
        Best = "best",
        /// The last one.
        Last = "last",
    }
}

names! {
    /// What lies at the path of the data.
    #[derive(Default)]
    Format {
        /// What the path tells.
        #[default]
        Auto = "auto",
        /// A folder with a matrix for each view: csv or npy.
        Folder = "folder",
        /// One wide table with commas.
        Csv = "csv",
        /// One wide table with tabs.
        Tsv = "tsv",
    }
}

names! {
    /// A rule that changes weights.
    OptimizerName {
        /// Weight decay is added to the gradient.
        Adam = "adam",
        /// Weight decay is taken off the weights.
        AdamW = "adamw",
        /// With momentum, where that is wanted.
        Sgd = "sgd",
    }
}

names! {
    /// A rule that changes the learning rate.
    SchedulerName {
        /// Times gamma after every so many epochs.
        Step = "step",
        /// Times gamma after certain epochs.
        MultiStep = "multi-step",
        /// Along half a cosine to the last epoch.
        Cosine = "cosine",
        /// Times gamma after every epoch.
        Exponential = "exponential",
        /// It stays.
        None = "none",
    }
}

names! {
    /// How gradients are kept small.
    ClipAlgorithm {
        /// All together, by their Euclidean norm.
        Norm = "norm",
        /// Each number by itself.
        Value = "value",
    }
}

/// Settings of other crates that have a name for each value.
macro_rules! of_serde {
    ($($Type:ty: $expected:literal),* $(,)?) => {$(
        impl Setting for $Type {
            fn expected() -> String {
                concat!("one of ", $expected).into()
            }
            fn from_toml(value: &Value) -> Option<Self> {
                value.clone().try_into().ok()
            }
            fn from_text(text: &str) -> Option<Self> {
                Self::from_toml(&Value::String(text.to_owned()))
            }
            fn to_toml(&self) -> Value {
                Value::try_from(self).expect("a name")
            }
        }
    )*};
}
of_serde! {
    Confidence: "linear, noise-aware, none",
    Missing: "refuse, mean, median, zero",
    ScalingKind: "min-max, z-score, none",
}

/// Rows of a training batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BatchRows {
    /// All of them.
    Full,
    /// So many.
    Rows(usize),
}

impl BatchRows {
    /// The number for a data set of `rows` rows.
    pub(crate) fn of(self, rows: usize) -> usize {
        match self {
            BatchRows::Full => rows.max(1),
            BatchRows::Rows(wanted) => wanted.min(rows.max(1)),
        }
    }
}

impl Setting for BatchRows {
    fn expected() -> String {
        "a whole number, at least 1, or \"full\"".into()
    }
    fn from_toml(value: &Value) -> Option<Self> {
        match value.as_str() {
            Some(text) => Self::from_text(text).filter(|rows| *rows == BatchRows::Full),
            None => usize::from_toml(value).filter(|&rows| rows > 0).map(BatchRows::Rows),
        }
    }
    fn from_text(text: &str) -> Option<Self> {
        match text {
            "full" => Some(BatchRows::Full),
            _ => usize::from_text(text).filter(|&rows| rows > 0).map(BatchRows::Rows),
        }
    }
    fn to_toml(&self) -> Value {
        match self {
            BatchRows::Full => Value::String("full".into()),
            BatchRows::Rows(rows) => rows.to_toml(),
        }
    }
}

/// A path, which counts from the folder where the command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folder(String);

impl Folder {
    pub(crate) fn new(path: &str) -> Self {
        Folder(path.to_owned())
    }

    /// The path, if one was given.
    pub(crate) fn given(&self) -> Option<&Path> {
        (!self.0.is_empty()).then(|| Path::new(&self.0))
    }

    /// The path; the folder where the command runs if none was given.
    pub(crate) fn path(&self) -> &Path {
        self.given().unwrap_or(Path::new("."))
    }
}

impl Setting for Folder {
    fn expected() -> String {
        "a path, as text".into()
    }
    fn from_toml(value: &Value) -> Option<Self> {
        value.as_str().and_then(Self::from_text)
    }
    fn from_text(text: &str) -> Option<Self> {
        // A zero byte ends a path for the system: another file than the one that is named.
        (!text.contains('\0')).then(|| Folder(text.to_owned()))
    }
    fn to_toml(&self) -> Value {
        Value::String(self.0.clone())
    }
}
