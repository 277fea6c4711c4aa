//! The command line of this workspace: `cargo xtask train`, `cargo xtask ci`, `cargo xtask --help`.
//!
//! Only dispatch happens here; each command has a file of its own.

#![forbid(unsafe_code)]

mod bench;
mod ci;
mod cli;
mod column_map;
mod completions;
mod cv;
mod data;
mod document;
mod evaluation;
mod explain;
mod export;
mod failure;
mod fetch;
mod fit;
mod import;
mod npy;
mod output;
mod page;
mod predict;
mod prepare;
mod print_config;
mod progress;
mod provenance;
mod public;
mod report;
mod results;
mod resume;
mod robustness;
mod run_folder;
mod runs;
mod saved;
mod seed;
mod settings;
mod signals;
mod source;
mod study;
mod test;
mod threads;
mod train;
mod validate;

use clap::Parser;
use failure::{Exit, Failure};
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match cli::Cli::try_parse() {
        Ok(cli) => run(cli.command),
        Err(error) => cli::explain(&error),
    };
    match done {
        Ok(()) => Exit::Done.into(),
        Err(failure) => failure.report().into(),
    }
}

fn run(command: cli::Command) -> Result<(), Failure> {
    // Trainings have a setting for it.
    if !matches!(command, cli::Command::Train(_) | cli::Command::Cv(_)) {
        threads::start(None);
    }
    signals::let_writes_fail();
    match command {
        cli::Command::Train(args) => train::run(&args),
        cli::Command::Cv(args) => cv::run(&args),
        cli::Command::Validate(args) => validate::run(&args),
        cli::Command::Test(args) => test::run(&args),
        cli::Command::Predict(args) => predict::run(&args),
        cli::Command::Explain(args) => explain::run(&args),
        cli::Command::Robustness(args) => robustness::run(&args),
        cli::Command::PrintConfig(args) => print_config::run(&args),
        cli::Command::Report(args) => page::run(&args),
        cli::Command::Export(args) => export::run(&args),
        cli::Command::Import(args) => import::run(&args),
        cli::Command::Data(args) => data::run(&args),
        cli::Command::Completions(args) => completions::run(&args),
        cli::Command::Bench(args) => bench::run(&args),
        cli::Command::Study(args) => study::run(&args),
        cli::Command::Ci => ci::run(),
    }
}
