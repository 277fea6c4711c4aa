//! `explain`: the features a model looks at, and whether other runs look at the same.

mod table;

use crate::evaluation::{PredictedRows, RankedFeatures, features_csv, rank_features};
use crate::failure::{Exit, Failure};
use crate::output;
use crate::runs::{Run, Runs};
use crate::source::TableFlags;
use clap::Args;
use lightning_core::checkpoint::write_atomically;
use mmdynamic::data::MultiOmics;
use mmdynamic::explain::{Stability, agreement, stability, top_features};
use serde::Serialize;
use std::path::PathBuf;

const AFTER: &str = "\
A gate is what the model lets through of a feature, 0 to 1, here its mean over
the test rows. With --permutation N each feature is shuffled N times among the
test rows: what accuracy and log loss lose tells what the answers depend on.
The two need not agree, and the table says how far they do: Spearman's rank
correlation, and how many of the best --top they share.

With several runs the table has the mean gate over them, how often a feature is
among the --top, and the stability of that choice: Spearman and Jaccard between
pairs of runs, and Nogueira's index (JMLR 18, 2018), 1 for the same choice in
every run, 0 for what chance gives.

Confidences of each sample are in the table that `predict` writes.

Examples:
  cargo xtask explain lightning_logs/version_0 --data ROSMAP --permutation 5
  cargo xtask explain lightning_logs/version_{0,1,2} --data ROSMAP --out all.csv

Exit codes: 0 done, 2 wrong flag, 3 data refused, 4 checkpoint refused,
5 writing failed";

