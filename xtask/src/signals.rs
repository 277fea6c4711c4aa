//! Ctrl-C and `kill`: the first one asks the training to end after its batch, the second ends at once.

use crate::failure::{Exit, Failure};
#[cfg(unix)]
use signal_hook::consts::SIGXFSZ;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Lets a write beyond the largest file that is allowed (`ulimit -f`) fail with an error; the signal would end the program
/// without a word.
pub(crate) fn let_writes_fail() {
    #[cfg(unix)]
    // Where even this cannot be had, the write ends the program, as it did before.
    let _ = flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// What the handlers have seen.
#[derive(Clone, Default)]
pub(crate) struct Signals {
    asked: Arc<AtomicBool>,
    which: Arc<AtomicUsize>,
}

impl Signals {
    /// Installs the handlers.
    pub(crate) fn install() -> Result<Self, Failure> {
        let signals = Signals::default();
        for signal in [SIGINT, SIGTERM] {
            // In this order, as handlers run in the order of registration: the first signal finds the flag unset.
            flag::register_conditional_shutdown(signal, 128 + signal, signals.asked.clone())
                .and_then(|_| flag::register_usize(signal, signals.which.clone(), signal as usize))
                .and_then(|_| flag::register(signal, signals.asked.clone()))
                .map_err(|error| Failure::new(Exit::Usage, format!("signals cannot be handled: {error}")))?;
        }
        Ok(signals)
    }

    /// The flag for the trainer.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        self.asked.clone()
    }

    /// How to end, if a signal came.
    pub(crate) fn exit(&self) -> Option<Exit> {
        if !self.asked.load(Ordering::SeqCst) {
            return None;
        }
        let terminated = self.which.load(Ordering::SeqCst) == SIGTERM as usize;
        Some(if terminated { Exit::Terminated } else { Exit::Interrupted })
    }
}
