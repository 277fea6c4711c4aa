//! Whether rows of which the model says 80 % are right in 80 % of cases, before and after temperature scaling.

use super::{Figure, Table};
use crate::page::run::{Run, largest};
use crate::page::svg::{Panel, Plot, Space, WIDTH, px};
use crate::page::words::{count, percent, three, two};
use crate::results::CalibrationScores;
use maud::{Markup, html};
use metrics::{Binning, ReliabilityBin, reliability_curve};
use ndarray::Array2;

/// As many bins as the expected calibration error has.
const BINS: usize = 10;

/// Rows of about the same certainty.
struct Bin {
    rows: usize,
    hits: usize,
    certainty: f64,
}

pub(super) fn figure(run: &Run) -> Figure {
    let calibration = &run.results.calibration;
    let raw = bins(run, 1.0);
    let mut panels = vec![panel("as trained", &raw, &calibration.raw, 0)];
    let mut table = Table::of(&["bin", "rows", "mean certainty", "share right", "95 % interval"]);
    add_rows(&mut table, "as trained", &raw);
    if let (Some(temperature), Some(scores)) = (calibration.temperature, &calibration.scaled) {
        let scaled = bins(run, temperature);
        panels.push(panel(&format!("at temperature {}", two(temperature)), &scaled, scores, 2));
        add_rows(&mut table, "scaled", &scaled);
    }
    Figure {
        id: "reliability",
        title: "Reliability".into(),
        finding: finding(run),
        note: format!(
            "Test rows in {BINS} bins by the model's certainty, its largest probability: a dot on the dashed line is \
             honest, one below it too sure. Larger dots hold more rows, bars are 95 % (Wilson) intervals. Temperature \
             scaling was fitted on validation rows."
        ),
        panels,
        table,
    }
}

fn finding(run: &Run) -> String {
    let calibration = &run.results.calibration;
    let hits = run.hits();
    let accuracy = hits.iter().filter(|&&hit| hit).count() as f64 / hits.len() as f64;
    let top = run.results.test.probabilities.iter().map(|row| row[largest(row)]);
    let certainty = top.sum::<f64>() / hits.len() as f64;
    let lean = match certainty - accuracy {
        gap if gap > 0.02 => "It is surer than it should be",
        gap if gap < -0.02 => "It is less sure than it might be",
        _ => "On the whole it is as sure as it is right",
    };
    let mut text = format!(
        "{lean}: {} certain on average and right in {}. Expected calibration error {}.",
        percent(certainty),
        percent(accuracy),
        three(calibration.raw.ece)
    );
    if let (Some(temperature), Some(scaled)) = (calibration.temperature, &calibration.scaled) {
        text += &format!(" Divided by a temperature of {}: {}.", two(temperature), three(scaled.ece));
    }
    text
}

/// Dividing logits by a temperature raises probabilities to its inverse power.
fn bins(run: &Run, temperature: f64) -> Vec<Bin> {
    let test = &run.results.test;
    let mut sharpened = Array2::zeros((test.labels.len(), run.results.facts.classes.len()));
    for (row, mut to) in test.probabilities.iter().zip(sharpened.rows_mut()) {
        let powers = row.iter().map(|p| p.clamp(0.0, 1.0).powf(1.0 / temperature));
        to.iter_mut().zip(powers).for_each(|(to, power)| *to = power);
        let sum = to.sum().max(f64::MIN_POSITIVE);
        to /= sum;
    }
    // Labels and probabilities were checked when the run was read.
    let bins = reliability_curve(&test.labels, &sharpened, BINS, Binning::EqualWidth).unwrap_or_default();
    let of = |bin: ReliabilityBin| Bin {
        rows: bin.count,
        hits: (bin.accuracy * bin.count as f64).round() as usize,
        certainty: bin.confidence,
    };
    bins.into_iter().map(of).collect()
}

impl Bin {
    fn right(&self) -> f64 {
        self.hits as f64 / self.rows as f64
    }

    /// Wilson's interval of a share, good for few rows too.
    fn interval(&self) -> [f64; 2] {
        let (z, n, p) = (1.959_964, self.rows as f64, self.right());
        let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        [(middle - half).max(0.0), (middle + half).min(1.0)]
    }
}

fn panel(name: &str, bins: &[Bin], scores: &CalibrationScores, tone: usize) -> Panel {
    // The largest dot at 1 stays clear of the name above.
    let space = Space { top: 36.0, ..Space::of(WIDTH, 310.0) };
    let plot = space.unit();
    let most = bins.iter().map(|bin| bin.rows).max().unwrap_or(1) as f64;
    let error = format!("ECE {}, Brier {}", three(scores.ece), three(scores.brier));
    let body = html! {
        (plot.axes("certainty", "share right", 4))
        text class="strong end" x=(px(space.right)) y="12" { (name) }
        text class="soft end" x=(px(space.right)) y=(px(space.bottom - 10.0)) { (error) }
        path class="guide" d=(plot.line(&[(0.0, 0.0), (1.0, 1.0)])) {}
        @for bin in bins { (dot(&plot, bin, most, tone)) }
    };
    let said: Vec<String> = bins
        .iter()
        .map(|bin| format!("{} certain, {} right", percent(bin.certainty), percent(bin.right())))
        .collect();
    let description = format!("{error}. By certainty: {}", said.join("; "));
    Panel { width: WIDTH, height: 310.0, title: format!("Reliability {name}"), description, body }
}

fn dot(plot: &Plot, bin: &Bin, most: f64, tone: usize) -> Markup {
    let (x, y) = (plot.x.at(bin.certainty), plot.y.at(bin.right()));
    let [low, high] = bin.interval();
    let radius = 2.5 + 6.0 * (bin.rows as f64 / most).sqrt();
    html! {
        path class={ "thin s" (tone) } d={ "M" (px(x)) " " (px(plot.y.at(low))) "V" (px(plot.y.at(high))) } {}
        circle class={ "f" (tone) } cx=(px(x)) cy=(px(y)) r=(px(radius)) {
            title { (count(bin.rows, "row")) ", " (percent(bin.right())) " right" }
        }
    }
}

fn add_rows(table: &mut Table, name: &str, bins: &[Bin]) {
    for bin in bins {
        let [low, high] = bin.interval();
        table.rows.push(vec![
            name.into(),
            bin.rows.to_string(),
            percent(bin.certainty),
            percent(bin.right()),
            format!("{} to {}", percent(low), percent(high)),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_share_is_wilsons() {
        let of = |hits, rows| Bin { rows, hits, certainty: 0.5 }.interval();
        let [low, high] = of(8, 10);
        assert!((low - 0.4902).abs() < 1e-4 && (high - 0.9433).abs() < 1e-4, "{low} {high}");
        assert!(of(0, 5)[0].abs() < 1e-12);
        assert!((of(5, 5)[1] - 1.0).abs() < 1e-12);
    }
}
