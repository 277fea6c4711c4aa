//! How far a training is: one bar on a terminal, about ten plain lines elsewhere.

use crate::output;
use indicatif::{ProgressBar, ProgressStyle};
use lightning_core::State;
use lightning_core::callbacks::{Callback, CallbackResult};
use std::io::{self, IsTerminal};

/// Shows epoch, loss and validation loss on stderr.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    seed: u64,
}

impl Progress {
    pub(crate) fn new(epochs: usize, seed: u64) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:20} epoch {pos}/{len} {msg} {eta}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(epochs as u64).with_style(style.progress_chars("=> "))
        });
        Progress { bar, seed }
    }
}

impl Callback for Progress {
    fn name(&self) -> &str {
        "Progress"
    }

    fn on_train_epoch_end(&mut self, state: &State<'_>) -> CallbackResult {
        let done = state.progress.epoch + 1;
        let shown =
            |name: &str| state.metrics.get(name).map_or(String::new(), |value| format!(" {name} {value:.4}"));
        let losses = shown("train_loss") + &shown("val_loss");
        match &self.bar {
            Some(bar) => {
                bar.set_position(done as u64);
                bar.set_message(losses);
            }
            None if is_tenth(done, state.max_epochs) => {
                output::note(&format!("seed {} epoch {done}/{}{losses}", self.seed, state.max_epochs));
            }
            None => {}
        }
        Ok(())
    }

    fn on_fit_end(&mut self, _state: &State<'_>) -> CallbackResult {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        Ok(())
    }
}

/// Whether the tenth that `done` epochs reach is a new one; the first epoch is shown, too, as a sign of life.
fn is_tenth(done: usize, epochs: usize) -> bool {
    let tenth = |done: usize| done as u128 * 10 / epochs.max(1) as u128;
    done == 1 || tenth(done) > tenth(done - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_training_has_eleven_lines_and_a_short_one_a_line_per_epoch() {
        let lines = |epochs: usize| (1..=epochs).filter(|&done| is_tenth(done, epochs)).count();
        assert_eq!(lines(1001), 11);
        assert_eq!(lines(100), 11);
        assert_eq!(lines(3), 3);
        assert!(is_tenth(1001, 1001));
    }
}
