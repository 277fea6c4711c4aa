//! Multimodal Dynamics: trustworthy fusion of several omics views, as a `LightningModule`.
//!
//! Each view passes a gate that weighs its features, an encoder, and two small heads: how likely the true class is
//! (its confidence), and the class itself. The encoded views, each times its confidence, are concatenated and
//! classified (Han et al., *Multimodal Dynamics: Dynamical Fusion for Trustworthy Multimodal Classification*, CVPR 2022).
//!
//! The way of the data: [`data`] (files → matrices) → [`MultiViewDataset`] → [`MultiViewBatch`] →
//! [`MmDynamic`], run by a `Trainer`.
//!
//! ```
//! use lightning_core::data::DataLoader;
//! use lightning_core::{Seed, Trainer};
//! use mmdynamic::data::{SyntheticConfig, generate};
//! use mmdynamic::{Config, Hyperparameters, MmDynamic, MultiViewDataset};
//!
//! let cohort = generate(&SyntheticConfig::default())?.cohort.scaled()?.0;
//! let hyperparameters = Hyperparameters {
//!     in_dim: cohort.train.widths(),
//!     num_class: cohort.train.classes(),
//!     binary: true,
//!     config: Config { hidden_dim: vec![16], ..Config::default() },
//! };
//! let mut model: MmDynamic = MmDynamic::new(hyperparameters, Seed(1))?;
//! let mut trainer = Trainer { max_epochs: 3, seed: Seed(1), ..Trainer::default() };
//! let train = DataLoader::new(MultiViewDataset::from(&cohort.train), 32).shuffled(Seed(1));
//! let test = DataLoader::new(MultiViewDataset::from(&cohort.test), 256);
//! trainer.fit(&mut model, &train, None::<&Vec<_>>)?;
//! trainer.test(&mut model, &test)?;
//! let [(_, acc), ..] = model.test_result.take().expect("the test ran")?.named();
//! assert!(acc > 0.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

/// The programs in the README run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

mod architecture;
mod batch;
mod config;
pub mod data;
pub mod explain;
mod loss;
mod model;
mod module;
#[cfg(feature = "onnx")]
pub mod onnx;
mod optimization;
mod predictor;
mod reference;
pub mod robustness;
mod tcp;
mod trained;

pub use architecture::ArchitectureError;
pub use batch::{MultiViewBatch, MultiViewDataset};
pub use config::{Confidence, Config, ConfigError, Hyperparameters, LossWeights};
pub use loss::LossTerms;
pub use model::{EncodedView, Forward, LinearLayer, MmDynamic};
pub use module::{FromStateError, Prediction, TestOutput};
pub use optimization::{OptimizerChoice, SchedulerChoice};
pub use predictor::{Predicted, Predictor};
pub use reference::Reference;
pub use trained::{SavedData, Trained, TrainedError};
