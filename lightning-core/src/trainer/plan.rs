//! What a fit will do, worked out from the trainer's knobs before it begins.

use super::eval;
use super::loaders::Loaders;
use super::{Limit, Trainer, TrainerError, ValCheckInterval};
use crate::Float;
use crate::context::{Limits, Progress};
use crate::hook::Stage;

/// Batches and validations of a fit.
#[derive(Debug)]
pub(super) struct Plan {
    /// Training batches of an epoch.
    pub(super) batches: usize,
    /// Validation batches of each loader.
    pub(super) val_batches: Vec<usize>,
    /// The same of the sanity check.
    pub(super) sanity_batches: Vec<usize>,
    interval: ValCheckInterval,
    /// Batches between validations.
    every: u64,
    /// Epochs between epochs with validation.
    epochs: usize,
    validates_at_stop: bool,
}

/// How a batch ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    pub(super) batch_idx: usize,
    /// The module leaves out the rest of the epoch.
    pub(super) skips_rest: bool,
    /// Somebody's wish to stop is heard.
    pub(super) stops: bool,
    /// `max_steps` are done.
    pub(super) is_out_of_steps: bool,
}

impl Plan {
    pub(super) fn new<F, V>(
        trainer: &Trainer<F>,
        train_batches: usize,
        validation: &V,
    ) -> Result<Self, TrainerError>
    where
        F: Float,
        V: Loaders,
    {
        if train_batches == 0 {
            return Err(TrainerError::NoBatches(Stage::Train));
        }
        let whole = (trainer.limit_train_batches, trainer.limit_val_batches);
        let (train, val) = trainer.overfit_batches.map_or(whole, |limit| (limit, limit));
        let (train, val) = trainer.fast_dev_run.map(Limit::Batches).map_or((train, val), |n| (n, n));
        let (interval, epochs, sanity) = match trainer.fast_dev_run {
            Some(_) => (ValCheckInterval::default(), 1, 0),
            None => {
                (trainer.val_check_interval, trainer.check_val_every_n_epoch, trainer.num_sanity_val_steps)
            }
        };
        let limit = |problem| TrainerError::Limit { stage: Stage::Train, problem };
        let batches = train.of(train_batches).map_err(limit)?;
        let val_batches = eval::limits(Stage::Validate, validation, val)?;
        let knob = |problem| TrainerError::Knob { setting: "val_check_interval", problem };
        let every = if batches == 0 { 1 } else { interval.of(batches).map_err(knob)? };
        let sanity_batches = val_batches.iter().map(|&batches| batches.min(sanity)).collect();
        let validates_at_stop = !trainer.compat.no_validation_at_stop;
        Ok(Plan { batches, val_batches, sanity_batches, interval, every, epochs, validates_at_stop })
    }

    pub(super) fn limits<F: Float>(&self, trainer: &Trainer<F>) -> Limits {
        let (max_epochs, max_steps) = match trainer.fast_dev_run {
            Some(_) => (trainer.max_epochs.min(1), trainer.max_steps),
            None => (trainer.max_epochs, trainer.max_steps),
        };
        let val_batches = self.val_batches.iter().sum();
        let is_validation_at_epoch_end =
            val_batches == 0 || (self.epochs == 1 && self.interval.is_epoch_end());
        Limits {
            max_epochs,
            max_steps,
            train_batches: self.batches,
            val_batches,
            is_validation_at_epoch_end,
            is_fast_dev_run: trainer.fast_dev_run.is_some(),
            log_every_n_steps: trainer.log_every_n_steps,
        }
    }

    /// Whether validation follows a batch that ended so: when it is the batch's turn, or when the epoch is cut.
    pub(super) fn is_validation_due(&self, progress: Progress, ending: Ending) -> bool {
        let Ending { batch_idx, skips_rest, stops, is_out_of_steps } = ending;
        let is_last = batch_idx + 1 == self.batches;
        let over_all = matches!(self.interval, ValCheckInterval::BatchesOfAllEpochs(_));
        if self.val_batches.iter().all(|&batches| batches == 0) {
            false
        } else if is_out_of_steps && !is_last && self.validates_at_stop {
            true
        } else if !over_all && !(progress.epoch + 1).is_multiple_of(self.epochs) {
            false
        } else if stops || (skips_rest && self.interval.is_epoch_end()) {
            true
        } else {
            let batches = if over_all { progress.batches } else { batch_idx as u64 + 1 };
            batches.is_multiple_of(self.every)
        }
    }
}

impl<F: Float> Trainer<F> {
    /// Steps of the optimizer that a fit on a loader of so many batches will make at most: Lightning's
    /// `estimated_stepping_batches`, what a `OneCycleLr` asks for. `None` if nothing limits it.
    ///
    /// ```
    /// use lightning_core::Trainer;
    /// let trainer: Trainer = Trainer { max_epochs: 10, accumulate_grad_batches: 4, ..Trainer::default() };
    /// assert_eq!(trainer.estimated_stepping_batches(9)?, Some(30));
    /// # Ok::<(), lightning_core::TrainerError>(())
    /// ```
    ///
    /// # Errors
    /// If a knob makes no sense.
    pub fn estimated_stepping_batches(&self, train_batches: usize) -> Result<Option<u64>, TrainerError> {
        self.check()?;
        let plan = Plan::new(self, train_batches, &None::<&Vec<()>>)?;
        let limits = plan.limits(self);
        let an_epoch = plan.batches.div_ceil(self.accumulate_grad_batches) as u64;
        let epochs = (limits.max_epochs < usize::MAX).then(|| an_epoch * limits.max_epochs as u64);
        Ok(match (epochs, limits.max_steps) {
            (Some(steps), Some(most)) => Some(steps.min(most)),
            (steps, most) => steps.or(most),
        })
    }

    /// Refuses knobs that make no sense.
    pub(super) fn check(&self) -> Result<(), TrainerError> {
        for (setting, found) in [
            ("check_val_every_n_epoch", self.check_val_every_n_epoch as u64),
            ("log_every_n_steps", self.log_every_n_steps),
            ("accumulate_grad_batches", self.accumulate_grad_batches as u64),
            ("fast_dev_run", self.fast_dev_run.unwrap_or(1) as u64),
        ] {
            if found == 0 {
                return Err(TrainerError::Setting { setting, found });
            }
        }
        let clip = match self.gradient_clip {
            Some(crate::optim::GradientClip::Norm(most) | crate::optim::GradientClip::Value(most)) => most,
            None => return Ok(()),
        };
        if clip >= 0.0 {
            return Ok(());
        }
        let problem = format!("{clip}; give a number of at least 0; 0 and None are no clipping");
        Err(TrainerError::Knob { setting: "gradient_clip", problem })
    }

    /// Refuses what the trainer cannot do when the module optimizes by hand.
    pub(super) fn check_manual(&self) -> Result<(), TrainerError> {
        let problem = |what: &str| format!("set, but the module optimizes by hand; {what} in training_step");
        if self.gradient_clip.is_some_and(|clip| !clip.is_off()) {
            let problem = problem("call OptimizerRef::clip_gradients");
            return Err(TrainerError::Knob { setting: "gradient_clip", problem });
        }
        if self.accumulate_grad_batches > 1 {
            let problem = problem("call zero_grad and step every so many batches");
            return Err(TrainerError::Knob { setting: "accumulate_grad_batches", problem });
        }
        Ok(())
    }
}
