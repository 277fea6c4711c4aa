//! What is found out about a model once its training is over, and the files that keep it.

mod baselines;
mod features;
mod files;
pub(crate) mod methods;
mod noise;
mod rows;
mod scores;
pub(crate) mod seeds;
mod trust;

use baselines::run as baselines;
pub(crate) use features::{RankedFeatures, features_csv, rank_features};
pub(crate) use noise::{disturb, disturbed};
pub(crate) use rows::{PredictedRows, predict};

use crate::failure::{Exit, Failure};
use crate::prepare::Prepared;
use crate::results::{Calibration, Facts, RunResults, Score, Selective, ViewResults};
use crate::saved;
use crate::settings::Report;
use metrics::MetricError;
use mmdynamic::data::MultiOmics;
use mmdynamic::robustness::RobustnessOptions;
use mmdynamic::{LossTerms, MultiViewDataset};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Version of the layout of `results.json` and its like.
pub(crate) const FORMAT: u32 = 1;

/// Level of all intervals.
pub(crate) const LEVEL: f64 = 0.95;

/// Features of each view in `results.json`.
const TOP_FEATURES: usize = 50;

/// How well some rows are predicted.
#[derive(Serialize)]
pub(crate) struct Judgement {
    pub(crate) scores: Vec<Score>,
    pub(crate) calibration: Calibration,
    pub(crate) selective: Selective,
}

impl Judgement {
    /// `validation` rows have a temperature fitted to them; `seed` draws the intervals.
    pub(crate) fn of(
        rows: &PredictedRows,
        validation: Option<&PredictedRows>,
        seed: u64,
    ) -> Result<Self, Failure> {
        Ok(Judgement {
            scores: scores::scores(rows, seed)?,
            calibration: trust::calibration(rows, validation)?,
            selective: trust::selective(rows)?,
        })
    }
}

/// What `test --json` and `validate --json` print.
#[derive(Serialize)]
pub(crate) struct Judged<'a> {
    pub(crate) data: &'a str,
    pub(crate) rows: usize,
    /// `val_loss` of validation rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) loss: Option<f64>,
    /// None for rows of one class.
    #[serde(flatten)]
    pub(crate) judgement: Option<Judgement>,
}

/// The result of one seed.
pub(crate) struct Outcome {
    pub(crate) results: RunResults,
    /// On the training rows, without dropout.
    pub(crate) terms: LossTerms<f64>,
    /// All features, ranked.
    features_csv: String,
    pub(crate) folder: PathBuf,
}

impl Outcome {
    /// Tests the weights of a checkpoint, so that what is reported is what was kept, and writes what was found.
    pub(crate) fn of(
        checkpoint: &Path,
        data: &Prepared,
        folder: PathBuf,
        seed: u64,
        wanted: &Report,
        facts: impl FnOnce() -> Facts,
    ) -> Result<Self, Failure> {
        let model = saved::load(checkpoint)?.model;
        let rows = PredictedRows::new(&model, &data.test)?;
        let validation = data.validation.as_ref().map(|rows| PredictedRows::new(&model, rows)).transpose()?;
        let Judgement { scores, calibration, selective } = Judgement::of(&rows, validation.as_ref(), seed)?;
        let features = rank_features(&model, &data.test, wanted.permutation, 0)?;
        let (views, test) = (views(&rows, &features, &data.test), rows.to_results());
        let disturbed = match wanted.robustness {
            true => disturb(&model, &data.train, &data.test, &RobustnessOptions::default())?,
            false => Vec::new(),
        };
        let baselines = if wanted.baselines { baselines(data, seed)? } else { Vec::new() };
        let terms = model.loss_of(MultiViewDataset::from(&data.train).all());
        let results = RunResults {
            format: FORMAT,
            // Last of all, because they tell how long it took.
            facts: facts(),
            test,
            scores,
            calibration,
            selective,
            views,
            robustness: noise::robustness(&disturbed),
            baselines,
        };
        let features_csv = features_csv(&features, &data.test);
        let outcome = Outcome { results, terms, features_csv, folder };
        outcome.write()?;
        Ok(outcome)
    }
}

fn views(rows: &PredictedRows, features: &[RankedFeatures], test: &MultiOmics) -> Vec<ViewResults> {
    let view = |view: usize| ViewResults {
        name: format!("view {}", view + 1),
        mean_gate: rows.mean_gates[view],
        mean_confidence: rows.confidences.column(view).mean().unwrap_or_default(),
        confidence_outside: rows.confidence_outside(view),
        features: features[view].results(&test.feature_names[view], TOP_FEATURES),
    };
    (0..rows.confidences.ncols()).map(view).collect()
}

/// Classes and rows were checked: what is left is a probability that is no number.
pub(crate) fn undefined(error: MetricError) -> Failure {
    Failure::new(Exit::Diverged, format!("the model has no scores: {error}"))
}
