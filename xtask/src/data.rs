//! `data describe`: what is to be known of a cohort before a score on it is believed.

use crate::failure::Failure;
use crate::source::TableFlags;
use crate::{fetch, output, report, source};
use clap::{Args, Subcommand};
use mmdynamic::data::{Cohort, Description, Duplicates, Group, Leak, Scaling, describe};
use std::fmt::Write as _;
use std::path::PathBuf;

const DESCRIBE_AFTER: &str = "\
Rows are counted from 1, as lines of the csv files without header.

Examples:
  cargo xtask data describe ROSMAP
  cargo xtask data describe cohort.csv --data.columns map.toml
  cargo xtask data describe ROSMAP --json

Exit codes: 0 done, 2 wrong flag or column map, 3 data refused";

/// Look at data before training, or fetch public data
#[derive(Args)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Subcommand)]
enum DataCommand {
    /// Sizes, classes, missing values, equal rows, signs of scaling
    #[command(after_help = DESCRIBE_AFTER)]
    Describe(DescribeArgs),
    /// Get a public cohort by git, with its checksums compared
    #[command(after_help = fetch::AFTER)]
    Fetch(fetch::FetchArgs),
}

#[derive(Args)]
struct DescribeArgs {
    /// Folder or table [default: generated data]
    #[arg(value_name = "PATH")]
    data: Option<PathBuf>,
    #[command(flatten)]
    table: TableFlags,
    /// Print JSON, rows counted from 0
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &DataArgs) -> Result<(), Failure> {
    match &args.command {
        DataCommand::Describe(args) => look(args),
        DataCommand::Fetch(args) => fetch::run(args),
    }
}

fn look(args: &DescribeArgs) -> Result<(), Failure> {
    let source = source::read_as_it_is(args.data.as_deref(), &args.table.options())?;
    let found = describe(&source.cohort);
    if args.json {
        return output::json(&found);
    }
    output::print(&page(&source.name, &source.cohort, &found))
}

fn page(name: &str, cohort: &Cohort, found: &Description) -> String {
    let rows = format!("{} to train on, {} to test on", cohort.train.rows(), cohort.test.rows());
    let mut out = report::field("Data", name) + &report::field("Rows", &rows);
    let _ = writeln!(out, "{:<10}{:>8}{:>8}  name", "Class", "train", "test");
    let counts = found.train_counts.iter().zip(&found.test_counts);
    for (class, ((train, test), name)) in counts.zip(&found.class_names).enumerate() {
        let _ = writeln!(out, "{class:>5}{train:>13}{test:>8}  {name}");
    }
    let _ = writeln!(
        out,
        "{:<10}{:>8}{:>12}{:>12}{:>10}{:>10}",
        "View", "features", "smallest", "largest", "constant", "missing"
    );
    for (i, view) in found.views.iter().enumerate() {
        let (low, high) = (number(view.smallest), number(view.largest));
        let _ = writeln!(
            out,
            "{:>4}{:>14}{low:>12}{high:>12}{:>10}{:>10}",
            i + 1,
            view.features,
            view.constant.len(),
            view.missing
        );
    }
    out += &constants(found);
    out += &missing(found, cohort.train.rows());
    out += &scaling(found);
    out += &repeated_names(found);
    out + &duplicates(&found.duplicates, cohort.test.rows())
}

/// Four significant digits are enough to see a range by.
fn number(value: f32) -> String {
    if value == 0.0 || (1e-3..1e6).contains(&value.abs()) {
        format!("{value:.4}")
    } else {
        format!("{value:.3e}")
    }
}

fn constants(found: &Description) -> String {
    let names: Vec<&str> = found.views.iter().flat_map(|view| &view.constant).map(String::as_str).collect();
    if names.is_empty() {
        return String::new();
    }
    report::field(
        "Constant",
        &format!("the same value in every training row, nothing to learn from: {}", some(&names)),
    )
}

