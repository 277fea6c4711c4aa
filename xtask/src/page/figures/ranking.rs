//! How well each class is told from the rest: ROC and precision–recall, with bootstrap bands.

use super::{Figure, Table, colour};
use crate::page::bands::{Bands, Resamples, bands};
use crate::page::run::Run;
use crate::page::svg::{Panel, Plot, Space, WIDTH, fitted, px};
use crate::page::words::{interval, percent, two};
use maud::{Markup, html};
use metrics::{average_precision_score, precision_recall_curve, roc_auc_score, roc_curve};
use ndarray::ArrayView1;

/// With more classes those that are told apart worst are drawn; the table has all.
const MOST_PANELS: usize = 12;
/// Width of a panel where there is one for each class.
const SMALL: f64 = 165.0;

/// One class against the rest.
struct Ranked {
    class: usize,
    name: String,
    labels: Vec<usize>,
    scores: Vec<f64>,
    bands: Bands,
    auc: f64,
    average_precision: f64,
}

/// ROC and precision–recall; none where no class has both rows and others.
pub(super) fn figures(run: &Run) -> [Option<Figure>; 2] {
    let mut all = ranked(run);
    if all.is_empty() {
        return [None, None];
    }
    let one = run.results.facts.classes.len() == 2;
    let table = table(&all);
    let total = all.len();
    all.sort_by(|a, b| a.auc.total_cmp(&b.auc));
    all.truncate(MOST_PANELS);
    all.sort_by_key(|ranked| ranked.class);
    let left_out = if total > all.len() {
        format!(" The {} classes with the smallest AUC are drawn.", all.len())
    } else {
        String::new()
    };
    let band = "The band holds the curve in 95 % of bootstrap samples of the test rows.";
    [
        Some(Figure {
            id: "roc",
            title: "ROC curves".into(),
            finding: roc_finding(&all, one),
            note: format!(
                "The nearer to the upper left corner the better; the dashed line is guessing. {band}{left_out}"
            ),
            panels: all.iter().map(|ranked| roc(ranked, one)).collect(),
            table,
        }),
        Some(Figure {
            id: "precision-recall",
            title: "Precision and recall".into(),
            finding: precision_finding(&all, one),
            note: format!(
                "The nearer to the upper right corner the better; the dashed line is the share of the class, which guessing reaches. {band}{left_out}"
            ),
            panels: all.iter().map(|ranked| precision(ranked, one)).collect(),
            table: self::table(&all),
        }),
    ]
}

fn ranked(run: &Run) -> Vec<Ranked> {
    let (test, classes) = (&run.results.test, &run.results.facts.classes);
    // Two classes: the second alone, for the first is its mirror image.
    let drawn = if classes.len() == 2 { 1..2 } else { 0..classes.len() };
    let resamples = Resamples::draw(test.labels.len(), drawn.len(), run.results.facts.seed);
    drawn
        .filter_map(|class| {
            let positive: Vec<bool> = test.labels.iter().map(|&label| label == class).collect();
            let labels: Vec<usize> = positive.iter().map(|&positive| usize::from(positive)).collect();
            let scores: Vec<f64> = test.probabilities.iter().map(|row| row[class]).collect();
            let view = ArrayView1::from(&scores);
            Some(Ranked {
                class,
                name: classes[class].clone(),
                auc: roc_auc_score(&labels, view).ok()?,
                average_precision: average_precision_score(&labels, view).ok()?,
                bands: bands(&positive, &scores, &resamples),
                labels,
                scores,
            })
        })
        .collect()
}

fn ends(all: &[Ranked], of: impl Fn(&Ranked) -> f64) -> (&Ranked, &Ranked) {
    let by = |a: &&Ranked, b: &&Ranked| of(a).total_cmp(&of(b));
    let least = all.iter().min_by(by).unwrap_or(&all[0]);
    (least, all.iter().max_by(by).unwrap_or(least))
}

fn roc_finding(all: &[Ranked], one: bool) -> String {
    let (least, most) = ends(all, |ranked| ranked.auc);
    if one {
        let range = interval(least.bands.auc);
        return format!(
            "A random row of {} is ranked above a random other row with probability {} ({range}).",
            least.name,
            two(least.auc)
        );
    }
    format!(
        "Each class against all others. Told apart best: {}, AUC {}; worst: {}, {}.",
        most.name,
        two(most.auc),
        least.name,
        two(least.auc)
    )
}

fn precision_finding(all: &[Ranked], one: bool) -> String {
    let (least, most) = ends(all, |ranked| ranked.average_precision);
    if one {
        let range = interval(least.bands.average_precision);
        return format!(
            "Averaged over all thresholds, {} ({range}) of those called {} are it.",
            percent(least.average_precision),
            least.name
        );
    }
    format!(
        "Average precision from {} ({}) to {} ({}).",
        two(least.average_precision),
        least.name,
        two(most.average_precision),
        most.name
    )
}

