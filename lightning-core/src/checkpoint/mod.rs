//! Checkpoints: one safetensors file with the weights and what they belong to.
//!
//! | name in the file | what it is |
//! |---|---|
//! | `encoder.0.weight`, … | a weight, under its `state_dict` name |
//! | `.optimizer.0.state.3.exp_avg` | an array of the first optimizer's state, under the optimizer's own name for it |
//! | `.scheduler.0.NAME` | the same of a scheduler |
//! | `.gradient.encoder.0.weight` | the gradient of an accumulation window that was open |
//! | `.array.NAME` | an array of a callback, such as an averaged weight |
//! | `.json.SECTION` | a section of metadata, as text, that is too long for the header |
//! | metadata `lightning` | JSON: checksums, format version, and the sections `hyperparameters`, `position`, `optimizers`, `schedulers` (their numbers), `loops`, `callbacks`, `loggers`, `loaders`, `extra` |
//!
//! PyTorch allows no empty name and no dot within a name, so that no weight begins with a dot, and weights go to
//! Python without a map:
//!
//! ```python
//! state = safetensors.torch.load_file("last.ckpt")
//! model.load_state_dict({name: w for name, w in state.items() if not name.startswith(".")})
//! ```
//!
//! safetensors has no checksum of its own, and a flipped bit in a weight would go unseen. The metadata begins with
//! a CRC-32 over all bytes of the file, taken with its own digits as zeros, and one over each entry, so that a
//! damaged file is refused with the place of the damage. Numbers come back bit for bit: arrays are bytes, other
//! floats go through [`exact`]. Version 1 of the format, which had weights, `hyperparameters` and `extra`, is read
//! as well.

mod contents;
mod decode;
mod encode;
mod error;
pub mod exact;
mod header;
mod recover;
mod sections;
mod store;
mod weights;
mod writer;

pub use contents::{Checkpoint, Position, RestoreError};
pub use error::CheckpointError;
pub use recover::{Newest, newest_valid};
pub use store::{remove_leftovers, write_atomically};
pub use weights::{read_weights, write_weights};
pub use writer::CheckpointWriter;

/// The version of the format that this code writes; it reads this and those before.
pub const FORMAT_VERSION: u32 = 2;

#[cfg(test)]
mod tests;
