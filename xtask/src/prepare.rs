//! From a cohort to scaled parts: what is learnt from, what chooses the epoch, what is reported.

use crate::failure::Failure;
use crate::source::Source;
use lightning_core::data::DataLoader;
use mmdynamic::MultiViewDataset;
use mmdynamic::data::{MultiOmics, Preprocessing, stratified_split};

/// Rows of a batch where nothing is learnt; no result depends on it but by rounding.
const EVAL_BATCH: usize = 256;

/// A cohort, cut and scaled.
pub(crate) struct Prepared {
    /// The rows to learn from.
    pub(crate) train: MultiOmics,
    /// The rows that choose the epoch, taken off the training rows.
    pub(crate) validation: Option<MultiOmics>,
    /// The rows to report on.
    pub(crate) test: MultiOmics,
    /// Fitted on `train` alone.
    pub(crate) preprocessing: Preprocessing,
}

impl Prepared {
    /// Splits validation off train, stratified by class, and fills and scales all parts by the figures of the rest.
    pub(crate) fn new(source: &Source, validation: Option<f64>, seed: u64) -> Result<Self, Failure> {
        let (train, validation) = split(&source.cohort.train, validation, seed)?;
        let preprocessing = Preprocessing::fit(&train, source.options.missing, source.options.scaling)?;
        Ok(Prepared {
            train: preprocessing.transform(&train)?,
            validation: validation.map(|part| preprocessing.transform(&part)).transpose()?,
            test: preprocessing.transform(&source.cohort.test)?,
            preprocessing,
        })
    }
}

/// The raw training rows without and with validation; the same fraction and seed give the same rows.
pub(crate) fn split(
    train: &MultiOmics,
    validation: Option<f64>,
    seed: u64,
) -> Result<(MultiOmics, Option<MultiOmics>), Failure> {
    let Some(fraction) = validation else { return Ok((train.clone(), None)) };
    let (learn, held_out) = stratified_split(&train.labels, fraction, seed)?;
    Ok((train.subset(&learn)?, Some(train.subset(&held_out)?)))
}

/// Scaled samples as batches in order, for a pass without learning.
pub(crate) fn in_order(data: &MultiOmics) -> DataLoader<MultiViewDataset> {
    DataLoader::new(MultiViewDataset::from(data), EVAL_BATCH)
}
