//! Group `growth`: how the cost grows with the work.

use super::job::{Epoch, Job, Model};
use super::plot::{Panel, svg};
use super::section::{Mark, Section, short};
use super::session::{Session, median};
use super::shapes::{BRCA, ROSMAP};
use super::worker::Contestant;
use crate::output;

/// Rows of a batch while many rows stream through.
const BATCH: usize = 500;

/// The section, and its plot as SVG.
pub(crate) fn growth(session: &mut Session, threads: usize, quick: bool) -> (Section, String) {
    let mut section = Section::new("growth", "Cost as work grows");
    section.say(format!(
        "An epoch of the trainer over rows that are made as they are asked for, in batches of {BATCH} (ROSMAP's \
         widths, hidden 300), and a full-batch step of BRCA's widths by hidden width. The deviation is the largest \
         from the median of the column."
    ));
    let most = if quick { 5 } else { 6 };
    let rows: Vec<_> = (3..=most).map(|digits| 10usize.pow(digits)).collect();
    let by_rows = per_row(session, &rows, threads);
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
    section.table(&["hidden", "ps a FLOP"], &by_flops.iter().map(line(|ns| ns * 1e3)).collect::<Vec<_>>());
    section.say("![time a row and time a FLOP](performance-growth.svg)");
    let scaled = |points: &[(f64, f64)], by: f64| points.iter().map(|&(x, y)| (x, y * by)).collect();
    let plot = svg(&[
        Panel { x: "rows of an epoch", y: "µs a row", points: scaled(&by_rows, 1e-3) },
        Panel { x: "hidden width", y: "ps a FLOP", points: scaled(&by_flops, 1e3) },
    ]);
    (section, plot)
}

/// Nanoseconds a row of an epoch, by its rows. The memory of the process is noted at the end.
fn per_row(session: &mut Session, rows: &[usize], threads: usize) -> Vec<(f64, f64)> {
    let Some(mut worker) = session.fresh(Contestant::Ours, threads) else { return Vec::new() };
    let mut points = Vec::new();
    for &rows in rows {
        let job = Job::Epoch(Epoch { model: ROSMAP.model(BATCH), rows });
        // About as much work for each point. The first epochs of a point are not counted where they are short: two
        // threads need a tenth of a second to get a core each.
        let warm_up = if rows > 100_000 { 0 } else { (10_000 / rows).max(1) as u32 };
        let samples = (100_000 / rows).clamp(1, 25) as u32;
        match worker.prepare(&job).and_then(|()| worker.run(1, warm_up + samples)) {
            Ok(times) => {
                points.push((rows as f64, median(times[warm_up as usize..].to_vec()) / rows as f64));
            }
            Err(reason) => output::note(&format!("skipped: {job}: {reason}")),
        }
    }
    if let Ok(mib) = worker.memory() {
        output::note(&format!("peak memory after the longest epoch: {} MiB", short(mib)));
    }
    points
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
