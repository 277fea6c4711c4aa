//! How long a fit has run, through all its resumes.

use std::time::{Duration, Instant};

pub(super) struct Clock {
    started: Instant,
    before: Duration,
}

impl Clock {
    pub(super) fn start() -> Self {
        Clock { started: Instant::now(), before: Duration::ZERO }
    }

    /// Adds the time that the run took before it was resumed.
    pub(super) fn add(&mut self, before: Duration) {
        self.before += before;
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.before + self.started.elapsed()
    }
}
