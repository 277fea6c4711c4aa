//! Measures how long a run takes, and ends it in time.

use super::{Callback, CallbackResult};
use crate::optim::Interval;
use crate::trainer::State;
use crate::{Float, Stage};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lightning's `Timer`: asks the fit to end when its time is over; the time before a resume counts.
///
/// ```
/// use lightning_core::callbacks::Timer;
/// use lightning_core::{Stage, Trainer};
/// use std::time::Duration;
/// let timer = Timer::new(Some(Duration::from_secs(12 * 3600)));
/// let clock = timer.handle();
/// let trainer: Trainer = Trainer { callbacks: vec![Box::new(timer)], ..Trainer::default() };
/// assert_eq!(clock.time_elapsed(Stage::Train), Duration::ZERO);
/// # let _ = trainer;
/// ```
#[derive(Debug)]
pub struct Timer {
    /// How long the training may take.
    pub duration: Option<Duration>,
    /// Whether to look after every step or every epoch.
    pub interval: Interval,
    /// What it has measured so far; `..Timer::new(duration)` fills it.
    pub clock: TimerClock,
}

/// The times that a [`Timer`] measured. Copies share them: one stays with the caller.
#[derive(Clone, Debug, Default)]
pub struct TimerClock(Arc<Mutex<[Watch; 3]>>);

#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    before: Duration,
    since: Option<Instant>,
}

impl Watch {
    fn elapsed(&self) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn stop(&mut self) {
        *self = Watch { before: self.elapsed(), since: None };
    }
}

impl Timer {
    /// Looks after every step.
    pub fn new(duration: Option<Duration>) -> Self {
        Timer { duration, interval: Interval::Step, clock: TimerClock::default() }
    }

    /// A handle that stays with the caller when the callback goes into a trainer.
    pub fn handle(&self) -> TimerClock {
        self.clock.clone()
    }

    /// What is left of the training's time, if it is limited.
    pub fn time_remaining(&self) -> Option<Duration> {
        self.duration.map(|duration| duration.saturating_sub(self.clock.time_elapsed(Stage::Train)))
    }

    fn check<F: Float>(&self, state: &State<'_, F>) {
        if self.time_remaining() == Some(Duration::ZERO) {
            state.stop(format!("the time is over: {:?}", self.duration.unwrap_or_default()));
        }
    }
}

impl TimerClock {
    fn watches(&self) -> MutexGuard<'_, [Watch; 3]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time that training, validation or test has taken; none is taken of predictions.
    pub fn time_elapsed(&self, stage: Stage) -> Duration {
        index(stage).map_or(Duration::ZERO, |i| self.watches()[i].elapsed())
    }

    fn start(&self, stage: Stage) {
        if let Some(i) = index(stage) {
            self.watches()[i].since = Some(Instant::now());
        }
    }

    fn stop(&self, stage: Stage) {
        if let Some(i) = index(stage) {
            self.watches()[i].stop();
        }
    }
}

fn index(stage: Stage) -> Option<usize> {
    match stage {
        Stage::Train => Some(0),
        Stage::Validate => Some(1),
        Stage::Test => Some(2),
        Stage::Predict => None,
    }
}

impl<F: Float> Callback<F> for Timer {
    fn name(&self) -> &str {
        "Timer"
    }

    fn state_dict(&self) -> Value {
        // Only where the time decides something: a file must not depend on the clock without need.
        match self.duration {
            Some(_) => json!({ "train_seconds": self.clock.time_elapsed(Stage::Train).as_secs_f64() }),
            None => Value::Null,
        }
    }

    fn load_state_dict(&mut self, saved: &Value) -> CallbackResult {
        let seconds =
            saved["train_seconds"].as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        self.clock.watches()[0].before = seconds.ok_or("its state has no `train_seconds`")?;
        Ok(())
    }

    fn on_train_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        self.clock.start(Stage::Train);
        self.check(state);
        Ok(())
    }
    fn on_train_end(&mut self, _: &State<'_, F>) -> CallbackResult {
        self.clock.stop(Stage::Train);
        Ok(())
    }
    fn on_validation_start(&mut self, _: &State<'_, F>) -> CallbackResult {
        self.clock.start(Stage::Validate);
        Ok(())
    }
    fn on_validation_end(&mut self, _: &State<'_, F>) -> CallbackResult {
        self.clock.stop(Stage::Validate);
        Ok(())
    }
    fn on_test_start(&mut self, _: &State<'_, F>) -> CallbackResult {
        self.clock.start(Stage::Test);
        Ok(())
    }
    fn on_test_end(&mut self, _: &State<'_, F>) -> CallbackResult {
        self.clock.stop(Stage::Test);
        Ok(())
    }
    fn on_train_batch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        if self.interval == Interval::Step {
            self.check(state);
        }
        Ok(())
    }
    fn on_train_epoch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        self.check(state);
        Ok(())
    }
}
