//! What the trainer asks of optimizers and schedulers; `lightning-optim` has PyTorch's.

mod clip;

pub use clip::{GradientClip, clip_grad_norm, clip_grad_value, grad_norm, weight_norm};

use crate::{Float, Parameter};
use ndarray::ArrayD;
use std::collections::BTreeMap;

/// Changes parameters by their gradients: PyTorch's `torch.optim.Optimizer`.
///
/// Parameters come in groups, each with settings of its own. Schedulers see the two settings that they change.
pub trait Optimizer<F: Float = f32>: Send {
    /// The name of the type, as in `lr-Adam`.
    fn name(&self) -> &'static str;

    /// Changes every parameter that has a gradient.
    fn step(&mut self);

    /// Number of parameter groups.
    fn groups(&self) -> usize;

    /// The parameters of a group.
    fn parameters(&self, group: usize) -> &[Parameter<F>];

    /// The learning rate of a group.
    fn lr(&self, group: usize) -> f64;

    /// Sets the learning rate of a group.
    fn set_lr(&mut self, group: usize, lr: f64);

    /// The momentum of a group (Adam's β₁), if the optimizer has one: what `OneCycleLr` cycles.
    fn momentum(&self, group: usize) -> Option<f64>;

    /// Sets the momentum of a group; ignored by an optimizer without one.
    fn set_momentum(&mut self, group: usize, momentum: f64);

    /// The weight decay of a group, if the optimizer has one.
    fn weight_decay(&self, group: usize) -> Option<f64> {
        let _ = group;
        None
    }

    /// Everything that the next step depends on but the parameters themselves.
    fn state_dict(&self) -> StateDict<F>;

    /// Continues from a [`state_dict`](Self::state_dict) of the same kind of optimizer on the same parameters.
    ///
    /// # Errors
    /// If an entry is missing, unknown or of another shape; the optimizer is then unchanged.
    fn load_state_dict(&mut self, state: &StateDict<F>) -> Result<(), StateError>;

    /// Forgets the gradients of all parameters.
    fn zero_grad(&mut self) {
        for group in 0..self.groups() {
            for parameter in self.parameters(group) {
                parameter.zero_grad();
            }
        }
    }
}

/// Changes an optimizer's learning rates over time: PyTorch's `torch.optim.lr_scheduler.LRScheduler`.
///
/// A scheduler sets the first learning rates when it meets its optimizer ([`start`](Self::start)), then once per
/// [`step`](Self::step).
pub trait LrScheduler<F: Float = f32>: Send {
    /// Reads the base learning rates and sets those of step 0. Called once, by [`Optimizers`].
    fn start(&mut self, optimizer: &mut dyn Optimizer<F>);

    /// Moves on by one step. `metric` is the monitored value; only plateau schedulers look at it.
    ///
    /// # Errors
    /// If the schedule is over or a monitored value is missing.
    fn step(&mut self, optimizer: &mut dyn Optimizer<F>, metric: Option<f64>) -> Result<(), SchedulerError>;

    /// Whether it waits for a monitored value, as `ReduceLrOnPlateau` does.
    fn needs_metric(&self) -> bool {
        false
    }

    /// Everything that the next step depends on.
    fn state_dict(&self) -> StateDict<F>;

    /// Continues from a [`state_dict`](Self::state_dict).
    ///
    /// # Errors
    /// If an entry is missing; the scheduler is then unchanged.
    fn load_state_dict(&mut self, state: &StateDict<F>) -> Result<(), StateError>;
}

/// A schedule cannot go on.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum SchedulerError {
    /// One step more than the schedule has.
    #[error("the schedule has {total_steps} steps and was asked for step {step}; give it more total_steps")]
    Exhausted {
        /// The step asked for.
        step: u64,
        /// Steps of the schedule.
        total_steps: u64,
    },
    /// A plateau scheduler was stepped without a value.
    #[error("a plateau scheduler needs a metric; set `monitor` in its Schedule, or give the value to step")]
    MissingMetric,
    /// A list of values, one for each parameter group, of another length.
    #[error(
        "the scheduler has values for {values} parameter groups, its optimizer has {groups}; \
         give one value for all groups or one for each"
    )]
    Groups {
        /// Groups that the scheduler has values for.
        values: usize,
        /// Groups of the optimizer.
        groups: usize,
    },
}

/// Named numbers and arrays: the state of an optimizer or scheduler.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDict<F: Float = f32> {
    /// Counters and settings.
    pub numbers: BTreeMap<String, f64>,
    /// Arrays, for example moments, by name.
    pub arrays: BTreeMap<String, ArrayD<F>>,
}

impl<F: Float> StateDict<F> {
    /// The number `name`.
    ///
    /// # Errors
    /// If it is not there.
    pub fn number(&self, name: &str) -> Result<f64, StateError> {
        self.numbers.get(name).copied().ok_or_else(|| StateError::Missing(name.to_owned()))
    }

    /// The array `name` with this shape.
    ///
    /// # Errors
    /// If it is not there or has another shape.
    pub fn array(&self, name: &str, shape: &[usize]) -> Result<&ArrayD<F>, StateError> {
        let array = self.arrays.get(name).ok_or_else(|| StateError::Missing(name.to_owned()))?;
        if array.shape() != shape {
            let (name, found, expected) = (name.to_owned(), array.shape().to_vec(), shape.to_vec());
            return Err(StateError::Shape { name, found, expected });
        }
        Ok(array)
    }
}

