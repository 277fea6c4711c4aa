//! A trained model with what raw data needs on its way into it: what a checkpoint becomes again.

use crate::batch::MultiViewBatch;
use crate::config::Hyperparameters;
use crate::data::{ColumnMap, DataError, MultiOmics, Preprocessing};
use crate::model::MmDynamic;
use crate::module::Prediction;
use lightning_core::Trainer;
use lightning_core::checkpoint::{Checkpoint, CheckpointError};
use lightning_core::nn::Module;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a checkpoint holds beside weights and hyperparameters, so that it alone is enough to use the weights on raw
/// data: its `extra.data`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedData {
    /// What the training data was called.
    pub source: String,
    /// Seed of the run, which also split validation off.
    pub seed: u64,
    /// Share of the training rows that were held out.
    pub validation: Option<f64>,
    /// Training rows before that split.
    pub rows: usize,
    /// Names of the classes.
    pub class_names: Vec<String>,
    /// Names of each view's columns.
    pub feature_names: Vec<Vec<String>>,
    /// What the columns were, where the data was one wide table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<ColumnMap>,
    /// Fitted on the training rows.
    #[serde(flatten)]
    pub preprocessing: Preprocessing,
}

/// A model that takes raw data. It is `Sync`: one, behind an `Arc`, serves any number of threads.
///
/// ```
/// use lightning_core::checkpoint::Checkpoint;
/// use lightning_core::nn::Module;
/// use lightning_core::{Hyperparameters as Saved, Seed};
/// use mmdynamic::data::{Missing, Preprocessing, ScalingKind, generate};
/// use mmdynamic::{Config, Hyperparameters, MmDynamic, SavedData, Trained};
///
/// let cohort = generate(&Default::default())?.cohort;
/// let hparams = Hyperparameters {
///     in_dim: cohort.train.widths(),
///     num_class: cohort.train.classes(),
///     binary: true,
///     config: Config { hidden_dim: vec![8], ..Config::default() },
/// };
/// let data = SavedData {
///     source: "generated".into(),
///     seed: 0,
///     validation: None,
///     rows: cohort.train.rows(),
///     class_names: cohort.train.class_names.clone(),
///     feature_names: cohort.train.feature_names.clone(),
///     columns: None,
///     preprocessing: Preprocessing::fit(&cohort.train, Missing::Refuse, ScalingKind::MinMax)?,
/// };
/// let model: MmDynamic = MmDynamic::new(hparams, Seed(0))?;
/// model.eval();
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("model.ckpt");
/// Trained { model, data }.write(&path)?;
///
/// let trained = Trained::read(&path)?;
/// let prediction = trained.predict(&cohort.test.views)?;
/// assert_eq!(prediction.probabilities.dim(), (cohort.test.rows(), 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Trained {
    /// In evaluation mode.
    pub model: MmDynamic,
    /// Its names and how raw data is made ready for it.
    pub data: SavedData,
}

