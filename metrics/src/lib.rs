//! Classification metrics in f64 that equal scikit-learn's, on [`ndarray`]. This page is the map.
//!
//! ```
//! use metrics::{evaluate, log_loss, expected_calibration_error};
//! use ndarray::array;
//!
//! let labels = [0, 0, 1, 1];
//! let probabilities = array![[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]];
//! for (name, value) in evaluate(&labels, probabilities.view(), true)?.named() {
//!     println!("{name} {value:.4}"); // acc 0.7500, f1 0.6667, auc 0.7500
//! }
//! println!("{:.4}", log_loss(&labels, &probabilities)?);
//! println!("{:.4}", expected_calibration_error(&labels, &probabilities, 10)?);
//! # Ok::<(), metrics::MetricError>(())
//! ```
//!
//! | You have | Function | scikit-learn 1.9 (`sklearn.metrics`) |
//! |---|---|---|
//! | probabilities, the post's three numbers | [`evaluate`], [`argmax_rows`] | `Utils.evaluate` of the post; `numpy.argmax(axis=1)` |
//! | predicted classes | [`accuracy_score`], [`balanced_accuracy_score`], [`matthews_corrcoef`] | the same names |
//! | | [`precision_score`], [`recall_score`], [`f1_score`] | the same names, `average=` [`Average`], `zero_division=` [`ZeroDivision`] |
//! | | [`precision_recall_fscore_support`] | the same name, `average=None` |
//! | | [`confusion_matrix`], [`confusion_matrix_of_classes`] | `confusion_matrix`, the second with `labels=range(classes)` |
//! | scores of two classes | [`roc_auc_score`], [`average_precision_score`], [`roc_curve`], [`precision_recall_curve`] | the same names |
//! | scores of more | [`roc_auc_score_ovr`] | `roc_auc_score(multi_class="ovr", labels=range(classes))` |
//! | probabilities | [`log_loss`], [`brier_score_loss`] | the same names, `labels=range(classes)` or `pos_label=1` |
//! | | [`check_rows_sum_to_one`] | the warning of these two |
//! | | [`expected_calibration_error`] | none; Guo et al. 2017 |
//! | | [`reliability_curve`] | `sklearn.calibration.calibration_curve` of hits and confidences |
//! | logits | [`fit_temperature`], [`softmax_at`] | none; Guo et al. 2017 |
//! | confidences of any kind | [`risk_coverage_curve`] | none; Geifman and El-Yaniv 2017 |
//! | a score and its samples | [`bootstrap_interval`] | `scipy.stats.bootstrap(method="percentile")` |
//! | scores of several seeds | [`mean_interval`], [`student_t_quantile`] | `scipy.stats.t.interval`, `scipy.stats.t.ppf` |
//! | scores of folds | [`corrected_resampled_interval`] | none; Nadeau and Bengio 2003 |
//!
//! Labels and predictions are `&[usize]`, scores and probabilities views of `f64`; 32-bit ones convert
//! exactly with `mapv(f64::from)`. Ranking takes O(n log n), all else O(n log classes) or O(n · classes).
//!
//! **Differences.** Where scikit-learn warns and returns NaN ([`roc_auc_score`] of one class), here is an
//! error; where it warns and returns a number (a class never predicted, no positives in
//! [`average_precision_score`]), that number is returned. NaN only comes out where [`ZeroDivision::NaN`]
//! asked for it. A label without a column, a NaN score, an empty array are a [`MetricError`] that names the
//! row. There are no sample weights.
//!
//! The numbers are held against a table scikit-learn made (`tests/fixtures/metrics.json`, by
//! `scripts/metrics_fixtures.py`), to 1e-12.

#![forbid(unsafe_code)]

mod bootstrap;
mod calibration;
mod check;
mod classification;
mod confusion;
mod error;
mod evaluate;
mod interval;
mod probabilities;
mod ranking;
mod reliability;
mod selective;
mod student;
mod temperature;

pub use bootstrap::{Bootstrap, BootstrapInterval, Resampling, bootstrap_interval};
pub use calibration::{brier_score_loss, check_rows_sum_to_one, expected_calibration_error, log_loss};
pub use classification::{
    Average, ClassScores, ZeroDivision, accuracy_score, balanced_accuracy_score, f1_score, matthews_corrcoef,
    precision_recall_fscore_support, precision_score, recall_score,
};
pub use confusion::{ConfusionMatrix, MAX_CLASSES, confusion_matrix, confusion_matrix_of_classes};
pub use error::MetricError;
pub use evaluate::{Evaluation, argmax_rows, evaluate};
pub use interval::{MeanInterval, corrected_resampled_interval, mean_interval};
pub use probabilities::Probabilities;
pub use ranking::{
    OvrAverage, PrecisionRecallCurve, RocCurve, average_precision_score, precision_recall_curve,
    roc_auc_score, roc_auc_score_ovr, roc_curve,
};
pub use reliability::{Binning, ReliabilityBin, reliability_curve};
pub use selective::{RiskCoverageCurve, risk_coverage_curve};
pub use student::student_t_quantile;
pub use temperature::{fit_temperature, softmax_at};
