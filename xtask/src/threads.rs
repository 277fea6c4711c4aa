//! The thread pool, made here so that no value of `RAYON_NUM_THREADS` can end in a panic inside it.
//!
//! How many threads there are changes the time and nothing else.

use crate::output;
use rayon::ThreadPoolBuilder;
use std::thread::available_parallelism;

/// More threads than this are taken for a mistake.
pub(crate) const MOST: usize = 256;

/// Starts the pool with so many threads, or `RAYON_NUM_THREADS`, or as many as there are cores.
pub(crate) fn start(asked: Option<usize>) {
    let cores = available_parallelism().map_or(1, usize::from).min(MOST);
    let threads = match (asked, std::env::var_os("RAYON_NUM_THREADS")) {
        (Some(threads), _) => threads,
        (None, None) => cores,
        (None, Some(text)) => text.to_str().and_then(wanted).unwrap_or_else(|| {
            let shown = text.to_string_lossy();
            output::note(&format!(
                "note: RAYON_NUM_THREADS={} is no number from 1 to {MOST}; using {cores}",
                shown.escape_debug()
            ));
            cores
        }),
    };
    let pool = |threads| ThreadPoolBuilder::new().num_threads(threads);
    if pool(threads).build_global().is_err() {
        // No thread can be had: work on this one.
        let _ = pool(1).use_current_thread().build_global();
    }
}

fn wanted(text: &str) -> Option<usize> {
    text.trim().parse().ok().filter(|threads| (1..=MOST).contains(threads))
}
