//! Batches in a seeded order.

use crate::Seed;
use rand::Rng;

/// Samples that can be put together to batches.
pub trait Dataset {
    /// Several samples together.
    type Batch;

    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples with these indices, in this order.
    fn batch(&self, indices: &[usize]) -> Self::Batch;
}

/// What a trainer draws batches from. An epoch's batches depend on its number alone, never on what was drawn
/// before: a resumed run continues exactly.
pub trait Loader {
    /// What it gives.
    type Batch;

    /// Number of batches of an epoch.
    fn batches(&self) -> usize;

    /// The batches of epoch `epoch`.
    fn epoch(&self, epoch: u64) -> Box<dyn Iterator<Item = Self::Batch> + '_>;
}

/// Ready-made batches, the same in every epoch; a batch of shared arrays is cheap to clone.
impl<B: Clone> Loader for [B] {
    type Batch = B;
    fn batches(&self) -> usize {
        self.len()
    }
    fn epoch(&self, _: u64) -> Box<dyn Iterator<Item = B> + '_> {
        Box::new(self.iter().cloned())
    }
}

/// Ready-made batches, the same in every epoch.
impl<B: Clone> Loader for Vec<B> {
    type Batch = B;
    fn batches(&self) -> usize {
        self.len()
    }
    fn epoch(&self, epoch: u64) -> Box<dyn Iterator<Item = B> + '_> {
        self.as_slice().epoch(epoch)
    }
}

/// Cuts a [`Dataset`] into batches: PyTorch's `DataLoader`.
///
/// ```
/// use lightning_core::data::{DataLoader, Dataset, Loader};
/// struct Numbers;
/// impl Dataset for Numbers {
///     type Batch = Vec<usize>;
///     fn len(&self) -> usize { 5 }
///     fn batch(&self, indices: &[usize]) -> Vec<usize> { indices.to_vec() }
/// }
/// let in_order = DataLoader::new(Numbers, 2);
/// assert_eq!(in_order.epoch(0).collect::<Vec<_>>(), [vec![0, 1], vec![2, 3], vec![4]]);
/// let shuffled = DataLoader::new(Numbers, 2).shuffled(lightning_core::Seed(7));
/// assert_eq!(shuffled.epoch(3).count(), 3);
/// ```
#[derive(Clone, Debug)]
pub struct DataLoader<D> {
    dataset: D,
    batch_size: usize,
    shuffle: Option<Seed>,
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
        DataLoader { dataset, batch_size, shuffle: None, drop_last: false }
    }

    /// In another order each epoch, drawn from the seed's stream `shuffle`.
    #[must_use]
    pub fn shuffled(self, seed: Seed) -> Self {
        DataLoader { shuffle: Some(seed), ..self }
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
        let mut order: Vec<usize> = (0..self.dataset.len()).collect();
        if let Some(seed) = self.shuffle {
            let mut rng = seed.stream_at("shuffle", epoch);
            // Fisher and Yates, written out so that a new version of a library cannot change the order.
            for i in (1..order.len()).rev() {
                order.swap(i, rng.random_range(0..=i));
            }
        }
        order
    }
}

impl<D: Dataset> Loader for DataLoader<D> {
    type Batch = D::Batch;

    fn batches(&self) -> usize {
        let samples = self.dataset.len();
        if self.drop_last { samples / self.batch_size } else { samples.div_ceil(self.batch_size) }
    }

    fn epoch(&self, epoch: u64) -> Box<dyn Iterator<Item = D::Batch> + '_> {
        let order = self.order(epoch);
        Box::new((0..self.batches()).map(move |i| {
            let end = ((i + 1) * self.batch_size).min(order.len());
            self.dataset.batch(&order[i * self.batch_size..end])
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbers(usize);
    impl Dataset for Numbers {
        type Batch = Vec<usize>;
        fn len(&self) -> usize {
            self.0
        }
        fn batch(&self, indices: &[usize]) -> Vec<usize> {
            indices.to_vec()
        }
    }

    #[test]
    fn a_shuffled_epoch_has_every_sample_once_and_is_the_same_again() {
        let loader = DataLoader::new(Numbers(23), 4).shuffled(Seed(1));
        let epoch = |e| loader.epoch(e).flatten().collect::<Vec<_>>();
        let mut sorted = epoch(5);
        assert_ne!(sorted, (0..23).collect::<Vec<_>>());
        assert_eq!(sorted, epoch(5));
        assert_ne!(sorted, epoch(6));
        sorted.sort_unstable();
        assert_eq!(sorted, (0..23).collect::<Vec<_>>());
    }

    #[test]
    fn a_short_last_batch_is_kept_or_dropped() {
        let sizes = |loader: DataLoader<Numbers>| loader.epoch(0).map(|b| b.len()).collect::<Vec<_>>();
        assert_eq!(sizes(DataLoader::new(Numbers(5), 2)), [2, 2, 1]);
        assert_eq!(sizes(DataLoader::new(Numbers(5), 2).drop_last()), [2, 2]);
        assert_eq!(DataLoader::new(Numbers(0), 2).batches(), 0);
    }
}
