//! All that concerns the data, in one place.

use super::Loader;
use crate::{Hyperparameters, Stage};
use serde_json::Value;

/// What a step of a data module gives back: an error ends the run before it has begun.
pub type DataResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Gets the data, splits it, and hands out the loaders of each loop: Lightning's `LightningDataModule`.
///
/// A run calls [`prepare_data`](Self::prepare_data), [`setup`](Self::setup), the loaders of its loop, and at its end
/// [`teardown`](Self::teardown).
///
/// ```
/// use lightning_core::data::{DataLoader, DataModule, DataResult, Loader};
/// use lightning_core::testing::LineBatch;
/// use lightning_core::{Seed, Stage};
/// use ndarray::{Array2, s};
///
/// /// Points on `y = 2x − 1`; the last quarter is held out.
/// #[derive(Default)]
/// struct Points {
///     all: Option<LineBatch>,
/// }
/// impl DataModule for Points {
///     type Batch = LineBatch;
///
///     fn setup(&mut self, _: Stage) -> DataResult {
///         let x = Array2::from_shape_fn((40, 1), |(i, _)| i as f32 / 40.0);
///         let y = x.mapv(|x| 2.0 * x - 1.0);
///         self.all = Some((x.into_shared(), y.into_shared()));
///         Ok(())
///     }
///     fn train_dataloader(&self) -> Option<Box<dyn Loader<Batch = LineBatch> + '_>> {
///         let (x, y) = self.all.as_ref()?;
///         let train = (x.slice(s![..30, ..]).to_shared(), y.slice(s![..30, ..]).to_shared());
///         Some(Box::new(DataLoader::new(train, 10).shuffled(Seed(0))))
///     }
///     fn val_dataloaders(&self) -> Vec<Box<dyn Loader<Batch = LineBatch> + '_>> {
///         let Some((x, y)) = &self.all else { return Vec::new() };
///         let held_out = (x.slice(s![30.., ..]).to_shared(), y.slice(s![30.., ..]).to_shared());
///         vec![Box::new(DataLoader::new(held_out, 10))]
///     }
/// }
/// let mut points = Points::default();
/// points.setup(Stage::Train)?;
/// assert_eq!(points.train_dataloader().map(|loader| loader.batches()), Some(3));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
pub trait DataModule {
    /// What its loaders give.
    type Batch;

    /// Downloads or generates what is not there yet. It is called first, and keeps nothing in `self`.
    ///
    /// # Errors
    /// If the data cannot be had.
    fn prepare_data(&mut self) -> DataResult {
        Ok(())
    }

    /// Reads and splits what the loop needs; [`Stage::Train`] needs the validation data as well.
    ///
    /// # Errors
    /// If the data cannot be used.
    fn setup(&mut self, stage: Stage) -> DataResult {
        let _ = stage;
        Ok(())
    }

    /// The training batches; `None` if there are none.
    fn train_dataloader(&self) -> Option<Box<dyn Loader<Batch = Self::Batch> + '_>> {
        None
    }

    /// The validation batches, from any number of loaders.
    fn val_dataloaders(&self) -> Vec<Box<dyn Loader<Batch = Self::Batch> + '_>> {
        Vec::new()
    }

    /// The test batches, from any number of loaders.
    fn test_dataloaders(&self) -> Vec<Box<dyn Loader<Batch = Self::Batch> + '_>> {
        Vec::new()
    }

    /// The batches to predict, from any number of loaders.
    fn predict_dataloaders(&self) -> Vec<Box<dyn Loader<Batch = Self::Batch> + '_>> {
        Vec::new()
    }

    /// After the last use of the loaders; not after an error.
    fn teardown(&mut self, stage: Stage) {
        let _ = stage;
    }

    /// What a checkpoint keeps of it, such as a fitted scaler; null for nothing.
    fn state_dict(&self) -> Value {
        Value::Null
    }

    /// Continues from a [`state_dict`](Self::state_dict), after [`setup`](Self::setup).
    ///
    /// # Errors
    /// If the state belongs to something else.
    fn load_state_dict(&mut self, saved: &Value) -> DataResult {
        let _ = saved;
        Ok(())
    }

    /// What it was made from, for loggers and checkpoints.
    fn hyperparameters(&self) -> Option<&Hyperparameters> {
        None
    }
}
