//! The features that the gates let through most, view by view.

use super::{Figure, Table};
use crate::page::run::Run;
use crate::page::svg::{Panel, Scale, WIDTH, fitted, px};
use crate::page::words::{three, two};
use crate::results::{FeatureResult, ViewResults};
use maud::html;

/// Features of a view in its drawing; the table has all that were kept.
const DRAWN: usize = 15;
const ROW: f64 = 19.0;

pub(super) fn figure(run: &Run) -> Option<Figure> {
    let views: Vec<&ViewResults> =
        run.results.views.iter().filter(|view| !view.features.is_empty()).collect();
    if views.is_empty() {
        return None;
    }
    let most = views.iter().flat_map(|view| &view.features).map(|feature| feature.gate).fold(0.0, f64::max);
    let firsts: Vec<String> =
        views.iter().map(|view| format!("{} ({})", view.features[0].name, view.name)).collect();
    Some(Figure {
        id: "top-features",
        title: "Top features of each view".into(),
        finding: format!("Let through most: {}.", crate::page::words::listed(&firsts, 4)),
        note: note(&views),
        panels: views.iter().map(|view| panel(view, most)).collect(),
        table: table(&views, &run.results.facts.classes),
    })
}

fn permuted(view: &ViewResults) -> bool {
    view.features.iter().take(DRAWN).any(|feature| feature.permutation.is_some())
}

fn note(views: &[&ViewResults]) -> String {
    let mut note = "The gate is the share of a feature that the model lets through, averaged over rows. It says \
                    what the model uses, not what causes the class; features that go together share the credit."
        .to_owned();
    if views.iter().any(|view| permuted(view)) {
        note += " Loss: accuracy lost when the feature's values are shuffled among the test rows.";
    }
    note
}

fn panel(view: &ViewResults, most: f64) -> Panel {
    let drawn: Vec<&FeatureResult> = view.features.iter().take(DRAWN).collect();
    let permuted = permuted(view);
    let (left, top) = (150.0, 42.0);
    let right = if permuted { WIDTH - 62.0 } else { WIDTH - 10.0 };
    let bottom = top + ROW * drawn.len() as f64;
    let x = Scale::over(std::iter::once(most), &[0.0], (left, right));
    let body = html! {
        text class="strong" x="0" y="13" { (fitted(&view.name, 12.5, WIDTH - 6.0)) }
        text class="name" x=(px(left)) y="32" { "gate" }
        @if permuted { text class="name end" x=(px(WIDTH)) y="32" { "loss" } }
        @for (value, name) in x.ticks(3) {
            path class="grid" d={ "M" (px(x.at(value))) " " (px(top)) "V" (px(bottom)) } {}
            text class="tick mid" x=(px(x.at(value))) y=(px(bottom + 16.0)) { (name) }
        }
        @for (i, feature) in drawn.iter().enumerate() {
            @let y = top + ROW * (i as f64 + 0.5);
            text class="end" x=(px(left - 10.0)) y=(px(y + 4.0)) { (fitted(&feature.name, 12.0, left - 12.0)) }
            path class="thin s0" d={ "M" (px(left)) " " (px(y)) "H" (px(x.at(feature.gate))) } {}
            circle class="f0" cx=(px(x.within(feature.gate))) cy=(px(y)) r="4" {
                title { (feature.name) ": " (three(feature.gate)) }
            }
            @if let Some(loss) = feature.permutation {
                text class="tick end" x=(px(WIDTH)) y=(px(y + 4.0)) { (three(loss)) }
            }
        }
    };
    let said: Vec<String> =
        drawn.iter().take(5).map(|feature| format!("{} {}", feature.name, two(feature.gate))).collect();
    Panel {
        width: WIDTH,
        height: bottom + 22.0,
        title: format!("Top features of {}", view.name),
        description: format!("Gates, largest first: {}", said.join(", ")),
        body,
    }
}

fn table(views: &[&ViewResults], classes: &[String]) -> Table {
    let mut table = Table::of(&["feature", "view", "mean gate"]);
    let by_class = classes.len() <= 12
        && views.iter().flat_map(|view| &view.features).all(|feature| !feature.gate_by_class.is_empty());
    let permuted = views.iter().any(|view| permuted(view));
    if permuted {
        table.head.push("loss of accuracy when shuffled".into());
    }
    if by_class {
        table.head.extend(classes.iter().map(|class| format!("gate, {class}")));
    }
    for view in views {
        for feature in view.features.iter().take(DRAWN) {
            let mut row = vec![feature.name.clone(), view.name.clone(), three(feature.gate)];
            if permuted {
                row.push(feature.permutation.map_or("–".into(), three));
            }
            if by_class {
                row.extend(feature.gate_by_class.iter().map(|&gate| three(gate)));
            }
            table.rows.push(row);
        }
    }
    table
}
