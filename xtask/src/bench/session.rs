//! Contests: workers take turns at the same job, A B A B, and their medians are compared.

use super::job::Job;
use super::machine;
use super::worker::{Contestant, Places, Worker};
use crate::output;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long things are measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Turns of each worker at each job on one thread; two fewer on several, where a turn is longer.
    pub(crate) rounds: usize,
    /// How long a turn measures, if the job is shorter than that.
    pub(crate) turn: Duration,
}

/// Medians in nanoseconds, of those who could do the job.
pub(crate) type Times = BTreeMap<Contestant, f64>;

/// All workers of one run of the benchmark.
pub(crate) struct Session {
    pub(crate) places: Places,
    pub(crate) effort: Effort,
    /// Who takes part at all.
    contestants: Vec<Contestant>,
    workers: BTreeMap<(Contestant, usize), Worker>,
    /// Those who did not start.
    absent: BTreeSet<Contestant>,
    /// Name and version of everybody who did.
    pub(crate) versions: BTreeMap<Contestant, String>,
    /// Nanoseconds from core to core, before each contest on several threads.
    pub(crate) handovers: Vec<f64>,
}

/// How a worker's turns at a job look.
struct Turn {
    who: Contestant,
    times: u32,
    samples: u32,
    /// Samples at the start of each turn that are not counted.
    warm_up: u32,
    measured: Vec<f64>,
}

impl Session {
    pub(crate) fn new(places: Places, effort: Effort, contestants: Vec<Contestant>) -> Self {
        Session {
            places,
            effort,
            contestants,
            workers: BTreeMap::new(),
            absent: BTreeSet::new(),
            versions: BTreeMap::new(),
            handovers: Vec::new(),
        }
    }

    /// Those of `wanted` who take part.
    pub(crate) fn taking_part(&self, wanted: &[Contestant]) -> Vec<Contestant> {
        let here = |who: &&Contestant| {
            (**who == Contestant::Limit || self.contestants.contains(who)) && !self.absent.contains(who)
        };
        wanted.iter().filter(here).copied().collect()
    }

    /// A fresh worker, for what is measured of a whole process. Nobody else's turn is disturbed by it.
    pub(crate) fn fresh(&mut self, who: Contestant, threads: usize) -> Option<Worker> {
        if self.absent.contains(&who) {
            return None;
        }
        match Worker::start(who, threads, &self.places) {
            Ok(worker) => {
                self.versions.insert(who, worker.version.clone());
                Some(worker)
            }
            Err(reason) => {
                output::note(&format!("skipped: {who}: {reason}"));
                self.absent.insert(who);
                None
            }
        }
    }

    /// Lets those of `wanted` who take part do `job` in turns.
    pub(crate) fn contest(&mut self, job: &Job, wanted: &[Contestant], threads: usize) -> Times {
        if threads > 1 {
            self.handovers.push(machine::handover());
        }
        let mut turns: Vec<Turn> = Vec::new();
        for who in self.taking_part(wanted) {
            match self.first_turn(job, who, threads) {
                Ok(turn) => turns.extend(turn),
                Err(reason) => {
                    output::note(&format!("skipped: {who} at `{job}`: {reason}"));
                    // It may have died of the job; the next one gets a fresh one.
                    self.workers.remove(&(who, threads));
                }
            }
        }
        let rounds =
            if threads == 1 { self.effort.rounds } else { self.effort.rounds.saturating_sub(2).max(2) };
        for _ in 0..rounds {
            for turn in &mut turns {
                // Who failed in an earlier round is gone.
                let Some(worker) = self.workers.get_mut(&(turn.who, threads)) else { continue };
                match worker.run(turn.times, turn.samples + turn.warm_up) {
                    Ok(times) => {
                        turn.measured.extend(times.iter().skip(turn.warm_up as usize));
                        worker.settle();
                    }
                    Err(reason) => {
                        output::note(&format!("skipped: {} at `{job}`: {reason}", turn.who));
                        self.workers.remove(&(turn.who, threads));
                    }
                }
            }
        }
        let measured = turns.into_iter().filter(|turn| !turn.measured.is_empty());
        measured.map(|turn| (turn.who, median(turn.measured))).collect()
    }

    /// Makes the job ready and runs it twice, to learn how long it takes. `None` if the worker is not there.
    fn first_turn(&mut self, job: &Job, who: Contestant, threads: usize) -> Result<Option<Turn>, String> {
        if !self.workers.contains_key(&(who, threads)) {
            let Some(worker) = self.fresh(who, threads) else { return Ok(None) };
            self.workers.insert((who, threads), worker);
        }
        let worker = self.workers.get_mut(&(who, threads)).expect("just started");
        worker.prepare(job)?;
        let first = worker.run(1, 1)?[0];
        // A second run tells more, where it costs little.
        let guess = if first < 1e8 { worker.run(1, 1)?[0] } else { first };
        worker.settle();
        let turn = self.effort.turn.as_nanos() as f64;
        // A sample is long enough for the clock and for what a worker does between samples.
        let times = (turn / 10.0 / guess).ceil().clamp(1.0, 1e6);
        let samples = (turn / (times * guess)).round().clamp(1.0, 10.0);
        let (sample, warming) = (times * guess, warming(threads).as_nanos() as f64);
        // A long sample warms itself up.
        let warm_up = if sample < 5e7 { (warming / sample).ceil() } else { (warming / sample).round() };
        let (times, samples, warm_up) = (times as u32, samples as u32, warm_up as u32);
        Ok(Some(Turn { who, times, samples, warm_up, measured: Vec::new() }))
    }
}

/// How long a turn runs before it counts: until the caches are its own, and until the scheduler has given every thread a
/// core of its own. Two threads that woke on one core were seen to stay there for nearly a tenth of a second, which cost
/// whoever came behind OpenBLAS half of its speed.
fn warming(threads: usize) -> Duration {
    Duration::from_millis(if threads == 1 { 2 } else { 100 })
}

/// The middle value.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// `exp(mean(ln x))`: the mean of ratios that does not depend on which side is the denominator.
pub(crate) fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_lies_between_the_two_in_the_middle() {
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
    }

    #[test]
    fn a_ratio_and_its_inverse_cancel() {
        assert!((geometric_mean(&[2.0, 0.5]) - 1.0).abs() < 1e-15);
    }
}
