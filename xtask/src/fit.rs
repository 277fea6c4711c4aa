//! The fit of one seed: trainer, callbacks and loggers as the settings have them.

use crate::failure::Failure;
use crate::prepare::{Prepared, in_order};
use crate::progress::Progress;
use crate::run_folder::RunLogger;
use crate::seed::Plan;
use crate::settings::{ClipAlgorithm, Settings};
use lightning_core::callbacks::{
    Callback, CheckpointHandle, EarlyStopping, ModelCheckpoint, SaveEvery, SaveLast, TopK,
};
use lightning_core::data::DataLoader;
use lightning_core::loggers::{CsvLogger, JsonLinesLogger, Logger, RunStatus};
use lightning_core::optim::GradientClip;
use lightning_core::trainer::Resume;
use lightning_core::{FitReport, Seed, Trainer};
use mmdynamic::{MmDynamic, MultiViewDataset};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

impl Plan<'_> {
    /// Trains `model` on the rows to learn from, `from` a checkpoint on if there is one, and writes what the settings ask
    /// for into `folder`.
    pub(crate) fn fit(
        &self,
        mut model: MmDynamic,
        data: &Prepared,
        seed: u64,
        folder: &Path,
        from: Option<PathBuf>,
        checkpoints: &mut Checkpoints,
    ) -> Result<FitReport, Failure> {
        let settings = self.settings;
        let trainer = &settings.trainer;
        let mut callbacks: Vec<Box<dyn Callback>> = std::mem::take(&mut checkpoints.callbacks);
        callbacks.extend(early_stopping(settings));
        if !self.quiet {
            callbacks.push(Box::new(Progress::new(trainer.max_epochs, seed)));
        }
        let mut trainer = Trainer {
            max_epochs: trainer.max_epochs,
            check_val_every_n_epoch: trainer.check_val_every_n_epoch,
            accumulate_grad_batches: trainer.accumulate_grad_batches,
            gradient_clip: trainer.gradient_clip_val.map(|limit| match trainer.gradient_clip_algorithm {
                ClipAlgorithm::Norm => GradientClip::Norm(limit),
                ClipAlgorithm::Value => GradientClip::Value(limit),
            }),
            seed: Seed(seed),
            callbacks,
            loggers: loggers(settings, folder, settings.to_json(&self.source.name, seed)),
            resume: from.map(Resume::Path),
            interrupt: Some(self.signals.flag()),
            ..Trainer::default()
        };
        let batch = settings.trainer.batch_size.of(data.train.rows());
        let train = DataLoader::new(MultiViewDataset::from(&data.train), batch).shuffled(Seed(seed));
        let validation = data.validation.as_ref().map(in_order);
        let report = trainer.fit(&mut model, &train, validation.as_ref()).map_err(|error| {
            // What was logged up to here helps to see why; the error itself is reported first.
            trainer.loggers.iter_mut().for_each(|logger| {
                let _ = logger.finalize(RunStatus::Failed);
            });
            Failure::from(error).with(format!("what was written is in {}", folder.display()))
        })?;
        match self.signals.exit() {
            None => Ok(report),
            Some(exit) => {
                let last = checkpoints.last.last_model_path().unwrap_or_default();
                let message =
                    format!("stopped by a signal in epoch {}; the weights so far are in", report.epochs);
                Err(Failure::new(exit, format!("{message} {}", last.display()))
                    .with(format!("go on with `cargo xtask train --resume {}`", folder.display())))
            }
        }
    }
}

fn early_stopping(settings: &Settings) -> Option<Box<dyn Callback>> {
    let patience = settings.callbacks.early_stopping_patience?;
    let monitor = &settings.callbacks.early_stopping_monitor;
    Some(Box::new(EarlyStopping { patience, ..EarlyStopping::monitoring(monitor) }))
}

fn loggers(settings: &Settings, folder: &Path, run: Value) -> Vec<Box<dyn Logger>> {
    let mut loggers: Vec<Box<dyn Logger>> = Vec::new();
    if settings.loggers.csv {
        loggers.push(Box::new(RunLogger { csv: CsvLogger::new(folder), run }));
    }
    if settings.loggers.jsonl {
        loggers.push(Box::new(JsonLinesLogger::new(folder)));
    }
    #[cfg(feature = "tensorboard")]
    if settings.loggers.tensorboard {
        loggers.push(Box::new(lightning_core::loggers::TensorBoardLogger::new(folder)));
    }
    loggers
}

/// What keeps the weights of a training: the best epoch by `val_loss`, and the last state.
pub(crate) struct Checkpoints {
    callbacks: Vec<Box<dyn Callback>>,
    pub(crate) best: Option<CheckpointHandle>,
    pub(crate) last: CheckpointHandle,
}

/// How much of a training is lost at most when the machine goes down.
const LAST_EVERY: Duration = Duration::from_secs(30);

impl Checkpoints {
    pub(crate) fn new(folder: &Path, has_validation: bool, saved: &Value) -> Self {
        let last = ModelCheckpoint {
            save_top_k: TopK::Best(0),
            save_last: SaveLast::Yes,
            every: SaveEvery::Time(LAST_EVERY),
            data: saved.clone(),
            ..ModelCheckpoint::new(folder)
        };
        let best = has_validation.then(|| ModelCheckpoint {
            data: saved.clone(),
            ..ModelCheckpoint::monitoring(folder, "val_loss")
        });
        let handles = (best.as_ref().map(ModelCheckpoint::handle), last.handle());
        let mut callbacks: Vec<Box<dyn Callback>> = vec![Box::new(last)];
        callbacks.extend(best.map(|best| Box::new(best) as Box<dyn Callback>));
        Checkpoints { callbacks, best: handles.0, last: handles.1 }
    }
}
