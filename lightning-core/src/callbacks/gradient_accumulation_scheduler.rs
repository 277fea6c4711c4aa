//! Changes the accumulation of gradients over time.

use super::{Callback, CallbackResult};
use crate::Float;
use crate::trainer::State;
use std::collections::BTreeMap;

/// Lightning's `GradientAccumulationScheduler`: from each of these epochs on, so many batches make one step; 1 before the
/// first.
///
/// ```
/// use lightning_core::Trainer;
/// use lightning_core::callbacks::GradientAccumulationScheduler;
/// let schedule = GradientAccumulationScheduler::new([(4, 2), (8, 4)]);
/// assert_eq!([0, 3, 4, 7, 100].map(|epoch| schedule.factor(epoch)), [1, 1, 2, 2, 4]);
/// let trainer: Trainer = Trainer { callbacks: vec![Box::new(schedule)], ..Trainer::default() };
/// # let _ = trainer;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GradientAccumulationScheduler {
    /// Batches for one step, by the epoch, counted from 0, in which that begins.
    pub scheduling: BTreeMap<usize, usize>,
}

impl GradientAccumulationScheduler {
    /// With these epochs and factors.
    pub fn new(scheduling: impl IntoIterator<Item = (usize, usize)>) -> Self {
        GradientAccumulationScheduler { scheduling: scheduling.into_iter().collect() }
    }

    /// Batches for one step in this epoch.
    pub fn factor(&self, epoch: usize) -> usize {
        self.scheduling.range(..=epoch).next_back().map_or(1, |(_, &factor)| factor)
    }
}

impl<F: Float> Callback<F> for GradientAccumulationScheduler {
    fn name(&self) -> &str {
        "GradientAccumulationScheduler"
    }

    fn on_fit_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        if let Some((epoch, _)) = self.scheduling.iter().find(|(_, factor)| **factor == 0) {
            return Err(format!("the factor from epoch {epoch} on is 0; give at least 1").into());
        }
        match state.accumulate_grad_batches() {
            1 => Ok(()),
            n => Err(format!("the trainer has accumulate_grad_batches {n} too; leave it at 1").into()),
        }
    }

    fn on_train_epoch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        state.set_accumulate_grad_batches(self.factor(state.progress.epoch));
        Ok(())
    }
}
