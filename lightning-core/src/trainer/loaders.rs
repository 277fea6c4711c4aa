//! No, one or several loaders of a pass over validation, test or prediction data.

use crate::data::Loader;

/// The loaders of a pass, one after the other. A loader behind a reference is one, an `Option` of it one or none,
/// [`Several`] as many as there are.
pub trait Loaders {
    /// What they give.
    type Batch;

    /// How many loaders there are.
    fn count(&self) -> usize;

    /// Number of batches of a loader.
    fn batches(&self, loader: usize) -> usize;

    /// The batches of a loader.
    fn iter(&self, loader: usize) -> Box<dyn Iterator<Item = Self::Batch> + '_>;
}

impl<L: Loader + ?Sized> Loaders for &L {
    type Batch = L::Batch;
    fn count(&self) -> usize {
        1
    }
    fn batches(&self, _: usize) -> usize {
        (**self).batches()
    }
    fn iter(&self, _: usize) -> Box<dyn Iterator<Item = L::Batch> + '_> {
        (**self).epoch(0)
    }
}

impl<L: Loader + ?Sized> Loaders for Option<&L> {
    type Batch = L::Batch;
    fn count(&self) -> usize {
        usize::from(self.is_some())
    }
    fn batches(&self, _: usize) -> usize {
        self.map_or(0, |loader| loader.batches())
    }
    fn iter(&self, _: usize) -> Box<dyn Iterator<Item = L::Batch> + '_> {
        match self {
            Some(loader) => loader.epoch(0),
            None => Box::new(std::iter::empty()),
        }
    }
}

/// Several loaders of one kind of batch. What a step logs gets the loader's index behind its name.
///
/// ```
/// use lightning_core::testing::{Line, line_batches};
/// use lightning_core::trainer::Several;
/// use lightning_core::Trainer;
/// let (near, far) = (line_batches(), line_batches());
/// let metrics = Trainer::default().validate(&mut Line::<f32>::default(), Several(vec![&near, &far]))?;
/// assert_eq!(metrics["val_loss/dataloader_idx_0"], metrics["val_loss/dataloader_idx_1"]);
/// # Ok::<(), lightning_core::TrainerError>(())
/// ```
pub struct Several<'a, B>(
    /// In the order in which they are gone through.
    pub Vec<&'a dyn Loader<Batch = B>>,
);

impl<B> Loaders for Several<'_, B> {
    type Batch = B;
    fn count(&self) -> usize {
        self.0.len()
    }
    fn batches(&self, loader: usize) -> usize {
        self.0[loader].batches()
    }
    fn iter(&self, loader: usize) -> Box<dyn Iterator<Item = B> + '_> {
        self.0[loader].epoch(0)
    }
}
