//! `test`: the scores of a checkpoint on the test rows.

use crate::evaluation::{PredictedRows, scores};
use crate::failure::Failure;
use crate::source::DataOptions;
use crate::{output, report, saved, source};
use clap::Args;
use std::path::PathBuf;

const AFTER: &str = "\
Scaling and class names come from the checkpoint.

Examples:
  cargo xtask test lightning_logs/version_0/checkpoints/last.ckpt
  cargo xtask test best.ckpt --data ROSMAP

Exit codes: 0 done, 2 wrong flag, 3 data refused, 4 checkpoint refused";

/// Score a checkpoint on the test rows
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct TestArgs {
    /// The checkpoint file
    #[arg(value_name = "CKPT")]
    checkpoint: PathBuf,
    /// Folder with the data [default: generated data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(crate) fn run(args: &TestArgs) -> Result<(), Failure> {
    let loaded = saved::load(&args.checkpoint)?;
    let source = source::read(args.data.as_deref(), &DataOptions::of(&loaded.data))?;
    let test = &source.cohort.test;
    loaded.check_fits(test)?;
    source::check_scorable(test)?;
    let rows = loaded.data.preprocessing.transform(test)?;
    let scores = scores(&PredictedRows::new(&loaded.model, &rows)?)?;
    output::print(&format!("Test, {} rows of {}\n{}", rows.rows(), source.name, report::metrics(&scores)))
}
