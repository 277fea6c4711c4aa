//! `test`: the scores of a checkpoint on the test rows.

use crate::evaluation::{Judged, Judgement, PredictedRows};
use crate::failure::Failure;
use crate::report::INTERVAL;
use crate::source::TableFlags;
use crate::{output, report, saved, source};
use clap::Args;
use std::path::PathBuf;

const AFTER: &str = "\
Scaling and class names come from the checkpoint. The 95 % intervals are those
of a bootstrap of the test rows: docs/evaluation.md says what they mean.

Examples:
  cargo xtask test lightning_logs/version_0/checkpoints/last.ckpt
  cargo xtask test best.ckpt --data ROSMAP --json

Exit codes: 0 done, 2 wrong flag, 3 data refused, 4 checkpoint refused";

/// Score a checkpoint on the test rows
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct TestArgs {
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

pub(crate) fn run(args: &TestArgs) -> Result<(), Failure> {
    let loaded = saved::load(&args.checkpoint)?;
    let source = source::read(args.data.as_deref(), &args.table_flags.options_of(&loaded.data))?;
    let test = &source.cohort.test;
    loaded.check_fits(test)?;
    source::check_scorable(test)?;
    let rows = loaded.data.preprocessing.transform(test)?;
    let predicted = PredictedRows::new(&loaded.model, &rows)?;
    let judgement = Judgement::of(&predicted, None, loaded.data.seed)?;
    if args.json {
        return output::json(&Judged {
            data: &source.name,
            rows: rows.rows(),
            loss: None,
            judgement: Some(judgement),
        });
    }
    let head = format!("Test, {} rows of {}\n{:>24}{INTERVAL}\n", rows.rows(), source.name, "");
    output::print(&(head + &report::judgement(&judgement)))
}
