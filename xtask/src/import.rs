//! `import`: weights of other programs as a checkpoint.

use crate::failure::{Exit, Failure};
use crate::output;
use crate::saved::{self, Loaded, SavedData};
use crate::source::{self, DataOptions};
use clap::{Args, Subcommand};
use lightning_core::checkpoint::read_weights;
use mmdynamic::data::{Imputer, Missing, Preprocessing, Scaler, ScalingKind, ViewScale};
use mmdynamic::{Hyperparameters, MmDynamic};
use serde_json::json;
use std::fmt::Display;
use std::path::{Path, PathBuf};

const AFTER: &str = "\
Example:
  cargo xtask import weights model.safetensors --data ROSMAP --out model.ckpt

Exit codes: 0 done, 2 wrong flag, 3 data refused, 4 weights refused,
5 writing failed";

/// clap's own line would pass the width of a terminal.
const USAGE_WEIGHTS: &str = "cargo xtask import weights <FILE> --out <CKPT> (--data <DIR> | ...)";

const AFTER_WEIGHTS: &str = "\
A safetensors file with the names of the post's or the official PyTorch model.
Files of torch.save hold pickle and are never read; one line of Python converts
them (docs/exchange.md).

Weights alone know neither scaling nor names. Take them from
  --data DIR          the folder with the training data: its class and feature
                      names, scaling by all its training rows
  --scaler-from CKPT  a checkpoint of the same data
  --unscaled          nowhere: the model takes data as it is, classes are called
                      0, 1, ...

Examples:
  cargo xtask import weights model.safetensors --data ROSMAP --out model.ckpt
  cargo xtask predict model.ckpt --data ROSMAP

Exit codes: 0 done, 2 wrong flag, 3 data refused, 4 weights or checkpoint
refused, 5 writing failed";

/// Take a model over: weights from PyTorch
#[derive(Args)]
#[command(after_help = AFTER, disable_help_subcommand = true)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Weights in a safetensors file, as a checkpoint
    #[command(after_help = AFTER_WEIGHTS, override_usage = USAGE_WEIGHTS)]
    Weights(WeightsArgs),
}

#[derive(Args)]
struct WeightsArgs {
    /// The safetensors file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    origin: Origin,
    /// Missing values: refuse, mean, median or zero
    #[arg(long = "data.missing", value_name = "NAME", default_value = "refuse", hide_default_value = true)]
    missing: Missing,
    /// Scaling: min-max, z-score or none
    #[arg(long = "data.scaling", value_name = "NAME", default_value = "min-max", hide_default_value = true)]
    scaling: ScalingKind,
    /// The checkpoint to write
    #[arg(long, value_name = "CKPT")]
    out: PathBuf,
    /// What was written, as JSON
    #[arg(long)]
    json: bool,
}

/// Where scaling and names come from.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Origin {
    /// From this folder's training rows
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// From this checkpoint
    #[arg(long, value_name = "CKPT")]
    scaler_from: Option<PathBuf>,
    /// No scaling, numbers for names
    #[arg(long)]
    unscaled: bool,
}

pub(crate) fn run(args: &ImportArgs) -> Result<(), Failure> {
    let What::Weights(args) = &args.what;
    let state_dict = read_weights::<f32>(&args.file)?;
    let refuse =
        |reason: &dyn Display| Failure::new(Exit::Checkpoint, format!("{}: {reason}", args.file.display()));
    let hparams = Hyperparameters::of_weights(&state_dict).map_err(|error| refuse(&error))?;
    let data = args.data(&hparams)?;
    let model = MmDynamic::from_state_dict(hparams, &state_dict).map_err(|error| refuse(&error))?;
    let loaded = Loaded { model, data };
    loaded.write(&args.out)?;
    describe(&loaded, args)
}

impl WeightsArgs {
    fn data(&self, hparams: &Hyperparameters) -> Result<SavedData, Failure> {
        let (data, from) = match (&self.origin.data, &self.origin.scaler_from) {
            (Some(folder), _) => (
                of_folder(
                    folder,
                    &DataOptions { missing: self.missing, scaling: self.scaling, ..DataOptions::default() },
                )?,
                folder,
            ),
            (_, Some(checkpoint)) => (saved::load(checkpoint)?.data, checkpoint),
            _ => return Ok(unscaled(&self.file, hparams)),
        };
        let found: (Vec<usize>, usize) =
            (data.feature_names.iter().map(Vec::len).collect(), data.class_names.len());
        if found != (hparams.in_dim.clone(), hparams.num_class) {
            let (widths, classes) = (&hparams.in_dim, hparams.num_class);
            let message = format!(
                "{}: views of width {:?} and {} classes, the weights are for {widths:?} and {classes}; name what they \
                 were trained on",
                from.display(),
                found.0,
                found.1
            );
            return Err(Failure::new(Exit::Data, message));
        }
        Ok(data)
    }
}

fn of_folder(folder: &Path, options: &DataOptions) -> Result<SavedData, Failure> {
    let source = source::read(Some(folder), options)?;
    let train = &source.cohort.train;
    Ok(SavedData {
        source: source.name.clone(),
        seed: 0,
        validation: None,
        rows: train.rows(),
        class_names: train.class_names.clone(),
        feature_names: train.feature_names.clone(),
        columns: source.columns.clone(),
        preprocessing: Preprocessing::fit(train, options.missing, options.scaling)?,
    })
}

fn unscaled(weights: &Path, hparams: &Hyperparameters) -> SavedData {
    let numbered = |count: usize| (0..count).map(|i| i.to_string()).collect::<Vec<_>>();
    let identity = |&width: &usize| ViewScale { shift: vec![0.0; width], scale: vec![1.0; width] };
    SavedData {
        source: weights.display().to_string(),
        seed: 0,
        validation: None,
        rows: 0,
        class_names: numbered(hparams.num_class),
        feature_names: hparams.in_dim.iter().map(|&width| numbered(width)).collect(),
        columns: None,
        preprocessing: Preprocessing {
            imputer: Imputer::default(),
            scaler: Scaler { kind: ScalingKind::None, views: hparams.in_dim.iter().map(identity).collect() },
        },
    }
}

fn describe(loaded: &Loaded, args: &WeightsArgs) -> Result<(), Failure> {
    let (hparams, classes) = (loaded.model.hparams(), &loaded.data.class_names);
    let (widths, hidden) = (&hparams.in_dim, &hparams.config.hidden_dim);
    if args.json {
        return output::json(
            &json!({ "file": args.out, "in_dim": widths, "hidden_dim": hidden, "classes": classes }),
        );
    }
    let out = args.out.display();
    output::print(&format!(
        "{out}: views of width {widths:?}, hidden {hidden:?}, classes {}\n",
        classes.join(", ")
    ))
}
