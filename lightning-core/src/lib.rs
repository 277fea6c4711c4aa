//! PyTorch Lightning's way of organising a model, in Rust, on a hand-written autograd over [`ndarray`].
//!
//! A model is a [`LightningModule`]: its parameters, its steps, its optimizers. A [`Trainer`] runs it. What happens
//! in between is the way of the data, and the order of the modules here:
//!
//! 1. [`data`]: a loader cuts a data set into batches, in a seeded order;
//! 2. [`module`]: the six sections of a model; a step gets a [`StepCx`] with the tape, the log, the optimizers;
//! 3. [`nn`] and the operations of a [`Var`]: how the step computes its loss, on a [`Tape`];
//! 4. [`autograd`]: how the loss's gradient comes back to the [`Parameter`]s, on plain [`kernels`];
//! 5. [`optim`]: what optimizers and schedulers must do (the crate `lightning-optim` has PyTorch's);
//! 6. [`trainer`]: the loops, with [`callbacks`], [`loggers`] and [`checkpoint`]s around them; [`tuner`] finds a learning
//!    rate and a batch size before.
//!
//! ```
//! use lightning_core::nn::{Collector, Layer, Linear, Module};
//! use lightning_core::optim::Optimizers;
//! use lightning_core::testing::{GradientDescent, line_batches, LineBatch};
//! use lightning_core::{LightningModule, Seed, StepCx, Trainer, Var};
//!
//! struct Regression {
//!     layer: Linear,
//! }
//! impl Module for Regression {
//!     fn collect<'a>(&'a self, into: &mut Collector<'a>) {
//!         into.child("layer", &self.layer);
//!     }
//! }
//! impl LightningModule for Regression {
//!     type Batch = LineBatch;
//!     type ValOutput = ();
//!     type TestOutput = ();
//!     type Prediction = ();
//!
//!     fn training_step<'s>(&mut self, cx: &StepCx<'s>, (x, y): &LineBatch, _batch_idx: usize) -> Option<Var<'s>> {
//!         Some(self.layer.forward(cx.input(x)).mse_loss(cx.input(y)))
//!     }
//!     fn configure_optimizers(&self) -> Optimizers {
//!         Optimizers::new(GradientDescent { parameters: self.parameters(), lr: 0.1 })
//!     }
//! }
//!
//! let mut model = Regression { layer: Linear::new(1, 1, &mut Seed(0).stream("init")) };
//! let mut trainer = Trainer { max_epochs: 100, ..Trainer::default() };
//! trainer.fit(&mut model, &line_batches(), None::<&Vec<_>>)?; // points on y = 2x − 1
//! assert!((model.layer.weight.value()[[0, 0]] - 2.0).abs() < 1e-3);
//! # Ok::<(), lightning_core::TrainerError>(())
//! ```
//!
//! Without the default feature `trainer` the crate is autograd, layers and the module trait alone.
//!
//! Results do not depend on the number of threads, on the clock or on the order of a hash; all randomness flows
//! from a [`Seed`]. Shapes that do not fit panic at the caller's line; what comes from outside is a `Result`.

#![deny(unsafe_code)]

pub mod autograd;
#[cfg(feature = "trainer")]
pub mod callbacks;
#[cfg(feature = "trainer")]
pub mod checkpoint;
#[cfg_attr(not(feature = "trainer"), expect(dead_code, reason = "the trainer calls what is left"))]
mod context;
#[cfg(feature = "trainer")]
pub mod data;
mod float;
mod hook;
mod hparams;
pub mod kernels;
#[cfg_attr(not(feature = "trainer"), expect(dead_code, reason = "the trainer calls what is left"))]
mod log;
#[cfg(feature = "trainer")]
pub mod loggers;
pub mod module;
pub mod nn;
mod ops;
pub mod optim;
#[cfg_attr(not(feature = "trainer"), expect(dead_code, reason = "the trainer calls what is left"))]
mod optimization;
pub mod profiler;
mod rng;
pub mod testing;
#[cfg(feature = "trainer")]
pub mod trainer;
#[cfg(feature = "trainer")]
pub mod tuner;

pub use autograd::{
    Anomaly, Backward, GradcheckError, Op, OpObserver, OpRun, Parameter, Tape, ToUpdate, Var, gradcheck,
    gradcheck_with,
};
pub use context::{Progress, StepCx};
pub use float::Float;
pub use hook::{Hook, Stage};
pub use hparams::Hyperparameters;
pub use log::{LogOptions, LogValue, Metrics, Reduce};
pub use module::{BatchSize, LightningModule};
pub use ops::{Activation, BceWithLogits, CrossEntropy, Gated, Reduction, concat};
pub use optimization::{OptimizerRef, SchedulerRef};
pub use rng::{Seed, StepRng};
#[cfg(feature = "trainer")]
pub use trainer::{FitReport, State, StopReason, Trainer, TrainerError};
