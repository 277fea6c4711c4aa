//! One error type for the crate, because every refusal has the same shape: what was found, where, and what to
//! do.
//!
//! scikit-learn warns and returns NaN in some of these cases. Rust has no warnings a program can see, and a
//! NaN that travels on ends as "best epoch: NaN", so here what has no value is an error.

/// Why a metric has no value for the arrays it was given.
///
/// ```
/// use metrics::{MetricError, accuracy_score};
///
/// let error = accuracy_score(&[0, 1, 1], &[0, 1]).unwrap_err();
/// assert_eq!(error, MetricError::LengthMismatch { labels: 3, what: "predictions", found: 2 });
/// assert_eq!(error.to_string(), "3 labels but 2 predictions: pass one of each for every sample");
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// There is no sample at all.
    #[error("no samples: a metric needs at least one")]
    Empty,

    /// Labels and the other array are of different lengths.
    #[error("{labels} labels but {found} {what}: pass one of each for every sample")]
    LengthMismatch {
        /// Number of labels.
        labels: usize,
        /// The name of the other array.
        what: &'static str,
        /// Its length.
        found: usize,
    },

    /// A score or probability is NaN or infinite.
    #[error("row {row}, column {column}: {value} found, a finite number expected: look for a diverged model")]
    NotFinite {
        /// Index of the sample, from 0.
        row: usize,
        /// Index of the class, from 0; 0 for one score per sample.
        column: usize,
        /// What stands there.
        value: f64,
    },

    /// A probability lies outside [0, 1].
    #[error(
        "row {row}, column {column}: {value} found, a probability in [0, 1] expected: apply softmax or sigmoid to logits first"
    )]
    ProbabilityOutOfRange {
        /// Index of the sample, from 0.
        row: usize,
        /// Index of the class, from 0; 0 for one probability per sample.
        column: usize,
        /// What stands there.
        value: f64,
    },

    /// The probabilities of one sample do not add up to 1.
    #[error("row {row}: the class probabilities sum to {sum}, 1 expected: apply softmax to logits first")]
    RowSum {
        /// Index of the sample, from 0.
        row: usize,
        /// What the row adds up to.
        sum: f64,
    },

    /// A label or prediction names a class that does not exist.
    #[error(
        "row {row}: class {label} found, 0..{classes} expected: number the classes from 0, or give one column for each"
    )]
    LabelOutOfRange {
        /// Index of the sample, from 0.
        row: usize,
        /// The class named there.
        label: usize,
        /// How many classes there are.
        classes: usize,
    },

    /// ROC AUC compares positives with negatives and one of the two is missing.
    #[error(
        "roc auc of class {class} is undefined with {positives} positive and {negatives} negative samples: \
         one of each is the least; use a larger set, or accuracy and f1 alone"
    )]
    UndefinedAuc {
        /// The class taken as positive.
        class: usize,
        /// Samples of that class.
        positives: usize,
        /// Samples of all other classes.
        negatives: usize,
    },

    /// The binary average was asked for data of more than two classes.
    #[error(
        "{classes} classes found, at most 2 expected for the binary average: choose macro, micro or weighted"
    )]
    NotBinary {
        /// Distinct values in labels and predictions together.
        classes: usize,
    },

    /// The binary average was asked for a class the data does not have.
    #[error(
        "the positive class {pos_label} is neither of the two classes found, {classes:?}: choose one of them"
    )]
    PositiveLabelAbsent {
        /// The class asked for.
        pos_label: usize,
        /// The two classes in labels and predictions.
        classes: [usize; 2],
    },

    /// The array of probabilities has a number of columns the metric cannot use.
    #[error(
        "{found} columns of class probabilities found, {expected} expected: give one column for each class"
    )]
    ClassCount {
        /// Number of columns.
        found: usize,
        /// What the metric can use.
        expected: &'static str,
    },

    /// A confusion matrix of this size would not be a table anyone reads, and might not fit into memory.
    #[error(
        "{found} classes found, at most {limit} expected in a confusion matrix: are these really class labels"
    )]
    TooManyClasses {
        /// Number of classes.
        found: usize,
        /// The limit, [`MAX_CLASSES`](crate::MAX_CLASSES).
        limit: usize,
    },

    /// A calibration error over zero bins.
    #[error("0 bins found, at least 1 expected: 10 or 15 are usual")]
    NoBins,

    /// A number that steers a calculation is out of its range.
    #[error("{what} is {found}, expected {expected}")]
    Setting {
        /// What it steers.
        what: &'static str,
        /// What was given.
        found: f64,
        /// What makes sense.
        expected: &'static str,
    },

    /// A bootstrap of a score that hardly any resample defines.
    #[error(
        "the score is defined in {defined} of {resamples} resamples, at least 2 expected: resample within classes, or test more samples"
    )]
    UndefinedInResamples {
        /// Resamples drawn.
        resamples: usize,
        /// How many of them define the score.
        defined: usize,
    },

    /// The loss falls on and on as the temperature goes to a limit.
    #[error(
        "the best temperature is {limit}: fit it on more samples, and on some that the model does not know"
    )]
    NoTemperature {
        /// The limit, and why.
        limit: &'static str,
    },
}
