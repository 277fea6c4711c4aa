//! What a checkpoint holds: taken from a running training, and put back into one.

use crate::nn::{LoadError, LoadReport, Module};
use crate::optim::{Optimizers, StateDict, StateError};
use crate::{Float, Hyperparameters, Parameter};
use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Weights with everything that the training they come from needs to go on.
///
/// Only [`state_dict`](Self::state_dict) must be there; a file without the rest serves predictions, but no run
/// [resumes](Self::can_resume) from it. JSON has no NaN: floats that decide something go through
/// [`exact`](super::exact), arrays into [`arrays`](Self::arrays).
///
/// ```
/// use lightning_core::checkpoint::Checkpoint;
/// use lightning_core::nn::{Linear, Module};
/// use lightning_core::Seed;
///
/// let path = std::env::temp_dir().join(format!("lightning-doc-{}.ckpt", std::process::id()));
/// let trained: Linear = Linear::new(3, 1, &mut Seed(0).stream("init"));
/// Checkpoint { state_dict: trained.state_dict(), ..Checkpoint::default() }.write(&path)?;
///
/// let other: Linear = Linear::new(3, 1, &mut Seed(1).stream("init"));
/// Checkpoint::read(&path)?.load_weights(&other, true)?;
/// assert_eq!(other.state_dict(), trained.state_dict());
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint<F: Float = f32> {
    /// The parameters under their names.
    pub state_dict: BTreeMap<String, ArrayD<F>>,
    /// What the module was made from.
    pub hyperparameters: Option<Hyperparameters>,
    /// How far the run was.
    pub position: Position,
    /// The state of each optimizer.
    pub optimizers: Vec<StateDict<F>>,
    /// The state of each scheduler.
    pub schedulers: Vec<StateDict<F>>,
    /// Gradients of an accumulation window that was open.
    pub gradients: BTreeMap<String, ArrayD<F>>,
    /// The loops' own account of where they are; null in a file of weights alone.
    pub loops: Value,
    /// The state of each callback under its key.
    pub callbacks: BTreeMap<String, Value>,
    /// Arrays that belong to callbacks, such as averaged weights, under names that they choose.
    pub arrays: BTreeMap<String, ArrayD<F>>,
    /// How far each logger had written: [`loggers::positions`](crate::loggers::positions).
    pub loggers: Vec<Value>,
    /// The files of these loggers. They are made durable before the checkpoint is, which must not know of rows that
    /// are lost with the power; they are no part of the file.
    pub logs: Vec<PathBuf>,
    /// What the loaders and the data module say of themselves.
    pub loaders: Value,
    /// Anything else that whoever saved it wants back.
    pub extra: Value,
}

/// How far a run was when it was saved. Positions are ordered: the larger one was saved later.
///
/// No clock decides which of two checkpoints is newer, so a clock that was set back changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Training batches seen.
    pub batches: u64,
    /// Finished epochs, which is also the index of the running one.
    pub epoch: u64,
    /// Steps of optimizers.
    pub global_step: u64,
    /// Checkpoints that the run had taken before this one: what orders two that were taken at the same batch.
    pub saves: u64,
}

/// A checkpoint that does not fit what it is loaded into.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum RestoreError {
    /// The file has weights alone.
    #[error("it holds weights alone, without the state of a training: load it as weights, or resume another")]
    WeightsAlone,
    /// The weights are those of another model.
    #[error(transparent)]
    Weights(#[from] LoadError),
    /// Another number of optimizers or schedulers.
    #[error("it has {found} {what}, configure_optimizers returned {expected}")]
    Count {
        /// `optimizers` or `schedulers`.
        what: &'static str,
        /// How many are in the file.
        found: usize,
        /// How many there are here.
        expected: usize,
    },
    /// The state of an optimizer or scheduler does not fit.
    #[error("{what} {index}: {source}")]
    State {
        /// `optimizer` or `scheduler`.
        what: &'static str,
        /// Which one.
        index: usize,
        /// Why.
        source: StateError,
    },
    /// A gradient of a parameter that is not there, or of another shape.
    #[error("it has a gradient of `{name}` with shape {found:?}, the model has {expected}")]
    Gradient {
        /// The parameter.
        name: String,
        /// The gradient's shape.
        found: Vec<usize>,
        /// What there is.
        expected: String,
    },
}

