//! One training with one seed: fit, load the chosen epoch back from its file, test once.

use crate::evaluation::Outcome;
use crate::failure::{Exit, Failure};
use crate::prepare::{Prepared, in_order};
use crate::progress::Progress;
use crate::results::Facts;
use crate::run_folder::{self, RunLogger};
use crate::saved::{self, SavedData};
use crate::settings::{Choice, Settings};
use crate::signals::Signals;
use crate::source::Source;
use lightning_core::callbacks::{Callback, CheckpointHandle, ModelCheckpoint, SaveEvery, SaveLast, TopK};
use lightning_core::data::DataLoader;
use lightning_core::loggers::{CsvLogger, RunStatus};
use lightning_core::{FitReport, Seed, Trainer};
use mmdynamic::{Hyperparameters, MmDynamic, MultiViewDataset};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What all seeds of a command share.
pub(crate) struct Plan<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) source: &'a Source,
    pub(crate) out: &'a Path,
    pub(crate) quiet: bool,
    pub(crate) signals: Signals,
}

impl Plan<'_> {
    /// The model that fits the data.
    pub(crate) fn hyperparameters(&self) -> Hyperparameters {
        let train = &self.source.cohort.train;
        Hyperparameters {
            in_dim: train.widths(),
            num_class: train.classes(),
            binary: train.classes() == 2,
            config: self.settings.config.clone(),
        }
    }

    /// Trains and tests. Nothing is written before data and settings have been found good.
    pub(crate) fn run(&self, seed: u64) -> Result<Outcome, Failure> {
        let start = Instant::now();
        let data = Prepared::new(self.source, self.settings.validation, seed)?;
        let saved = saved::to_json(&self.saved_data(&data, seed))?;
        let model = MmDynamic::new(self.hyperparameters(), Seed(seed))?;
        if let Some(exit) = self.signals.exit() {
            return Err(Failure::new(exit, "stopped before the training began"));
        }
        let folder = run_folder::create(self.out)?;
        let mut checkpoints =
            Checkpoints::new(&folder.join("checkpoints"), data.validation.is_some(), &saved);
        let report = self.fit(model, &data, seed, &folder, &mut checkpoints)?;
        let (path, epoch, val_loss) = self.chosen(&checkpoints, &report)?;
        Outcome::of(&path, &data, folder, || Facts {
            epoch,
            val_loss,
            warnings: report.warnings,
            seconds: start.elapsed().as_secs_f64(),
            ..self.facts(&data, seed)
        })
    }

    /// What is known of a run before it is over.
    fn facts(&self, data: &Prepared, seed: u64) -> Facts {
        Facts {
            data: self.source.name.clone(),
            data_hash: String::new(),
            config_hash: String::new(),
            seed,
            preset: String::new(),
            checkpoint: self.settings.choice.name().to_owned(),
            epoch: 0,
            val_loss: None,
            train_rows: data.train.rows(),
            validation_rows: data.validation.as_ref().map_or(0, |rows| rows.rows()),
            test_rows: data.test.rows(),
            classes: self.source.cohort.train.class_names.clone(),
            parameters: self.hyperparameters().parameter_count(),
            seconds: 0.0,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            warnings: Vec::new(),
        }
    }

    fn saved_data(&self, data: &Prepared, seed: u64) -> SavedData {
        let train = &self.source.cohort.train;
        SavedData {
            source: self.source.name.clone(),
            seed,
            validation: self.settings.validation,
            rows: train.rows(),
            class_names: train.class_names.clone(),
            feature_names: train.feature_names.clone(),
            preprocessing: data.preprocessing.clone(),
        }
    }

    fn fit(
        &self,
        mut model: MmDynamic,
        data: &Prepared,
        seed: u64,
        folder: &Path,
        checkpoints: &mut Checkpoints,
    ) -> Result<FitReport, Failure> {
        let settings = self.settings;
        let mut callbacks: Vec<Box<dyn Callback>> = std::mem::take(&mut checkpoints.callbacks);
        if !self.quiet {
            callbacks.push(Box::new(Progress::new(settings.epochs, seed)));
        }
        let run = settings.to_json(&self.source.name, seed);
        let mut trainer = Trainer {
            max_epochs: settings.epochs,
            seed: Seed(seed),
            callbacks,
            loggers: vec![Box::new(RunLogger { csv: CsvLogger::new(folder), run })],
            interrupt: Some(self.signals.flag()),
            ..Trainer::default()
        };
        let batch = settings.batch.of(data.train.rows());
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
                Err(Failure::new(exit, format!("{message} {}", last.display())))
            }
        }
    }

    /// File, epoch and validation loss of what is to be tested.
    fn chosen(
        &self,
        checkpoints: &Checkpoints,
        report: &FitReport,
    ) -> Result<(PathBuf, usize, Option<f64>), Failure> {
        match self.settings.choice {
            Choice::Last => {
                let path = checkpoints.last.last_model_path();
                let path = path.ok_or_else(|| {
                    Failure::new(Exit::Usage, "no epoch was trained: give --epochs 1 or more")
                })?;
                Ok((path, report.epochs.saturating_sub(1), None))
            }
            Choice::Best => {
                let best = checkpoints.best.as_ref();
                match best.and_then(|best| best.best_model_path().zip(best.best_model_score())) {
                    Some((path, (score, epoch))) => Ok((path, epoch, Some(score))),
                    None => Err(Failure::new(Exit::Diverged, "val_loss was a finite number in no epoch")),
                }
            }
        }
    }
}

/// What keeps the weights of a training: the best epoch by `val_loss`, and the last state.
struct Checkpoints {
    callbacks: Vec<Box<dyn Callback>>,
    best: Option<CheckpointHandle>,
    last: CheckpointHandle,
}

/// How much of a training is lost at most when the machine goes down.
const LAST_EVERY: Duration = Duration::from_secs(30);

impl Checkpoints {
    fn new(folder: &Path, has_validation: bool, saved: &Value) -> Self {
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
