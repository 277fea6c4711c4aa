//! What a run found, as its `results.json` holds it: written once by `train`, read by `report`.

use serde::{Deserialize, Serialize};

/// Everything the page of a run shows beside its learning curves (`metrics.csv`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunResults {
    /// Version of this file's layout, 1.
    pub(crate) format: u32,
    pub(crate) facts: Facts,
    /// What the model says of each test row.
    pub(crate) test: TestRows,
    /// Scores on the test rows, the first three those of `metrics::evaluate`.
    pub(crate) scores: Vec<Score>,
    pub(crate) calibration: Calibration,
    pub(crate) selective: Selective,
    /// One per view, in the order of the data.
    pub(crate) views: Vec<ViewResults>,
    /// Accuracy and confidences as views get noisy or go missing.
    pub(crate) robustness: Vec<RobustnessCurve>,
    /// Other methods on the very same rows; empty where they were not asked for.
    pub(crate) baselines: Vec<Baseline>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// Path of the data as the user gave it, or `generated`.
    pub(crate) data: String,
    /// SHA-256 of the data files (names and bytes), hex.
    pub(crate) data_hash: String,
    /// SHA-256 of the resolved configuration, hex.
    pub(crate) config_hash: String,
    pub(crate) seed: u64,
    pub(crate) preset: String,
    /// `best` or `last`.
    pub(crate) checkpoint: String,
    /// The tested epoch, from 0.
    pub(crate) epoch: usize,
    pub(crate) val_loss: Option<f64>,
    pub(crate) train_rows: usize,
    pub(crate) validation_rows: usize,
    pub(crate) test_rows: usize,
    pub(crate) classes: Vec<String>,
    pub(crate) parameters: u64,
    /// Seconds of the whole run; the only number here that another run will not repeat.
    pub(crate) seconds: f64,
    /// Version of this program.
    pub(crate) program: String,
    pub(crate) warnings: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TestRows {
    /// Names of the samples, or `1`, `2`, … where the data has none.
    pub(crate) samples: Vec<String>,
    pub(crate) labels: Vec<usize>,
    /// Per row, one per class.
    pub(crate) probabilities: Vec<Vec<f64>>,
    /// Per row, one per view.
    pub(crate) confidences: Vec<Vec<f64>>,
}

/// A number with its 95 % interval.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Score {
    /// As in `results.csv`: `acc`, `f1`, `auc`, `weighted_f1`, …
    pub(crate) name: String,
    /// For people: `ACC`, `weighted F1`, …
    pub(crate) label: String,
    pub(crate) value: f64,
    /// By percentile bootstrap over the test rows; none where the score was undefined in too many samples.
    pub(crate) interval: Option<[f64; 2]>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Calibration {
    pub(crate) raw: CalibrationScores,
    /// Fitted on the validation rows; none without them.
    pub(crate) temperature: Option<f64>,
    /// After division of the logits by the temperature.
    pub(crate) scaled: Option<CalibrationScores>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CalibrationScores {
    pub(crate) ece: f64,
    pub(crate) brier: f64,
    pub(crate) log_loss: f64,
}

/// Risk among the rows of which the model is surest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Selective {
    /// Area under the risk–coverage curve by the largest probability; small is good.
    pub(crate) aurc: f64,
    /// The same when rows are ranked by the mean of the views' confidences.
    pub(crate) aurc_by_confidence: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ViewResults {
    pub(crate) name: String,
    pub(crate) mean_gate: f64,
    pub(crate) mean_confidence: f64,
    /// Share of test confidences outside [0, 1].
    pub(crate) confidence_outside: f64,
    /// The best ranked first, at most 50; all of them are in `features.csv`.
    pub(crate) features: Vec<FeatureResult>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FeatureResult {
    pub(crate) name: String,
    /// Mean gate over the rows, and per class.
    pub(crate) gate: f64,
    pub(crate) gate_by_class: Vec<f64>,
    /// Loss of accuracy when the feature's column is shuffled over the test rows; none where not computed.
    pub(crate) permutation: Option<f64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RobustnessCurve {
    /// The view that was disturbed, or `all views`.
    pub(crate) view: String,
    pub(crate) points: Vec<RobustnessPoint>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RobustnessPoint {
    /// Standard deviation of the noise in units of the scaled data; none: the view was missing.
    pub(crate) sigma: Option<f64>,
    pub(crate) accuracy: f64,
    /// Mean confidence of each view.
    pub(crate) confidences: Vec<f64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Baseline {
    /// `logistic regression, view 1`, `3 nearest neighbours, all views`, …
    pub(crate) name: String,
    pub(crate) scores: Vec<Score>,
}

/// The scores of a method over several runs: a row of `seeds.json` and of `cv.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MethodScores {
    /// `MMDynamic`, or the name of a baseline.
    pub(crate) name: String,
    /// In the order of the runs' own.
    pub(crate) scores: Vec<MeanScore>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MeanScore {
    pub(crate) name: String,
    pub(crate) label: String,
    /// One for each run.
    pub(crate) values: Vec<f64>,
    pub(crate) mean: f64,
    /// Of a sample (n - 1); none for a single run.
    pub(crate) sd: Option<f64>,
    /// 95 % interval of the mean; none for a single run.
    pub(crate) interval: Option<[f64; 2]>,
}

/// `seeds.json`: what `train --seeds` found, in the folder of the first seed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SeedsResults {
    /// Version of this file's layout, 1.
    pub(crate) format: u32,
    /// As in [`Facts`].
    pub(crate) data: String,
    pub(crate) data_hash: String,
    pub(crate) config_hash: String,
    pub(crate) program: String,
    pub(crate) seeds: Vec<u64>,
    /// The runs' folders, all beside that of the first.
    pub(crate) folders: Vec<String>,
    /// This model first.
    pub(crate) methods: Vec<MethodScores>,
}
