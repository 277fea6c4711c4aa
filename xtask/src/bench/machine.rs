//! What the machine can do at best, measured in the same run as everything that is held against it.

use lightning_core::kernels::peak;
use std::fs;
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// The limits with some number of threads.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) threads: usize,
    /// Fused multiply-adds in registers, in GFLOP/s.
    pub(crate) fma_f32: f64,
    pub(crate) fma_f64: f64,
    /// GB/s of reading, from the level of memory that holds as many bytes.
    pub(crate) levels: Vec<Level>,
}

/// A level of memory.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    pub(crate) name: &'static str,
    /// The most bytes that are sure to fit, of all threads together.
    pub(crate) holds: f64,
    /// GB/s of reading.
    pub(crate) read: f64,
}

impl Limits {
    /// Measures everything; takes about two seconds.
    pub(crate) fn measure(threads: usize) -> Self {
        // Long enough for the scheduler to give each thread a core of its own.
        let effort = Duration::from_millis(40);
        let (l2, l3) = (cache_bytes(2).unwrap_or(1 << 20), cache_bytes(3).unwrap_or(32 << 20));
        let level = |name, holds: usize, measured: usize| Level {
            name,
            holds: holds as f64,
            read: read(threads, measured / threads, effort),
        };
        Limits {
            threads,
            fma_f32: multiply_adds(threads, effort, peak::multiply_adds::<f32>),
            fma_f64: multiply_adds(threads, effort, peak::multiply_adds::<f64>),
            levels: vec![
                level("L2", l2 * threads, l2 * threads / 2),
                level("L3", l3, l3 / 4),
                level("DRAM", usize::MAX, (8 * l3).min(256 << 20)),
            ],
        }
    }

    /// The first level that holds so many bytes.
    pub(crate) fn level(&self, bytes: f64) -> &Level {
        self.levels.iter().find(|level| bytes <= level.holds).expect("the last level holds everything")
    }

    pub(crate) fn fma(&self, double: bool) -> f64 {
        if double { self.fma_f64 } else { self.fma_f32 }
    }
}

/// Nanoseconds until one thread sees what another has written, the shortest of some; a look takes 20 ms. It is the distance of
/// the cores that the system gives to two threads: of a virtual machine it may change from second to second.
pub(crate) fn handover() -> f64 {
    const PASSES: u64 = 200;
    const LOOK: Duration = Duration::from_millis(20);
    const OVER: u64 = u64::MAX;
    let ball = AtomicU64::new(0);
    // Sees the ball reach a number, or the end of the look.
    let reached = |wanted: u64| {
        let mut looks = 0;
        loop {
            match ball.load(SeqCst) {
                OVER => return false,
                now if now == wanted => return true,
                _ if looks < 10_000 => std::hint::spin_loop(),
                // Both may be on one core.
                _ => std::thread::yield_now(),
            }
            looks += 1;
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut turn = 1;
            while reached(turn) {
                // Not after the end.
                let _ = ball.compare_exchange(turn, turn + 1, SeqCst, SeqCst);
                turn += 2;
            }
        });
        let (begun, mut turn, mut best) = (Instant::now(), 1, f64::INFINITY);
        while begun.elapsed() < LOOK {
            let since = Instant::now();
            for _ in 0..PASSES / 2 {
                ball.store(turn, SeqCst);
                reached(turn + 1);
                turn += 2;
            }
            best = best.min(since.elapsed().as_nanos() as f64 / PASSES as f64);
        }
        ball.store(OVER, SeqCst);
        best
    })
}

fn multiply_adds(threads: usize, effort: Duration, work: fn(u64) -> u64) -> f64 {
    best_rate(threads, effort, |_| move || work(20_000) as f64)
}

/// GB/s of all threads, each reading `bytes` of its own.
fn read(threads: usize, bytes: usize, effort: Duration) -> f64 {
    let numbers = vec![1f32; threads * bytes / 4];
    let pieces: Vec<&[f32]> = numbers.chunks_exact(bytes / 4).collect();
    best_rate(threads, effort, |thread| {
        let piece = pieces[thread];
        move || {
            black_box(peak::read(black_box(piece)));
            4.0 * piece.len() as f64
        }
    })
}

/// The best of several rates of all threads together, in units a nanosecond. The threads start at once; `work` returns how
/// many units it did.
fn best_rate<W: FnMut() -> f64 + Send>(threads: usize, effort: Duration, work: impl Fn(usize) -> W) -> f64 {
    let rate = |mut work: W, start: &Barrier| {
        work();
        start.wait();
        let (begun, mut units) = (Instant::now(), 0.0);
        while begun.elapsed() < effort {
            units += work();
        }
        units / begun.elapsed().as_nanos() as f64
    };
    let all_at_once = || {
        let start = Barrier::new(threads);
        std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads)
                .map(|thread| {
                    let (work, start) = (work(thread), &start);
                    scope.spawn(move || rate(work, start))
                })
                .collect();
            running.into_iter().map(|thread| thread.join().expect("no panic while measuring")).sum::<f64>()
        })
    };
    (0..8).map(|_| all_at_once()).fold(0.0, f64::max)
}

/// The size of a processor's cache as Linux tells it.
fn cache_bytes(level: usize) -> Option<usize> {
    let folder = |index: usize| format!("/sys/devices/system/cpu/cpu0/cache/index{index}");
    let text = |index, name| fs::read_to_string(format!("{}/{name}", folder(index))).ok();
    let index = (0..8).find(|&index| {
        text(index, "level").is_some_and(|text| text.trim() == level.to_string())
            && text(index, "type").is_some_and(|text| text.trim() != "Instruction")
    })?;
    let size = text(index, "size")?;
    let (number, unit) = size.trim().split_at(size.trim().len() - 1);
    Some(number.parse::<usize>().ok()? * if unit == "M" { 1 << 20 } else { 1 << 10 })
}

/// The processor's name as Linux tells it.
pub(crate) fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.to_owned())
}
