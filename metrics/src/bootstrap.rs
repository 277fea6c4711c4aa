//! How far a score would move if other samples of the same kind had been tested.

use std::collections::BTreeMap;

use crate::MetricError;

/// Which samples a resample consists of.
#[derive(Clone, Copy, Debug)]
pub enum Resampling<'a> {
    /// So many, each drawn from all of so many: also the shares of the classes vary.
    Plain(usize),
    /// For these labels: from each class as many as it has, drawn from that class alone. No class is ever
    /// missing, so a ROC AUC is defined in every resample. The shares of the classes are held fixed, and an
    /// interval is too narrow for data where they vary: a model that always says the same class has an
    /// accuracy that no such resample moves.
    Stratified(&'a [usize]),
}

/// Size of a bootstrap.
///
/// ```
/// assert_eq!(metrics::Bootstrap::default(), metrics::Bootstrap { resamples: 2000, level: 0.95 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// Number of resamples; the ends of an interval want a thousand or more.
    pub resamples: usize,
    /// Share of the resamples that the interval holds, between 0 and 1.
    pub level: f64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Bootstrap { resamples: 2000, level: 0.95 }
    }
}

/// What a bootstrap says of a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BootstrapInterval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// Standard deviation (n - 1) of the score over the resamples, an estimate of its standard error.
    pub standard_error: f64,
    /// Resamples in which the score was defined; the interval rests on these.
    pub defined: usize,
    /// Resamples in which it was not, such as a ROC AUC of one class.
    pub undefined: usize,
}

/// The percentile interval of a score (Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter
/// 13): the middle `level` of its values over resamples of the samples, drawn with replacement.
///
/// `below(n)` returns a uniformly distributed number in `0..n`: a seeded generator makes the interval
/// reproducible. `score` gets the indices of a resample, the same index more than once. A resample where it
/// has no value or none that is finite is counted, and left out. Between two values a percentile is
/// interpolated linearly, as in `numpy.percentile` and `scipy.stats.bootstrap(method="percentile")`.
///
/// The interval tells of the choice of test samples alone, not of the choice of training samples or of the
/// seed of the training.
///
/// ```
/// use metrics::{Bootstrap, Resampling, accuracy_score, bootstrap_interval};
///
/// let (labels, predictions) = ([0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1, 0]);
/// let mut state = 1_u64;
/// let mut below = |n: usize| {
///     state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
///     ((state >> 32) as usize * n) >> 32
/// };
/// let interval = bootstrap_interval(Resampling::Stratified(&labels), Bootstrap::default(), &mut below, |rows| {
///     let of = |values: &[usize]| rows.iter().map(|&row| values[row]).collect::<Vec<_>>();
///     accuracy_score(&of(&labels), &of(&predictions))
/// })?;
/// assert_eq!((interval.lower, interval.upper, interval.undefined), (0.375, 1.0, 0));
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// No samples, a level that is not between 0 and 1, fewer than two resamples in which the score is defined.
pub fn bootstrap_interval(
    resampling: Resampling<'_>,
    size: Bootstrap,
    mut below: impl FnMut(usize) -> usize,
    mut score: impl FnMut(&[usize]) -> Result<f64, MetricError>,
) -> Result<BootstrapInterval, MetricError> {
    crate::interval::check_level(size.level)?;
    let strata = strata(resampling);
    if strata.iter().all(Vec::is_empty) {
        return Err(MetricError::Empty);
    }
    let mut values = Vec::new();
    let mut rows = Vec::new();
    for _ in 0..size.resamples {
        rows.clear();
        for stratum in &strata {
            // A closure that breaks its promise must not reach beyond the samples.
            rows.extend((0..stratum.len()).map(|_| stratum[below(stratum.len()).min(stratum.len() - 1)]));
        }
        values.extend(score(&rows).ok().filter(|value| value.is_finite()));
    }
    if values.len() < 2 {
        return Err(MetricError::UndefinedInResamples { resamples: size.resamples, defined: values.len() });
    }
    values.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - size.level) / 2.0;
    Ok(BootstrapInterval {
        lower: quantile(&values, tail),
        upper: quantile(&values, 1.0 - tail),
        standard_error: crate::interval::mean_and_deviation(&values).1,
        defined: values.len(),
        undefined: size.resamples - values.len(),
    })
}

fn strata(resampling: Resampling<'_>) -> Vec<Vec<usize>> {
    match resampling {
        Resampling::Plain(rows) => vec![(0..rows).collect()],
        Resampling::Stratified(labels) => {
            let mut classes = BTreeMap::<usize, Vec<usize>>::new();
            for (row, &label) in labels.iter().enumerate() {
                classes.entry(label).or_default().push(row);
            }
            classes.into_values().collect()
        }
    }
}

/// The value below which the share `q` of the ascending `values` lies, interpolated linearly.
fn quantile(values: &[f64], q: f64) -> f64 {
    let position = q * (values.len() - 1) as f64;
    let (below, share) = (position as usize, position.fract());
    let above = values[(below + 1).min(values.len() - 1)];
    values[below] + (above - values[below]) * share
}
