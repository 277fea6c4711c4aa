//! What schedulers that only count have in common: when they move, what they remember, saving and loading.
//!
//! A scheduler is an [`LrRule`], one function from the step to the learning rate; [`Stepped`] makes the rule an
//! [`LrScheduler`]. To add a scheduler is to write one file like `exponential_lr.rs`.
//!
//! Rules get the present learning rate and not the first one alone, because that is how PyTorch's are written: a
//! rate that someone else changed stays changed, and two schedulers of one optimizer multiply.

use crate::{Entries, OptimError};
use lightning_core::Float;
use lightning_core::optim::{LrScheduler, Optimizer, SchedulerError, StateDict, StateError};

/// What a rule may look at: one parameter group at one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// The step whose learning rate is wanted; 0 when the scheduler starts.
    pub step: u64,
    /// Index of the parameter group.
    pub group: usize,
    /// The group's present learning rate.
    pub lr: f64,
    /// The learning rate before the scheduler started.
    pub base_lr: f64,
}

/// The learning rate as a function of the step.
pub trait LrRule: Clone + Send {
    /// The learning rate of a step.
    fn lr(&self, now: Moment) -> f64;

    /// The momentum of a step, for a rule that cycles it.
    fn momentum(&self, _step: u64) -> Option<f64> {
        None
    }

    /// The last step, for a rule that has one.
    fn last_step(&self) -> Option<u64> {
        None
    }

    /// How many parameter groups the rule has values for, unless it treats all alike.
    fn groups(&self) -> Option<usize> {
        None
    }

    /// Visits every setting under PyTorch's name.
    fn entries(&mut self, entries: &mut Entries<'_>);

    /// Refuses settings out of range.
    ///
    /// # Errors
    /// [`OptimError::Setting`] names the setting, its value and its range.
    fn check(&self) -> Result<(), OptimError> {
        Ok(())
    }
}

/// A scheduler that counts its steps: what [`StepLr`](crate::StepLr), [`OneCycleLr`](crate::OneCycleLr) and the
/// like are.
///
/// State entries: `last_epoch` (steps so far, whatever their interval), `base_lrs.{g}` and the rule's settings.
/// A saved state brings its settings along, as in PyTorch; only functions of a `LambdaLr` cannot be saved. The
/// learning rate itself is in the optimizer's state. In a new run [`start`](LrScheduler::start) comes first, then
/// `load_state_dict` of both.
#[derive(Clone, Debug)]
pub struct Stepped<R> {
    rule: R,
    last_epoch: u64,
    base_lrs: Vec<f64>,
}

impl<R: LrRule> Stepped<R> {
    /// A scheduler with this rule.
    ///
    /// # Errors
    /// If a setting of the rule is out of range.
    pub fn with_rule(rule: R) -> Result<Self, OptimError> {
        rule.check()?;
        Ok(Stepped::unchecked(rule))
    }

    /// For rules that any setting suits.
    pub(crate) fn unchecked(rule: R) -> Self {
        Stepped { rule, last_epoch: 0, base_lrs: Vec::new() }
    }

    fn apply<F: Float>(&self, step: u64, optimizer: &mut dyn Optimizer<F>) -> Result<(), SchedulerError> {
        let groups = optimizer.groups();
        for values in [Some(self.base_lrs.len()), self.rule.groups()].into_iter().flatten() {
            if values != groups {
                return Err(SchedulerError::Groups { values, groups });
            }
        }
        for (group, &base_lr) in self.base_lrs.iter().enumerate() {
            let now = Moment { step, group, lr: optimizer.lr(group), base_lr };
            optimizer.set_lr(group, self.rule.lr(now));
            if let Some(momentum) = self.rule.momentum(step) {
                optimizer.set_momentum(group, momentum);
            }
        }
        Ok(())
    }

    fn entries(&mut self, entries: &mut Entries<'_>) {
        entries.count("last_epoch", &mut self.last_epoch);
        entries.numbers("base_lrs", &mut self.base_lrs);
        self.rule.entries(entries);
    }
}

impl<F: Float, R: LrRule> LrScheduler<F> for Stepped<R> {
    /// An optimizer with the wrong number of groups is left alone here; [`step`](LrScheduler::step) tells.
    fn start(&mut self, optimizer: &mut dyn Optimizer<F>) {
        self.base_lrs = (0..optimizer.groups()).map(|group| optimizer.lr(group)).collect();
        let _ = self.apply(0, optimizer);
    }

    fn step(&mut self, optimizer: &mut dyn Optimizer<F>, _: Option<f64>) -> Result<(), SchedulerError> {
        if self.base_lrs.is_empty() {
            self.start(optimizer);
        }
        let step = self.last_epoch.saturating_add(1);
        if let Some(total_steps) = self.rule.last_step()
            && step > total_steps
        {
            return Err(SchedulerError::Exhausted { step, total_steps });
        }
        self.apply(step, optimizer)?;
        self.last_epoch = step;
        Ok(())
    }

    fn state_dict(&self) -> StateDict<F> {
        let mut state = StateDict::default();
        self.clone().entries(&mut Entries::save(&mut state.numbers));
        state
    }

    fn load_state_dict(&mut self, state: &StateDict<F>) -> Result<(), StateError> {
        if let Some(name) = state.arrays.keys().next() {
            return Err(StateError::Unexpected(name.clone()));
        }
        let (mut loaded, mut entries) = (self.clone(), Entries::load(&state.numbers));
        loaded.entries(&mut entries);
        entries.check(loaded.rule.check());
        entries.finish()?;
        *self = loaded;
        Ok(())
    }
}
