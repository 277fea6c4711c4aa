//! Groups `start` and `memory`: what is measured of a whole process.

use super::job::Job;
use super::section::{Mark, Section, short};
use super::session::{Session, median};
use super::shapes::{BRCA, ROSMAP};
use super::worker::Contestant;
use crate::output;
use std::collections::BTreeMap;
use std::time::Instant;

const ALL: [Contestant; 5] =
    [Contestant::Ours, Contestant::Torch, Contestant::Lightning, Contestant::Burn, Contestant::Candle];

/// Threads of these processes.
const THREADS: usize = 2;

/// From the start of the process to the end of the first step.
pub(crate) fn start(session: &mut Session) -> Section {
    let mut section = Section::new("start", "Start");
    section.say(
        "Seconds from starting the process to the end of its first ROSMAP step at full batch: loading the program, \
         making model and data, one step. Medians of runs in turns.",
    );
    let job = Job::Step(ROSMAP.model(ROSMAP.rows));
    let mut seconds: BTreeMap<Contestant, Vec<f64>> = BTreeMap::new();
    for _ in 0..session.effort.rounds.min(3) {
        for who in session.taking_part(&ALL) {
            let begun = Instant::now();
            let Some(mut worker) = session.fresh(who, THREADS) else { continue };
            match worker.prepare(&job).and_then(|()| worker.run(1, 1)) {
                Ok(_) => seconds.entry(who).or_default().push(begun.elapsed().as_secs_f64()),
                Err(reason) => output::note(&format!("skipped: {who}: {reason}")),
            }
        }
    }
    let seconds: BTreeMap<_, _> = seconds.into_iter().map(|(who, runs)| (who, median(runs))).collect();
    if let Some((ours, torch)) = seconds.get(&Contestant::Ours).zip(seconds.get(&Contestant::Torch)) {
        section.marks.push(Mark::at_least(
            "process start to the end of the first step, ROSMAP",
            torch / ours,
            60.0,
            "× torch",
        ));
    }
    let rows: Vec<_> = seconds.iter().map(|(who, s)| vec![who.to_string(), format!("{s:.3}")]).collect();
    section.table(&["", "seconds"], &rows);
    section
}

/// The most memory that a training ever held.
pub(crate) fn memory(session: &mut Session) -> Section {
    const STEPS: u32 = 5;
    let mut section = Section::new("memory", "Memory");
    section.say(format!(
        "MiB, the peak of resident memory (`VmHWM`) of a process that has done {STEPS} training steps at full batch. \
         torch here is the build that pip gives; a build for processors alone is smaller."
    ));
    let jobs = [(&BRCA, 90.0), (&ROSMAP, 20.0)];
    let mut rows = Vec::new();
    for who in session.taking_part(&ALL) {
        let mut cells = vec![who.to_string()];
        for (data, most) in jobs {
            let job = Job::Step(data.model(data.rows));
            let Some(mut worker) = session.fresh(who, THREADS) else { continue };
            let held = worker.prepare(&job).and_then(|()| worker.run(1, STEPS)).and_then(|_| worker.memory());
            match &held {
                Ok(mib) if who == Contestant::Ours => {
                    let work = format!("peak resident memory, {} full batch", data.name);
                    section.marks.push(Mark::at_most(work, *mib, most, "MiB"));
                }
                Ok(_) => {}
                Err(reason) => output::note(&format!("skipped: {who}: {reason}")),
            }
            cells.push(held.map_or_else(|_| "–".to_owned(), short));
        }
        rows.push(cells);
    }
    section.table(&["", "BRCA, hidden 500, 612 rows", "ROSMAP, hidden 300, 245 rows"], &rows);
    section
}