fn roc(ranked: &Ranked, one: bool) -> Panel {
    let view = ArrayView1::from(&ranked.scores);
    let curve =
        roc_curve(&ranked.labels, view, true).map(|curve| curve.fpr.into_iter().zip(curve.tpr).collect());
    let drawing = Drawing {
        ranked,
        one,
        names: ("false alarms", "found"),
        score: ("AUC", ranked.auc, ranked.bands.auc),
        curve: curve.unwrap_or_default(),
        band: &ranked.bands.roc,
        guess: [(0.0, 0.0), (1.0, 1.0)],
    };
    drawing.panel()
}

fn precision(ranked: &Ranked, one: bool) -> Panel {
    let share = ranked.labels.iter().sum::<usize>() as f64 / ranked.labels.len() as f64;
    let drawing = Drawing {
        ranked,
        one,
        names: ("recall", "precision"),
        score: ("AP", ranked.average_precision, ranked.bands.average_precision),
        curve: stairs(ranked),
        band: &ranked.bands.precision,
        guess: [(0.0, share), (1.0, share)],
    };
    drawing.panel()
}

/// Between two thresholds there is nothing to choose: the precision is that of the lower one.
fn stairs(ranked: &Ranked) -> Vec<(f64, f64)> {
    let Ok(curve) = precision_recall_curve(&ranked.labels, ArrayView1::from(&ranked.scores)) else {
        return Vec::new();
    };
    let points: Vec<(f64, f64)> = curve.recall.into_iter().zip(curve.precision).rev().skip(1).collect();
    let mut from = 0.0;
    let mut path = Vec::new();
    for (recall, precision) in points {
        // Once all are found, a lower threshold only adds false alarms.
        if from == 1.0 {
            break;
        }
        path.extend([(from, precision), (recall, precision)]);
        from = recall;
    }
    path
}

struct Drawing<'a> {
    ranked: &'a Ranked,
    one: bool,
    /// Of x and y.
    names: (&'static str, &'static str),
    score: (&'static str, f64, Option<[f64; 2]>),
    curve: Vec<(f64, f64)>,
    band: &'a [Vec<(f64, f64)>; 2],
    guess: [(f64, f64); 2],
}

impl Drawing<'_> {
    fn panel(&self) -> Panel {
        let (name, value, range) = self.score;
        let scored = format!("{name} {}", two(value));
        let range = interval(range);
        let (width, height) = if self.one { (WIDTH, 300.0) } else { (SMALL, 196.0) };
        let space = match self.one {
            true => Space::of(width, height),
            false => Space { left: 26.0, right: width - 6.0, top: 36.0, bottom: height - 24.0 },
        };
        let plot = space.unit();
        let description = format!("{}: {scored}, interval {range}", self.ranked.name);
        let body = html! {
            @if self.one {
                (plot.axes(self.names.0, self.names.1, 4))
                text class="strong end" x=(px(space.right)) y="12" { (scored) " (" (range) ")" }
            } @else {
                (self.small_axes(&plot, width))
                text class="strong" x="0" y="12" { (fitted(&self.ranked.name, 12.5, width)) }
                text class="soft" x="0" y="28" { (scored) " (" (range) ")" }
            }
            (self.lines(&plot))
        };
        Panel { width, height, title: self.ranked.name.clone(), description, body }
    }

    fn lines(&self, plot: &Plot) -> Markup {
        let tone = if self.one { 0 } else { colour(self.ranked.class) };
        let [low, high] = self.band;
        html! {
            path class="guide" d=(plot.line(&self.guess)) {}
            @if !low.is_empty() {
                path class={ "area f" (tone) } d=(plot.band(low, high)) {}
            }
            path class={ "line s" (tone) } d=(plot.line(&self.curve)) {}
        }
    }

    /// Three ticks each way; what the axes are is said once below.
    fn small_axes(&self, plot: &Plot, width: f64) -> Markup {
        let (bottom, left) = (plot.y.to.0, plot.x.to.0);
        html! {
            @for value in [0.0, 0.5, 1.0] {
                @let name = if value == 0.5 { ".5".to_owned() } else { format!("{value}") };
                path class="grid" d={ "M" (px(left)) " " (px(plot.y.at(value))) "H" (px(width - 6.0)) } {}
                text class="tick end" x=(px(left - 5.0)) y=(px(plot.y.at(value) + 4.0)) { (name) }
            }
            text class="tick mid" x=(px(left)) y=(px(bottom + 16.0)) { "0" }
            text class="name mid" x=(px((left + width - 6.0) / 2.0)) y=(px(bottom + 16.0)) { (self.names.1) " by " (self.names.0) }
            text class="tick end" x=(px(width - 3.0)) y=(px(bottom + 16.0)) { "1" }
        }
    }
}

fn table(all: &[Ranked]) -> Table {
    let mut table =
        Table::of(&["class", "rows", "AUC", "95 % interval", "average precision", "95 % interval"]);
    for ranked in all {
        let rows: usize = ranked.labels.iter().sum();
        table.rows.push(vec![
            ranked.name.clone(),
            rows.to_string(),
            two(ranked.auc),
            interval(ranked.bands.auc),
            two(ranked.average_precision),
            interval(ranked.bands.average_precision),
        ]);
    }
    table
}
