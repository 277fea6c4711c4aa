//! Who wants to know how long operations take.

use std::time::Instant;

/// Is told of every operation on a tape, for profiles; see [`Tape::set_observer`](super::Tape::set_observer).
pub trait OpObserver: Send + Sync {
    /// An operation has given its value.
    fn forward(&self, run: OpRun);

    /// An operation has carried its gradient back.
    fn backward(&self, run: OpRun);
}

/// One run of one operation.
#[derive(Clone, Copy, Debug)]
pub struct OpRun {
    /// [`Op::name`](super::Op::name).
    pub name: &'static str,
    /// When it began. A forward pass is seen when its value is put on the tape, so that it counts from the value
    /// before it, or from the last [`Tape::set_observer`](super::Tape::set_observer) or reset.
    pub start: Instant,
    /// When it ended.
    pub end: Instant,
    /// Floating-point operations, where the operation [knows](super::Op::flops) them.
    pub flops: Option<u64>,
}
