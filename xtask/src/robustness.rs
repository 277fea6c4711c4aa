//! `robustness`: accuracy and confidences as views get noisy or go missing.

use crate::evaluation::{disturb, disturbed};
use crate::failure::{Exit, Failure};
use crate::output;
use crate::prepare::split;
use crate::runs::{Run, Runs};
use crate::source::TableFlags;
use clap::Args;
use lightning_core::Seed;
use mmdynamic::robustness::{Curve, Disturbance, RobustnessOptions};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;

const AFTER: &str = "\
Gaussian noise of standard deviation SIGMA, in units of the scaled features, is
added to one view of the test rows, then to all of them. A missing view is
replaced by zeros, or by the mean of the training rows. The confidence is the
mean of the disturbed view's own over the rows. A head that knows what it does
not know trusts a view less as it gets noisier. The noise follows from
--noise-seed alone: it is the same for every model.

Several runs, for example of --seeds 5, give mean and standard deviation.

Examples:
  cargo xtask robustness lightning_logs/version_0 --data ROSMAP
  cargo xtask robustness lightning_logs/version_{0,1,2} --sigmas 0,1,4 --json

Exit codes: 0 done, 2 wrong flag, 3 data refused, 4 checkpoint refused";

/// Accuracy and confidences as views get noisy or go missing
#[derive(Args)]
#[command(after_help = AFTER, allow_negative_numbers = true)]
pub(crate) struct RobustnessArgs {
    /// Folders of runs, or checkpoint files
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Folder with the data [default: generated data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    table_flags: TableFlags,
    /// Deviations of the noise
    #[arg(long, value_name = "X,..", value_delimiter = ',', default_value = "0,0.25,0.5,1,2", value_parser = sigma)]
    sigmas: Vec<f64>,
    /// How often noise is drawn, for a mean
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    draws: u16,
    /// Seed of the noise
    #[arg(long, value_name = "S", default_value_t = 0)]
    noise_seed: u64,
    /// For programs: JSON
    #[arg(long)]
    json: bool,
}

fn sigma(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(sigma) if sigma >= 0.0 && sigma.is_finite() => Ok(sigma),
        _ => Err("expected a number from 0 up".into()),
    }
}

/// A cell of the table: several runs' mean and spread.
#[derive(Serialize)]
struct Row {
    /// `view 1`, `all views`.
    view: String,
    /// `0.5`, `zeros`, `means`.
    disturbance: String,
    accuracy: Spread,
    /// Of the disturbed view, or the mean of all views.
    confidence: Spread,
}

/// Mean and standard deviation over runs; none for one run.
#[derive(Serialize)]
struct Spread {
    mean: f64,
    sd: Option<f64>,
}

#[derive(Serialize)]
struct Table {
    data: String,
    test_rows: usize,
    runs: Vec<String>,
    rows: Vec<Row>,
}

pub(crate) fn run(args: &RobustnessArgs) -> Result<(), Failure> {
    let runs = Runs::read(&args.runs, args.data.as_deref(), &args.table_flags)?;
    let options = RobustnessOptions {
        sigmas: args.sigmas.clone(),
        draws: usize::from(args.draws),
        seed: Seed(args.noise_seed),
    };
    let curves =
        runs.runs.iter().map(|run| curves_of(run, &runs, &options)).collect::<Result<Vec<_>, Failure>>()?;
    let table = Table {
        data: runs.source.name.clone(),
        test_rows: runs.source.cohort.test.rows(),
        runs: runs.runs.iter().map(|run| run.name.clone()).collect(),
        rows: rows(&curves),
    };
    if args.json { output::json(&table) } else { output::print(&text(&table)) }
}

fn curves_of(run: &Run, runs: &Runs, options: &RobustnessOptions) -> Result<Vec<Curve>, Failure> {
    let saved = &run.loaded.data;
    let train = &runs.source.cohort.train;
    if train.rows() != saved.rows {
        let (expected, found) = (saved.rows, train.rows());
        let message = format!(
            "{}: was trained on {expected} rows, the data has {found}; give the very data it was trained on",
            run.name
        );
        return Err(Failure::new(Exit::Data, message));
    }
    let (learnt, _) = split(train, saved.validation, saved.seed)?;
    disturb(&run.loaded.model, &saved.preprocessing.transform(&learnt)?, &run.test(&runs.source)?, options)
}

/// The same cell of every run together.
fn rows(runs: &[Vec<Curve>]) -> Vec<Row> {
    let Some(first) = runs.first() else { return Vec::new() };
    let mut rows = Vec::new();
    for (c, curve) in first.iter().enumerate() {
        for (p, point) in curve.points.iter().enumerate() {
            let points = runs.iter().map(|curves| &curves[c].points[p]);
            let confidence = |confidences: &[f64]| match curve.view {
                Some(view) => confidences[view],
                None => confidences.iter().sum::<f64>() / confidences.len().max(1) as f64,
            };
            rows.push(Row {
                view: disturbed(curve.view),
                disturbance: match point.disturbance {
                    Disturbance::Noise(sigma) => sigma.to_string(),
                    Disturbance::Zeros => "zeros".into(),
                    Disturbance::Means => "means".into(),
                },
                accuracy: Spread::of(points.clone().map(|point| point.accuracy).collect()),
                confidence: Spread::of(points.map(|point| confidence(&point.confidences)).collect()),
            });
        }
    }
    rows
}

impl Spread {
    fn of(values: Vec<f64>) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Spread { mean, sd: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()) }
    }

    fn text(&self) -> String {
        match self.sd {
            None => format!("{:.4}", self.mean),
            Some(sd) => format!("{:.4} ± {sd:.4}", self.mean),
        }
    }
}

fn text(table: &Table) -> String {
    let models = match table.runs.as_slice() {
        [one] => one.clone(),
        runs => format!("{} runs, mean ± standard deviation", runs.len()),
    };
    let mut out =
        format!("Noise and missing views, {} test rows of {}\n{models}\n", table.test_rows, table.data);
    let _ = writeln!(out, "  {:<11}{:<14}{:>17}{:>20}", "disturbed", "by", "ACC", "confidence");
    for row in &table.rows {
        let by = match row.disturbance.as_str() {
            "zeros" | "means" => format!("missing, {}", row.disturbance),
            sigma => format!("sigma {sigma}"),
        };
        let (accuracy, confidence) = (row.accuracy.text(), row.confidence.text());
        let _ = writeln!(out, "  {:<11}{by:<14}{accuracy:>17}{confidence:>20}", row.view);
    }
    out + "  confidence      mean of the disturbed view's, or of all views'\n"
}
