//! From raw values to what the model takes: missing values filled, features scaled.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::cohort::MultiOmics;
use super::error::DataError;
use super::impute::{Imputer, Missing};
use super::scale::{Scaler, ScalingKind};

/// An [`Imputer`] and a [`Scaler`], fitted on the same rows: what has to be kept with a model, so that it takes raw data.
///
/// ```
/// use mmdynamic::data::{Missing, Preprocessing, ScalingKind, generate};
/// let mut cohort = generate(&Default::default())?.cohort;
/// cohort.test.views[0][[3, 5]] = f32::NAN;
/// let preprocessing = Preprocessing::fit(&cohort.train, Missing::Mean, ScalingKind::ZScore)?;
/// let ready = preprocessing.transform(&cohort.test)?;
/// assert!(ready.views[0][[3, 5]].abs() < 1e-6, "the mean is 0 after scaling");
/// # Ok::<(), mmdynamic::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Comes first. One that is not in a file refuses missing values.
    #[serde(default)]
    pub imputer: Imputer,
    /// Comes second, fitted on the filled rows.
    pub scaler: Scaler,
}

impl Preprocessing {
    /// Takes the figures from the samples of `train`, as they were read.
    ///
    /// # Errors
    /// As [`Imputer::fit`] and [`Scaler::fit`].
    pub fn fit(train: &MultiOmics, missing: Missing, scaling: ScalingKind) -> Result<Self, DataError> {
        let imputer = Imputer::fit(missing, train)?;
        let scaler = match missing {
            Missing::Refuse => Scaler::fit(scaling, train)?,
            _ => {
                let mut filled = train.clone();
                imputer.fill(&mut filled.views)?;
                Scaler::fit(scaling, &filled)?
            }
        };
        Ok(Self { imputer, scaler })
    }

    /// Samples as they were read, made ready for the model; labels and names stay.
    ///
    /// # Errors
    /// As [`Imputer::fill`] and [`Scaler::transform`].
    pub fn transform(&self, raw: &MultiOmics) -> Result<MultiOmics, DataError> {
        Ok(MultiOmics { views: self.transform_views(&raw.views)?, ..raw.without_views() })
    }

    /// Matrices without labels, made ready for the model.
    ///
    /// # Errors
    /// As [`transform`](Self::transform).
    pub fn transform_views(&self, raw: &[Array2<f32>]) -> Result<Vec<Array2<f32>>, DataError> {
        if raw.iter().flatten().all(|x| !x.is_nan()) {
            return self.scaler.transform_views(raw);
        }
        let mut filled = raw.to_vec();
        self.imputer.fill(&mut filled)?;
        self.scaler.transform_views(&filled)
    }

    /// Number of features of each view that it was fitted on.
    pub fn widths(&self) -> Vec<usize> {
        self.scaler.views.iter().map(|view| view.shift.len()).collect()
    }
}
