//! When a fit ends.

use super::StopReason;
use super::fit::FitLoop;
use crate::Float;
use std::sync::atomic::Ordering;

impl<F: Float> FitLoop<'_, F> {
    /// Why there is not even a first epoch to begin.
    pub(super) fn nothing_to_do(&mut self) -> Option<StopReason> {
        let progress = self.progress();
        let reason = self.is_over().filter(|_| self.next_batch.is_none())?;
        let was_done = self.is_resumed && reason != StopReason::Interrupted;
        let done = StopReason::NothingToDo { epochs: progress.epoch, global_step: progress.global_step };
        Some(if was_done { done } else { reason })
    }

    /// Why there is no epoch to begin.
    pub(super) fn is_over(&mut self) -> Option<StopReason> {
        let limits = self.run.shared.limits;
        if self.is_interrupted() {
            Some(StopReason::Interrupted)
        } else if self.are_steps_done() {
            Some(StopReason::MaxSteps)
        } else if self.progress().epoch >= limits.max_epochs || self.plan.batches == 0 {
            Some(StopReason::MaxEpochs)
        } else {
            None
        }
    }

    pub(super) fn are_steps_done(&self) -> bool {
        self.run.shared.limits.max_steps.is_some_and(|most| self.progress().global_step >= most)
    }

    /// The wish to stop that callbacks have before anything was trained. Those of a resumed run ask by their state
    /// alone: a wish is theirs only if it stood when the run was saved, and an epoch that has begun is ended first,
    /// as it would have been.
    pub(super) fn wish_at_start(&mut self) -> Option<StopReason> {
        if self.is_resumed && !self.was_asked_to_stop {
            *self.run.shared.wishes.stop.borrow_mut() = None;
        }
        match self.next_batch {
            None => self.wish_to_stop(self.progress().epoch),
            Some(_) => None,
        }
    }

    /// The wish to stop, if it may be heard after so many epochs; one that comes too early is dropped.
    pub(super) fn wish_to_stop(&mut self, epochs: usize) -> Option<StopReason> {
        let trainer = &*self.run.trainer;
        let wish = self.run.shared.wishes.stop.borrow().clone().map(StopReason::Requested);
        let is_late = || trainer.max_time.is_some_and(|most| self.clock.elapsed() >= most);
        let wish = wish.or_else(|| is_late().then_some(StopReason::MaxTime))?;
        if epochs >= trainer.min_epochs && self.progress().global_step >= trainer.min_steps {
            return Some(wish);
        }
        *self.run.shared.wishes.stop.borrow_mut() = None;
        None
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.run.trainer.interrupt.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}
