//! The measurements as tables.

use std::fmt;
use std::time::Duration;

/// What a profiler measured; `Display` prints it as tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Hooks in the order of their nesting: each is followed by those that ran within it, the longest first.
    pub hooks: Vec<HookRow>,
    /// Kinds of operations, the longest first.
    pub ops: Vec<OpRow>,
    /// The most memory that the process had at once, where the system says so.
    pub peak_resident_bytes: Option<u64>,
    /// The most memory that the training tape kept for its values from step to step.
    pub tape_bytes: usize,
}

/// A hook at one place of the nesting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRow {
    /// The hook's name, with its callback's before it.
    pub name: String,
    /// Hooks around it.
    pub depth: usize,
    /// How often it ran.
    pub calls: u64,
    /// Time in it, with all that ran within it.
    pub total: Duration,
    /// Time in it alone.
    pub own: Duration,
}

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpRow {
    /// [`Op::name`](crate::Op::name).
    pub kind: &'static str,
    /// The forward passes.
    pub forward: Cost,
    /// The backward passes.
    pub backward: Cost,
}

/// What a number of passes took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Number of passes.
    pub calls: u64,
    /// Their time.
    pub total: Duration,
    /// Their floating-point operations; 0 where the operation does not know them.
    pub flops: u64,
}

impl Cost {
    /// Floating-point operations in a nanosecond, where they are known.
    pub fn gflops(&self) -> Option<f64> {
        let nanoseconds = self.total.as_nanos();
        (self.flops > 0 && nanoseconds > 0).then(|| self.flops as f64 / nanoseconds as f64)
    }
}

impl Report {
    /// The time of all hooks that ran within no other.
    pub fn total(&self) -> Duration {
        self.hooks.iter().filter(|hook| hook.depth == 0).map(|hook| hook.total).sum()
    }

    fn write_hooks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |hook: &HookRow| "  ".repeat(hook.depth) + &hook.name;
        let width = self.hooks.iter().map(|hook| name(hook).chars().count()).max().unwrap_or(0).max(4);
        let all = self.total();
        writeln!(
            f,
            "{:width$} {:>9} {:>12} {:>12} {:>12} {:>6} {:>6}",
            "hook", "calls", "mean µs", "total ms", "own ms", "all %", "own %"
        )?;
        for hook in &self.hooks {
            writeln!(
                f,
                "{:width$} {:>9} {:>12.2} {:>12.3} {:>12.3} {:>6.1} {:>6.1}",
                name(hook),
                hook.calls,
                millis(hook.total) * 1e3 / hook.calls.max(1) as f64,
                millis(hook.total),
                millis(hook.own),
                percent(hook.total, all),
                percent(hook.own, all),
            )?;
        }
        Ok(())
    }

    fn write_ops(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.ops.iter().map(|op| op.kind.len()).max().unwrap_or(0).max(9);
        writeln!(
            f,
            "{:width$} {:>9} {:>12} {:>8} {:>9} {:>12} {:>8}",
            "operation", "forward", "ms", "GFLOP/s", "backward", "ms", "GFLOP/s"
        )?;
        for op in &self.ops {
            write!(f, "{:width$}", op.kind)?;
            for cost in [op.forward, op.backward] {
                let speed = cost.gflops().map_or("-".to_owned(), |speed| format!("{speed:.2}"));
                write!(f, " {:>9} {:>12.3} {speed:>8}", cost.calls, millis(cost.total))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Indented rows ran within the row above them: `all %` of a level adds up to that row's, `own %` of all rows to 100.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_hooks(f)?;
        if !self.ops.is_empty() {
            writeln!(f)?;
            self.write_ops(f)?;
        }
        let mebibytes = |bytes: f64| bytes / f64::from(1 << 20);
        if let Some(peak) = self.peak_resident_bytes {
            writeln!(f, "\npeak memory of the process {:.1} MiB", mebibytes(peak as f64))?;
        }
        writeln!(f, "memory that the tape keeps  {:.1} MiB", mebibytes(self.tape_bytes as f64))
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn percent(part: Duration, all: Duration) -> f64 {
    if all.is_zero() { 0.0 } else { 100.0 * part.as_secs_f64() / all.as_secs_f64() }
}
