//! What a checkpoint of this program holds beside weights and hyperparameters, and how one becomes a model again.

use crate::failure::{Exit, Failure};
use lightning_core::checkpoint::Checkpoint;
use mmdynamic::data::{MinMaxScaler, MultiOmics};
use mmdynamic::{Hyperparameters, MmDynamic};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// All that is needed to use the weights on raw data: the checkpoint's `extra.data`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SavedData {
    /// What the training data was called.
    pub(crate) source: String,
    /// Seed of the run, which also split validation off.
    pub(crate) seed: u64,
    /// Share of the training rows that were held out.
    pub(crate) validation: Option<f64>,
    /// Training rows before that split.
    pub(crate) rows: usize,
    pub(crate) class_names: Vec<String>,
    pub(crate) feature_names: Vec<Vec<String>>,
    pub(crate) scaler: MinMaxScaler,
}

impl SavedData {
    /// As JSON. A checkpoint keeps what is long outside its header, so that any number of features fits.
    pub(crate) fn to_json(&self) -> Result<Value, Failure> {
        serde_json::to_value(self).map_err(|error| Failure::new(Exit::Data, error.to_string()))
    }
}

/// A checkpoint, verified.
pub(crate) struct Loaded {
    /// In evaluation mode.
    pub(crate) model: MmDynamic,
    pub(crate) data: SavedData,
}

/// Reads a checkpoint and makes its model.
pub(crate) fn load(path: &Path) -> Result<Loaded, Failure> {
    let refuse = |reason: String| {
        Failure::new(Exit::Checkpoint, format!("{}: not a usable checkpoint: {reason}", path.display()))
    };
    let checkpoint = Checkpoint::<f32>::read(path)?;
    let saved = checkpoint.hyperparameters.as_ref().ok_or_else(|| refuse("no hyperparameters".into()))?;
    let hparams: Hyperparameters =
        saved.load().map_err(|error| refuse(format!("hyperparameters: {error}")))?;
    // Compared before a model of that size is made.
    let weights: usize = checkpoint.state_dict.values().map(|array| array.len()).sum();
    if hparams.parameter_count() != weights as u64 {
        let wanted = hparams.parameter_count();
        return Err(refuse(format!("{weights} weights, its hyperparameters make a model of {wanted}")));
    }
    let data: SavedData = serde_json::from_value(checkpoint.extra.get("data").cloned().unwrap_or_default())
        .map_err(|error| {
        refuse(format!("no scaler and names as `cargo xtask train` saves them: {error}"))
    })?;
    check(&hparams, &data).map_err(refuse)?;
    let model = MmDynamic::from_state_dict(hparams, &checkpoint.state_dict)
        .map_err(|error| refuse(error.to_string()))?;
    Ok(Loaded { model, data })
}

fn check(hparams: &Hyperparameters, data: &SavedData) -> Result<(), String> {
    let scaled: Vec<usize> = data.scaler.views.iter().map(|view| view.min.len()).collect();
    let named: Vec<usize> = data.feature_names.iter().map(Vec::len).collect();
    for (what, widths) in [("a scaler", &scaled), ("names", &named)] {
        if *widths != hparams.in_dim {
            return Err(format!("{what} for views of width {widths:?}, a model for {:?}", hparams.in_dim));
        }
    }
    match (data.class_names.len(), hparams.num_class) {
        (names, classes) if names != classes => Err(format!("{names} class names, a model for {classes}")),
        _ => Ok(()),
    }
}

impl Loaded {
    /// Confirms that the samples are what the model was trained on: views, widths, features, classes.
    pub(crate) fn check_fits(&self, data: &MultiOmics) -> Result<(), Failure> {
        let refuse = |what: &str, expected: String, found: String| {
            let message = format!("the checkpoint expects {what} {expected}, the data has {found}");
            Err(Failure::new(Exit::Data, message)
                .with(format!("it was trained on {}: give such data with --data", self.data.source)))
        };
        let widths = &self.model.hparams().in_dim;
        if data.widths() != *widths {
            return refuse("views of width", format!("{widths:?}"), format!("{:?}", data.widths()));
        }
        let names = &self.data.class_names;
        if data.class_names.len() != names.len() {
            return refuse("a number of classes of", names.len().to_string(), data.classes().to_string());
        }
        if data.class_names != *names {
            return refuse("the classes", format!("{names:?}"), format!("{:?}", data.class_names));
        }
        for (view, (expected, found)) in self.data.feature_names.iter().zip(&data.feature_names).enumerate() {
            if let Some(at) = (0..expected.len()).find(|&at| expected[at] != found[at]) {
                let what = format!("view {}, column {} to be", view + 1, at + 1);
                return refuse(&what, format!("`{}`", expected[at]), format!("`{}`", found[at]));
            }
        }
        Ok(())
    }
}
