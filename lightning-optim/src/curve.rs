//! Schedules in closed form: the learning rate after t steps, whatever came before.

use lightning_core::Float;
use lightning_core::optim::{LrScheduler, Optimizer, SchedulerError, StateDict, StateError};

/// A learning rate as a function of the number of steps.
pub trait Curve: Send {
    /// The learning rate after `t` steps, from the base rate.
    fn lr(&self, base: f64, t: u64) -> f64;
}

/// A scheduler that follows a [`Curve`] from each group's own base rate.
///
/// The rate is computed from `t` alone, so that it is as exact after 2³² steps as after one. A rate that is not the
/// curve's, because another scheduler or the user changed it, is multiplied by the curve's own change instead: what
/// PyTorch's chained form does.
pub struct Follow<C> {
    curve: C,
    t: u64,
    base: Vec<f64>,
}

impl<C: Curve> Follow<C> {
    /// A scheduler at step 0 that follows `curve`.
    pub fn curve(curve: C) -> Self {
        Follow { curve, t: 0, base: Vec::new() }
    }
}

impl<F: Float, C: Curve> LrScheduler<F> for Follow<C> {
    fn start(&mut self, optimizer: &mut dyn Optimizer<F>) {
        self.base = (0..optimizer.groups()).map(|group| optimizer.lr(group)).collect();
        for (group, &base) in self.base.iter().enumerate() {
            optimizer.set_lr(group, self.curve.lr(base, 0));
        }
    }

    fn step(&mut self, optimizer: &mut dyn Optimizer<F>, _: Option<f64>) -> Result<(), SchedulerError> {
        for (group, &base) in self.base.iter().enumerate() {
            let (own, next) = (self.curve.lr(base, self.t), self.curve.lr(base, self.t + 1));
            let found = optimizer.lr(group);
            let lr = if found == own || own == 0.0 { next } else { found * (next / own) };
            optimizer.set_lr(group, lr);
        }
        self.t += 1;
        Ok(())
    }

    fn state_dict(&self) -> StateDict<F> {
        let mut dict = StateDict::default();
        dict.numbers.insert("t".into(), self.t as f64);
        for (group, &base) in self.base.iter().enumerate() {
            dict.numbers.insert(format!("base.{group}"), base);
        }
        dict
    }

    fn load_state_dict(&mut self, dict: &StateDict<F>) -> Result<(), StateError> {
        let t = dict.number("t")? as u64;
        let base = (0..self.base.len()).map(|group| dict.number(&format!("base.{group}")));
        self.base = base.collect::<Result<_, StateError>>()?;
        self.t = t;
        Ok(())
    }
}
