//! The optimizers and schedulers of a fit, and the handles by which hooks reach them.

use crate::context::{ManualHooks, Moment, Shared};
use crate::hook::Hook;
use crate::optim::{GradientClip, LrScheduler, Optimizer, Optimizers, SchedulerError};
use crate::{Float, Parameter};
use std::cell::RefCell;

/// The optimizers of a fit and what counts their steps.
pub(crate) struct Optimization<F: Float> {
    pub(crate) optimizers: Optimizers<F>,
    pub(crate) automatic: bool,
    pub(crate) steps: u64,
    /// How often each schedule came up for a step, whatever its frequency.
    pub(crate) due: Vec<u64>,
    pub(crate) error: Option<SchedulerError>,
    /// Parameters that [`OptimizerRef::toggle`] froze.
    toggled: Vec<Parameter<F>>,
}

impl<F: Float> Optimization<F> {
    pub(crate) fn new(optimizers: Optimizers<F>, automatic: bool) -> Self {
        let due = vec![0; optimizers.schedules.len()];
        Optimization { optimizers, automatic, steps: 0, due, error: None, toggled: Vec::new() }
    }
}

/// A handle of an optimizer.
pub struct OptimizerRef<'s, F: Float = f32> {
    cell: &'s RefCell<Optimization<F>>,
    index: usize,
    manual: Option<(&'s dyn ManualHooks<F>, Moment)>,
}

impl<F: Float> Clone for OptimizerRef<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<F: Float> Copy for OptimizerRef<'_, F> {}

impl<'s, F: Float> OptimizerRef<'s, F> {
    /// `None` if there is no such optimizer.
    pub(crate) fn new(
        shared: &'s Shared<F>,
        index: usize,
        manual: Option<(&'s dyn ManualHooks<F>, Moment)>,
    ) -> Option<Self> {
        let cell = shared.optimization.as_ref()?;
        let exists = index < cell.borrow().optimizers.optimizers.len();
        exists.then_some(OptimizerRef { cell, index, manual })
    }

    /// Its place in what `configure_optimizers` returned.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Forgets the gradients of its parameters.
    pub fn zero_grad(&self) {
        self.with(|optimizer| optimizer.zero_grad());
    }

    /// Changes its parameters by their gradients and counts a global step. In manual optimization callbacks'
    /// `on_before_optimizer_step` runs first; for the module's own see
    /// [`StepCx::step_with`](crate::StepCx::step_with).
    pub fn step(&self) {
        if let Some((hooks, moment)) = self.manual {
            hooks.call(Moment { hook: Hook::OnBeforeOptimizerStep, optimizer_idx: self.index, ..moment });
        }
        self.step_unannounced();
    }

    pub(crate) fn step_unannounced(&self) {
        let mut cell = self.cell.borrow_mut();
        cell.optimizers.optimizers[self.index].step();
        cell.steps += 1;
    }

    /// The learning rate of its first group.
    pub fn lr(&self) -> f64 {
        self.with(|optimizer| optimizer.lr(0))
    }

    /// Clips the gradients of its parameters: what `configure_gradient_clipping` does, for manual optimization.
    /// Gives the norm they had, if it was computed.
    pub fn clip_gradients(&self, clip: GradientClip) -> Option<f64> {
        clip.apply(&self.parameters())
    }

    /// Its parameters, of all groups.
    pub fn parameters(&self) -> Vec<Parameter<F>> {
        self.with(|optimizer| parameters(optimizer))
    }

    /// Calls `f` with the optimizer itself.
    pub fn with<R>(&self, f: impl FnOnce(&mut dyn Optimizer<F>) -> R) -> R {
        f(self.cell.borrow_mut().optimizers.optimizers[self.index].as_mut())
    }

    /// Freezes the parameters of all other optimizers until [`untoggle`](Self::untoggle), so that a backward pass
    /// computes no gradient for them: Lightning's `toggle_optimizer`. Parameters that both have keep theirs.
    pub fn toggle(&self) {
        self.untoggle();
        let cell = &mut *self.cell.borrow_mut();
        let own = parameters(cell.optimizers.optimizers[self.index].as_ref());
        for (index, optimizer) in cell.optimizers.optimizers.iter().enumerate() {
            if index == self.index {
                continue;
            }
            for parameter in parameters(optimizer.as_ref()) {
                if parameter.requires_grad() && !own.iter().any(|own| own.is_same(&parameter)) {
                    parameter.set_requires_grad(false);
                    cell.toggled.push(parameter);
                }
            }
        }
    }

    /// Gives back what [`toggle`](Self::toggle) froze, and nothing that was frozen before.
    pub fn untoggle(&self) {
        for parameter in self.cell.borrow_mut().toggled.drain(..) {
            parameter.set_requires_grad(true);
        }
    }
}

fn parameters<F: Float>(optimizer: &dyn Optimizer<F>) -> Vec<Parameter<F>> {
    (0..optimizer.groups()).flat_map(|group| optimizer.parameters(group).iter().cloned()).collect()
}

/// A handle of a scheduler.
pub struct SchedulerRef<'s, F: Float = f32> {
    cell: &'s RefCell<Optimization<F>>,
    index: usize,
}

impl<F: Float> Clone for SchedulerRef<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<F: Float> Copy for SchedulerRef<'_, F> {}

impl<'s, F: Float> SchedulerRef<'s, F> {
    /// `None` if there is no such scheduler.
    pub(crate) fn new(shared: &'s Shared<F>, index: usize) -> Option<Self> {
        let cell = shared.optimization.as_ref()?;
        (index < cell.borrow().optimizers.schedules.len()).then_some(SchedulerRef { cell, index })
    }

    /// Its place in what `configure_optimizers` returned.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Moves on by one step. If the schedule is over, the trainer ends the fit with that error after this step.
    pub fn step(&self) {
        self.step_with(None);
    }

    /// Moves a plateau scheduler on with the value it watches.
    pub fn step_metric(&self, metric: f64) {
        self.step_with(Some(metric));
    }

    /// Calls `f` with the scheduler itself.
    pub fn with<R>(&self, f: impl FnOnce(&mut dyn LrScheduler<F>) -> R) -> R {
        f(self.cell.borrow_mut().optimizers.schedules[self.index].scheduler.as_mut())
    }

    /// [`step`](Self::step) or [`step_metric`](Self::step_metric).
    pub fn step_with(&self, metric: Option<f64>) {
        let cell = &mut *self.cell.borrow_mut();
        let schedule = &mut cell.optimizers.schedules[self.index];
        let optimizer = cell.optimizers.optimizers[schedule.optimizer].as_mut();
        if let Err(error) = schedule.scheduler.step(optimizer, metric) {
            cell.error.get_or_insert(error);
        }
    }
}