/// Rank the features a model looks at, by gate and by permutation
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct ExplainArgs {
    /// Folders of runs, or checkpoint files
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Folder with the data [default: generated data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    table_flags: TableFlags,
    /// Features to show of each view
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,
    /// Shuffles of each feature; 0 for none
    #[arg(long, value_name = "N", default_value_t = 0)]
    permutation: u16,
    /// Seed of the shuffles
    #[arg(long, value_name = "S", default_value_t = 0)]
    permutation_seed: u64,
    /// File for all features, as csv
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// For programs: JSON
    #[arg(long)]
    json: bool,
}

/// What is said of all views.
#[derive(Serialize)]
pub(super) struct Explanation {
    pub(super) data: String,
    pub(super) test_rows: usize,
    pub(super) classes: Vec<String>,
    pub(super) runs: Vec<String>,
    /// How many features of a view are its best.
    pub(super) top: usize,
    pub(super) views: Vec<ViewExplanation>,
}

#[derive(Serialize)]
pub(super) struct ViewExplanation {
    pub(super) name: String,
    pub(super) mean_gate: f64,
    pub(super) mean_confidence: f64,
    /// The best, by mean gate.
    pub(super) features: Vec<Feature>,
    /// Of the mean gates and the mean loss of log loss.
    pub(super) agreement: Option<Agreed>,
    /// Of the gates over runs; none for one run.
    pub(super) stability: Option<Stable>,
    /// Of the permutation importance over runs.
    pub(super) permutation_stability: Option<Stable>,
}

#[derive(Serialize)]
pub(super) struct Feature {
    pub(super) name: String,
    pub(super) gate: f64,
    /// Per class; null where the test rows have none of it.
    pub(super) gate_by_class: Vec<Option<f64>>,
    /// In how many runs it is among the best.
    pub(super) runs_in_top: usize,
    /// What accuracy and log loss lose when it is shuffled.
    pub(super) permutation: Option<[f64; 2]>,
}

#[derive(Serialize)]
pub(super) struct Agreed {
    pub(super) spearman: Option<f64>,
    /// Share of the best that both rankings have.
    pub(super) overlap: f64,
}

#[derive(Serialize)]
pub(super) struct Stable {
    pub(super) spearman: Option<f64>,
    pub(super) jaccard: Option<f64>,
    pub(super) nogueira: Option<f64>,
}

pub(crate) fn run(args: &ExplainArgs) -> Result<(), Failure> {
    let runs = Runs::read(&args.runs, args.data.as_deref(), &args.table_flags)?;
    let explained =
        runs.runs.iter().map(|run| Explained::of(run, &runs, args)).collect::<Result<Vec<_>, Failure>>()?;
    let explanation = explanation(&runs, &explained, args.top as usize);
    if let Some(path) = &args.out {
        let text = match explained.as_slice() {
            [one] => features_csv(&one.ranked, &runs.source.cohort.test),
            _ => table::csv(&explained, &runs.source.cohort.test, args.top as usize),
        };
        write_atomically(path, text.as_bytes()).map_err(|error| Failure::writing(path, &error))?;
    }
    if args.json { output::json(&explanation) } else { output::print(&table::text(&explanation)) }
}

/// One run's rankings.
pub(super) struct Explained {
    pub(super) ranked: Vec<RankedFeatures>,
    mean_confidences: Vec<f64>,
}

impl Explained {
    fn of(run: &Run, runs: &Runs, args: &ExplainArgs) -> Result<Self, Failure> {
        let test: MultiOmics = run.test(&runs.source)?;
        let model = &run.loaded.model;
        if !model.hparams().config.gates && args.permutation == 0 {
            let message = format!("{}: has no gates to rank features by; add --permutation 5", run.name);
            return Err(Failure::new(Exit::Usage, message));
        }
        let confidences = PredictedRows::new(model, &test)?.confidences;
        Ok(Explained {
            ranked: rank_features(model, &test, usize::from(args.permutation), args.permutation_seed)?,
            mean_confidences: confidences.columns().into_iter().map(|c| c.mean().unwrap_or(0.0)).collect(),
        })
    }
}

fn explanation(runs: &Runs, explained: &[Explained], top: usize) -> Explanation {
    let test = &runs.source.cohort.test;
    Explanation {
        data: runs.source.name.clone(),
        test_rows: test.rows(),
        classes: test.class_names.clone(),
        runs: runs.runs.iter().map(|run| run.name.clone()).collect(),
        top,
        views: (0..test.views.len()).map(|view| view_of(view, test, explained, top)).collect(),
    }
}

fn view_of(view: usize, test: &MultiOmics, explained: &[Explained], top: usize) -> ViewExplanation {
    let ranked: Vec<&RankedFeatures> = explained.iter().map(|run| &run.ranked[view]).collect();
    let gates: Vec<&[f64]> = ranked.iter().map(|run| run.gates.mean.as_slice()).collect();
    let losses: Option<Vec<&[f64]>> =
        ranked.iter().map(|run| run.importance.as_ref().map(|lost| lost.log_loss.as_slice())).collect();
    let gate = mean_over_runs(&gates);
    let loss = losses.as_ref().map(|losses| mean_over_runs(losses));
    // Without gates all are 1: then what permutation says is the order.
    let has_gates = gate.iter().any(|&gate| gate != 1.0);
    let rank_by = if has_gates { &gate } else { loss.as_ref().unwrap_or(&gate) };
    let tops: Vec<Vec<usize>> = gates.iter().map(|gates| top_features(gates, top)).collect();
    let feature = |column: usize| Feature {
        name: test.feature_names[view][column].clone(),
        gate: gate[column],
        gate_by_class: (0..test.class_names.len()).map(|class| class_gate(&ranked, class, column)).collect(),
        runs_in_top: tops.iter().filter(|top| top.contains(&column)).count(),
        permutation: loss.as_ref().map(|loss| {
            let accuracies =
                ranked.iter().filter_map(|run| run.importance.as_ref()).map(|lost| lost.accuracy[column]);
            [accuracies.sum::<f64>() / ranked.len() as f64, loss[column]]
        }),
    };
    let confidences = explained.iter().map(|run| run.mean_confidences[view]);
    let stable = |values: &[&[f64]]| (values.len() > 1).then(|| Stable::from(stability(values, top)));
    ViewExplanation {
        name: format!("view {}", view + 1),
        mean_gate: gate.iter().sum::<f64>() / gate.len().max(1) as f64,
        mean_confidence: confidences.sum::<f64>() / explained.len() as f64,
        features: top_features(rank_by, top).into_iter().map(feature).collect(),
        agreement: loss.as_ref().filter(|_| has_gates).map(|loss| {
            let agreed = agreement(&gate, loss, top);
            Agreed { spearman: agreed.spearman, overlap: agreed.overlap }
        }),
        stability: if has_gates { stable(&gates) } else { None },
        permutation_stability: losses.as_ref().and_then(|losses| stable(losses)),
    }
}

impl From<Stability> for Stable {
    fn from(found: Stability) -> Self {
        Stable { spearman: found.spearman, jaccard: found.jaccard, nogueira: found.nogueira }
    }
}

pub(super) fn mean_over_runs(runs: &[&[f64]]) -> Vec<f64> {
    let width = runs.first().map_or(0, |run| run.len());
    (0..width).map(|column| runs.iter().map(|run| run[column]).sum::<f64>() / runs.len() as f64).collect()
}

fn class_gate(runs: &[&RankedFeatures], class: usize, column: usize) -> Option<f64> {
    let gates: Option<Vec<f64>> =
        runs.iter().map(|run| run.gates.by_class[class].get(column).copied()).collect();
    gates.map(|gates| gates.iter().sum::<f64>() / gates.len() as f64)
}
