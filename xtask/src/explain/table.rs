//! Explanations for people, and the csv of several runs.

use super::{Explained, Explanation, Stable, ViewExplanation, mean_over_runs};
use crate::output::quoted;
use mmdynamic::data::MultiOmics;
use mmdynamic::explain::top_features;
use std::fmt::Write as _;

/// Columns of a feature's name; a longer one is cut.
const NAME: usize = 22;
/// More classes than this do not fit beside each other; the csv and the JSON have them.
const CLASSES: usize = 2;

pub(super) fn text(explanation: &Explanation) -> String {
    let models = match explanation.runs.as_slice() {
        [one] => one.clone(),
        runs => format!("mean of {} runs", runs.len()),
    };
    let mut out =
        format!("Features, {} test rows of {}\n{models}\n", explanation.test_rows, explanation.data);
    for view in &explanation.views {
        out += &view_text(explanation, view);
    }
    out + &legend(explanation)
}

fn view_text(explanation: &Explanation, view: &ViewExplanation) -> String {
    let mut out = format!(
        "\n{}, mean gate {:.4}, mean confidence {:.4}\n",
        view.name, view.mean_gate, view.mean_confidence
    );
    let (runs, classes) = (explanation.runs.len(), shown_classes(explanation));
    let permuted = view.features.first().is_some_and(|feature| feature.permutation.is_some());
    let _ = write!(out, "  {:>4} {:<NAME$}{:>9}", "rank", "feature", "gate");
    classes.iter().for_each(|class| {
        let _ = write!(out, "{:>10}", format!("gate {}", cut(class, 4)));
    });
    if runs > 1 {
        out += "  in top";
    }
    out += if permuted { "   lost ACC  log loss\n" } else { "\n" };
    for (rank, feature) in view.features.iter().enumerate() {
        let _ = write!(out, "  {:>4} {:<NAME$}{:>9.4}", rank + 1, cut(&feature.name, NAME - 1), feature.gate);
        for gate in feature.gate_by_class.iter().take(classes.len()) {
            let _ = write!(out, "{:>10}", gate.map_or("-".into(), |gate| format!("{gate:.4}")));
        }
        if runs > 1 {
            let _ = write!(out, "{:>8}", format!("{}/{runs}", feature.runs_in_top));
        }
        if let Some([accuracy, log_loss]) = feature.permutation {
            let _ = write!(
                out,
                "{:>11.4}{:>10.4}",
                without_sign_of_zero(accuracy),
                without_sign_of_zero(log_loss)
            );
        }
        out.push('\n');
    }
    out + &agreement(explanation, view)
}

fn agreement(explanation: &Explanation, view: &ViewExplanation) -> String {
    let number = |value: Option<f64>| value.map_or("undefined".into(), |value| format!("{value:.3}"));
    let mut out = String::new();
    if let Some(agreed) = &view.agreement {
        let _ = writeln!(
            out,
            "  gates and permutation: Spearman {}, {:.0} % of the top {} shared",
            number(agreed.spearman),
            100.0 * agreed.overlap,
            explanation.top
        );
    }
    let mut stable = |what: &str, found: &Option<Stable>| {
        if let Some(found) = found {
            let (spearman, jaccard) = (number(found.spearman), number(found.jaccard));
            let nogueira = number(found.nogueira);
            let _ = writeln!(
                out,
                "  {what} over runs: Spearman {spearman}, Jaccard {jaccard}, Nogueira {nogueira}"
            );
        }
    };
    stable("gates", &view.stability);
    stable("permutation", &view.permutation_stability);
    out
}

fn shown_classes(explanation: &Explanation) -> &[String] {
    if explanation.classes.len() <= CLASSES && explanation.runs.len() == 1 {
        &explanation.classes
    } else {
        &[]
    }
}

fn legend(explanation: &Explanation) -> String {
    let mut out = String::from("\n  gate      how much of the feature is let through, 0 to 1\n");
    if explanation.views.iter().any(|view| view.features.iter().any(|feature| feature.permutation.is_some()))
    {
        out += "  lost      what accuracy and log loss lose when it is shuffled\n";
    }
    if explanation.runs.len() > 1 {
        let _ = writeln!(out, "  in top    runs that have it among their best {}", explanation.top);
    }
    out
}

/// What rounds to 0 is shown as 0 and not as -0.
fn without_sign_of_zero(value: f64) -> f64 {
    if value.abs() < 5e-5 { 0.0 } else { value }
}

fn cut(name: &str, width: usize) -> String {
    match name.chars().count() {
        count if count > width => name.chars().take(width - 1).chain(['…']).collect(),
        _ => name.to_owned(),
    }
}

/// All features over several runs: mean and spread of the gate, and in how many runs it is among the best.
pub(super) fn csv(runs: &[Explained], rows: &MultiOmics, top: usize) -> String {
    let permuted = runs.iter().all(|run| run.ranked.iter().all(|view| view.importance.is_some()));
    let mut out = String::from("view,feature,rank,gate,gate_sd,runs,runs_in_top");
    out += if permuted { ",permutation_acc,permutation_log_loss\n" } else { "\n" };
    for (view, names) in rows.feature_names.iter().enumerate() {
        let gates: Vec<&[f64]> = runs.iter().map(|run| run.ranked[view].gates.mean.as_slice()).collect();
        let mean = mean_over_runs(&gates);
        let tops: Vec<Vec<usize>> = gates.iter().map(|gates| top_features(gates, top)).collect();
        let mut ranks = vec![0; names.len()];
        top_features(&mean, mean.len())
            .into_iter()
            .enumerate()
            .for_each(|(rank, column)| ranks[column] = rank + 1);
        for (column, name) in names.iter().enumerate() {
            let squares: f64 = gates.iter().map(|run| (run[column] - mean[column]).powi(2)).sum();
            let sd = (squares / (runs.len() as f64 - 1.0)).sqrt();
            let in_top = tops.iter().filter(|top| top.contains(&column)).count();
            let _ = write!(out, "view {},{},{}", view + 1, quoted(name), ranks[column]);
            let _ = write!(out, ",{:.6},{sd:.6},{},{in_top}", mean[column], runs.len());
            let lost = runs.iter().filter_map(|run| run.ranked[view].importance.as_ref());
            if permuted {
                let accuracy =
                    lost.clone().map(|lost| lost.accuracy[column]).sum::<f64>() / runs.len() as f64;
                let log_loss = lost.map(|lost| lost.log_loss[column]).sum::<f64>() / runs.len() as f64;
                let _ = write!(out, ",{accuracy:.6},{log_loss:.6}");
            }
            out.push('\n');
        }
    }
    out
}
