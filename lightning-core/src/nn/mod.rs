//! Layers: a [`Module`] is a tree of named parameters, a [`Layer`] maps one value to another.

mod dropout;
pub mod init;
mod linear;
mod module;
mod sequential;

pub use dropout::{Dropout, Relu};
pub use linear::Linear;
#[cfg(feature = "trainer")]
pub(crate) use module::SavedModes;
pub use module::{Collector, LoadError, LoadReport, Mode, Module};
pub use sequential::{Layer, Sequential};
