//! `print-config`: the settings that `train` would use, as a file.

use crate::failure::Failure;
use crate::output;
use crate::settings::{self, ConfigArgs};
use clap::Args;

const AFTER: &str = "\
Each value stands below what it means and before where it came from. What is
printed is a configuration: `train --config` with it does the same.

Examples:
  cargo xtask print-config > my.toml
  cargo xtask print-config --preset paper-brca --lr 3e-4
  XTASK_TRAINER__MAX_EPOCHS=10 cargo xtask print-config --config my.toml

Exit codes: 0 done, 2 wrong flag or setting, 5 writing failed";

/// Print the settings that `train` would use, as a file
#[derive(Args)]
#[command(after_help = AFTER, after_long_help = settings::long_help(AFTER), allow_negative_numbers = true)]
pub(crate) struct PrintConfigArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

pub(crate) fn run(args: &PrintConfigArgs) -> Result<(), Failure> {
    output::print(&args.config.resolve(None)?.to_toml())
}
