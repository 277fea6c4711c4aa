//! The operations: methods and operators of [`Var`](crate::Var), each with its formula, its rule and its tests.
//!
//! To add one, copy the file nearest to it: a method that computes the value with a kernel, a struct with what
//! the rule remembers, `impl Op`, a gradcheck. Nothing else changes.

mod activation;
mod arithmetic;
mod concat;
mod cross_entropy;
mod dropout;
mod elementary;
pub(crate) mod gate;
mod gather;
pub(crate) mod linear;
mod losses;
mod matmul;
mod reduce;
mod shape;
mod softmax;
mod view;
pub(crate) mod weighted;

pub use activation::Activation;
pub use concat::concat;
pub use cross_entropy::CrossEntropy;
pub use gate::Gated;
pub use losses::BceWithLogits;

/// How a loss turns one value per row into its result, as in PyTorch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// One value per row.
    None,
    /// The mean; NaN for no rows.
    #[default]
    Mean,
    /// The sum; 0 for no rows.
    Sum,
}