/// A state that does not fit what it is loaded into.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum StateError {
    /// An entry is not there.
    #[error("the state has no entry `{0}`: it belongs to something else or to an older version")]
    Missing(String),
    /// An entry that nothing asks for.
    #[error("the state has an entry `{0}` that nothing here uses: it belongs to something else")]
    Unexpected(String),
    /// An array of another shape.
    #[error("`{name}` has shape {found:?} in the state, {expected:?} here")]
    Shape {
        /// Its name.
        name: String,
        /// Its shape in the state.
        found: Vec<usize>,
        /// The shape that is wanted.
        expected: Vec<usize>,
    },
    /// A number that makes no sense.
    #[error(
        "`{name}` is {found} in the state, expected {expected}: it is damaged or belongs to something else"
    )]
    Value {
        /// Its name.
        name: String,
        /// The number.
        found: f64,
        /// What would do.
        expected: &'static str,
    },
}

/// When a scheduler moves on in automatic optimization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interval {
    /// After the last batch of an epoch.
    #[default]
    Epoch,
    /// After each step of the optimizer.
    Step,
}

/// A scheduler with the optimizer it belongs to and the moment it moves on: Lightning's `lr_scheduler_config`.
pub struct Schedule<F: Float = f32> {
    /// The scheduler.
    pub scheduler: Box<dyn LrScheduler<F>>,
    /// Index of its optimizer.
    pub optimizer: usize,
    /// By epoch or by step.
    pub interval: Interval,
    /// Every how many epochs or steps; at least 1.
    pub frequency: u64,
    /// The logged value that a plateau scheduler watches.
    pub monitor: Option<String>,
    /// Whether the fit ends with an error when that value was not logged; otherwise the step is left out with a
    /// warning.
    pub strict: bool,
    /// A name for those who show learning rates; by default that of the optimizer.
    pub name: Option<String>,
}

impl<F: Float> Schedule<F> {
    /// A scheduler of the first optimizer that moves on every epoch.
    pub fn new(scheduler: impl LrScheduler<F> + 'static) -> Self {
        Schedule {
            scheduler: Box::new(scheduler),
            optimizer: 0,
            interval: Interval::Epoch,
            frequency: 1,
            monitor: None,
            strict: true,
            name: None,
        }
    }

    /// A scheduler of the first optimizer that moves on after every step.
    pub fn every_step(scheduler: impl LrScheduler<F> + 'static) -> Self {
        Schedule { interval: Interval::Step, ..Schedule::new(scheduler) }
    }
}

/// What `configure_optimizers` returns: any number of optimizers and schedulers.
///
/// The post's `[opt], [scheduler]` is `Optimizers::new(Adam::new(…)).scheduler(StepLr::new(10, 0.9))`.
#[derive(Default)]
pub struct Optimizers<F: Float = f32> {
    /// The optimizers.
    pub optimizers: Vec<Box<dyn Optimizer<F>>>,
    /// The schedulers.
    pub schedules: Vec<Schedule<F>>,
}

impl<F: Float> Optimizers<F> {
    /// One optimizer without schedulers.
    pub fn new(optimizer: impl Optimizer<F> + 'static) -> Self {
        Optimizers { optimizers: vec![Box::new(optimizer)], schedules: Vec::new() }
    }

    /// Adds another optimizer, for manual optimization.
    #[must_use]
    pub fn and(mut self, optimizer: impl Optimizer<F> + 'static) -> Self {
        self.optimizers.push(Box::new(optimizer));
        self
    }

    /// Adds a scheduler of the first optimizer that moves on every epoch.
    #[must_use]
    pub fn scheduler(self, scheduler: impl LrScheduler<F> + 'static) -> Self {
        self.schedule(Schedule::new(scheduler))
    }

    /// Adds a scheduler with its settings.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule<F>) -> Self {
        self.schedules.push(schedule);
        self
    }

    /// Lets every scheduler set its first learning rates.
    ///
    /// # Errors
    /// If a schedule names an optimizer that is not there or a frequency of 0.
    pub fn start(&mut self) -> Result<(), OptimizersError> {
        for schedule in &mut self.schedules {
            if schedule.frequency == 0 {
                return Err(OptimizersError::Frequency);
            }
            let count = self.optimizers.len();
            let optimizer = self
                .optimizers
                .get_mut(schedule.optimizer)
                .ok_or(OptimizersError::NoSuchOptimizer { index: schedule.optimizer, count })?;
            schedule.scheduler.start(optimizer.as_mut());
        }
        Ok(())
    }
}

/// `configure_optimizers` returned something inconsistent.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptimizersError {
    /// A schedule of an optimizer that was not returned.
    #[error("a schedule names optimizer {index}, but configure_optimizers returned {count}")]
    NoSuchOptimizer {
        /// The index in the schedule.
        index: usize,
        /// Optimizers returned.
        count: usize,
    },
    /// A frequency of 0.
    #[error("a schedule has frequency 0; it must be at least 1")]
    Frequency,
}
