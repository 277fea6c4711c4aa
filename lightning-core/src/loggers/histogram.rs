//! The distribution of many values, in TensorFlow's buckets.

use std::sync::OnceLock;

/// Counts of values in buckets whose width grows with their distance from zero: the scheme of TensorFlow and of
/// PyTorch's `SummaryWriter.add_histogram` (`bins="tensorflow"`).
///
/// The edges are 0 and `±1e-12 · 1.1ᵏ` up to 1e20, whatever the data: gradients of 1e-8 and of 10 are seen
/// equally well, and the histograms of two steps have the same buckets, so that they can be compared. A bucket
/// holds its left edge and not its right one. Only the buckets from one before the first with a value to the last
/// are kept. The statistics are exact, added up in the order of the values.
///
/// Unlike PyTorch's, values beyond 1e20 are counted, in a last bucket that reaches to the end of `f64`; NaN and
/// the infinities are in no bucket and no sum but in [`non_finite`](Self::non_finite).
///
/// ```
/// use lightning_core::loggers::Histogram;
/// let histogram = Histogram::of([0.5, -1.0, 0.5, f64::NAN]);
/// assert_eq!((histogram.min, histogram.max, histogram.num), (-1.0, 0.5, 3));
/// assert_eq!((histogram.sum, histogram.sum_squares, histogram.non_finite), (0.0, 1.5, 1));
/// assert_eq!(histogram.counts.iter().sum::<u64>(), 3);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// The smallest value; 0 without values.
    pub min: f64,
    /// The largest value; 0 without values.
    pub max: f64,
    /// Number of finite values.
    pub num: u64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub sum_squares: f64,
    /// The right edge of each bucket. The first bucket is empty and gives the second its left edge.
    pub limits: Vec<f64>,
    /// Number of values in each bucket.
    pub counts: Vec<u64>,
    /// Values that are NaN or infinite.
    pub non_finite: u64,
}

impl Histogram {
    /// The distribution of `values`.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let edges = edges();
        // One count for each gap between edges, and one below the first.
        let mut counts = vec![0_u64; edges.len()];
        let mut histogram = Histogram { min: f64::INFINITY, max: f64::NEG_INFINITY, ..Histogram::default() };
        for value in values {
            if !value.is_finite() {
                histogram.non_finite += 1;
                continue;
            }
            histogram.num += 1;
            histogram.sum += value;
            histogram.sum_squares += value * value;
            histogram.min = histogram.min.min(value);
            histogram.max = histogram.max.max(value);
            // The largest f64 is the last edge, and no value lies behind it.
            let right = edges.partition_point(|&edge| edge <= value).min(edges.len() - 1);
            counts[right] += 1;
        }
        histogram.keep_support(edges, &counts);
        histogram
    }

    fn keep_support(&mut self, edges: &[f64], counts: &[u64]) {
        let Some(first) = counts.iter().position(|&count| count > 0) else {
            (self.min, self.max) = (0.0, 0.0);
            return;
        };
        let last = counts.iter().rposition(|&count| count > 0).unwrap_or(first);
        // The gap below the first edge never holds a value, so there is always a bucket before the first.
        let kept = first.saturating_sub(1)..=last;
        self.limits = edges[kept.clone()].to_vec();
        self.counts = counts[kept].to_vec();
    }
}

/// All right edges, from `-f64::MAX` to `f64::MAX`. The positive ones are built by multiplication, as in PyTorch,
/// to give the same bits.
fn edges() -> &'static [f64] {
    static EDGES: OnceLock<Vec<f64>> = OnceLock::new();
    EDGES.get_or_init(|| {
        let mut positive = Vec::new();
        let mut edge = 1e-12;
        while edge < 1e20 {
            positive.push(edge);
            edge *= 1.1;
        }
        positive.push(f64::MAX);
        let negative = positive.iter().rev().map(|edge| -edge);
        negative.chain([0.0]).chain(positive.iter().copied()).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_an_edge_belongs_to_the_bucket_on_its_right() {
        let histogram = Histogram::of([0.0, 1e-12]);
        assert_eq!(histogram.limits, [0.0, 1e-12, 1e-12 * 1.1]);
        assert_eq!(histogram.counts, [0, 1, 1]);
    }

    #[test]
    fn the_buckets_reach_over_all_numbers() {
        let histogram = Histogram::of([f64::MAX, -f64::MAX, 1e30, f64::INFINITY, f64::NAN]);
        assert_eq!((histogram.num, histogram.non_finite), (3, 2));
        assert_eq!(histogram.counts.iter().sum::<u64>(), 3);
        assert_eq!((histogram.min, histogram.max), (-f64::MAX, f64::MAX));
        assert_eq!(histogram.limits.last(), Some(&f64::MAX));
    }

    #[test]
    fn the_histogram_of_nothing_is_empty() {
        assert_eq!(Histogram::of([]), Histogram::default());
        let histogram = Histogram::of([f64::NAN]);
        assert_eq!((histogram.min, histogram.counts.len(), histogram.non_finite), (0.0, 0, 1));
    }
}
