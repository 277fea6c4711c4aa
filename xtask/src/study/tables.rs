//! The tables of a study, in Markdown.

use super::Study;
use crate::failure::{Exit, Failure};
use crate::results::{RobustnessCurve, RunResults, Score};
use metrics::{MeanInterval, mean_interval};
use std::fmt::Write;

const LEVEL: f64 = 0.95;

/// Scores beside the reference and the baselines, and what noise does.
pub(super) fn section(study: &Study, seeds: u64, results: &[RunResults]) -> Result<String, Failure> {
    let first = results.first().ok_or_else(|| Failure::new(Exit::Usage, "a study needs a seed"))?;
    let mut out = format!("## {}, {}\n\n", study.data, study.recipe);
    let _ = writeln!(
        out,
        "`cargo xtask train --data {} {} --seeds {seeds} --baselines`: {} rows to learn from, {} for validation, {} to \
         test on. {}\n",
        study.data,
        study.flags.join(" "),
        first.facts.train_rows,
        first.facts.validation_rows,
        first.facts.test_rows,
        study.remark
    );
    out += &scores(study, results)?;
    out += &verdict(results)?;
    out += &noise(results)?;
    Ok(out)
}

/// One row a method: mean ± sd over the seeds, and the interval of the mean.
fn scores(study: &Study, results: &[RunResults]) -> Result<String, Failure> {
    let first = &results[0];
    let labels: Vec<&str> = first.scores.iter().map(|score| score.label.as_str()).collect();
    let mut out = format!("| method | {} |\n|---|{}\n", labels.join(" | "), "---|".repeat(labels.len()));
    let mut row = |name: &str, cells: Vec<String>| {
        let _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
    };
    let ours: Vec<&[Score]> = results.iter().map(|run| run.scores.as_slice()).collect();
    row("**MMDynamic**", summaries(&ours)?.iter().map(over_seeds).collect());
    let rows = first
        .scores
        .iter()
        .map(|score| score.interval.map_or("–".into(), |[a, b]| format!("{a:.3} to {b:.3}")));
    row(&format!("… its interval over test rows, seed {}", first.facts.seed), rows.collect());
    if let Some(reference) = &study.reference {
        let cell = |score: &Score| {
            let found = reference.scores.iter().find(|(name, ..)| *name == score.name);
            found.map_or("–".into(), |&(_, mean, sd)| {
                if sd > 0.0 { format!("{mean:.4} ± {sd:.4}") } else { format!("{mean:.4}") }
            })
        };
        row("the same model in PyTorch, ten other seeds", first.scores.iter().map(cell).collect());
    }
    for (index, baseline) in first.baselines.iter().enumerate() {
        let theirs = baseline_scores(results, index);
        row(&baseline.name, summaries(&theirs)?.iter().map(over_seeds).collect());
    }
    Ok(out + "\n")
}

fn baseline_scores(results: &[RunResults], index: usize) -> Vec<&[Score]> {
    results
        .iter()
        .filter_map(|run| run.baselines.get(index))
        .map(|baseline| baseline.scores.as_slice())
        .collect()
}

/// Per score, over the seeds.
fn summaries(runs: &[&[Score]]) -> Result<Vec<MeanInterval>, Failure> {
    let columns = runs.first().map_or(0, |scores| scores.len());
    let column = |j: usize| {
        runs.iter().filter_map(|scores| scores.get(j)).map(|score| score.value).collect::<Vec<_>>()
    };
    (0..columns)
        .map(|j| mean_interval(&column(j), LEVEL))
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::new(Exit::Data, format!("the scores have no mean: {error}")))
}

fn over_seeds(summary: &MeanInterval) -> String {
    let mean = format!("{:.4}", summary.mean);
    match (summary.sd, summary.interval) {
        // Where nothing is drawn by seed, the last bits of an area may differ all the same.
        (Some(sd), Some([a, b])) if sd > 1e-9 => format!("{mean} ± {sd:.4} [{a:.3}, {b:.3}]"),
        _ => mean,
    }
}

/// Who is best by accuracy, said plainly.
fn verdict(results: &[RunResults]) -> Result<String, Failure> {
    let ours: Vec<&[Score]> = results.iter().map(|run| run.scores.as_slice()).collect();
    let model = summaries(&ours)?[0].mean;
    let mut better = Vec::new();
    for (index, baseline) in results[0].baselines.iter().enumerate() {
        let theirs = summaries(&baseline_scores(results, index))?[0].mean;
        if theirs > model {
            better.push(format!("{} ({theirs:.4})", baseline.name));
        }
    }
    let label = &results[0].scores[0].label;
    Ok(match better.as_slice() {
        [] => format!("By {label} no baseline is better than the model ({model:.4}).\n\n"),
        some => format!("**By {label} better than the model ({model:.4}): {}.**\n\n", some.join(", ")),
    })
}

/// Accuracy and confidence by noise, means over the seeds.
fn noise(results: &[RunResults]) -> Result<String, Failure> {
    let curves = &results[0].robustness;
    let Some(curve) = curves.first() else { return Ok(String::new()) };
    let heads: Vec<String> = curve
        .points
        .iter()
        .map(|point| point.sigma.map_or("missing".into(), |sigma| format!("σ = {sigma}")))
        .collect();
    let mut out =
        "Accuracy and, behind it, the mean confidence of the disturbed view, as Gaussian noise of standard \
                   deviation σ is added to the scaled test rows or the view is missing:\n\n"
            .to_owned();
    let _ = writeln!(out, "| disturbed | {} |\n|---|{}", heads.join(" | "), "---|".repeat(heads.len()));
    for (index, curve) in curves.iter().enumerate() {
        let of = |point| if point < curve.points.len() { cell(results, index, point) } else { "–".into() };
        let cells: Vec<String> = (0..heads.len()).map(of).collect();
        let _ = writeln!(out, "| {} | {} |", curve.view, cells.join(" | "));
    }
    Ok(out)
}

fn cell(results: &[RunResults], curve: usize, point: usize) -> String {
    let points = || results.iter().filter_map(|run| run.robustness.get(curve)?.points.get(point));
    let mean = |values: &mut dyn Iterator<Item = f64>| {
        let values: Vec<f64> = values.collect();
        values.iter().sum::<f64>() / values.len().max(1) as f64
    };
    let accuracy = mean(&mut points().map(|point| point.accuracy));
    let confidences = &mut points().map(|point| disturbed(&results[0].robustness, curve, &point.confidences));
    format!("{accuracy:.3} / {:.2}", mean(confidences))
}

/// The confidence of the disturbed view; of all, their mean. Curves stand in the order of the views, `all views` last.
fn disturbed(curves: &[RobustnessCurve], curve: usize, confidences: &[f64]) -> f64 {
    match confidences.get(curve) {
        Some(&own) if curves[curve].view != "all views" => own,
        _ => confidences.iter().sum::<f64>() / confidences.len().max(1) as f64,
    }
}
