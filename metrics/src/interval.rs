//! Means over seeds and over folds, and how well they are known.

use crate::MetricError;
use crate::student::student_t_quantile;

/// A mean of a few runs, with its spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanInterval {
    /// The mean.
    pub mean: f64,
    /// Standard deviation of a sample (n - 1); none for a single value.
    pub sd: Option<f64>,
    /// Ends of the interval of the mean; none for a single value.
    pub interval: Option<[f64; 2]>,
}

/// Mean, deviation, and Student's interval of the mean, `mean ± t_{(1 + level)/2, n - 1} · sd / √n`.
///
/// For values that are independent of each other, such as scores of several seeds on one test set: then it
/// says how well the mean over seeds is known, and nothing of other data. Folds of a cross-validation share
/// their training samples: use [`corrected_resampled_interval`].
///
/// ```
/// let found = metrics::mean_interval(&[0.80, 0.82, 0.84], 0.95)?;
/// let [lower, upper] = found.interval.expect("more than one value");
/// assert!((found.mean - 0.82).abs() < 1e-15 && (found.sd.expect("the same") - 0.02).abs() < 1e-15);
/// assert!((lower - 0.770317).abs() < 1e-6 && (upper - 0.869683).abs() < 1e-6); // t = 4.3027
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// No values, one that is not finite, a level that is not between 0 and 1.
pub fn mean_interval(values: &[f64], level: f64) -> Result<MeanInterval, MetricError> {
    interval(values, level, 0.0)
}

/// The same for scores of a repeated cross-validation: `mean ± t_{(1 + level)/2, J - 1} · sd · √(1/J + n_test/n_train)`
/// over the `J` folds of all repeats (Nadeau and Bengio 2003, "Inference for the Generalization Error"; for
/// repeated cross-validation Bouckaert and Frank 2004).
///
/// Any two folds share most of their training samples, so their scores are not independent and `sd/√J` is too
/// small, the more so the more repeats there are. The second term under the root is a correction for that, and it does not
/// become smaller with more repeats. `test_to_train` is `n_test/n_train`, `1/(K - 1)` for `K` folds.
///
/// ```
/// use metrics::{corrected_resampled_interval, mean_interval};
///
/// let folds = [0.81, 0.79, 0.84, 0.80, 0.76];
/// let width = |found: metrics::MeanInterval| found.interval.map(|[lower, upper]| upper - lower);
/// let (naive, honest) = (mean_interval(&folds, 0.95)?, corrected_resampled_interval(&folds, 0.95, 0.25)?);
/// assert!(width(honest) > width(naive).map(|width| 1.49 * width)); // √((1/5 + 1/4) / (1/5)) = 1.5
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// As [`mean_interval`], and a ratio that is negative or not finite.
pub fn corrected_resampled_interval(
    values: &[f64],
    level: f64,
    test_to_train: f64,
) -> Result<MeanInterval, MetricError> {
    if !(test_to_train >= 0.0 && test_to_train.is_finite()) {
        return Err(MetricError::Setting {
            what: "ratio of test to training samples",
            found: test_to_train,
            expected: "a number from 0 up, such as 0.25 for five folds",
        });
    }
    interval(values, level, test_to_train)
}

fn interval(values: &[f64], level: f64, correction: f64) -> Result<MeanInterval, MetricError> {
    check_level(level)?;
    if values.is_empty() {
        return Err(MetricError::Empty);
    }
    if let Some(row) = values.iter().position(|value| !value.is_finite()) {
        return Err(MetricError::NotFinite { row, column: 0, value: values[row] });
    }
    let (mean, sd) = mean_and_deviation(values);
    if values.len() == 1 {
        return Ok(MeanInterval { mean, sd: None, interval: None });
    }
    let n = values.len() as f64;
    let t = student_t_quantile((1.0 + level) / 2.0, n - 1.0)?;
    let half = t * sd * (1.0 / n + correction).sqrt();
    Ok(MeanInterval { mean, sd: Some(sd), interval: Some([mean - half, mean + half]) })
}

pub(crate) fn check_level(level: f64) -> Result<(), MetricError> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    Err(MetricError::Setting {
        what: "level",
        found: level,
        expected: "a number between 0 and 1, such as 0.95",
    })
}

/// Mean and standard deviation (n - 1) of at least one value; the deviation of one is not used.
pub(crate) fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0).max(1.0)).sqrt())
}
