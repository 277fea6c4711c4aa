//! The same loop compiled for the vectors of several processors; the widest that the machine has is run.
//!
//! Only the width differs. The operations, their order and therefore the bits are the same, as no loop here asks for
//! fused multiply-adds. The two calls below are `unsafe` because a processor without the feature could not run them.

/// A loop to be compiled for every width. `run` and what it calls must be `#[inline(always)]`, or small: what is not
/// inlined stays as narrow as the program's own target.
pub(super) trait Work {
    /// What the loop returns.
    type Output;

    /// The loop.
    fn run(self) -> Self::Output;
}

/// Runs `work` with the widest vectors of this machine.
#[cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "the features are checked before the call"))]
pub(super) fn widest<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
        {
            // SAFETY: the processor has the four features, as just checked.
            return unsafe { with_avx512(work) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the feature, as just checked.
            return unsafe { with_avx2(work) };
        }
    }
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn with_avx512<W: Work>(work: W) -> W::Output {
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<W: Work>(work: W) -> W::Output {
    work.run()
}
