//! Loss and accuracy, epoch by epoch, with the epoch that was tested.

use super::lines::{Line, Lines};
use super::{Figure, Table};
use crate::page::run::Run;
use crate::page::svg::Panel;
use crate::page::words::{three, two};

/// Rows of the table at most.
const TABLED: usize = 40;

type Points<'a> = &'a [(f64, f64)];

pub(super) fn figure(run: &Run) -> Option<Figure> {
    let validation = run.curves.of("val", &["val_loss", "ptl/val_loss"]);
    // The part of the training loss that is in the same unit as the validation loss.
    let entropy = run.curves.of("train", &["train_classifier_ce"]);
    let total = run.curves.of("train", &["train_loss"]);
    let accuracy = run.curves.of("val", &["val_acc"]);
    let tested = Some(run.results.facts.epoch as f64);
    let panel = |title, y, hold, lines: Vec<Line<'_>>| {
        (!lines.is_empty()).then(|| Lines { title, x: "epoch", y, lines, hold, mark: tested }.panel())
    };
    let learnt = |points| line("training", 0, points);
    let held_out = |points| line("validation", 1, points);
    let both = learnt(entropy).into_iter().chain(held_out(validation)).collect();
    let panels = [
        panel("Cross-entropy", "cross-entropy", &[0.0], both),
        panel(
            "Training loss",
            "training loss, sum of all terms",
            &[0.0],
            learnt(total).into_iter().collect(),
        ),
        panel("Validation accuracy", "validation accuracy", &[1.0], held_out(accuracy).into_iter().collect()),
    ];
    let panels: Vec<Panel> = panels.into_iter().flatten().collect();
    (!panels.is_empty()).then(|| Figure {
        id: "learning-curves",
        title: "Learning curves".into(),
        finding: finding(run, validation, entropy),
        note: "The upright line marks the epoch whose weights were tested. Training losses are means over an epoch, \
               with dropout on."
            .into(),
        panels,
        table: table(&[("cross-entropy, training", entropy), ("cross-entropy, validation", validation), ("all terms, training", total), ("accuracy, validation", accuracy)]),
    })
}

fn line<'a>(name: &'a str, tone: usize, points: Option<Points<'a>>) -> Option<Line<'a>> {
    Some(Line { name, tone, points: points? })
}

fn finding(run: &Run, validation: Option<Points<'_>>, training: Option<Points<'_>>) -> String {
    let facts = &run.results.facts;
    let why = match (facts.checkpoint.as_str(), facts.val_loss) {
        ("best", Some(loss)) => format!(
            "Epoch {} was tested, the one with the smallest validation loss, {}",
            facts.epoch,
            three(loss)
        ),
        _ => format!("Epoch {} was tested, the last one", facts.epoch),
    };
    let at =
        |points: Points<'_>| points.iter().find(|point| point.0 == facts.epoch as f64).map(|point| point.1);
    let last = validation.or(training).and_then(|points| points.last()).map(|point| point.0);
    let ends = match last {
        Some(last) if last > facts.epoch as f64 => format!("; training went on to epoch {last}"),
        _ => String::new(),
    };
    let gap = match (validation.and_then(at), training.and_then(at)) {
        (Some(held_out), Some(learnt)) if held_out > 1.5 * learnt => {
            format!(
                " There the loss on rows not learnt from is {} times that on rows learnt from: it knows those partly by heart.",
                two(held_out / learnt)
            )
        }
        _ => String::new(),
    };
    format!("{why}{ends} (counted from 0).{gap}")
}

/// At most `TABLED` epochs, evenly, with the last one.
fn table(columns: &[(&str, Option<Points<'_>>)]) -> Table {
    let columns: Vec<(&str, Points<'_>)> =
        columns.iter().filter_map(|&(name, points)| Some((name, points?))).collect();
    let mut table = Table { head: vec!["epoch".into()], rows: Vec::new() };
    table.head.extend(columns.iter().map(|column| column.0.to_owned()));
    let longest = columns.iter().map(|column| column.1).max_by_key(|points| points.len()).unwrap_or(&[]);
    let every = longest.len().div_ceil(TABLED).max(1);
    for (i, &(epoch, _)) in longest.iter().enumerate() {
        if i % every != 0 && i + 1 != longest.len() {
            continue;
        }
        let mut row = vec![epoch.to_string()];
        row.extend(columns.iter().map(|(_, points)| {
            points.iter().find(|point| point.0 == epoch).map_or("–".into(), |point| three(point.1))
        }));
        table.rows.push(row);
    }
    table
}
