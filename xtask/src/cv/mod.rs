//! `cv`: repeated, stratified cross-validation over all rows of the data, those of train and test together.

mod files;
mod folds;

use crate::evaluation::{self, LEVEL, Outcome};
use crate::failure::{Exit, Failure};
use crate::provenance::data_hash;
use crate::results::{MethodScores, RunResults};
use crate::run_folder::RunFolder;
use crate::seed::Plan;
use crate::settings::{self, ConfigArgs, Folder, Settings};
use crate::signals::Signals;
use crate::{output, report, source, threads};
use clap::Args;
use files::CvFiles;
use folds::{FoldRows, Folds};
use metrics::corrected_resampled_interval;
use std::fs;

const AFTER: &str = "\
All rows, those of train and test, are cut into K folds with equal shares of
each class, R times. Each fold is the test of one training on the other folds,
so that every row is tested once in each repeat. Validation rows are taken off
the training rows of the fold; filling and scaling are fitted on what is left.
Repeat r is cut by seed --seed + r; each training has a seed of its own.

Mean and sd are over the K x R folds. The 95 % interval of the mean is the
corrected resampled t of Nadeau and Bengio (2003): folds share training rows,
so sd / sqrt(K R) would be far too small. It does not shrink to nothing with
more repeats. To compare settings and then report the best of them on the same
folds is to choose on the test: keep rows aside for that.

lightning_logs/cv_N under --out holds folds.csv, predictions.csv (a line for
each row and repeat), cv.json and the runs, without their checkpoints. They are
written after each fold: Ctrl-C keeps the folds that are done.

Examples:
  cargo xtask cv --data ROSMAP
  cargo xtask cv --data ROSMAP --folds 10 --repeats 3 --preset paper-rosmap
  cargo xtask cv --epochs 20 --json --quiet

Exit codes: 0 done, 2 wrong flag or setting, 3 data refused, nothing written,
5 writing failed, 6 training diverged, 130 Ctrl-C, 143 SIGTERM";

/// Test every row once, by models that did not see it; repeat that
#[derive(Args)]
#[command(after_help = AFTER, after_long_help = settings::long_help(AFTER), allow_negative_numbers = true)]
pub(crate) struct CvArgs {
    /// Parts, each of which is tested once
    #[arg(long, value_name = "K", default_value_t = 5)]
    folds: usize,
    /// Times that all rows are cut anew
    #[arg(long, value_name = "R", default_value_t = 1)]
    repeats: usize,
    #[command(flatten)]
    config: ConfigArgs,
    /// Results only
    #[arg(long)]
    quiet: bool,
    /// Print what cv.json holds
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &CvArgs) -> Result<(), Failure> {
    let mut config = args.config.resolve(None)?;
    check(args, &config.settings)?;
    threads::start(config.settings.trainer.threads);
    let source = source::read(config.settings.data.path.given(), &config.settings.data_options())?;
    let data_hash = data_hash(config.settings.data.path.given(), &source)?;
    let folds = Folds::new(&source, args.folds, args.repeats, config.settings.run.seed)?;
    let signals = Signals::install()?;
    let folder = RunFolder::create_numbered(config.settings.run.out.path(), "cv")?;
    config.settings.run.out = Folder::new(&folder.path().to_string_lossy());
    let mut files = CvFiles::new(folder.path(), &folds);
    if !args.quiet && !args.json {
        output::print(&folds.describe())?;
    }
    let mut outcomes = Vec::new();
    for rows in folds.rows() {
        let source = folds.source(&rows)?;
        let plan = Plan {
            config: &config,
            settings: &config.settings,
            source: &source,
            data_hash: &data_hash,
            quiet: args.quiet,
            signals: signals.clone(),
            resumed: None,
        };
        let outcome = plan.run(rows.seed).map_err(|failure| stopped(failure, &rows, &files))?;
        remove_checkpoints(&outcome)?;
        if !args.json {
            print_fold(&outcome, &rows, outcomes.is_empty())?;
        }
        files.add(&rows, &outcome);
        outcomes.push(outcome);
        files.write(&methods(&outcomes, args.folds)?)?;
    }
    let methods = methods(&outcomes, args.folds)?;
    if args.json {
        return output::json(&files.summary(&methods));
    }
    let text = format!("\n{}{}", report::methods(&methods), explanation(&folds));
    output::print(&(text + &report::field("Files", &files.folder().display().to_string())))
}

