//! A worker: reads what to do from standard input, does it, and answers with times. The folder `peers` compiles this
//! file too.
//!
//! ```text
//! prepare JOB        → ready, or: cannot REASON
//! run TIMES SAMPLES  → times NS NS …   one mean a sample, over TIMES runs each
//! memory             → memory KIB      the most memory that the process ever held
//! ```
//!
//! The first line of a worker is `hello NAME VERSION`. It ends when its input does.

use super::job::Job;
use std::io::{self, BufRead, Write};
use std::time::Instant;

/// A job, ready to be run any number of times.
pub(crate) type Run = Box<dyn FnMut()>;

/// Serves until the input ends. `prepare` makes a job ready, or says why it cannot.
pub(crate) fn serve(name: &str, mut prepare: impl FnMut(&Job) -> Result<Run, String>) -> io::Result<()> {
    let mut out = io::stdout();
    let mut answer = |line: &str| writeln!(out, "{line}").and_then(|()| out.flush());
    answer(&format!("hello {name}"))?;
    let mut job: Option<Run> = None;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let reply = match line.split_once(' ').unwrap_or((&line, "")) {
            ("prepare", wanted) => {
                // The old job's memory goes before the new one's is taken.
                drop(job.take());
                match wanted.parse().and_then(|wanted| prepare(&wanted)) {
                    Ok(ready) => {
                        job = Some(ready);
                        "ready".to_owned()
                    }
                    Err(reason) => format!("cannot {reason}"),
                }
            }
            ("run", amount) => run(job.as_mut(), amount),
            ("memory", _) => format!("memory {}", most_resident().unwrap_or(0)),
            _ => format!("cannot understand `{line}`"),
        };
        answer(&reply)?;
    }
    Ok(())
}

fn run(job: Option<&mut Run>, amount: &str) -> String {
    let mut numbers = amount.split_whitespace().map(str::parse::<u32>);
    let (Some(job), Some(Ok(times)), Some(Ok(samples))) = (job, numbers.next(), numbers.next()) else {
        return "cannot run without a job and two numbers".to_owned();
    };
    let mut reply = "times".to_owned();
    for _ in 0..samples {
        let start = Instant::now();
        (0..times).for_each(|_| job());
        reply += &format!(" {:.1}", start.elapsed().as_nanos() as f64 / f64::from(times));
    }
    reply
}

/// `VmHWM`: the peak of resident memory, in KiB.
fn most_resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
