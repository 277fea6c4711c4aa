//! The model beside simpler methods on the very same rows.

use super::{Figure, Table, colour};
use crate::page::run::Run;
use crate::page::svg::{Panel, Scale, WIDTH, fitted, px};
use crate::page::words::{listed, two, with_interval};
use crate::results::Score;
use maud::html;

const MODEL: &str = "this model";
/// Grey.
const OTHERS: usize = 7;
const ROW: f64 = 33.0;
/// Scores with a panel of their own.
const PANELS: usize = 3;

/// A method or a run with one of its scores.
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    pub(crate) score: &'a Score,
    /// The number of its colour; grey is 7.
    pub(crate) tone: usize,
}

pub(super) fn figure(run: &Run) -> Option<Figure> {
    let results = &run.results;
    if results.baselines.is_empty() {
        return None;
    }
    let panels: Vec<Panel> = results
        .scores
        .iter()
        .take(PANELS)
        .map(|score| panel(score, &entries(run, score), Some(score.value)))
        .collect();
    Some(Figure {
        id: "baselines",
        title: "Scores with 95 % intervals".into(),
        finding: finding(run),
        note: "All methods learnt from the same rows and were tested on the same rows. Where intervals overlap, \
               this test cannot tell the methods apart for sure; where they do not, it can."
            .into(),
        panels,
        table: table(run),
    })
}

/// All methods that have this score, the best first.
fn entries<'a>(run: &'a Run, of: &'a Score) -> Vec<Entry<'a>> {
    let baselines = run.results.baselines.iter().filter_map(|baseline| {
        let score = baseline.scores.iter().find(|score| score.name == of.name)?;
        Some(Entry { name: &baseline.name, score, tone: OTHERS })
    });
    let mut all: Vec<Entry<'a>> =
        std::iter::once(Entry { name: MODEL, score: of, tone: 0 }).chain(baselines).collect();
    all.sort_by(|a, b| b.score.value.total_cmp(&a.score.value));
    all
}

fn finding(run: &Run) -> String {
    let Some(score) = run.results.scores.first() else { return String::new() };
    let all = entries(run, score);
    let better: Vec<String> = all
        .iter()
        .take_while(|entry| entry.name != MODEL)
        .map(|entry| format!("{} ({})", entry.name, two(entry.score.value)))
        .collect();
    if better.is_empty() {
        let next = all.iter().find(|entry| entry.name != MODEL);
        return next.map_or(String::new(), |next| {
            let as_good = next.score.value == score.value;
            let than = if as_good { "none is better than" } else { "all are below" };
            format!(
                "By {}, {than} this model's {}; the nearest is {} with {}.",
                score.label,
                two(score.value),
                next.name,
                two(next.score.value)
            )
        });
    }
    format!("By {}, better than this model's {}: {}.", score.label, two(score.value), listed(&better, 4))
}

/// One score of several methods, each on a line of its own; an upright line at `guide`.
pub(crate) fn panel(score: &Score, entries: &[Entry<'_>], guide: Option<f64>) -> Panel {
    let (left, right, top) = (4.0, WIDTH - 46.0, 26.0);
    let bottom = top + ROW * entries.len() as f64;
    let values = entries.iter().flat_map(|entry| {
        let [low, high] = entry.score.interval.unwrap_or([entry.score.value; 2]);
        [low, entry.score.value, high]
    });
    let x = Scale::over(values, &[], (left, right));
    let x = Scale { from: (x.from.0.max(0.0), x.from.1.min(1.0).max(x.from.0.max(0.0) + 0.05)), ..x };
    let height = bottom + 24.0;
    let body = html! {
        text class="strong" x="0" y="13" { (score.label) }
        @for (value, name) in x.ticks(4) {
            path class="grid" d={ "M" (px(x.at(value))) " " (px(top)) "V" (px(bottom)) } {}
            text class="tick mid" x=(px(x.at(value).clamp(9.0, WIDTH - 10.0))) y=(px(bottom + 17.0)) { (name) }
        }
        @if let Some(value) = guide {
            path class="guide" d={ "M" (px(x.within(value))) " " (px(top)) "V" (px(bottom)) } {}
        }
        @for (i, entry) in entries.iter().enumerate() {
            @let y = top + ROW * i as f64;
            @let is_model = entry.name == MODEL;
            @let tone = colour(entry.tone);
            text class=(if is_model { "halo strong" } else { "halo" }) x=(px(left)) y=(px(y + 12.0)) { (fitted(entry.name, 12.0, right - left)) }
            @if let Some([low, high]) = entry.score.interval {
                path class={ "line s" (tone) } d={ "M" (px(x.within(low))) " " (px(y + 22.0)) "H" (px(x.within(high))) } {}
            }
            circle class={ "f" (tone) } cx=(px(x.within(entry.score.value))) cy=(px(y + 22.0)) r=(if is_model { "5.5" } else { "4.5" }) {}
            text class=(if is_model { "strong end" } else { "end" }) x=(px(WIDTH)) y=(px(y + 26.0)) { (two(entry.score.value)) }
        }
    };
    let said: Vec<String> =
        entries.iter().map(|entry| format!("{} {}", entry.name, with_interval(entry.score))).collect();
    Panel {
        width: WIDTH,
        height,
        title: format!("{} by method", score.label),
        description: said.join("; "),
        body,
    }
}

fn table(run: &Run) -> Table {
    let scores = &run.results.scores;
    let mut table = Table { head: vec!["method".into()], rows: Vec::new() };
    table.head.extend(scores.iter().map(|score| score.label.clone()));
    let mut add = |name: &str, own: &[Score]| {
        let mut row = vec![name.to_owned()];
        let of = |wanted: &Score| {
            own.iter().find(|score| score.name == wanted.name).map_or("–".into(), with_interval)
        };
        row.extend(scores.iter().map(of));
        table.rows.push(row);
    };
    add(MODEL, scores);
    run.results.baselines.iter().for_each(|baseline| add(&baseline.name, &baseline.scores));
    table
}
