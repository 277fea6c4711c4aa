//! What a training can be told, from its table (`keys`) to the values of a run.
//!
//! Defaults < preset < file (`--config`) < environment (`XTASK_TRAINER__MAX_EPOCHS`) < flag (`--trainer.max-epochs`).

mod check;
#[cfg(test)]
mod document;
mod file;
mod flags;
mod keys;
mod layers;
mod nearest;
mod presets;
mod print;
mod rules;
mod section;
mod setting;
mod values;

pub(crate) use flags::{ConfigArgs, long_help};
pub(crate) use keys::{Report, Settings};
pub(crate) use layers::Resolved;
pub(crate) use setting::Setting;
pub(crate) use values::{Choice, ClipAlgorithm, Folder, Format};
