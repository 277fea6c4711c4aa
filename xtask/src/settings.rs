//! The recipe of a training: a preset, changed by flags, checked before any data is read.

use crate::failure::{Exit, Failure};
use crate::train::TrainArgs;
use clap::ValueEnum;
use mmdynamic::{Config, Hyperparameters};
use serde_json::{Value, json};

/// A published recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// The post's, with the epoch chosen on validation rows.
    Post,
    /// The paper's: full batch, last epoch, no validation.
    Paper,
}

/// Which epoch is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    /// The one with the smallest `val_loss`.
    Best,
    /// The last one.
    Last,
}

impl Choice {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Choice::Best => "best",
            Choice::Last => "last",
        }
    }
}

/// Rows of a training batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BatchRows {
    /// All of them.
    Full,
    /// So many.
    Rows(usize),
}

impl BatchRows {
    /// Reads `32` or `full`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "full" => Ok(BatchRows::Full),
            Ok(rows) if rows > 0 => Ok(BatchRows::Rows(rows)),
            _ => Err("expected a number from 1 up, or `full`".into()),
        }
    }

    /// The number for a data set of `rows` rows.
    pub(crate) fn of(self, rows: usize) -> usize {
        match self {
            BatchRows::Full => rows.max(1),
            BatchRows::Rows(wanted) => wanted.min(rows.max(1)),
        }
    }
}

/// Everything that decides the result of a training, but for data and seed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) epochs: usize,
    pub(crate) batch: BatchRows,
    pub(crate) validation: Option<f64>,
    pub(crate) choice: Choice,
}

impl Preset {
    fn settings(self) -> Settings {
        match self {
            Preset::Post => Settings {
                config: Config::default(),
                epochs: 100,
                batch: BatchRows::Rows(32),
                validation: Some(0.15),
                choice: Choice::Best,
            },
            Preset::Paper => Settings {
                config: Config {
                    hidden_dim: vec![1000],
                    lr: 1e-4,
                    reg: 1e-4,
                    dropout: 0.5,
                    step_size: 500,
                    gamma: 0.2,
                    ..Config::default()
                },
                epochs: 1001,
                batch: BatchRows::Full,
                validation: None,
                choice: Choice::Last,
            },
        }
    }
}

impl Settings {
    /// The preset with the flags in its place.
    pub(crate) fn from_args(args: &TrainArgs) -> Result<Self, Failure> {
        let preset = args.preset.settings();
        let base = preset.config;
        let config = Config {
            hidden_dim: args.hidden_dim.clone().unwrap_or(base.hidden_dim),
            lr: args.lr.unwrap_or(base.lr),
            reg: args.reg.unwrap_or(base.reg),
            dropout: args.dropout.unwrap_or(base.dropout),
            step_size: args.step_size.unwrap_or(base.step_size),
            gamma: args.gamma.unwrap_or(base.gamma),
            detach_target: args.detach_target,
            ..base
        };
        let validation = match args.validation {
            Some(fraction) => Some(fraction).filter(|&fraction| fraction != 0.0),
            None => preset.validation,
        };
        let default_choice = if validation.is_some() { preset.choice } else { Choice::Last };
        let settings = Settings {
            config,
            epochs: args.epochs.unwrap_or(preset.epochs),
            batch: args.batch_size.unwrap_or(preset.batch),
            validation,
            choice: args.checkpoint.unwrap_or(default_choice),
        };
        settings.check(args)?;
        Ok(settings)
    }

    fn check(&self, args: &TrainArgs) -> Result<(), Failure> {
        let refuse = |message: String| Err(Failure::new(Exit::Usage, message));
        // Any data has at least such a view and such classes: what they do not fit fits nothing.
        let smallest =
            Hyperparameters { in_dim: vec![1], num_class: 2, binary: true, config: self.config.clone() };
        smallest.check()?;
        if self.epochs == 0 {
            return refuse("epochs is 0, expected at least 1".into());
        }
        if let Some(fraction) = self.validation
            && !(fraction > 0.0 && fraction < 1.0)
        {
            return refuse(format!(
                "validation is {fraction}, expected a share of the training rows below 1, such as 0.15, or 0 for none"
            ));
        }
        if self.choice == Choice::Best && self.validation.is_none() {
            return refuse(
                "--checkpoint best needs validation rows to choose by; add --validation 0.15 or take last"
                    .into(),
            );
        }
        if args.seeds == 0 {
            return refuse("seeds is 0, expected at least 1".into());
        }
        if args.seed.checked_add(args.seeds - 1).is_none() {
            return refuse(format!(
                "seed {} and the {} after it pass {}",
                args.seed,
                args.seeds - 1,
                u64::MAX
            ));
        }
        Ok(())
    }

    /// What `hparams.yaml` says beside the model's own hyperparameters.
    pub(crate) fn to_json(&self, data: &str, seed: u64) -> Value {
        let batch_size = match self.batch {
            BatchRows::Full => json!("full"),
            BatchRows::Rows(rows) => json!(rows),
        };
        json!({
            "data": data, "seed": seed, "epochs": self.epochs, "batch_size": batch_size,
            "validation": self.validation, "checkpoint": self.choice.name(),
        })
    }
}
