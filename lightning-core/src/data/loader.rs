//! What a trainer draws batches from.

use serde_json::{Value, json};

/// What a trainer draws batches from. An epoch's batches depend on its number alone, never on what was drawn
/// before: a resumed run continues exactly.
pub trait Loader {
    /// What it gives.
    type Batch;

    /// Number of batches of an epoch.
    fn batches(&self) -> usize;

    /// The batches of epoch `epoch`.
    fn epoch(&self, epoch: u64) -> Box<dyn Iterator<Item = Self::Batch> + '_>;

    /// The batches of epoch `epoch` from number `first` on. A loader for which batches are costly overrides it, so
    /// that those before `first` are never made.
    fn epoch_from(&self, epoch: u64, first: usize) -> Box<dyn Iterator<Item = Self::Batch> + '_> {
        Box::new(self.epoch(epoch).skip(first))
    }

    /// What a checkpoint keeps of it. A run resumes only with a loader that says the same of itself, because
    /// another one would give other batches.
    fn identity(&self) -> Value {
        json!({ "batches": self.batches() })
    }
}

impl<L: Loader + ?Sized> Loader for &L {
    type Batch = L::Batch;
    fn batches(&self) -> usize {
        (**self).batches()
    }
    fn epoch(&self, epoch: u64) -> Box<dyn Iterator<Item = L::Batch> + '_> {
        (**self).epoch(epoch)
    }
    fn epoch_from(&self, epoch: u64, first: usize) -> Box<dyn Iterator<Item = L::Batch> + '_> {
        (**self).epoch_from(epoch, first)
    }
    fn identity(&self) -> Value {
        (**self).identity()
    }
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
    fn epoch_from(&self, _: u64, first: usize) -> Box<dyn Iterator<Item = B> + '_> {
        Box::new(self.iter().skip(first).cloned())
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
    fn epoch_from(&self, epoch: u64, first: usize) -> Box<dyn Iterator<Item = B> + '_> {
        self.as_slice().epoch_from(epoch, first)
    }
}
