//! The commands as clap sees them, and the help that teaches them.

use crate::failure::{Exit, Failure};
use crate::{
    bench, completions, cv, data, explain, export, import, page, predict, print_config, robustness, study,
    test, train, validate,
};
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

const AFTER: &str = "\
First steps:
  cargo xtask train                learn from generated data, in seconds
  cargo xtask test lightning_logs/version_0/checkpoints/last.ckpt
  cargo xtask train --data FOLDER  learn from a folder of csv files

The folder holds one matrix per omics view, a row a sample, without a header:
1_tr.csv, 2_tr.csv, ... for training, 1_te.csv, 2_te.csv, ... for the test; and
labels_tr.csv, labels_te.csv with a class (0, 1, 2, ...) a line. Names of
columns, classes and samples may be added: 1_featname.csv, ..., classes.csv,
samples_tr.csv, samples_te.csv. Numpy's files (1_tr.npy) and one wide csv with a
header do as well: see docs/data.md.

`cargo xtask COMMAND --help` has examples of each command.

Exit codes: 0 done, 1 a check of `ci` failed, 2 wrong flag or setting,
3 data refused, 4 checkpoint refused, 5 writing failed, 6 training diverged,
130 ended by Ctrl-C, 143 ended by SIGTERM";

/// Train and use MMDynamic: classify samples from several omics views, with a
/// confidence for each view.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", version, verbatim_doc_comment, after_help = AFTER, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Train a model, keep its best or last epoch, test it once
    Train(train::TrainArgs),
    /// Test every row once, by models that did not see it; repeat that
    Cv(cv::CvArgs),
    /// Score a checkpoint on the validation rows of its training
    Validate(validate::ValidateArgs),
    /// Score a checkpoint on the test rows
    Test(test::TestArgs),
    /// Write class, probabilities and confidences of each sample
    Predict(predict::PredictArgs),
    /// Rank the features a model looks at, by gate and by permutation
    Explain(explain::ExplainArgs),
    /// Accuracy and confidences as views get noisy or go missing
    Robustness(robustness::RobustnessArgs),
    /// Print the settings that `train` would use, as a file
    PrintConfig(print_config::PrintConfigArgs),
    /// Make the page of a run, or of several beside each other
    Report(page::ReportArgs),
    /// Hand a model on: to PyTorch or as ONNX
    Export(export::ExportArgs),
    /// Take a model over: weights from PyTorch
    Import(import::ImportArgs),
    /// Look at data before training, or fetch public data
    Data(data::DataArgs),
    /// Measure kernels and training, alone or beside other libraries
    Bench(bench::BenchArgs),
    /// Print a script that completes commands and flags in a shell
    Completions(completions::CompletionsArgs),
    /// Train on the benchmark sets, make the tables of docs/results.md
    Study(study::StudyArgs),
    /// Run every check of this workspace, cheapest first
    #[command(after_help = crate::ci::AFTER)]
    Ci,
}

/// Prints help to stdout and mistakes to stderr, as clap would, without its exit.
pub(crate) fn explain(error: &clap::Error) -> Result<(), Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => crate::output::print(&error.to_string()),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            crate::output::note(error.to_string().trim_end());
            Err(Failure::new(Exit::Usage, "a command is missing, for example `cargo xtask train`"))
        }
        _ => Err(Failure::new(Exit::Usage, one_line(&error.to_string()))),
    }
}

/// What is wrong and what may have been meant; the usage that clap adds is a page of its own, `--help`.
fn one_line(text: &str) -> String {
    let before_usage = text.split("Usage:").next().unwrap_or(text);
    let lines = before_usage.lines().map(str::trim).filter(|line| !line.is_empty());
    let parts: Vec<&str> = lines.filter(|line| !line.starts_with("For more information")).collect();
    let message = parts.join("; ").replace(":; ", ": ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    format!("{message}; `--help` after the command lists its flags")
}
