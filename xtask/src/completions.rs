//! `completions`: what a shell needs to complete commands and flags.

use crate::cli::Cli;
use crate::failure::Failure;
use crate::output;
use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::aot;

const AFTER: &str = "\
Completion works for the name `xtask`, as of `alias xtask='cargo xtask'`.

Examples:
  cargo xtask completions bash >> ~/.bash_completion
  cargo xtask completions zsh > ~/.zfunc/_xtask
  cargo xtask completions fish > ~/.config/fish/completions/xtask.fish

Exit codes: 0 done, 2 wrong flag, 5 writing failed";

/// Print a script that completes commands and flags in a shell
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct CompletionsArgs {
    /// bash, zsh or fish
    #[arg(value_name = "SHELL", hide_possible_values = true)]
    shell: Shell,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

pub(crate) fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    let shell = match args.shell {
        Shell::Bash => aot::Shell::Bash,
        Shell::Zsh => aot::Shell::Zsh,
        Shell::Fish => aot::Shell::Fish,
    };
    let mut script = Vec::new();
    aot::generate(shell, &mut Cli::command().bin_name("xtask"), "xtask", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}
