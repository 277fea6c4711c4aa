//! Accuracy and confidence as a view gets noisy or goes missing.

use super::{Figure, Table, colour};
use crate::page::run::Run;
use crate::page::svg::{Panel, Plot, Scale, Space, WIDTH, fitted, px, spread};
use crate::page::words::{percent, two};
use crate::results::{RobustnessCurve, RobustnessPoint};
use maud::html;

/// Room for the names at the lines' ends.
const NAMES: f64 = 92.0;

pub(super) fn figure(run: &Run) -> Option<Figure> {
    let curves = &run.results.robustness;
    if curves.iter().all(|curve| curve.points.is_empty()) {
        return None;
    }
    let confident = |curve: &RobustnessCurve, point: &RobustnessPoint| confidence(run, curve, point);
    Some(Figure {
        id: "robustness",
        title: "Noise and missing views".into(),
        finding: finding(run),
        note: "Gaussian noise is added to the scaled features of one view, or of all. An open circle at the right \
               end: the view is missing altogether. A confidence worth its name falls as noise rises."
            .into(),
        panels: vec![
            panel(curves, "accuracy", "Accuracy by noise", |_, point| point.accuracy),
            panel(curves, "confidence in the disturbed view", "Confidence by noise", confident),
        ],
        table: table(run),
    })
}

/// Of the view that was disturbed, or the mean where that is no single one.
fn confidence(run: &Run, curve: &RobustnessCurve, point: &RobustnessPoint) -> f64 {
    match run.results.views.iter().position(|view| view.name == curve.view) {
        Some(view) => point.confidences[view],
        None => point.confidences.iter().sum::<f64>() / point.confidences.len() as f64,
    }
}

/// The first point and the one with the most noise.
fn ends(curve: &RobustnessCurve) -> Option<(&RobustnessPoint, &RobustnessPoint)> {
    let noisy = |point: &&RobustnessPoint| point.sigma.is_some();
    Some((curve.points.iter().find(noisy)?, curve.points.iter().rev().find(noisy)?))
}

/// Views of which the model grows surer as they get worse: name, confidence without noise and with the most.
pub(crate) fn rising(run: &Run) -> Vec<(String, f64, f64)> {
    let of = |curve: &RobustnessCurve| {
        let (first, last) = ends(curve)?;
        let (from, to) = (confidence(run, curve, first), confidence(run, curve, last));
        let is_view = run.results.views.iter().any(|view| view.name == curve.view);
        (is_view && to > from + 0.05).then(|| (curve.view.clone(), from, to))
    };
    run.results.robustness.iter().filter_map(of).collect()
}

fn finding(run: &Run) -> String {
    let curves = &run.results.robustness;
    let drop =
        |curve: &&RobustnessCurve| ends(curve).map_or(0.0, |(first, last)| first.accuracy - last.accuracy);
    let single = curves.iter().filter(|curve| run.results.views.iter().any(|view| view.name == curve.view));
    let worst = single.max_by(|a, b| drop(a).total_cmp(&drop(b)));
    let mut text = match worst.and_then(|curve| Some((curve, ends(curve)?))) {
        Some((curve, (first, last))) => format!(
            "Noise on {} harms most: accuracy {} without, {} at {} standard deviations.",
            curve.view,
            percent(first.accuracy),
            percent(last.accuracy),
            last.sigma.unwrap_or(0.0)
        ),
        None => String::new(),
    };
    let rising = rising(run);
    if let Some((view, from, to)) = rising.first() {
        text += &format!(
            " The confidence rises with noise where it should fall, for {view} from {} to {}: do not take it for \
             trust in bad data.",
            two(*from),
            two(*to)
        );
    }
    text
}

fn panel(
    curves: &[RobustnessCurve],
    y_name: &str,
    title: &str,
    value: impl Fn(&RobustnessCurve, &RobustnessPoint) -> f64,
) -> Panel {
    let height = 290.0;
    let space = Space { right: WIDTH - NAMES - 32.0, ..Space::of(WIDTH, height) };
    let values = || curves.iter().flat_map(|curve| curve.points.iter().map(|point| value(curve, point)));
    let noise = curves.iter().flat_map(|curve| curve.points.iter().filter_map(|point| point.sigma));
    let plot = Plot {
        x: Scale::over(noise, &[0.0], space.across()),
        y: Scale::over(values(), if title.starts_with("Acc") { &[1.0] } else { &[0.0, 1.0] }, space.up()),
    };
    let line = |curve: &RobustnessCurve| -> Vec<(f64, f64)> {
        curve.points.iter().filter_map(|point| Some((point.sigma?, value(curve, point)))).collect()
    };
    let missing = |curve: &RobustnessCurve| {
        curve
            .points
            .iter()
            .find(|point| point.sigma.is_none())
            .map(|point| plot.y.within(value(curve, point)))
    };
    let last =
        |curve: &RobustnessCurve| line(curve).last().map_or(space.bottom, |point| plot.y.within(point.1));
    let wanted: Vec<f64> = curves.iter().map(|curve| missing(curve).unwrap_or_else(|| last(curve))).collect();
    let gap = 15.0f64.min((space.bottom - space.top) / curves.len().max(1) as f64);
    let places = spread(&wanted, gap, (space.top, space.bottom));
    let edge = space.right + 26.0;
    let body = html! {
        (plot.axes("noise, standard deviations", y_name, 4))
        @if curves.iter().any(|curve| missing(curve).is_some()) {
            text class="tick mid" x=(px(edge + 4.0)) y=(px(space.bottom + 17.0)) { "gone" }
        }
        @for (i, (curve, place)) in curves.iter().zip(places).enumerate() {
            @let tone = colour(i);
            path class={ "line s" (tone) (if i % 2 == 1 { " dash" } else { "" }) } d=(plot.line(&line(curve))) {}
            @if let Some(y) = missing(curve) {
                circle class={ "hollow s" (tone) } cx=(px(edge)) cy=(px(y)) r="4" {}
            }
            text class={ "f" (tone) } x=(px(edge + 9.0)) y=(px(place + 4.0)) { (fitted(&curve.view, 12.0, NAMES - 4.0)) }
        }
    };
    let said: Vec<String> = curves
        .iter()
        .filter_map(|curve| {
            let (first, last) = ends(curve)?;
            Some(format!(
                "{}: {} without noise, {} with the most",
                curve.view,
                two(value(curve, first)),
                two(value(curve, last))
            ))
        })
        .collect();
    Panel { width: WIDTH, height, title: title.into(), description: said.join("; "), body }
}

fn table(run: &Run) -> Table {
    let mut table = Table::of(&["disturbed", "noise", "accuracy"]);
    table.head.extend(run.results.views.iter().map(|view| format!("confidence, {}", view.name)));
    for curve in &run.results.robustness {
        for point in &curve.points {
            let noise = point.sigma.map_or("missing".into(), |sigma| sigma.to_string());
            let mut row = vec![curve.view.clone(), noise, two(point.accuracy)];
            row.extend(point.confidences.iter().map(|&confidence| two(confidence)));
            table.rows.push(row);
        }
    }
    table
}
