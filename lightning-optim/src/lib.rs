//! PyTorch's optimizers and learning-rate schedulers for [`lightning_core`].
//!
//! ```
//! use lightning_core::optim::{Optimizer, Optimizers};
//! use lightning_core::{Parameter, Tape};
//! use lightning_optim::{Adam, AdamOptions, StepLr};
//! use ndarray::array;
//!
//! let w: Parameter = Parameter::new(array![1.0, -1.0].into_dyn());
//! let mut opt = Adam::new(vec![w.clone()], AdamOptions { lr: 0.1, ..Default::default() })?;
//! let tape = Tape::new();
//! tape.parameter(&w).powf(2.0).sum().backward();
//! opt.step();
//! assert!((w.value()[0] - 0.9).abs() < 1e-6); // the first step of Adam is lr times the gradient's sign
//!
//! // What a LightningModule returns: the post's `return [opt], [scheduler]`.
//! let _ = Optimizers::new(opt).scheduler(StepLr::new(10, 0.9));
//! # Ok::<(), lightning_optim::OptimError>(())
//! ```
//!
//! With gradient g, parameter θ, learning rate η, weight decay λ:
//!
//! | here | PyTorch | rule |
//! |---|---|---|
//! | [`Adam`] | `Adam` | g += λθ; m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g²; θ −= η·m̂/(√v̂ + ε) (Kingma and Ba, 2015) |
//! | [`AdamW`] | `AdamW` | θ −= ηλθ, then Adam without decay (Loshchilov and Hutter, 2019) |
//! | [`Sgd`] | `SGD` | g += λθ; b = μb + (1−τ)g; θ −= η·b, or η·(g + μb) with Nesterov |
//!
//! | here | PyTorch | learning rate after t steps, from the base rate η₀ |
//! |---|---|---|
//! | [`StepLr`] | `StepLR` | η₀·γ^⌊t/s⌋ |
//! | [`MultiStepLr`] | `MultiStepLR` | η₀·γ^(milestones up to t) |
//! | [`ExponentialLr`] | `ExponentialLR` | η₀·γᵗ |
//! | [`CosineAnnealingLr`] | `CosineAnnealingLR` | η_min + (η₀ − η_min)(1 + cos(πt/T))/2 |
//! | [`LinearLr`] | `LinearLR` | η₀·(a + (b − a)·min(t, n)/n) |
//! | [`LambdaLr`] | `LambdaLR` | η₀·f(t) |
//! | [`OneCycleLr`] | `OneCycleLR` | up to η_max and down again, momentum the other way (Smith and Topin, 2019) |
//! | [`ReduceLrOnPlateau`] | `ReduceLROnPlateau` | times a factor when a metric has not improved for a while |
//!
//! Every rule is held to PyTorch over 60 steps (`tests/torch.rs`). Parameters come in groups with settings of their
//! own; state dictionaries come back bit for bit.

#![forbid(unsafe_code)]

mod adam;
mod clip;
mod curve;
mod curves;
mod error;
mod grouped;
mod one_cycle_lr;
mod reduce_lr_on_plateau;
mod sgd;

pub use adam::{Adam, AdamOptions, AdamW, AdamWOptions};
pub use clip::{clip_grad_norm, clip_grad_value};
pub use curve::{Curve, Follow};
pub use curves::{CosineAnnealingLr, ExponentialLr, LambdaLr, LinearLr, MultiStepLr, StepLr};
pub use error::OptimError;
pub use grouped::{Grouped, Rule};
pub use one_cycle_lr::{Anneal, OneCycleLr, OneCycleOptions};
pub use reduce_lr_on_plateau::{Direction, PlateauOptions, ReduceLrOnPlateau, Threshold};
pub use sgd::{Sgd, SgdOptions};
