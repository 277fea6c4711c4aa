//! The order of the samples in an epoch.

use crate::Seed;
use rand::Rng;
use serde_json::{Value, json};
use std::fmt::Debug;
use std::sync::Arc;

/// Says which samples an epoch has, and in which order: a function of the epoch's number and nothing else.
pub trait Sampler: Debug + Send + Sync {
    /// How many samples an epoch has.
    fn len(&self) -> usize;

    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The indices of the samples of epoch `epoch`, in order.
    fn order(&self, epoch: u64) -> Vec<usize>;

    /// What decides the order, for [`Loader::identity`](super::Loader::identity).
    fn identity(&self) -> Value;
}

/// 0, 1, 2, …: PyTorch's `SequentialSampler`.
#[derive(Clone, Copy, Debug)]
pub struct SequentialSampler(
    /// Number of samples.
    pub usize,
);

impl Sampler for SequentialSampler {
    fn len(&self) -> usize {
        self.0
    }
    fn order(&self, _: u64) -> Vec<usize> {
        (0..self.0).collect()
    }
    fn identity(&self) -> Value {
        json!({ "sampler": "sequential" })
    }
}

/// Every sample once, in another order each epoch: PyTorch's `RandomSampler`. Drawn from the stream `shuffle`.
#[derive(Clone, Copy, Debug)]
pub struct RandomSampler {
    /// Number of samples.
    pub len: usize,
    /// What decides the orders.
    pub seed: Seed,
}

impl Sampler for RandomSampler {
    fn len(&self) -> usize {
        self.len
    }
    fn order(&self, epoch: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len).collect();
        shuffle(&mut order, &mut self.seed.stream_at("shuffle", epoch));
        order
    }
    fn identity(&self) -> Value {
        json!({ "sampler": "random", "seed": self.seed.0 })
    }
}

/// Fisher and Yates, written out so that a new version of a library cannot change the order.
pub(super) fn shuffle<T>(items: &mut [T], rng: &mut impl Rng) {
    for i in (1..items.len()).rev() {
        items.swap(i, rng.random_range(0..=i));
    }
}

/// Samples drawn with replacement, each with a probability in proportion to its weight: PyTorch's
/// `WeightedRandomSampler`. Drawn from the stream `weighted`.
///
/// ```
/// use lightning_core::data::{Sampler, WeightedRandomSampler};
/// use lightning_core::Seed;
/// let labels = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]; // one sample of class 1 among ten
/// let sampler = WeightedRandomSampler::class_balanced(&labels, Seed(0))?;
/// let ones = (0..1000).flat_map(|epoch| sampler.order(epoch)).filter(|&i| labels[i] == 1).count();
/// assert!((4800..5200).contains(&ones)); // about half of the 10,000 draws
/// # Ok::<(), lightning_core::data::SamplerError>(())
/// ```
#[derive(Clone, Debug)]
pub struct WeightedRandomSampler {
    /// Sums of the weights up to each sample.
    sums: Arc<[f64]>,
    draws: usize,
    seed: Seed,
}

/// Weights that no sample can be drawn by.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum SamplerError {
    /// A weight that is negative or not finite.
    #[error("the weight of sample {index} is {weight}; weights are finite and not negative")]
    Weight {
        /// Its sample, from 0.
        index: usize,
        /// The weight.
        weight: f64,
    },
    /// Nothing can be drawn.
    #[error("the {0} weights have the sum 0; one sample at least needs a weight")]
    NoWeight(usize),
}

impl WeightedRandomSampler {
    /// Draws `draws` samples an epoch.
    ///
    /// # Errors
    /// If a weight is negative or not finite, or all are 0.
    pub fn new(weights: &[f64], draws: usize, seed: Seed) -> Result<Self, SamplerError> {
        let mut sum = 0.0;
        let mut sums = Vec::with_capacity(weights.len());
        for (index, &weight) in weights.iter().enumerate() {
            sum += weight;
            if !(weight >= 0.0 && sum.is_finite()) {
                return Err(SamplerError::Weight { index, weight });
            }
            sums.push(sum);
        }
        if sum == 0.0 {
            return Err(SamplerError::NoWeight(weights.len()));
        }
        Ok(WeightedRandomSampler { sums: sums.into(), draws, seed })
    }

    /// Draws as many samples as there are labels, each class equally often on average: a sample's weight is one
    /// over the size of its class.
    ///
    /// # Errors
    /// If there is no label.
    pub fn class_balanced(labels: &[usize], seed: Seed) -> Result<Self, SamplerError> {
        let mut sizes = std::collections::BTreeMap::<usize, f64>::new();
        for &label in labels {
            *sizes.entry(label).or_default() += 1.0;
        }
        let weights: Vec<f64> = labels.iter().map(|label| 1.0 / sizes[label]).collect();
        Self::new(&weights, labels.len(), seed)
    }
}

impl Sampler for WeightedRandomSampler {
    fn len(&self) -> usize {
        self.draws
    }
    fn order(&self, epoch: u64) -> Vec<usize> {
        let total = self.sums.last().copied().unwrap_or_default();
        // Samples of weight 0 share the sum of the one before and are never the first to exceed a draw.
        let last = self.sums.partition_point(|&sum| sum < total);
        let mut rng = self.seed.stream_at("weighted", epoch);
        let mut draw = || {
            let x = rng.random::<f64>() * total;
            self.sums.partition_point(|&sum| sum <= x).min(last)
        };
        (0..self.draws).map(|_| draw()).collect()
    }
    fn identity(&self) -> Value {
        let mut weights = crc32fast::Hasher::new();
        self.sums.iter().for_each(|sum| weights.update(&sum.to_le_bytes()));
        json!({ "sampler": "weighted", "seed": self.seed.0, "weights": weights.finalize() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_weights_and_a_weight_of_zero_is_never_drawn() {
        let weights = [0.0, 1.0, 0.0, 3.0, 0.0];
        let sampler = WeightedRandomSampler::new(&weights, 40_000, Seed(3)).expect("weights");
        let mut counts = [0.0; 5];
        sampler.order(7).into_iter().for_each(|i| counts[i] += 1.0);
        assert_eq!((counts[0], counts[2], counts[4]), (0.0, 0.0, 0.0));
        // The standard deviation of the count is 87.
        assert!((counts[3] - 30_000.0f64).abs() < 400.0, "{counts:?}");
        assert_eq!(sampler.order(7), sampler.order(7));
        assert_ne!(sampler.order(7), sampler.order(8));
    }

    #[test]
    fn weights_by_which_nothing_can_be_drawn_are_refused() {
        let new = |weights: &[f64]| WeightedRandomSampler::new(weights, 1, Seed(0)).map(|_| ());
        assert_eq!(new(&[1.0, -0.5]), Err(SamplerError::Weight { index: 1, weight: -0.5 }));
        assert!(matches!(new(&[f64::NAN]), Err(SamplerError::Weight { index: 0, .. })));
        assert!(matches!(new(&[f64::MAX, f64::MAX]), Err(SamplerError::Weight { index: 1, .. })));
        assert_eq!(new(&[0.0, 0.0]), Err(SamplerError::NoWeight(2)));
        assert_eq!(new(&[]), Err(SamplerError::NoWeight(0)));
    }

    #[test]
    fn what_decides_the_order_is_part_of_the_identity() {
        let weighted =
            |w: f64| WeightedRandomSampler::new(&[1.0, w], 2, Seed(0)).expect("weights").identity();
        assert_ne!(weighted(1.0), weighted(2.0));
        let random = |seed| RandomSampler { len: 3, seed: Seed(seed) }.identity();
        assert_ne!(random(0), random(1));
    }
}
