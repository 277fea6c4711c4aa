//! Plain functions on array views: the only place with parallel work. They know nothing of gradients.
//!
//! Every kernel writes into memory that its caller owns, and its result does not depend on the number
//! of threads: work is cut by fixed sizes, outputs are split and sums never are.

mod dispatch;
#[allow(unsafe_code, reason = "micro-kernels on vector registers; every block says why it is sound")]
pub(crate) mod gemm;
mod map;
pub(crate) mod math;
mod norm;
mod par;
pub mod peak;
pub(crate) mod random;
mod reduce;
mod softmax;
#[allow(unsafe_code, reason = "a job is lent to threads that outlive it; every block says why it is sound")]
mod team;
mod update;

pub use gemm::{Epilogue, gemm, gemm_epilogue};
pub use map::{apply0, apply1, apply2};
pub use norm::sum_of_squares;
pub use par::{is_worth_sharing, share_each};
pub use reduce::{sum, sum_axis, sum_to_shape};
pub use softmax::{log_softmax_backward, log_softmax_lanes, softmax_backward, softmax_lanes};
pub use update::{BlockStep, Update, update_blocks};

use crate::Float;

/// What a kernel does with the old content of its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accum {
    /// Overwrite it; it may hold anything.
    Set,
    /// Add to it.
    Add,
}

impl Accum {
    /// The factor of the old content: 0 or 1, BLAS's `beta`.
    pub fn beta<F: Float>(self) -> F {
        match self {
            Accum::Set => F::zero(),
            Accum::Add => F::one(),
        }
    }
}
