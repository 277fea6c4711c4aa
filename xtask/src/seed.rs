//! One training with one seed: fit, load the chosen epoch back from its file, test once.

use crate::evaluation::Outcome;
use crate::failure::{Exit, Failure};
use crate::fit::Checkpoints;
use crate::prepare::Prepared;
use crate::provenance::{Provenance, config_hash};
use crate::results::Facts;
use crate::resume::Resumed;
use crate::run_folder::RunFolder;
use crate::saved::{self, SavedData};
use crate::settings::{Choice, Resolved, Settings};
use crate::signals::Signals;
use crate::source::{Source, doubts};
use lightning_core::{FitReport, Seed};
use mmdynamic::{Hyperparameters, MmDynamic};
use std::path::PathBuf;
use std::time::Instant;

/// What all seeds of a command share.
pub(crate) struct Plan<'a> {
    pub(crate) config: &'a Resolved,
    /// Those of `config`.
    pub(crate) settings: &'a Settings,
    pub(crate) source: &'a Source,
    pub(crate) data_hash: &'a str,
    pub(crate) quiet: bool,
    pub(crate) signals: Signals,
    /// The run that goes on, instead of a new one.
    pub(crate) resumed: Option<Resumed>,
}

impl Plan<'_> {
    /// The model that fits the data.
    pub(crate) fn hyperparameters(&self) -> Hyperparameters {
        let train = &self.source.cohort.train;
        Hyperparameters {
            in_dim: train.widths(),
            num_class: train.classes(),
            binary: train.classes() == 2,
            config: self.settings.model_config(),
        }
    }

    /// Trains and tests. Nothing is written before data and settings have been found good.
    pub(crate) fn run(&self, seed: u64) -> Result<Outcome, Failure> {
        let start = Instant::now();
        let data = Prepared::new(self.source, self.settings.validation(), seed)?;
        let saved = saved::to_json(&self.saved_data(&data, seed))?;
        let model = MmDynamic::new(self.hyperparameters(), Seed(seed))?;
        if let Some(exit) = self.signals.exit() {
            return Err(Failure::new(exit, "stopped before the training began"));
        }
        let begun;
        let (folder, from) = match &self.resumed {
            Some(resumed) => (&resumed.folder, resumed.checkpoint()?),
            None => {
                begun = RunFolder::create(self.settings.run.out.path())?;
                self.provenance(seed).write(begun.path(), &self.config.of_seed(seed))?;
                (&begun, None)
            }
        };
        let folder = folder.path();
        let mut checkpoints =
            Checkpoints::new(&folder.join("checkpoints"), data.validation.is_some(), &saved);
        let report = self.fit(model, &data, seed, folder, from, &mut checkpoints)?;
        let (path, epoch, val_loss) = self.chosen(&checkpoints, &report)?;
        Outcome::of(&path, &data, folder.to_owned(), seed, &self.settings.report, || Facts {
            epoch,
            val_loss,
            warnings: [doubts(&self.source.cohort), report.warnings].concat(),
            seconds: start.elapsed().as_secs_f64(),
            ..self.facts(&data, seed)
        })
    }

    /// What is known of a run before it is over.
    fn facts(&self, data: &Prepared, seed: u64) -> Facts {
        Facts {
            data: self.source.name.clone(),
            data_hash: self.data_hash.to_owned(),
            config_hash: config_hash(self.config),
            seed,
            preset: self.settings.run.preset.name().to_owned(),
            checkpoint: self.settings.callbacks.checkpoint.name().to_owned(),
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

    fn provenance(&self, seed: u64) -> Provenance {
        Provenance {
            program: env!("CARGO_PKG_VERSION").into(),
            data_hash: self.data_hash.into(),
            config_hash: config_hash(self.config),
            seed,
        }
    }

    fn saved_data(&self, data: &Prepared, seed: u64) -> SavedData {
        let train = &self.source.cohort.train;
        SavedData {
            source: self.source.name.clone(),
            seed,
            validation: self.settings.validation(),
            rows: train.rows(),
            class_names: train.class_names.clone(),
            feature_names: train.feature_names.clone(),
            columns: self.source.columns.clone(),
            preprocessing: data.preprocessing.clone(),
        }
    }

    /// File, epoch and validation loss of what is to be tested.
    fn chosen(
        &self,
        checkpoints: &Checkpoints,
        report: &FitReport,
    ) -> Result<(PathBuf, usize, Option<f64>), Failure> {
        match self.settings.callbacks.checkpoint {
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
