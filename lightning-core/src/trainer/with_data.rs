//! The loops on the loaders of a data module, which is prepared, set up and torn down around them.

use super::{FitReport, Metrics, Several, Trainer, TrainerError};
use crate::data::{DataModule, Loader};
use crate::hook::Stage;
use crate::{Float, LightningModule};
use serde_json::json;

impl<F: Float> Trainer<F> {
    /// As [`fit`](Self::fit). The data module's state is part of every checkpoint.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and if the data cannot be had.
    pub fn fit_datamodule<M, D>(&mut self, module: &mut M, data: &mut D) -> Result<FitReport, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        D: DataModule<Batch = M::Batch> + ?Sized,
    {
        let found = self.find_checkpoint()?;
        set_up(data, Stage::Train)?;
        if let Some((_, saved)) = &found.checkpoint {
            data.load_state_dict(&saved.loaders["datamodule"]).map_err(TrainerError::Data)?;
        }
        let report = {
            let train = data.train_dataloader().ok_or(TrainerError::NoBatches(Stage::Train))?;
            let validation = data.val_dataloaders();
            let state = || json!({ "train": train.identity(), "datamodule": data.state_dict() });
            self.fit_from(found, module, &*train, several(&validation), &state)?
        };
        data.teardown(Stage::Train);
        Ok(report)
    }

    /// As [`validate`](Self::validate).
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and if the data cannot be had.
    pub fn validate_datamodule<M, D>(&mut self, module: &mut M, data: &mut D) -> Result<Metrics, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        D: DataModule<Batch = M::Batch> + ?Sized,
    {
        set_up(data, Stage::Validate)?;
        let metrics = self.validate(module, several(&data.val_dataloaders()))?;
        data.teardown(Stage::Validate);
        Ok(metrics)
    }

    /// As [`test`](Self::test).
    ///
    /// # Errors
    /// As [`test`](Self::test), and if the data cannot be had.
    pub fn test_datamodule<M, D>(&mut self, module: &mut M, data: &mut D) -> Result<Metrics, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        D: DataModule<Batch = M::Batch> + ?Sized,
    {
        set_up(data, Stage::Test)?;
        let metrics = self.test(module, several(&data.test_dataloaders()))?;
        data.teardown(Stage::Test);
        Ok(metrics)
    }

    /// As [`predict`](Self::predict).
    ///
    /// # Errors
    /// As [`predict`](Self::predict), and if the data cannot be had.
    pub fn predict_datamodule<M, D>(
        &mut self,
        module: &mut M,
        data: &mut D,
    ) -> Result<Vec<M::Prediction>, TrainerError>
    where
        M: LightningModule<F> + ?Sized,
        D: DataModule<Batch = M::Batch> + ?Sized,
    {
        set_up(data, Stage::Predict)?;
        let predictions = self.predict(module, several(&data.predict_dataloaders()))?;
        data.teardown(Stage::Predict);
        Ok(predictions)
    }
}

fn set_up<D: DataModule + ?Sized>(data: &mut D, stage: Stage) -> Result<(), TrainerError> {
    data.prepare_data().and_then(|()| data.setup(stage)).map_err(TrainerError::Data)
}

fn several<'a, B>(loaders: &'a [Box<dyn Loader<Batch = B> + 'a>]) -> Several<'a, B> {
    Several(loaders.iter().map(|loader| &**loader).collect())
}
