//! `validate`: the validation score of a checkpoint, on the rows that its own training held out.

use crate::failure::{Exit, Failure};
use crate::prepare::{in_order, split};
use crate::source::DataOptions;
use crate::{output, saved, source};
use clap::Args;
use lightning_core::Trainer;
use std::path::PathBuf;

const AFTER: &str = "\
The rows are found again by the seed and the share that the checkpoint holds:
give the data it was trained on.

Example:
  cargo xtask validate lightning_logs/version_0/checkpoints/last.ckpt

Exit codes: 0 done, 2 wrong flag, 3 data refused, 4 checkpoint refused";

/// Score a checkpoint on the validation rows of its training
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct ValidateArgs {
    /// The checkpoint file
    #[arg(value_name = "CKPT")]
    checkpoint: PathBuf,
    /// Folder with the data [default: generated data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(crate) fn run(args: &ValidateArgs) -> Result<(), Failure> {
    let mut loaded = saved::load(&args.checkpoint)?;
    let Some(fraction) = loaded.data.validation else {
        let message = format!(
            "{}: was trained without validation rows; score it with `test`, or train with --validation 0.15",
            args.checkpoint.display()
        );
        return Err(Failure::new(Exit::Checkpoint, message));
    };
    let source = source::read(args.data.as_deref(), &DataOptions::of(&loaded.data))?;
    let train = &source.cohort.train;
    loaded.check_fits(train)?;
    if train.rows() != loaded.data.rows {
        let message = format!(
            "the checkpoint was trained on {} rows before the split, the data has {}; give the very data it was \
             trained on",
            loaded.data.rows,
            train.rows()
        );
        return Err(Failure::new(Exit::Data, message));
    }
    let (_, held_out) = split(train, Some(fraction), loaded.data.seed)?;
    let rows = loaded.data.preprocessing.transform(&held_out.unwrap_or_else(|| train.clone()))?;
    let scores = Trainer::default().validate(&mut loaded.model, &in_order(&rows))?;
    let mut text = format!("Validation, {} rows of {}\n", rows.rows(), source.name);
    for (name, meaning) in [
        ("val_loss", "mean cross-entropy of the class, 0 is best"),
        ("val_acc", "share of rows whose class is right"),
    ] {
        let value = scores.get(name).copied().unwrap_or(f64::NAN);
        text += &format!("  {name:<12}{value:>8.4}  {meaning}\n");
    }
    output::print(&text)
}
