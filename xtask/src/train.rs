//! `train`: from data to a tested model.

use crate::evaluation::{Outcome, seeds};
use crate::failure::Failure;
use crate::output;
use crate::page;
use crate::prepare;
use crate::provenance::data_hash;
use crate::report;
use crate::results::{RunResults, SeedsResults};
use crate::resume::Resumed;
use crate::seed::Plan;
use crate::settings::{self, ConfigArgs};
use crate::signals::Signals;
use crate::source;
use crate::threads;
use clap::Args;
use lightning_core::Seed;
use mmdynamic::MmDynamic;
use serde::Serialize;
use std::path::{Path, PathBuf};

const AFTER: &str = "\
Presets:
  post          hidden 50, lr 1e-3, reg 1e-5, dropout 0.5, batches of 32, lr x
                0.9 every 10 epochs, 100 epochs, 15 % of the training rows for
                validation, which choose the epoch by val_loss
  paper-rosmap  hidden 1000, lr 1e-4, reg 1e-4, dropout 0.5, full batch, lr x
                0.2 every 500 epochs, 1001 epochs, no validation, last epoch
  paper-brca    the same with hidden 500 and 2500 epochs
  quick         post with lr 3e-3 and 20 epochs: a first look

Settings may stand in a file (--config) and in the environment, too:
`cargo xtask train --help` lists all, `cargo xtask print-config` writes a file.

Validation rows are taken off the training rows, in equal shares of each class.
Scaling is fitted on the rows that are left. Test rows choose nothing: they are
scored once, at the end.

Each seed writes lightning_logs/version_N under --out: hparams.yaml,
metrics.csv, results.csv, results.json, checkpoints/, and report.html, the page
to open, with its figures/; the first of several seeds has seeds.json, too.
docs/evaluation.md says what the numbers mean. The same data, flags and seed
give the same bits for any number of threads (RAYON_NUM_THREADS). Ctrl-C ends
the training after its batch and keeps checkpoints/last.ckpt; a second one ends
it at once. --resume goes on where a run was stopped or killed, with its
settings and its data, and ends with the same bits as if nothing had happened.

Examples:
  cargo xtask train
  cargo xtask train --data ROSMAP --preset paper-rosmap --seeds 10
  cargo xtask train --epochs 50 --lr 3e-4 --hidden-dim 500,200 --seed 7
  cargo xtask train --resume auto
  cargo xtask train --config my.toml --optimizer.name adamw

Exit codes: 0 done, 2 wrong flag or setting, 3 data refused, nothing written,
5 writing failed, 6 training diverged, 130 Ctrl-C, 143 SIGTERM";

/// Train a model, keep its best or last epoch, test it once
#[derive(Args)]
#[command(after_help = AFTER, after_long_help = settings::long_help(AFTER), allow_negative_numbers = true)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Go on with a run: its folder, or auto
    #[arg(long, value_name = "RUN")]
    resume: Option<PathBuf>,
    /// Results only
    #[arg(long)]
    quiet: bool,
    /// Results only, as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &TrainArgs) -> Result<(), Failure> {
    let resumed = match &args.resume {
        Some(wanted) => Resumed::find(wanted, &args.config)?,
        None => None,
    };
    let config = match &resumed {
        Some(resumed) => resumed.config.clone(),
        None => args.config.resolve(None)?,
    };
    let settings = &config.settings;
    threads::start(settings.trainer.threads);
    let source = source::read(settings.data.path.given(), &settings.data_options())?;
    source::check_scorable(&source.cohort.test)?;
    let data_hash = data_hash(settings.data.path.given(), &source)?;
    if let Some(resumed) = &resumed {
        resumed.check_data(&data_hash)?;
    }
    let quiet = args.quiet || args.json;
    let plan = Plan {
        config: &config,
        settings,
        source: &source,
        data_hash: &data_hash,
        quiet,
        signals: Signals::install()?,
        resumed,
    };
    if !quiet {
        describe(&plan)?;
    }
    let (first, several) = (settings.run.seed, settings.run.seeds > 1);
    let mut outcomes = Vec::new();
    for seed in first..=first + (settings.run.seeds - 1) {
        let outcome = plan.run(seed)?;
        page::make(&outcome.folder, false)?;
        for warning in &outcome.results.facts.warnings {
            output::note(&format!("warning: {warning}"));
        }
        if !several && !args.json {
            return output::print(&report::outcome(&outcome));
        }
        if outcomes.is_empty() && !args.json {
            output::print(&report::seeds_head(&outcome.results.scores))?;
        }
        if !args.json {
            output::print(&report::seeds_row(&outcome))?;
        }
        outcomes.push(outcome);
        if several {
            // After each, so that seeds that are done count when a signal ends those to come.
            seeds::write(&outcomes)?;
        }
    }
    let found = if several { Some(seeds::of(&outcomes)?) } else { None };
    match &found {
        Some(found) if !args.json => output::print(&report::seeds_foot(&outcomes, found)),
        _ => output::json(&Runs { runs: outcomes.iter().map(Run::of).collect(), seeds: found }),
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Runs<'a> {
    runs: Vec<Run<'a>>,
    /// What `seeds.json` holds, of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    seeds: Option<SeedsResults>,
}

/// A seed's folder, and its `results.json`.
#[derive(Serialize)]
struct Run<'a> {
    folder: &'a Path,
    results: &'a RunResults,
}

impl<'a> Run<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        Run { folder: &outcome.folder, results: &outcome.results }
    }
}

fn describe(plan: &Plan<'_>) -> Result<(), Failure> {
    let settings = plan.settings;
    let seed = settings.run.seed;
    let (learn, _) = prepare::split(&plan.source.cohort.train, settings.validation(), seed)?;
    let model = MmDynamic::new(plan.hyperparameters(), Seed(seed))?;
    let mut text = report::data(plan.source, learn.rows()) + &report::model(&model) + "\n";
    if settings.data.path.given().is_none() {
        text = format!("No --data: learning from generated data, the same for every --seed.\n{text}");
    }
    output::print(&text)
}
