//! Checkpoints: one safetensors file with the weights and what they belong to.

mod format;
mod store;

pub use format::{Checkpoint, CheckpointError, FORMAT_VERSION};
pub use store::write_atomically;
