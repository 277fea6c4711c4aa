//! `train`: from data to a tested model.

use crate::failure::Failure;
use crate::output;
use crate::prepare;
use crate::report;
use crate::seed::Plan;
use crate::settings::{BatchRows, Choice, Preset, Settings};
use crate::signals::Signals;
use crate::source;
use clap::Args;
use lightning_core::Seed;
use mmdynamic::MmDynamic;
use std::path::PathBuf;

const AFTER: &str = "\
Presets:
  post   hidden 50, lr 1e-3, reg 1e-5, dropout 0.5, batches of 32, lr x 0.9
         every 10 epochs, 100 epochs, 15 % of the training rows for validation,
         which choose the epoch by val_loss
  paper  hidden 1000, lr 1e-4, reg 1e-4, dropout 0.5, full batch, lr x 0.2
         every 500 epochs, 1001 epochs, no validation, last epoch

Validation rows are taken off the training rows, in equal shares of each class.
Scaling is fitted on the rows that are left. Test rows choose nothing: they are
scored once, at the end.

Each seed writes lightning_logs/version_N under --out: hparams.yaml,
metrics.csv, results.csv and checkpoints/. The same data, flags and seed give
the same bits for any number of threads (RAYON_NUM_THREADS). Ctrl-C ends the
training after its batch and keeps checkpoints/last.ckpt; a second one ends it
at once.

Examples:
  cargo xtask train
  cargo xtask train --data ROSMAP --preset paper --seeds 10
  cargo xtask train --epochs 50 --lr 3e-4 --hidden-dim 500,200 --seed 7

Exit codes: 0 done, 2 wrong flag or setting, 3 data refused, nothing written,
5 writing failed, 6 training diverged, 130 Ctrl-C, 143 SIGTERM";

/// Train a model, keep its best or last epoch, test it once
#[derive(Args)]
#[command(after_help = AFTER, allow_negative_numbers = true)]
pub(crate) struct TrainArgs {
    /// Folder with the data [default: generated data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data_flags: source::DataFlags,
    /// Recipe to start from: post or paper [default: post]
    #[arg(
        long,
        value_name = "NAME",
        default_value = "post",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) preset: Preset,
    /// Passes over the training rows
    #[arg(long, value_name = "N")]
    pub(crate) epochs: Option<usize>,
    /// Rows of a batch, or full
    #[arg(long, value_name = "N", value_parser = BatchRows::parse)]
    pub(crate) batch_size: Option<BatchRows>,
    /// Learning rate of Adam
    #[arg(long, value_name = "X")]
    pub(crate) lr: Option<f64>,
    /// Weight decay of Adam
    #[arg(long, value_name = "X")]
    pub(crate) reg: Option<f64>,
    /// Widths: encoder, then classifier, as 500,200
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    pub(crate) hidden_dim: Option<Vec<usize>>,
    /// Probability of dropout
    #[arg(long, value_name = "P")]
    pub(crate) dropout: Option<f64>,
    /// Epochs between drops of the learning rate
    #[arg(long, value_name = "N")]
    pub(crate) step_size: Option<u64>,
    /// What a drop multiplies the learning rate by
    #[arg(long, value_name = "X")]
    pub(crate) gamma: Option<f64>,
    /// Share of training rows held out; 0 for none
    #[arg(long, value_name = "X")]
    pub(crate) validation: Option<f64>,
    /// Epoch to test: best (by val_loss) or last
    #[arg(long, value_name = "NAME", hide_possible_values = true)]
    pub(crate) checkpoint: Option<Choice>,
    /// Seed of weights, order, dropout, split
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Train with so many seeds from --seed on
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seeds: u64,
    /// No gradient through the confidence's target
    #[arg(long)]
    pub(crate) detach_target: bool,
    /// Folder for lightning_logs
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
    /// Results only
    #[arg(long)]
    pub(crate) quiet: bool,
}

pub(crate) fn run(args: &TrainArgs) -> Result<(), Failure> {
    let settings = Settings::from_args(args)?;
    let source = source::read(args.data.as_deref(), &args.data_flags.options())?;
    source::check_scorable(&source.cohort.test)?;
    let plan = Plan {
        settings: &settings,
        source: &source,
        out: &args.out,
        quiet: args.quiet,
        signals: Signals::install()?,
    };
    if !args.quiet {
        describe(&plan, args)?;
    }
    let several = args.seeds > 1;
    let mut outcomes = Vec::new();
    for seed in args.seed..=args.seed + (args.seeds - 1) {
        let outcome = plan.run(seed)?;
        for warning in &outcome.results.facts.warnings {
            output::note(&format!("warning: {warning}"));
        }
        if !several {
            return output::print(&report::outcome(&outcome));
        }
        if outcomes.is_empty() {
            output::print(&report::seeds_head(&outcome.results.scores))?;
        }
        output::print(&report::seeds_row(&outcome))?;
        outcomes.push(outcome);
    }
    output::print(&report::seeds_foot(&outcomes))
}

fn describe(plan: &Plan<'_>, args: &TrainArgs) -> Result<(), Failure> {
    let (learn, _) = prepare::split(&plan.source.cohort.train, plan.settings.validation, args.seed)?;
    let model = MmDynamic::new(plan.hyperparameters(), Seed(args.seed))?;
    let mut text = report::data(plan.source, learn.rows()) + &report::model(&model) + "\n";
    if args.data.is_none() {
        text = format!("No --data: learning from generated data, the same for every --seed.\n{text}");
    }
    output::print(&text)
}