impl<F: Float> Checkpoint<F> {
    /// Copies weights, optimizers and schedulers, and the gradients if an accumulation window is `open`. The rest
    /// is left for the caller to fill.
    pub fn capture(parameters: &[(String, Parameter<F>)], optimizers: &Optimizers<F>, open: bool) -> Self {
        let gradient = |(name, parameter): &(String, Parameter<F>)| Some((name.clone(), parameter.grad()?));
        Checkpoint {
            state_dict: parameters.iter().map(|(n, p)| (n.clone(), p.value().into_owned())).collect(),
            optimizers: optimizers.optimizers.iter().map(|optimizer| optimizer.state_dict()).collect(),
            schedulers: optimizers.schedules.iter().map(|s| s.scheduler.state_dict()).collect(),
            gradients: parameters.iter().filter(|_| open).filter_map(gradient).collect(),
            ..Checkpoint::default()
        }
    }

    /// Whether it has all that a training needs to go on.
    pub fn can_resume(&self) -> bool {
        !self.loops.is_null()
    }

    /// Puts weights, gradients, optimizers and schedulers back. [`Optimizers::start`] must have been called.
    ///
    /// # Errors
    /// [`RestoreError`] says what does not fit. Weights and gradients are then as they were; an optimizer before
    /// the one that is named may have been loaded already.
    pub fn restore<M>(&self, module: &M, optimizers: &mut Optimizers<F>) -> Result<(), RestoreError>
    where
        M: Module<F> + ?Sized,
    {
        if !self.can_resume() {
            return Err(RestoreError::WeightsAlone);
        }
        let count = |what, found: usize, expected: usize| match found == expected {
            true => Ok(()),
            false => Err(RestoreError::Count { what, found, expected }),
        };
        count("optimizers", self.optimizers.len(), optimizers.optimizers.len())?;
        count("schedulers", self.schedulers.len(), optimizers.schedules.len())?;
        let parameters = module.named_parameters();
        self.check_gradients(&parameters)?;
        for (index, (optimizer, state)) in optimizers.optimizers.iter_mut().zip(&self.optimizers).enumerate()
        {
            optimizer.load_state_dict(state).map_err(|source| RestoreError::State {
                what: "optimizer",
                index,
                source,
            })?;
        }
        for (index, (schedule, state)) in optimizers.schedules.iter_mut().zip(&self.schedulers).enumerate() {
            schedule.scheduler.load_state_dict(state).map_err(|source| RestoreError::State {
                what: "scheduler",
                index,
                source,
            })?;
        }
        module.load_state_dict(&self.state_dict)?;
        for (name, parameter) in &parameters {
            parameter.set_grad(self.gradients.get(name).cloned());
        }
        Ok(())
    }

    /// Loads the weights alone into a model, which may be another one than they come from.
    ///
    /// With `strict` every name and shape must fit. Without, whatever fits is loaded and the
    /// [report](LoadReport) lists the rest: parameters that the file lacks, entries that the model lacks, and
    /// entries of another shape.
    ///
    /// # Errors
    /// [`LoadError`] with that list, if `strict` and something does not fit; nothing is changed then.
    pub fn load_weights<M>(&self, module: &M, strict: bool) -> Result<LoadReport, LoadError>
    where
        M: Module<F> + ?Sized,
    {
        if strict {
            return module.load_state_dict(&self.state_dict).map(|()| LoadReport::default());
        }
        Ok(module.load_matching(&self.state_dict))
    }

    fn check_gradients(&self, parameters: &[(String, Parameter<F>)]) -> Result<(), RestoreError> {
        for (name, gradient) in &self.gradients {
            let shape =
                parameters.iter().find(|(own, _)| own == name).map(|(_, parameter)| parameter.shape());
            if shape.as_deref() != Some(gradient.shape()) {
                let expected =
                    shape.map_or("no such parameter".to_owned(), |shape| format!("shape {shape:?}"));
                let (name, found) = (name.clone(), gradient.shape().to_vec());
                return Err(RestoreError::Gradient { name, found, expected });
            }
        }
        Ok(())
    }
}
