//! Group `growth`: how the cost grows with the work.

use super::job::{Fit, Job, Model};
use super::plot::{Panel, svg};
use super::section::{Mark, Section, short};
use super::session::{Session, median};
use super::shapes::{BRCA, ROSMAP};
use super::worker::Contestant;
use crate::output;

/// Rows of a batch while many rows stream through.
const BATCH: usize = 500;
/// Rows of a fit at least, in as many epochs as that takes: what a fit does once is stated apart.
const LEAST_ROWS: usize = 20_000;

/// The section, and its plot as SVG.
pub(crate) fn growth(session: &mut Session, threads: usize, quick: bool) -> (Section, String) {
    let mut section = Section::new("growth", "Cost as work grows");
    section.say(format!(
        "An epoch of the trainer over rows that are made as they are asked for, in batches of {BATCH} (ROSMAP's \
         widths, hidden 300), in fits of {LEAST_ROWS} rows or more, and a full-batch step of BRCA's widths by hidden \
         width, whose FLOPs are those of full products, zeros among them. The deviation is the largest from the \
         median of the column."
    ));
    let most = if quick { 5 } else { 6 };
    let rows: Vec<_> = (3..=most).map(|digits| 10usize.pow(digits)).collect();
    let (by_rows, beside) = per_row(session, &rows, threads);
    let hidden: &[usize] = if quick { &[100, 500, 2000] } else { &[100, 200, 500, 1000, 2000, 4000] };
    let by_flops = per_flop(session, hidden, threads);
    for (work, points) in
        [("time a row, 10³ to 10⁶ rows streamed", &by_rows), ("time a FLOP, hidden 100 to 4000", &by_flops)]
    {
        if !points.is_empty() {
            section.marks.push(Mark::at_most(work, deviation(points), 15.0, "% off"));
        }
    }
    let line = |unit: fn(f64) -> f64| move |&(x, y): &(f64, f64)| vec![format!("{x}"), short(unit(y))];
    section.table(&["rows", "µs a row"], &by_rows.iter().map(line(|ns| ns / 1e3)).collect::<Vec<_>>());
    if let Some(ns) = beside {
        section.say(format!(
            "A fit of one epoch of {} rows takes {} ms more than that: the optimizer's state and all buffers are new.",
            rows[0],
            short(ns / 1e6)
        ));
    }
    section.table(&["hidden", "ps a FLOP"], &by_flops.iter().map(line(|ns| ns * 1e3)).collect::<Vec<_>>());
    section.say("![time a row and time a FLOP](performance-growth.svg)");
    let scaled = |points: &[(f64, f64)], by: f64| points.iter().map(|&(x, y)| (x, y * by)).collect();
    let plot = svg(&[
        Panel { x: "rows of an epoch", y: "µs a row", points: scaled(&by_rows, 1e-3) },
        Panel { x: "hidden width", y: "ps a FLOP", points: scaled(&by_flops, 1e3) },
    ]);
    (section, plot)
}

/// Nanoseconds a row of an epoch, by its rows; and nanoseconds of a fit beside its epochs, by that with the fewest rows. The
/// memory of the process is noted at the end.
fn per_row(session: &mut Session, rows: &[usize], threads: usize) -> (Vec<(f64, f64)>, Option<f64>) {
    let Some(mut worker) = session.fresh(Contestant::Ours, threads) else { return (Vec::new(), None) };
    // Fits of about as many rows each. The first are not counted where they are short: two threads need a tenth of a second to
    // get a core each.
    let mut time = |rows: usize, epochs: usize| {
        let all = rows * epochs;
        let warm_up = if all > 100_000 { 0 } else { (20_000 / all).max(1) as u32 };
        let samples = (100_000 / all).clamp(1, 25) as u32;
        let job = Job::Fit(Fit { model: ROSMAP.model(BATCH), rows, epochs });
        match worker.prepare(&job).and_then(|()| worker.run(1, warm_up + samples)) {
            Ok(times) => Some(median(times[warm_up as usize..].to_vec())),
            Err(reason) => {
                output::note(&format!("skipped: {job}: {reason}"));
                None
            }
        }
    };
    // In a process that is young: an old one has memory left for new buffers.
    let short_fit = rows.first().and_then(|&rows| time(rows, 1));
    let mut points = Vec::new();
    for &rows in rows {
        let epochs = LEAST_ROWS.div_ceil(rows);
        points.extend(time(rows, epochs).map(|ns| (rows as f64, ns / (rows * epochs) as f64)));
    }
    let beside = short_fit.zip(points.first()).map(|(fit, (rows, per_row))| fit - rows * per_row);
    if let Ok(mib) = worker.memory() {
        output::note(&format!("peak memory after the longest epoch: {} MiB", short(mib)));
    }
    (points, beside)
}

/// Nanoseconds a floating-point operation of a step, by hidden width.
fn per_flop(session: &mut Session, hidden: &[usize], threads: usize) -> Vec<(f64, f64)> {
    let point = |&hidden: &usize| {
        let model = Model { hidden, ..BRCA.model(BRCA.rows) };
        let flops = model.step_flops();
        let times = session.contest(&Job::Step(model), &[Contestant::Ours], threads);
        Some((hidden as f64, times.get(&Contestant::Ours)? / flops))
    };
    hidden.iter().filter_map(point).collect()
}

/// The largest distance from the median, in percent of it.
fn deviation(points: &[(f64, f64)]) -> f64 {
    let middle = median(points.iter().map(|point| point.1).collect());
    points.iter().map(|point| 100.0 * (point.1 / middle - 1.0).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_is_the_largest_on_either_side() {
        assert!((deviation(&[(1.0, 10.0), (2.0, 10.0), (3.0, 8.0)]) - 20.0).abs() < 1e-12);
        assert_eq!(deviation(&[(1.0, 5.0)]), 0.0);
    }
}