/// A checkpoint that makes no model, or data that the model was not made for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainedError {
    /// The file could not be read or written, or is no sound checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A sound checkpoint, but of something else.
    #[error("{}: not a usable checkpoint: {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Data of another kind than the model was trained on.
    #[error(
        "the checkpoint expects {what} {expected}, the data has {found}; it was trained on {source_name}: give such data"
    )]
    Misfit {
        /// What differs.
        what: String,
        /// As the model has it.
        expected: String,
        /// As the data has it.
        found: String,
        /// What the model was trained on.
        source_name: String,
    },
    /// Data that cannot be scaled.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl Trained {
    /// Reads a checkpoint that `cargo xtask train` wrote, and makes its model.
    ///
    /// # Errors
    /// [`TrainedError::Checkpoint`] for a damaged file, [`TrainedError::Refused`] for one of another program or model.
    pub fn read(path: &Path) -> Result<Self, TrainedError> {
        let checkpoint = Checkpoint::<f32>::read(path)?;
        Self::from_checkpoint(&checkpoint)
            .map_err(|reason| TrainedError::Refused { path: path.to_owned(), reason })
    }

    fn from_checkpoint(checkpoint: &Checkpoint) -> Result<Self, String> {
        let saved = checkpoint.hyperparameters.as_ref().ok_or("no hyperparameters")?;
        let hparams: Hyperparameters = saved.load().map_err(|error| format!("hyperparameters: {error}"))?;
        // Compared before a model of that size is made.
        let weights: usize = checkpoint.state_dict.values().map(|array| array.len()).sum();
        if hparams.parameter_count() != weights as u64 {
            let wanted = hparams.parameter_count();
            return Err(format!("{weights} weights, its hyperparameters make a model of {wanted}"));
        }
        let data: SavedData =
            serde_json::from_value(checkpoint.extra.get("data").cloned().unwrap_or_default())
                .map_err(|error| format!("no scaler and names as `cargo xtask train` saves them: {error}"))?;
        data.check(&hparams)?;
        let model =
            MmDynamic::from_state_dict(hparams, &checkpoint.state_dict).map_err(|error| error.to_string())?;
        Ok(Trained { model, data })
    }

    /// Writes weights, hyperparameters, names and scaler as a checkpoint that [`read`](Self::read) takes. It serves
    /// predictions; no training goes on from it.
    ///
    /// # Errors
    /// [`TrainedError::Checkpoint`].
    pub fn write(&self, path: &Path) -> Result<(), TrainedError> {
        let data = serde_json::to_value(&self.data).map_err(|error| self.refused(path, &error))?;
        let hyperparameters = lightning_core::Hyperparameters::save(self.model.hparams())
            .map_err(|error| self.refused(path, &error))?;
        Checkpoint {
            state_dict: self.model.state_dict(),
            hyperparameters: Some(hyperparameters),
            extra: serde_json::json!({ "data": data }),
            ..Checkpoint::default()
        }
        .write(path)?;
        Ok(())
    }

    fn refused(&self, path: &Path, reason: &serde_json::Error) -> TrainedError {
        TrainedError::Refused { path: path.to_owned(), reason: reason.to_string() }
    }

    /// Confirms that the samples are what the model was trained on: views, widths, features, classes.
    ///
    /// # Errors
    /// [`TrainedError::Misfit`] with the first difference.
    pub fn check_fits(&self, data: &MultiOmics) -> Result<(), TrainedError> {
        let widths = &self.model.hparams().in_dim;
        if data.widths() != *widths {
            return self.misfit("views of width", format!("{widths:?}"), format!("{:?}", data.widths()));
        }
        let names = &self.data.class_names;
        if data.class_names.len() != names.len() {
            return self.misfit(
                "a number of classes of",
                names.len().to_string(),
                data.classes().to_string(),
            );
        }
        if data.class_names != *names {
            return self.misfit("the classes", format!("{names:?}"), format!("{:?}", data.class_names));
        }
        for (view, (expected, found)) in self.data.feature_names.iter().zip(&data.feature_names).enumerate() {
            if let Some(at) = (0..expected.len()).find(|&at| expected[at] != found[at]) {
                let what = format!("view {}, column {} to be", view + 1, at + 1);
                return self.misfit(&what, format!("`{}`", expected[at]), format!("`{}`", found[at]));
            }
        }
        Ok(())
    }

    fn misfit(&self, what: &str, expected: String, found: String) -> Result<(), TrainedError> {
        let (what, source_name) = (what.to_owned(), self.data.source.clone());
        Err(TrainedError::Misfit { what, expected, found, source_name })
    }

    /// What the model says of raw samples: one matrix per view, a row a sample, the same samples in each. Missing
    /// values (NaN) are filled or refused as in the training, and scaling is done here.
    ///
    /// # Errors
    /// [`TrainedError::Data`] for another number of views, rows or columns than the first view or the model has, and
    /// for NaN in data of a model that was trained without missing values.
    pub fn predict(&self, raw: &[Array2<f32>]) -> Result<Prediction, TrainedError> {
        let rows = raw.first().map_or(0, Array2::nrows);
        if let Some((view, other)) = raw.iter().enumerate().find(|(_, view)| view.nrows() != rows) {
            let found = other.nrows();
            return Err(DataError::Shape { view, what: "rows", found, expected: rows }.into());
        }
        let scaled = self.data.preprocessing.transform_views(raw)?;
        let views = scaled.into_iter().map(Array2::into_shared).collect();
        let batch = [MultiViewBatch { views, labels: vec![0; rows] }];
        let mut predictions =
            Trainer::default().predict_shared(&self.model, &batch[..]).expect("one batch and a predict_step");
        Ok(predictions.pop().expect("one batch"))
    }
}

impl SavedData {
    /// Confirms that scaler and names are for a model of these hyperparameters.
    fn check(&self, hparams: &Hyperparameters) -> Result<(), String> {
        let scaled = self.preprocessing.widths();
        let named: Vec<usize> = self.feature_names.iter().map(Vec::len).collect();
        for (what, widths) in [("a scaler", &scaled), ("names", &named)] {
            if *widths != hparams.in_dim {
                return Err(format!(
                    "{what} for views of width {widths:?}, a model for {:?}",
                    hparams.in_dim
                ));
            }
        }
        match (self.class_names.len(), hparams.num_class) {
            (names, classes) if names != classes => {
                Err(format!("{names} class names, a model for {classes}"))
            }
            _ => Ok(()),
        }
    }
}
