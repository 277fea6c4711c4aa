//! What is gained when the model may pass on the rows of which it is least sure.

use super::{Figure, Table};
use crate::page::run::{Run, largest};
use crate::page::svg::{Panel, Plot, Scale, Space, WIDTH, px, spread};
use crate::page::words::{percent, three};
use maud::html;

/// Coverages in the table.
const KEPT: [f64; 6] = [0.1, 0.25, 0.5, 0.75, 0.9, 1.0];

pub(super) fn figure(run: &Run) -> Option<Figure> {
    let hits = run.hits();
    let (sure, trusted) = (by_certainty(run), by_confidence(run));
    let at = |curve: &[(f64, f64)], kept: f64| curve[place(kept, curve.len())].1;
    let mut table = Table::of(&["rows kept", "wrong, kept by certainty", "wrong, kept by confidence"]);
    for kept in KEPT {
        table.rows.push(vec![percent(kept), percent(at(&sure, kept)), percent(at(&trusted, kept))]);
    }
    let selective = &run.results.selective;
    let all = at(&sure, 1.0);
    let half = at(&sure, 0.5);
    (hits.len() > 1).then(|| Figure {
        id: "risk-coverage",
        title: "Risk and coverage".into(),
        finding: format!(
            "Of all rows {} are wrong; of the half it is surest of, {}. Area under the curve {} by certainty, {} by \
             the views' confidence (small is good).",
            percent(all),
            percent(half),
            three(selective.aurc),
            three(selective.aurc_by_confidence)
        ),
        note: "From the right: fewer rows are answered, the least sure left to a person first. The dashed line is \
               leaving out rows at random."
            .into(),
        panels: vec![panel(&sure, &trusted)],
        table,
    })
}

/// Share of rows kept with the share of these that is wrong, by the largest probability.
pub(crate) fn by_certainty(run: &Run) -> Vec<(f64, f64)> {
    risks(
        &run.results.test.probabilities.iter().map(|row| row[largest(row)]).collect::<Vec<_>>(),
        &run.hits(),
    )
}

/// The same by the mean of the views' confidences.
fn by_confidence(run: &Run) -> Vec<(f64, f64)> {
    let mean = |row: &Vec<f64>| row.iter().sum::<f64>() / row.len() as f64;
    risks(&run.results.test.confidences.iter().map(mean).collect::<Vec<_>>(), &run.hits())
}

/// Rows that are equally sure are kept or left together: each of them bears their mean.
fn risks(sure: &[f64], hits: &[bool]) -> Vec<(f64, f64)> {
    let mut order: Vec<usize> = (0..hits.len()).collect();
    order.sort_by(|&a, &b| sure[b].total_cmp(&sure[a]).then(a.cmp(&b)));
    let mut curve = Vec::with_capacity(hits.len());
    let mut wrong = 0.0;
    for tied in order.chunk_by(|&a, &b| sure[a] == sure[b]) {
        let among = tied.iter().filter(|&&row| !hits[row]).count() as f64 / tied.len() as f64;
        for _ in tied {
            wrong += among;
            let kept = (curve.len() + 1) as f64;
            curve.push((kept / hits.len() as f64, wrong / kept));
        }
    }
    curve
}

fn place(kept: f64, rows: usize) -> usize {
    ((kept * rows as f64).round() as usize).clamp(1, rows) - 1
}

fn panel(sure: &[(f64, f64)], trusted: &[(f64, f64)]) -> Panel {
    let height = 300.0;
    let space = Space { right: WIDTH - 84.0, ..Space::of(WIDTH, height) };
    let risks = sure.iter().chain(trusted).map(|point| point.1);
    let plot = Plot {
        x: Scale { from: (0.0, 1.0), to: space.across() },
        y: Scale::over(risks, &[0.0, 0.1], space.up()),
    };
    let all = sure.last().map_or(0.0, |point| point.1);
    // The names stand at the right, where all lines meet: by where the lines are at half coverage.
    let middle = |curve: &[(f64, f64)]| plot.y.at(curve[place(0.5, curve.len())].1);
    let names = spread(&[middle(sure), middle(trusted), plot.y.at(all)], 16.0, (space.top, space.bottom));
    let named = [("certainty", "f0"), ("confidence", "f1"), ("at random", "soft")];
    let body = html! {
        (plot.axes("share of rows answered", "share wrong", 4))
        path class="guide" d=(plot.line(&[(0.0, all), (1.0, all)])) {}
        path class="line s1 dash" d=(plot.line(trusted)) {}
        path class="line s0" d=(plot.line(sure)) {}
        @for ((name, class), y) in named.iter().zip(names) {
            text class=(class) x=(px(space.right + 8.0)) y=(px(y + 4.0)) { (name) }
        }
    };
    let said: Vec<String> = KEPT
        .iter()
        .map(|&kept| format!("{} kept, {} wrong", percent(kept), percent(sure[place(kept, sure.len())].1)))
        .collect();
    let description = format!("By certainty: {}", said.join("; "));
    Panel { width: WIDTH, height, title: "Risk and coverage".into(), description, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_equal_certainty_share_their_risk() {
        let curve = risks(&[0.9, 0.8, 0.8, 0.5], &[true, true, false, false]);
        assert_eq!(curve, [(0.25, 0.0), (0.5, 0.25), (0.75, 1.0 / 3.0), (1.0, 0.5)]);
    }
}
