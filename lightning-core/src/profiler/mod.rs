//! Where the time of a run goes: by hook, by kind of operation, and how much memory it took.
//!
//! ```
//! use lightning_core::profiler::Profiler;
//! use lightning_core::testing::{Line, line_batches};
//! use lightning_core::Trainer;
//!
//! let profiler = Profiler::default();
//! let mut trainer: Trainer = Trainer { max_epochs: 2, profiler: Some(profiler.clone()), ..Trainer::default() };
//! trainer.fit(&mut Line::default(), &line_batches(), None::<&Vec<_>>)?;
//! println!("{}", profiler.report());
//! # let report = profiler.report();
//! # assert!(report.ops.iter().any(|op| op.kind == "linear" && op.backward.calls > 0));
//! let trace: String = profiler.chrome_trace().to_string(); // for chrome://tracing or ui.perfetto.dev
//! # assert!(trace.contains("training_step"));
//! # Ok::<(), lightning_core::TrainerError>(())
//! ```
//!
//! Without a profiler a hook costs one look at an `Option`, and an operation too.

mod memory;
mod recorder;
mod report;
mod trace;

pub use report::{Cost, HookRow, OpRow, Report};

use crate::autograd::{OpObserver, OpRun};
use recorder::Recorder;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Measures a run; a clone is a handle on the same measurements, to look at after it.
///
/// Lightning's `SimpleProfiler`, but nested: a hook that runs within another is a row below it, and percentages of
/// one level add up to at most 100.
#[derive(Clone, Debug)]
pub struct Profiler(Arc<Mutex<Recorder>>);

impl Default for Profiler {
    fn default() -> Self {
        Profiler::with_trace(1_000_000)
    }
}

impl Profiler {
    /// A profiler whose trace has at most so many events (32 bytes each); later ones count in the table alone.
    pub fn with_trace(events: usize) -> Self {
        Profiler(Arc::new(Mutex::new(Recorder::new(Instant::now(), events))))
    }

    /// Measures until the span is dropped, under the span that is open now. `scope`, if it is not empty, stands before
    /// the name.
    #[must_use = "the span ends when it is dropped"]
    pub fn span(&self, scope: &str, name: &'static str) -> Span {
        self.recorder().begin(scope, name, Instant::now());
        Span(Some(self.clone()))
    }

    /// The measurements so far. Spans that are still open are not in it.
    pub fn report(&self) -> Report {
        self.recorder().report()
    }

    /// The measurements as a trace in Chrome's format: open it in `chrome://tracing` or <https://ui.perfetto.dev>.
    pub fn chrome_trace(&self) -> serde_json::Value {
        trace::chrome(&self.recorder())
    }

    /// Notes how much memory a tape keeps.
    pub fn note_tape(&self, bytes: usize) {
        let mut recorder = self.recorder();
        recorder.tape_bytes = recorder.tape_bytes.max(bytes);
    }

    /// Each record is complete when the lock is given back, so a panic elsewhere does not spoil it.
    fn recorder(&self) -> MutexGuard<'_, Recorder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpObserver for Profiler {
    fn forward(&self, run: OpRun) {
        self.recorder().op(run, false);
    }

    fn backward(&self, run: OpRun) {
        self.recorder().op(run, true);
    }
}

/// Time that is being measured.
#[derive(Debug)]
pub struct Span(Option<Profiler>);

impl Span {
    /// A span of this profiler, or of none.
    pub(crate) fn of(profiler: Option<&Profiler>, scope: &str, name: &'static str) -> Self {
        profiler.map_or(Span(None), |profiler| profiler.span(scope, name))
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(profiler) = &self.0 {
            profiler.recorder().end(Instant::now());
        }
    }
}

/// Measures how long an iterator takes for each item.
#[cfg(feature = "trainer")]
pub(crate) struct Timed<I> {
    pub(crate) items: I,
    pub(crate) profiler: Option<Profiler>,
    pub(crate) name: &'static str,
}

#[cfg(feature = "trainer")]
impl<I: Iterator> Iterator for Timed<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let _span = Span::of(self.profiler.as_ref(), "", self.name);
        self.items.next()
    }
}
