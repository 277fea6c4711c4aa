//! PyTorch's optimizers and learning-rate schedulers: the same names, settings, defaults and numbers.
//!
//! | here | PyTorch | formula | paper | defaults |
//! |---|---|---|---|---|
//! | [`Adam`] | `Adam` | `p − lr · m̂ / (√v̂ + ε)`, decay in the gradient | [Kingma and Ba 2015](https://arxiv.org/abs/1412.6980) | [`lr` 0.001, `betas` (0.9, 0.999), `eps` 1e-8, `weight_decay` 0](AdamOptions) |
//! | [`AdamW`] | `AdamW` | the same, decay `p (1 − lr λ)` | [Loshchilov and Hutter 2019](https://arxiv.org/abs/1711.05101) | [as Adam, `weight_decay` 0.01](AdamWOptions) |
//! | [`Sgd`] | `SGD` | `p − lr · b`, `b ← μ b + (1 − τ) g` | [Sutskever et al. 2013](https://proceedings.mlr.press/v28/sutskever13.html) | [`lr` 0.001, all else 0](SgdOptions) |
//! | [`StepLr`] | `StepLR` | `lr₀ γ^⌊t/s⌋` | | |
//! | [`MultiStepLr`] | `MultiStepLR` | `lr₀ γ^(milestones ≤ t)` | | |
//! | [`ExponentialLr`] | `ExponentialLR` | `lr₀ γᵗ` | | |
//! | [`CosineAnnealingLr`] | `CosineAnnealingLR` | `η + (lr₀ − η)(1 + cos(π t/T)) / 2` | [Loshchilov and Hutter 2017](https://arxiv.org/abs/1608.03983) | |
//! | [`LinearLr`] | `LinearLR` | `lr₀ (a + (b − a) min(t, T)/T)` | | [`a` 1/3, `b` 1, `T` 5](LinearLrOptions) |
//! | [`LambdaLr`] | `LambdaLR` | `lr₀ f(t)` | | |
//! | [`OneCycleLr`] | `OneCycleLR` | up to `max_lr`, down to almost 0 | [Smith and Topin 2018](https://arxiv.org/abs/1708.07120) | [`pct_start` 0.3, `div_factor` 25, …](OneCycleLrOptions) |
//! | [`ReduceLrOnPlateau`] | `ReduceLROnPlateau` | `lr · factor` after `patience` bad values | | [`factor` 0.1, `patience` 10, …](ReduceLrOnPlateauOptions) |
//! | [`clip_grad_norm`] | `clip_grad_norm_` | `g · min(1, max / ‖g‖)` | [Pascanu et al. 2013](https://arxiv.org/abs/1211.5063) | |
//! | [`clip_grad_value`] | `clip_grad_value_` | `min(max(g, −c), c)` | | |
//!
//! The post's `configure_optimizers`:
//!
//! ```
//! use lightning_core::nn::{Linear, Module};
//! use lightning_core::optim::Optimizers;
//! use lightning_core::{Seed, Tape};
//! use lightning_optim::{Adam, AdamOptions, StepLr};
//!
//! let model: Linear = Linear::new(2, 1, &mut Seed(0).stream("init"));
//! let (lr, reg) = (1e-2, 1e-5);
//!
//! // opt = torch.optim.Adam(self.parameters(), lr=self.lr, weight_decay=self.reg)
//! let opt = Adam::new(model.parameters(), AdamOptions { lr, weight_decay: reg, ..Default::default() })?;
//! // scheduler = torch.optim.lr_scheduler.StepLR(opt, step_size=10, gamma=0.9)
//! let scheduler = StepLr::new(10, 0.9);
//! // return [opt], [scheduler]
//! let mut configured = Optimizers::new(opt).scheduler(scheduler);
//!
//! // What a trainer does with them:
//! configured.start()?;
//! let Optimizers { optimizers, schedules } = &mut configured;
//! for _epoch in 0..10 {
//!     optimizers[0].zero_grad();
//!     let tape = Tape::new();
//!     (tape.parameter(&model.weight) * tape.parameter(&model.weight)).sum().backward();
//!     optimizers[0].step();
//!     schedules[0].scheduler.step(optimizers[0].as_mut(), None)?;
//! }
//! assert_eq!(optimizers[0].lr(0), 1e-2 * 0.9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Constructors return a [`Result`] wherever a setting can be out of range. Settings of groups, moments, step
//! counts and schedules are saved and loaded with `state_dict` and `load_state_dict`, bit for bit; a state that
//! does not fit leaves everything as it was.
//!
//! To add an optimizer, write its settings and one function: see [`UpdateRule`]. To add a scheduler, see
//! [`LrRule`].

#![forbid(unsafe_code)]

mod adam;
mod adamw;
mod cosine_annealing_lr;
mod entries;
mod error;
mod exponential_lr;
mod grouped;
mod lambda_lr;
mod linear_lr;
mod multi_step_lr;
mod one_cycle_lr;
mod per_group;
mod reduce_lr_on_plateau;
mod sgd;
mod step_lr;
mod stepped;

pub use adam::{Adam, AdamOptions};
pub use adamw::{AdamW, AdamWOptions};
pub use cosine_annealing_lr::{CosineAnnealingLr, CosineAnnealingRule};
pub use entries::Entries;
pub use error::OptimError;
pub use exponential_lr::{ExponentialLr, ExponentialRule};
pub use grouped::{Grouped, ParameterState, UpdateRule};
pub use lambda_lr::{LambdaLr, LambdaRule, LrFunction};
pub use linear_lr::{LinearLr, LinearLrOptions};
pub use multi_step_lr::{MultiStepLr, MultiStepRule};
pub use one_cycle_lr::{Anneal, OneCycleLr, OneCycleLrOptions, OneCycleRule};
pub use per_group::PerGroup;
pub use reduce_lr_on_plateau::{Mode, ReduceLrOnPlateau, ReduceLrOnPlateauOptions, ThresholdMode};
pub use sgd::{Sgd, SgdOptions};
pub use step_lr::{StepLr, StepRule};
pub use stepped::{LrRule, Moment, Stepped};

pub use lightning_core::optim::{clip_grad_norm, clip_grad_value};
