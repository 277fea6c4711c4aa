//! Confidence against accuracy, bin by bin: where a model is too sure, and where not sure enough.

use crate::probabilities::Probabilities;
use crate::{MetricError, calibration};

/// How confidences are put into bins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binning {
    /// Bin `m` of `M` holds `((m - 1)/M, m/M]`, as in [`expected_calibration_error`](crate::expected_calibration_error).
    #[default]
    EqualWidth,
    /// The edges are the quantiles of the confidences, so that bins hold about equally many: scikit-learn's
    /// `strategy="quantile"`. Equal confidences stay together.
    EqualMass,
}

/// The samples whose confidence lies in `(lower, upper]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReliabilityBin {
    /// Lower edge; the first bin holds it, too.
    pub lower: f64,
    /// Upper edge.
    pub upper: f64,
    /// Number of samples.
    pub count: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of them whose prediction is right.
    pub accuracy: f64,
}

/// The bins of a reliability diagram, ascending, without those that hold nothing.
///
/// The confidence of a sample is its highest probability, its prediction the first class that has it (Guo et
/// al. 2017). For equal widths the mean of `|accuracy - confidence|` by `count` is the expected calibration error.
///
/// ```
/// use metrics::{Binning, reliability_curve};
/// use ndarray::array;
///
/// let probabilities = array![[0.75, 0.25], [0.75, 0.25], [0.05, 0.95]];
/// let bins = reliability_curve(&[0, 1, 1], &probabilities, 10, Binning::EqualWidth)?;
/// assert_eq!(bins.len(), 2);
/// assert_eq!((bins[0].count, bins[0].confidence, bins[0].accuracy), (2, 0.75, 0.5));
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// As [`expected_calibration_error`](crate::expected_calibration_error).
pub fn reliability_curve<'a>(
    labels: &[usize],
    probabilities: impl Into<Probabilities<'a>>,
    bins: usize,
    binning: Binning,
) -> Result<Vec<ReliabilityBin>, MetricError> {
    let probabilities = probabilities.into();
    probabilities.check_against(labels)?;
    if bins == 0 {
        return Err(MetricError::NoBins);
    }
    let mut samples: Vec<(f64, bool)> = labels
        .iter()
        .enumerate()
        .map(|(row, &label)| {
            let (prediction, confidence) = probabilities.top(row);
            (confidence, prediction == label)
        })
        .collect();
    // With the hits as a second key the sums, too, are the same for any order of the rows.
    samples.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let place = |confidence: f64| match binning {
        Binning::EqualWidth => calibration::bin(confidence, bins),
        Binning::EqualMass => mass_bin(&samples, confidence, bins),
    };
    let edge = |m: usize| match binning {
        Binning::EqualWidth => m as f64 / bins as f64,
        Binning::EqualMass => mass_edge(&samples, m, bins),
    };
    let numbered: Vec<(usize, f64, bool)> = samples.iter().map(|&(c, hit)| (place(c), c, hit)).collect();
    let groups = numbered.chunk_by(|a, b| a.0 == b.0);
    Ok(groups.map(|group| summary(edge(group[0].0 - 1), edge(group[0].0), group)).collect())
}

fn summary(lower: f64, upper: f64, group: &[(usize, f64, bool)]) -> ReliabilityBin {
    let count = group.len() as f64;
    let hits = group.iter().filter(|(_, _, hit)| *hit).count();
    ReliabilityBin {
        lower,
        upper,
        count: group.len(),
        confidence: group.iter().map(|(_, confidence, _)| confidence).sum::<f64>() / count,
        accuracy: hits as f64 / count,
    }
}

/// The quantile `m/bins` of the ascending samples, interpolated linearly.
fn mass_edge(samples: &[(f64, bool)], m: usize, bins: usize) -> f64 {
    // In whole numbers, so that a quantile that is one of the samples is exactly that sample.
    let position = m as u128 * (samples.len() - 1) as u128;
    let (index, rest) = ((position / bins as u128) as usize, (position % bins as u128) as f64);
    let (low, high) = (samples[index].0, samples[(index + 1).min(samples.len() - 1)].0);
    low + (high - low) * (rest / bins as f64)
}

/// The smallest `m` in 1..=bins with `confidence <= mass_edge(m)`.
fn mass_bin(samples: &[(f64, bool)], confidence: f64, bins: usize) -> usize {
    let (mut low, mut high) = (1, bins);
    while low < high {
        let middle = low + (high - low) / 2;
        if confidence <= mass_edge(samples, middle, bins) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}
