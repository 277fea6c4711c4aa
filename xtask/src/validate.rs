//! `validate`: the validation score of a checkpoint, on the rows that its own training held out.

use crate::evaluation::{Judged, Judgement, PredictedRows};
use crate::failure::{Exit, Failure};
use crate::prepare::{in_order, split};
use crate::report::INTERVAL;
use crate::source::TableFlags;
use crate::{output, report, saved, source};
use clap::Args;
use lightning_core::Trainer;
use std::path::PathBuf;

const AFTER: &str = "\
The rows are found again by the seed and the share that the checkpoint holds:
give the data it was trained on. Where they chose the epoch, their scores are
better than those of new rows.

Examples:
  cargo xtask validate lightning_logs/version_0/checkpoints/last.ckpt
  cargo xtask validate best.ckpt --data ROSMAP --json

Exit codes: 0 done, 2 wrong flag, 3 data refused, 4 checkpoint refused";

/// Score a checkpoint on the validation rows of its training
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct ValidateArgs {
    /// The checkpoint file
    #[arg(value_name = "CKPT")]
    checkpoint: PathBuf,
    /// Folder or table [default: generated data]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    #[command(flatten)]
    table_flags: TableFlags,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
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
    let source = source::read(args.data.as_deref(), &args.table_flags.options_of(&loaded.data))?;
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
    let logged = Trainer::default().validate(&mut loaded.model, &in_order(&rows))?;
    let loss = logged.get("val_loss").copied().unwrap_or(f64::NAN);
    // A class too small for a split leaves rows of one class: they have a loss and no AUC.
    let judgement = match source::check_scorable(&rows) {
        Ok(()) => Some(Judgement::of(&PredictedRows::new(&loaded.model, &rows)?, None, loaded.data.seed)?),
        Err(_) => None,
    };
    if args.json {
        return output::json(&Judged { data: &source.name, rows: rows.rows(), loss: Some(loss), judgement });
    }
    let mut text = format!("Validation, {} rows of {}\n", rows.rows(), source.name);
    text += &format!("  {:<12}{loss:>8.4}  mean cross-entropy of the class, 0 is best\n", "val_loss");
    if let Some(judgement) = &judgement {
        text += &format!("{:>24}{INTERVAL}\n{}", "", report::judgement(judgement));
    }
    output::print(&text)
}