fn missing(found: &Description, train_rows: usize) -> String {
    let gaps: Vec<_> = found.views.iter().flat_map(|view| &view.missing_columns).collect();
    if gaps.is_empty() {
        return String::new();
    }
    let (train, test) = gaps.iter().fold((0, 0), |(train, test), gap| (train + gap.train, test + gap.test));
    let each: Vec<String> =
        gaps.iter().map(|gap| format!("{} ({})", gap.name, gap.train + gap.test)).collect();
    let text = format!(
        "{train} values of train and {test} of test, in {} features: {}. Training refuses them unless \
         --data.missing says mean, median or zero.",
        gaps.len(),
        some(&each)
    );
    let empty: Vec<&str> =
        gaps.iter().filter(|gap| gap.train == train_rows).map(|gap| gap.name.as_str()).collect();
    let mut out = report::field("Missing", &text);
    if !empty.is_empty() {
        let text = format!("WARNING: no training row has a value, leave them out: {}", some(&empty));
        out += &report::field("Empty", &text);
    }
    out
}

fn repeated_names(found: &Description) -> String {
    let names = &found.repeated_names;
    let mut out = String::new();
    for (place, names) in [
        ("twice in train", &names.within_train),
        ("twice in test", &names.within_test),
        ("in train and in test", &names.across),
    ] {
        if !names.is_empty() {
            let text =
                format!("WARNING: {} samples stand {place}, by their names: {}", names.len(), some(names));
            out += &report::field("Names", &text);
        }
    }
    out
}

fn scaling(found: &Description) -> String {
    let views = |wanted: Scaling| -> Vec<String> {
        let numbered = found.views.iter().enumerate().filter(|(_, view)| view.scaling == wanted);
        numbered.map(|(i, _)| (i + 1).to_string()).collect()
    };
    let (beyond, alone) = (views(Scaling::BeyondTrain), views(Scaling::TrainAlone));
    let mut out = String::new();
    if !beyond.is_empty() {
        out += &report::field(
            "Scaling",
            &format!(
                "WARNING: views {} look scaled before, and not by the training rows alone: all values of train and test \
                 lie in one range that the training rows do not reach by themselves. Test rows seem to have taken part in \
                 preparing the data: say so beside every score.",
                beyond.join(", ")
            ),
        );
    }
    if !alone.is_empty() {
        out += &report::field(
            "Scaling",
            &format!("views {} look scaled before, by the training rows alone", alone.join(", ")),
        );
    }
    if out.is_empty() { report::field("Scaling", "no sign of it") } else { out }
}

fn duplicates(found: &Duplicates, test_rows: usize) -> String {
    let mut out = String::new();
    for (part, groups) in [("train", &found.within_train), ("test", &found.within_test)] {
        if !groups.is_empty() {
            out += &report::field("Equal", &within(part, groups));
        }
    }
    if !found.across.is_empty() {
        out += &report::field("Leak", &across(&found.across, test_rows));
    }
    if out.is_empty() { report::field("Equal", "no row stands there twice") } else { out }
}

fn within(part: &str, groups: &[Group]) -> String {
    let rows: usize = groups.iter().map(|group| group.rows.len()).sum();
    let mut text = format!("{rows} rows of {part} are equal to another: {}.", some(&lists(groups.iter())));
    let contradictory: Vec<&Group> = groups.iter().filter(|group| group.contradictory).collect();
    if !contradictory.is_empty() {
        let _ =
            write!(text, " WARNING: under different classes: {}.", some(&lists(contradictory.into_iter())));
    }
    text
}

fn lists<'a>(groups: impl Iterator<Item = &'a Group>) -> Vec<String> {
    groups.map(|group| joined(&group.rows, " = ")).collect()
}

fn across(leaks: &[Leak], test_rows: usize) -> String {
    let contradictory = leaks.iter().filter(|leak| leak.contradictory).count();
    let each: Vec<String> = leaks
        .iter()
        .map(|leak| {
            let mark = if leak.contradictory { " (another class)" } else { "" };
            format!("test {} = train {}{mark}", leak.test_row + 1, joined(&leak.train_rows, ", "))
        })
        .collect();
    format!(
        "WARNING: {} of {test_rows} test rows stand in train, {contradictory} of them under another class: {}.",
        leaks.len(),
        some(&each)
    )
}

/// Rows counted from 1.
fn joined(rows: &[usize], between: &str) -> String {
    rows.iter().map(|row| (row + 1).to_string()).collect::<Vec<_>>().join(between)
}

/// The first twenty; `--json` has all.
fn some<T: AsRef<str>>(items: &[T]) -> String {
    let shown: Vec<&str> = items.iter().take(20).map(AsRef::as_ref).collect();
    let more = items.len() - shown.len();
    let rest = if more > 0 { format!(" and {more} more (--json has all)") } else { String::new() };
    shown.join(", ") + &rest
}
