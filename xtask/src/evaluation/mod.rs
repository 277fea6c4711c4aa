//! What is found out about a model once its training is over, and the files that keep it.

mod files;
mod rows;
mod scores;

pub(crate) use rows::{PredictedRows, predict};
pub(crate) use scores::scores;

use crate::failure::Failure;
use crate::prepare::Prepared;
use crate::results::{Facts, RunResults, ViewResults};
use crate::saved;
use mmdynamic::{LossTerms, MultiViewDataset};
use std::path::{Path, PathBuf};

/// Version of the layout of `results.json`.
const FORMAT: u32 = 1;

/// The result of one seed.
pub(crate) struct Outcome {
    pub(crate) results: RunResults,
    /// On the training rows, without dropout.
    pub(crate) terms: LossTerms<f64>,
    pub(crate) folder: PathBuf,
}

impl Outcome {
    /// Tests the weights of a checkpoint, so that what is reported is what was kept, and writes what was found.
    pub(crate) fn of(
        checkpoint: &Path,
        data: &Prepared,
        folder: PathBuf,
        facts: impl FnOnce() -> Facts,
    ) -> Result<Self, Failure> {
        let model = saved::load(checkpoint)?.model;
        let rows = PredictedRows::new(&model, &data.test)?;
        let (scores, calibration) = (scores(&rows)?, scores::calibration(&rows)?);
        let (selective, views) = (scores::selective(&rows)?, views(&rows));
        let terms = model.loss_of(MultiViewDataset::from(&data.train).all());
        let results = RunResults {
            format: FORMAT,
            // Last, because the facts tell how long all of it took.
            facts: facts(),
            test: rows.to_results(),
            scores,
            calibration,
            selective,
            views,
            robustness: Vec::new(),
            baselines: Vec::new(),
        };
        let outcome = Outcome { results, terms, folder };
        outcome.write()?;
        Ok(outcome)
    }
}

fn views(rows: &PredictedRows) -> Vec<ViewResults> {
    let view = |view: usize| ViewResults {
        name: format!("view {}", view + 1),
        mean_gate: rows.mean_gates[view],
        mean_confidence: rows.confidences.column(view).mean().unwrap_or_default(),
        confidence_outside: rows.confidence_outside(view),
        features: Vec::new(),
    };
    (0..rows.confidences.ncols()).map(view).collect()
}
