//! Batches of a data set in the order of a sampler.

use super::{Dataset, Loader, RandomSampler, Sampler, SequentialSampler};
use crate::Seed;
use serde_json::{Value, json};
use std::sync::Arc;

/// Cuts a [`Dataset`] into batches: PyTorch's `DataLoader`.
///
/// ```
/// use lightning_core::data::{DataLoader, Dataset, Loader};
/// let in_order = DataLoader::new(vec![10, 11, 12, 13, 14], 2);
/// assert_eq!(in_order.epoch(0).collect::<Vec<_>>(), [vec![10, 11], vec![12, 13], vec![14]]);
/// assert_eq!(in_order.epoch_from(0, 2).collect::<Vec<_>>(), [vec![14]]);
/// let shuffled = in_order.shuffled(lightning_core::Seed(7)).drop_last();
/// assert_eq!(shuffled.epoch(3).count(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct DataLoader<D> {
    dataset: D,
    batch_size: usize,
    sampler: Arc<dyn Sampler>,
    drop_last: bool,
}

impl<D: Dataset> DataLoader<D> {
    /// Batches of `batch_size` samples in order; the last may be shorter.
    ///
    /// # Panics
    /// If `batch_size` is 0.
    #[track_caller]
    pub fn new(dataset: D, batch_size: usize) -> Self {
        assert!(batch_size > 0, "DataLoader: a batch has at least one sample");
        let sampler = Arc::new(SequentialSampler(dataset.len()));
        DataLoader { dataset, batch_size, sampler, drop_last: false }
    }

    /// In another order each epoch, drawn from the seed's stream `shuffle`.
    #[must_use]
    pub fn shuffled(self, seed: Seed) -> Self {
        let len = self.dataset.len();
        self.sampled(RandomSampler { len, seed })
    }

    /// With the samples, and in the order, of a sampler.
    #[must_use]
    pub fn sampled(self, sampler: impl Sampler + 'static) -> Self {
        DataLoader { sampler: Arc::new(sampler), ..self }
    }

    /// Without a last batch that is shorter than the others.
    #[must_use]
    pub fn drop_last(self) -> Self {
        DataLoader { drop_last: true, ..self }
    }

    /// The samples.
    pub fn dataset(&self) -> &D {
        &self.dataset
    }

    /// The order of the samples in epoch `epoch`.
    pub fn order(&self, epoch: u64) -> Vec<usize> {
        self.sampler.order(epoch)
    }
}

impl<D: Dataset> Loader for DataLoader<D> {
    type Batch = D::Batch;

    fn batches(&self) -> usize {
        let samples = self.sampler.len();
        if self.drop_last { samples / self.batch_size } else { samples.div_ceil(self.batch_size) }
    }

    fn epoch(&self, epoch: u64) -> Box<dyn Iterator<Item = D::Batch> + '_> {
        self.epoch_from(epoch, 0)
    }

    fn epoch_from(&self, epoch: u64, first: usize) -> Box<dyn Iterator<Item = D::Batch> + '_> {
        let order = self.order(epoch);
        Box::new((first..self.batches()).map(move |i| {
            let end = ((i + 1) * self.batch_size).min(order.len());
            self.dataset.batch(&order[i * self.batch_size..end])
        }))
    }

    fn identity(&self) -> Value {
        let mut identity = self.sampler.identity();
        identity["samples"] = json!(self.dataset.len());
        identity["batch_size"] = json!(self.batch_size);
        identity["batches"] = json!(self.batches());
        identity
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::WeightedRandomSampler;
    use std::cell::Cell;

    fn numbers(n: usize) -> Vec<usize> {
        (0..n).collect()
    }

    #[test]
    fn a_shuffled_epoch_has_every_sample_once_and_is_the_same_again() {
        let loader = DataLoader::new(numbers(23), 4).shuffled(Seed(1));
        let epoch = |e| loader.epoch(e).flatten().collect::<Vec<_>>();
        let mut sorted = epoch(5);
        assert_ne!(sorted, numbers(23));
        assert_eq!(sorted, epoch(5));
        assert_ne!(sorted, epoch(6));
        sorted.sort_unstable();
        assert_eq!(sorted, numbers(23));
    }

    #[test]
    fn a_short_last_batch_is_kept_or_dropped() {
        let sizes = |loader: DataLoader<Vec<usize>>| loader.epoch(0).map(|b| b.len()).collect::<Vec<_>>();
        assert_eq!(sizes(DataLoader::new(numbers(5), 2)), [2, 2, 1]);
        assert_eq!(sizes(DataLoader::new(numbers(5), 2).drop_last()), [2, 2]);
        assert_eq!(DataLoader::new(numbers(0), 2).batches(), 0);
    }

    #[test]
    fn a_sampler_decides_how_long_an_epoch_is() {
        let sampler = WeightedRandomSampler::new(&[1.0, 0.0, 1.0], 7, Seed(2)).expect("weights");
        let loader = DataLoader::new(numbers(3), 2).sampled(sampler);
        assert_eq!(loader.batches(), 4);
        assert!(loader.epoch(0).flatten().all(|i| i != 1));
    }

    /// Counts the batches it makes.
    struct Counting(Cell<usize>);
    impl Dataset for Counting {
        type Batch = Vec<usize>;
        fn len(&self) -> usize {
            100
        }
        fn batch(&self, indices: &[usize]) -> Vec<usize> {
            self.0.set(self.0.get() + 1);
            indices.to_vec()
        }
    }

    #[test]
    fn a_resumed_epoch_has_the_batches_that_are_left_and_makes_no_other() {
        let loader = DataLoader::new(Counting(Cell::new(0)), 3).shuffled(Seed(4));
        let whole: Vec<_> = loader.epoch(2).collect();
        for first in [0, 1, 20, 33, 34, 50] {
            loader.dataset().0.set(0);
            let rest: Vec<_> = loader.epoch_from(2, first).collect();
            assert_eq!(rest, whole[first.min(34)..]);
            assert_eq!(loader.dataset().0.get(), 34usize.saturating_sub(first));
        }
    }
}
