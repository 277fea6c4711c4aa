//! Shows how a fit gets on.

use super::{Callback, CallbackResult};
use crate::trainer::State;
use crate::{Float, Metrics};
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Epoch, batches, rate, time left and values on stderr: one line that is written over on a terminal, else a line now and
/// then. Lightning's `TQDMProgressBar`.
///
/// ```
/// use lightning_core::Trainer;
/// use lightning_core::callbacks::ProgressBar;
/// let trainer: Trainer = Trainer { callbacks: vec![Box::new(ProgressBar::default())], ..Trainer::default() };
/// # let _ = trainer;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ProgressBar {
    /// The shortest time between two lines where stderr is no terminal.
    pub plain_every: Duration,
    /// Columns of a line on a terminal.
    pub width: usize,
    /// When the epoch and the newest line began; `..ProgressBar::default()` fills it.
    pub since: BarTimes,
}

/// Where the epoch of a [`ProgressBar`] stands, and when the newest line was written.
#[derive(Clone, Copy, Debug, Default)]
pub struct BarTimes {
    epoch: Option<Clock>,
    line: Option<Instant>,
    validation: Option<Instant>,
    /// Whether the newest line tells of the newest batch.
    is_shown: bool,
}

/// The training batches of an epoch, and the time that they took.
#[derive(Clone, Copy, Debug)]
struct Clock {
    epoch: usize,
    since: Instant,
    /// Batches before `since`, done by the run that is resumed.
    before: usize,
    batch: usize,
    loss: Option<f64>,
}

impl Clock {
    fn new(epoch: usize, since: Instant, before: usize) -> Self {
        Clock { epoch, since, before, batch: before, loss: None }
    }

    /// Leaves out time that went to something else.
    fn leave_out(&mut self, time: Duration) {
        self.since += time;
    }

    /// Batches a second, once there is one.
    fn rate(&self, now: Instant) -> Option<f64> {
        let rate =
            (self.batch - self.before) as f64 / now.saturating_duration_since(self.since).as_secs_f64();
        Some(rate).filter(|rate| rate.is_finite() && *rate > 0.0)
    }
}

/// The shortest time between two lines on a terminal.
const REDRAW: Duration = Duration::from_millis(100);

impl Default for ProgressBar {
    /// A line every ten seconds where there is no terminal; 80 columns.
    fn default() -> Self {
        ProgressBar { plain_every: Duration::from_secs(10), width: 80, since: BarTimes::default() }
    }
}

impl ProgressBar {
    fn show<F: Float>(&mut self, state: &State<'_, F>, is_last: bool) {
        let Some(epoch) = self.since.epoch else { return };
        let (now, is_terminal) = (Instant::now(), io::stderr().is_terminal());
        let pause = if is_terminal { REDRAW } else { self.plain_every };
        self.since.is_shown = is_last || self.since.line.is_none_or(|line| now - line >= pause);
        if !self.since.is_shown {
            return;
        }
        self.since.line = Some(now);
        let line = Line {
            epoch: epoch.epoch,
            max_epochs: state.max_epochs,
            batch: epoch.batch,
            batches: state.batches,
            rate: epoch.rate(now),
            loss: epoch.loss,
            metrics: state.progress_bar_metrics,
        };
        let text = line.text(self.width);
        // Where stderr is closed there is nobody to show anything.
        let _ = match (is_terminal, is_last) {
            (true, false) => write!(io::stderr(), "\r{text:<width$}\r", width = self.width),
            (true, true) => writeln!(io::stderr(), "\r{text:<width$}", width = self.width),
            (false, _) => writeln!(io::stderr(), "{text}"),
        };
    }
}

/// What a line says.
struct Line<'a> {
    epoch: usize,
    max_epochs: usize,
    batch: usize,
    batches: usize,
    /// Batches a second.
    rate: Option<f64>,
    loss: Option<f64>,
    metrics: &'a Metrics,
}

impl Line<'_> {
    /// At most `width` characters: values that find no place are left out.
    fn text(&self, width: usize) -> String {
        let percent = 100 * self.batch / self.batches.max(1);
        let mut text = format!(
            "Epoch {}/{}  {}/{} [{percent}%]",
            self.epoch + 1,
            self.max_epochs,
            self.batch,
            self.batches
        );
        let mut parts = Vec::new();
        if let Some(rate) = self.rate {
            parts.push(format!(
                "{} it/s",
                if rate < 10.0 { format!("{rate:.2}") } else { format!("{rate:.0}") }
            ));
            parts.push(format!("ETA {}", clock(self.batches.saturating_sub(self.batch) as f64 / rate)));
        }
        parts.extend(
            self.loss.filter(|_| !self.metrics.contains_key("loss")).map(|loss| format!("loss={loss:.4}")),
        );
        parts.extend(self.metrics.iter().map(|(name, value)| format!("{name}={value:.4}")));
        for part in &parts {
            if text.chars().count() + 2 + part.chars().count() <= width {
                text += "  ";
                text += part;
            }
        }
        text.chars().take(width).collect()
    }
}

