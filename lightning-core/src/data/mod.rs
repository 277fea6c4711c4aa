//! From samples to batches, in an order that a seed decides.
//!
//! A [`Dataset`] puts samples together to a batch, a [`Sampler`] says in which order, a [`DataLoader`] cuts that order
//! into batches, [`Prefetch`] makes them ahead of time, and a [`DataModule`] keeps all of this in one place.
//!
//! The batches of an epoch are a function of the seed and the epoch's number alone: nothing that was drawn before
//! matters, and a loader has no state to save. A run that resumes in the middle of an epoch asks for
//! [`epoch_from`](Loader::epoch_from) and gets the very batches that are left, without making those before.

mod data_loader;
mod data_module;
mod dataset;
mod k_fold;
mod loader;
mod prefetch;
mod sampler;

pub use data_loader::DataLoader;
pub use data_module::{DataModule, DataResult};
pub use dataset::{Dataset, Subset, rows};
pub use k_fold::{Fold, SplitError, stratified_k_fold};
pub use loader::Loader;
pub use prefetch::Prefetch;
pub use sampler::{RandomSampler, Sampler, SamplerError, SequentialSampler, WeightedRandomSampler};