fn check(args: &CvArgs, settings: &Settings) -> Result<(), Failure> {
    let refuse = |message: String| Err(Failure::new(Exit::Usage, message));
    if args.folds < 2 {
        return refuse(format!("folds is {}, expected a number from 2 up, such as 5", args.folds));
    }
    if args.repeats == 0 {
        return refuse("repeats is 0, expected a number from 1 up".into());
    }
    if settings.run.seeds > 1 {
        return refuse(format!(
            "seeds is {}, and each fold has a seed of its own: give --repeats instead",
            settings.run.seeds
        ));
    }
    let last = (args.folds as u64).checked_mul(args.repeats as u64);
    if last.and_then(|count| settings.run.seed.checked_add(count)).is_none() {
        return refuse(format!("seed {} and those of all folds pass {}", settings.run.seed, u64::MAX));
    }
    Ok(())
}

/// Test rows of a fold stand to its training rows as 1 to K - 1.
fn methods(outcomes: &[Outcome], folds: usize) -> Result<Vec<MethodScores>, Failure> {
    let ratio = 1.0 / (folds as f64 - 1.0);
    let runs: Vec<&RunResults> = outcomes.iter().map(|outcome| &outcome.results).collect();
    evaluation::methods::methods(&runs, |values| corrected_resampled_interval(values, LEVEL, ratio))
        .map_err(evaluation::undefined)
}

fn stopped(failure: Failure, rows: &FoldRows<'_>, files: &CvFiles<'_>) -> Failure {
    let (fold, repeat) = (rows.fold + 1, rows.repeat + 1);
    let done = match files.done() {
        0 => "no fold was done before".to_owned(),
        1 => format!("the fold done before is kept in {}", files.folder().display()),
        done => format!("the {done} folds done before are kept in {}", files.folder().display()),
    };
    failure.with(format!("this was fold {fold} of repeat {repeat}; {done}"))
}

/// Many folds of a large model would fill a disk; settings and seeds make the weights again.
fn remove_checkpoints(outcome: &Outcome) -> Result<(), Failure> {
    let checkpoints = outcome.folder.join("checkpoints");
    fs::remove_dir_all(&checkpoints).map_err(|error| Failure::writing(&checkpoints, &error))
}

fn print_fold(outcome: &Outcome, rows: &FoldRows<'_>, first: bool) -> Result<(), Failure> {
    for warning in &outcome.results.facts.warnings {
        output::note(&format!("warning: {warning}"));
    }
    let scores = &outcome.results.scores;
    let mut text = String::new();
    if first {
        let labels: String = scores.iter().map(|score| format!("{:>12}", score.label)).collect();
        text = format!("{:<8}{:>5}{:>10}{:>8}{labels}\n", "repeat", "fold", "test rows", "epoch");
    }
    let values: String = scores.iter().map(|score| format!("{:>12.4}", score.value)).collect();
    let facts = &outcome.results.facts;
    let (repeat, fold) = (rows.repeat + 1, rows.fold + 1);
    text += &format!("{repeat:<8}{fold:>5}{:>10}{:>8}{values}\n", facts.test_rows, facts.epoch);
    output::print(&text)
}

fn explanation(folds: &Folds<'_>) -> String {
    format!(
        "mean ± sd over {} folds, and below it the 95 % interval of the mean: Nadeau and\n\
         Bengio's corrected resampled t, as folds share training rows\n",
        folds.count()
    )
}