/// `0:05`, `12:34`, `1:02:03`.
fn clock(seconds: f64) -> String {
    let seconds = seconds.min(1e9).ceil() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

impl<F: Float> Callback<F> for ProgressBar {
    fn name(&self) -> &str {
        "ProgressBar"
    }

    fn on_train_epoch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        self.since.epoch = Some(Clock::new(state.progress.epoch, Instant::now(), 0));
        Ok(())
    }

    fn on_train_batch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let done = state.batch_idx + 1;
        // A run that goes on in the middle of an epoch has not begun it: its first batch is before the clock.
        let epoch =
            self.since.epoch.get_or_insert_with(|| Clock::new(state.progress.epoch, Instant::now(), done));
        (epoch.batch, epoch.loss) = (done, state.loss);
        self.show(state, false);
        Ok(())
    }

    fn on_validation_start(&mut self, _: &State<'_, F>) -> CallbackResult {
        self.since.validation = Some(Instant::now());
        Ok(())
    }

    fn on_validation_batch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        if io::stderr().is_terminal()
            && !state.is_sanity_check
            && self.since.line.is_none_or(|line| line.elapsed() > REDRAW)
        {
            self.since.line = Some(Instant::now());
            let text = format!("validating  {}/{}", state.batch_idx + 1, state.val_batches);
            let _ = write!(io::stderr(), "\r{text:<width$}\r", width = self.width);
        }
        Ok(())
    }

    fn on_validation_end(&mut self, _: &State<'_, F>) -> CallbackResult {
        if let (Some(start), Some(epoch)) = (self.since.validation.take(), &mut self.since.epoch) {
            epoch.leave_out(start.elapsed());
        }
        Ok(())
    }

    fn on_train_epoch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        self.show(state, io::stderr().is_terminal());
        Ok(())
    }

    /// However the fit ends, its last line tells of its last batch.
    fn on_train_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        if !self.since.is_shown {
            self.show(state, true);
        }
        self.since.epoch = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(metrics: &Metrics, width: usize) -> String {
        let (epoch, max_epochs, batch, batches, rate) = (2, 10, 12, 50, Some(24.0));
        Line { epoch, max_epochs, batch, batches, rate, loss: Some(0.25), metrics }.text(width)
    }

    #[test]
    fn a_line_has_epoch_batches_rate_time_left_and_values() {
        let metrics = Metrics::from([("val_loss".to_owned(), 0.123_45)]);
        let expected = "Epoch 3/10  12/50 [24%]  24 it/s  ETA 0:02  loss=0.2500  val_loss=0.1235";
        assert_eq!(line(&metrics, 80), expected);
        assert_eq!(line(&Metrics::from([("loss".to_owned(), 2.0)]), 80).matches("loss=").count(), 1);
    }

    #[test]
    fn the_rate_counts_batches_of_this_run_and_the_time_of_training() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut whole = Clock::new(0, start, 0);
        assert_eq!(whole.rate(start + second), None);
        whole.batch = 10;
        assert_eq!(whole.rate(start + 2 * second), Some(5.0));
        whole.leave_out(second);
        assert_eq!(whole.rate(start + 2 * second), Some(10.0));
        // Resumed behind the 40th batch: that one does not count, and nothing is said before another is done.
        let mut resumed = Clock::new(0, start, 40);
        assert_eq!(resumed.rate(start + second / 1_000_000), None);
        resumed.batch = 42;
        assert_eq!(resumed.rate(start + second), Some(2.0));
    }

    #[test]
    fn what_finds_no_place_is_left_out() {
        let metrics = (0..20).map(|i| (format!("metric_with_a_long_name_{i}"), 1.0)).collect();
        for width in [10, 24, 40, 80, 120] {
            assert!(line(&metrics, width).chars().count() <= width);
        }
        assert_eq!(line(&metrics, 40), "Epoch 3/10  12/50 [24%]  24 it/s");
        assert_eq!(line(&metrics, 44), "Epoch 3/10  12/50 [24%]  24 it/s  ETA 0:02");
    }

    #[test]
    fn times_are_read_as_on_a_clock() {
        assert_eq!([0.0, 4.2, 754.0, 3723.0].map(clock), ["0:00", "0:05", "12:34", "1:02:03"]);
    }
}
