//! One cycle: the rate goes up to its maximum and down again, momentum the other way.

use crate::OptimError;
use crate::error::check;
use lightning_core::Float;
use lightning_core::optim::{LrScheduler, Optimizer, SchedulerError, StateDict, StateError};
use std::f64::consts::PI;

/// How the rate goes from one value to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anneal {
    /// Along half a cosine.
    #[default]
    Cos,
    /// In a straight line.
    Linear,
}

/// Settings of [`OneCycleLr`]; the defaults are PyTorch's, but for the number of steps, which has none.
#[derive(Clone, Debug, PartialEq)]
pub struct OneCycleOptions {
    /// The highest rate: one for all groups, or one each.
    pub max_lr: Vec<f64>,
    /// Steps of the whole cycle, at least 1.
    pub total_steps: u64,
    /// The share of them in which the rate goes up.
    pub pct_start: f64,
    /// Cosine or line.
    pub anneal: Anneal,
    /// Move the momentum the other way, if the optimizer has one.
    pub cycle_momentum: bool,
    /// The lowest momentum.
    pub base_momentum: f64,
    /// The highest momentum.
    pub max_momentum: f64,
    /// The first rate is the highest divided by this.
    pub div_factor: f64,
    /// The last rate is the first divided by this.
    pub final_div_factor: f64,
    /// Come down as slowly as up, then fall to the last rate.
    pub three_phase: bool,
}

impl Default for OneCycleOptions {
    fn default() -> Self {
        OneCycleOptions {
            max_lr: vec![0.1],
            total_steps: 1,
            pct_start: 0.3,
            anneal: Anneal::Cos,
            cycle_momentum: true,
            base_momentum: 0.85,
            max_momentum: 0.95,
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }
}

/// The one-cycle policy (Smith and Topin, 2019): PyTorch's `OneCycleLR`. It sets the rates itself, whatever they were.
///
/// A cycle of n steps has the rates of t = 0 to n − 1. Step n, which a loop with a step after every batch takes at its
/// end, keeps the last rate (PyTorch extrapolates beyond its curve, to a negative rate along a line); step n + 1 is
/// refused.
///
/// ```
/// use lightning_optim::{OneCycleLr, OneCycleOptions};
/// let _ = OneCycleLr::new(OneCycleOptions { max_lr: vec![0.01], total_steps: 500, ..Default::default() })?;
/// # Ok::<(), lightning_optim::OptimError>(())
/// ```
pub struct OneCycleLr {
    options: OneCycleOptions,
    t: u64,
}

impl OneCycleLr {
    /// A cycle at its first step.
    ///
    /// # Errors
    /// If there is no step or no rate, `pct_start` is not in [0, 1], or a rate or divisor is not positive.
    pub fn new(options: OneCycleOptions) -> Result<Self, OptimError> {
        let o = &options;
        let positive =
            |setting, x: f64| check(x > 0.0 && x.is_finite(), "OneCycleLr", setting, x, "a positive number");
        check(o.total_steps > 0, "OneCycleLr", "total_steps", o.total_steps as f64, "at least 1")?;
        check(!o.max_lr.is_empty(), "OneCycleLr", "max_lr", f64::NAN, "one rate, or one per group")?;
        o.max_lr.iter().try_for_each(|&lr| positive("max_lr", lr))?;
        check(
            (0.0..=1.0).contains(&o.pct_start),
            "OneCycleLr",
            "pct_start",
            o.pct_start,
            "a share in [0, 1]",
        )?;
        positive("div_factor", o.div_factor)?;
        positive("final_div_factor", o.final_div_factor)?;
        Ok(OneCycleLr { options, t: 0 })
    }

    fn set<F: Float>(&self, optimizer: &mut dyn Optimizer<F>) {
        let o = &self.options;
        for group in 0..optimizer.groups() {
            let max = *o.max_lr.get(group).unwrap_or(&o.max_lr[0]);
            let initial = max / o.div_factor;
            optimizer.set_lr(group, self.at(initial, max, initial / o.final_div_factor));
            if o.cycle_momentum && optimizer.momentum(group).is_some() {
                optimizer.set_momentum(group, self.at(o.max_momentum, o.base_momentum, o.max_momentum));
            }
        }
    }

    /// The value of this step on the way from `initial` to `top` to `last`.
    fn at(&self, initial: f64, top: f64, last: f64) -> f64 {
        let o = &self.options;
        let (n, t) = (o.total_steps as f64, self.t.min(o.total_steps - 1) as f64);
        let up = o.pct_start * n - 1.0;
        let phases = if o.three_phase {
            vec![(up, initial, top), (2.0 * up, top, initial), (n - 1.0, initial, last)]
        } else {
            vec![(up, initial, top), (n - 1.0, top, last)]
        };
        let mut start = 0.0;
        for &(end, from, to) in &phases {
            if t <= end || end == n - 1.0 {
                let share = if end > start { (t - start) / (end - start) } else { 1.0 };
                return anneal(o.anneal, from, to, share);
            }
            start = end;
        }
        last
    }
}

fn anneal(how: Anneal, from: f64, to: f64, share: f64) -> f64 {
    match how {
        Anneal::Cos => to + (from - to) / 2.0 * (libm::cos(PI * share) + 1.0),
        Anneal::Linear => (to - from) * share + from,
    }
}

impl<F: Float> LrScheduler<F> for OneCycleLr {
    fn start(&mut self, optimizer: &mut dyn Optimizer<F>) {
        self.set(optimizer);
    }

    fn step(&mut self, optimizer: &mut dyn Optimizer<F>, _: Option<f64>) -> Result<(), SchedulerError> {
        let (step, total_steps) = (self.t + 1, self.options.total_steps);
        if step > total_steps {
            return Err(SchedulerError::Exhausted { step, total_steps });
        }
        self.t = step;
        self.set(optimizer);
        Ok(())
    }

    fn state_dict(&self) -> StateDict<F> {
        StateDict { numbers: [("t".to_owned(), self.t as f64)].into(), ..StateDict::default() }
    }

    fn load_state_dict(&mut self, dict: &StateDict<F>) -> Result<(), StateError> {
        self.t = dict.number("t")? as u64;
        Ok(())
    }
}
