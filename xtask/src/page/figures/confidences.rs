//! What the model says of each view's worth, for rows that came out right and for those that did not.

use super::{Figure, Table};
use crate::page::bands::percentile;
use crate::page::run::Run;
use crate::page::svg::{Panel, Scale, WIDTH, fitted, px};
use crate::page::words::{count, percent, two};
use maud::{Markup, html};
use std::fmt::Write;

/// More rows than these are drawn by their quantiles alone.
const MOST_DOTS: usize = 500;
const ROW: f64 = 74.0;

/// One view's confidences, ascending.
struct Spread {
    right: Vec<f64>,
    wrong: Vec<f64>,
}

pub(super) fn figure(run: &Run) -> Figure {
    let spreads: Vec<Spread> = (0..run.results.views.len()).map(|view| spread_of(run, view)).collect();
    let mut table = Table::of(&["view", "rows", "number", "5 %", "quartile", "median", "quartile", "95 %"]);
    for (view, spread) in run.results.views.iter().zip(&spreads) {
        for (kind, values) in [("right", &spread.right), ("wrong", &spread.wrong)] {
            let mut row = vec![view.name.clone(), kind.into(), values.len().to_string()];
            let quantile =
                |share: &f64| if values.is_empty() { "–".into() } else { two(percentile(values, *share)) };
            row.extend([0.05, 0.25, 0.5, 0.75, 0.95].iter().map(quantile));
            table.rows.push(row);
        }
    }
    Figure {
        id: "confidences",
        title: "Confidence by view".into(),
        finding: finding(run, &spreads),
        note: "Each dot is a test row whose class came out right, each cross one that came out wrong; the bar \
               spans the middle half, its line is the median. Grey is outside 0 to 1: a confidence is a prediction \
               and no probability."
            .into(),
        panels: vec![panel(run, &spreads)],
        table,
    }
}

fn spread_of(run: &Run, view: usize) -> Spread {
    let of = |wanted: bool| {
        let rows = run.results.test.confidences.iter().zip(run.hits());
        let mut values: Vec<f64> = rows
            .filter(|(row, hit)| *hit == wanted && row[view].is_finite())
            .map(|(row, _)| row[view])
            .collect();
        values.sort_by(f64::total_cmp);
        values
    };
    Spread { right: of(true), wrong: of(false) }
}

fn finding(run: &Run, spreads: &[Spread]) -> String {
    let views = &run.results.views;
    let most =
        (0..views.len()).max_by(|&a, &b| views[a].mean_confidence.total_cmp(&views[b].mean_confidence));
    let most = most.unwrap_or(0);
    let gap = |spread: &Spread| percentile(&spread.right, 0.5) - percentile(&spread.wrong, 0.5);
    let telling = (0..spreads.len()).filter(|&view| gap(&spreads[view]) > 0.02).count();
    let first = match views.len() {
        1 => format!("Mean confidence {}.", two(views[0].mean_confidence)),
        _ => format!("It trusts {} most, {} on average.", views[most].name, two(views[most].mean_confidence)),
    };
    if spreads[0].wrong.is_empty() {
        return first + " No row is wrong.";
    }
    let tells = match telling {
        0 => "No view's confidence is clearly lower where the answer is wrong.".to_owned(),
        n if n == views.len() => "It is lower where the answer is wrong, in each view.".to_owned(),
        n => format!("It is lower where the answer is wrong in {n} of {}.", count(views.len(), "view")),
    };
    format!("{first} {tells}")
}

fn panel(run: &Run, spreads: &[Spread]) -> Panel {
    let views = &run.results.views;
    // Room for half of a number below the right end.
    let (left, right, top) = (46.0, WIDTH - 14.0, 6.0);
    let bottom = top + ROW * spreads.len() as f64;
    let all = spreads.iter().flat_map(|spread| spread.right.iter().chain(&spread.wrong)).copied();
    let x = Scale::over(all, &[0.0, 1.0], (left, right));
    let height = bottom + 38.0;
    let body = html! {
        @if x.from.0 < 0.0 { rect class="shade" x=(px(left)) y=(px(top)) width=(px(x.at(0.0) - left)) height=(px(bottom - top)) {} }
        @if x.from.1 > 1.0 { rect class="shade" x=(px(x.at(1.0))) y=(px(top)) width=(px(right - x.at(1.0))) height=(px(bottom - top)) {} }
        @for (value, name) in x.ticks(5) {
            path class="grid" d={ "M" (px(x.at(value))) " " (px(top)) "V" (px(bottom)) } {}
            text class="tick mid" x=(px(x.at(value))) y=(px(bottom + 17.0)) { (name) }
        }
        path class="axis" d={ "M" (px(left)) " " (px(bottom)) "H" (px(right)) } {}
        text class="name end" x=(px(right)) y=(px(bottom + 33.0)) { "confidence" }
        @for (i, (view, spread)) in views.iter().zip(spreads).enumerate() {
            @let y = top + ROW * i as f64;
            text class="strong" x="0" y=(px(y + 15.0)) { (fitted(&view.name, 12.5, WIDTH - 10.0)) }
            text class="tick" x="0" y=(px(y + 36.0)) { "right" }
            text class="tick" x="0" y=(px(y + 59.0)) { "wrong" }
            (strip(&x, y + 32.0, &spread.right, true))
            (strip(&x, y + 55.0, &spread.wrong, false))
        }
    };
    let said: Vec<String> = views
        .iter()
        .zip(spreads)
        .map(|(view, spread)| {
            let median =
                |values: &[f64]| if values.is_empty() { "none".into() } else { two(percentile(values, 0.5)) };
            format!(
                "{}: median {} where right, {} where wrong, {} outside 0 to 1",
                view.name,
                median(&spread.right),
                median(&spread.wrong),
                percent(view.confidence_outside)
            )
        })
        .collect();
    Panel { width: WIDTH, height, title: "Confidence by view".into(), description: said.join("; "), body }
}

/// All rows as marks in one path, each a little above or below the line, and their middle half.
fn strip(x: &Scale, y: f64, values: &[f64], right: bool) -> Markup {
    let mut path = String::new();
    if values.len() <= MOST_DOTS {
        for (i, &value) in values.iter().enumerate() {
            let (x, y) = (x.within(value), y + [0.0, -5.0, 5.0, -2.5, 2.5][i % 5]);
            let _ = match right {
                true => write!(path, "M{} {}h0", px(x), px(y)),
                false => write!(path, "M{} {}l5 5m0 -5l-5 5", px(x - 2.5), px(y - 2.5)),
            };
        }
    }
    let at = |share| px(x.within(percentile(values, share)));
    let width = |from, to| px(x.within(percentile(values, to)) - x.within(percentile(values, from)));
    let kind = if right { "right" } else { "wrong" };
    html! {
        path class=(if right { "dots" } else { "crosses" }) d=(path) {}
        @if values.len() > 2 {
            rect class=(kind) fill-opacity="0.25" x=(at(0.25)) y=(px(y - 9.0)) width=(width(0.25, 0.75)) height="18" rx="2" {}
            path class="thin ink" d={ "M" (at(0.5)) " " (px(y - 9.0)) "v18" } {}
        }
    }
}
