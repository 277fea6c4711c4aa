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

/// When the epoch and the newest line of a [`ProgressBar`] began.
#[derive(Clone, Copy, Debug, Default)]
pub struct BarTimes {
    epoch: Option<(Instant, usize)>,
    line: Option<Instant>,
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
    fn show<F: Float>(&mut self, state: &State<'_, F>, batch: usize, is_last: bool) {
        let is_terminal = io::stderr().is_terminal();
        let pause = if is_terminal { REDRAW } else { self.plain_every };
        if !is_last && self.since.line.is_some_and(|line| line.elapsed() < pause) {
            return;
        }
        self.since.line = Some(Instant::now());
        let (began, first) = self.since.epoch.unwrap_or((Instant::now(), batch));
        let line = Line {
            epoch: state.progress.epoch,
            max_epochs: state.max_epochs,
            batch,
            batches: state.batches,
            done: batch.saturating_sub(first),
            seconds: began.elapsed().as_secs_f64(),
            loss: state.loss,
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
    /// Batches since the clock was started.
    done: usize,
    seconds: f64,
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
        let rate = self.done as f64 / self.seconds;
        let mut parts = Vec::new();
        if rate.is_finite() && rate > 0.0 {
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

    fn on_train_epoch_start(&mut self, _: &State<'_, F>) -> CallbackResult {
        self.since.epoch = Some((Instant::now(), 0));
        Ok(())
    }

    fn on_train_batch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        // A run that goes on in the middle of an epoch has not begun it here.
        self.since.epoch.get_or_insert((Instant::now(), state.batch_idx));
        self.show(state, state.batch_idx + 1, false);
        Ok(())
    }

    fn on_validation_batch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        if io::stderr().is_terminal()
            && !state.is_sanity_check
            && self.since.line.is_none_or(|l| l.elapsed() > REDRAW)
        {
            self.since.line = Some(Instant::now());
            let text = format!("validating  {}/{}", state.batch_idx + 1, state.val_batches);
            let _ = write!(io::stderr(), "\r{text:<width$}\r", width = self.width);
        }
        Ok(())
    }

    fn on_train_epoch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let is_last = io::stderr().is_terminal() || state.progress.epoch + 1 >= state.max_epochs;
        self.show(state, state.batches, is_last);
        self.since.epoch = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(metrics: &Metrics, width: usize) -> String {
        let (epoch, max_epochs, batch, batches, done) = (2, 10, 12, 50, 12);
        Line { epoch, max_epochs, batch, batches, done, seconds: 0.5, loss: Some(0.25), metrics }.text(width)
    }

    #[test]
    fn a_line_has_epoch_batches_rate_time_left_and_values() {
        let metrics = Metrics::from([("val_loss".to_owned(), 0.123_45)]);
        let expected = "Epoch 3/10  12/50 [24%]  24 it/s  ETA 0:02  loss=0.2500  val_loss=0.1235";
        assert_eq!(line(&metrics, 80), expected);
        assert_eq!(line(&Metrics::from([("loss".to_owned(), 2.0)]), 80).matches("loss=").count(), 1);
    }

    #[test]
    fn what_finds_no_place_is_left_out() {
        let metrics = (0..20).map(|i| (format!("metric_with_a_long_name_{i}"), 1.0)).collect();
        for width in [10, 24, 40, 80, 120] {
            assert!(line(&metrics, width).chars().count() <= width);
        }
        assert!(line(&metrics, 40).ends_with("ETA 0:02") || line(&metrics, 40).ends_with("it/s"));
    }

    #[test]
    fn times_are_read_as_on_a_clock() {
        assert_eq!([0.0, 4.2, 754.0, 3723.0].map(clock), ["0:00", "0:05", "12:34", "1:02:03"]);
    }
}
