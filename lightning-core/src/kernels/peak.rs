//! The machine's own limits, for benchmarks to hold the other kernels against: arithmetic in registers, and memory.

use super::dispatch::{Work, widest};
use crate::Float;
use rayon::prelude::*;
use std::hint::black_box;

/// Multiplies and adds in registers, as fast as one thread can: `rounds` times a dozen independent chains. Returns the
/// number of floating-point operations, two a multiply-add.
///
/// ```
/// let start = std::time::Instant::now();
/// let flops = lightning_core::kernels::peak::multiply_adds::<f32>(10_000);
/// println!("{} GFLOP/s", flops as f64 / start.elapsed().as_nanos() as f64);
/// assert!(flops > 0);
/// ```
#[cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "the features are checked before the call"))]
pub fn multiply_adds<F: Float>(rounds: u64) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        let double = F::DTYPE == f64::DTYPE;
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the feature, as just checked.
            return unsafe { if double { x86::avx512_f64(rounds) } else { x86::avx512_f32(rounds) } };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has both features, as just checked.
            return unsafe { if double { x86::avx2_f64(rounds) } else { x86::avx2_f32(rounds) } };
        }
    }
    let (x, y) = (black_box(F::of(0.5)), black_box(F::of(0.25)));
    let mut chains = [F::zero(); 32];
    for _ in 0..rounds {
        chains.iter_mut().for_each(|chain| *chain = *chain * x + y);
    }
    rounds * 2 * black_box(chains).len() as u64
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    /// Twelve chains hide the latency of two multipliers with room to spare.
    macro_rules! chains {
        ($name:ident, $features:literal, $broadcast:ident, $multiply_add:ident, $lanes:literal) => {
            #[target_feature(enable = $features)]
            pub(super) fn $name(rounds: u64) -> u64 {
                // ½ is where x ← ½x + ¼ stays: no denormal, no infinity.
                let (x, y) = ($broadcast(black_box(0.5)), $broadcast(black_box(0.25)));
                let mut chains = [x; 12];
                for _ in 0..rounds {
                    for chain in &mut chains {
                        *chain = $multiply_add(*chain, x, y);
                    }
                }
                rounds * 2 * $lanes * black_box(chains).len() as u64
            }
        };
    }

    chains!(avx512_f32, "avx512f", _mm512_set1_ps, _mm512_fmadd_ps, 16);
    chains!(avx512_f64, "avx512f", _mm512_set1_pd, _mm512_fmadd_pd, 8);
    chains!(avx2_f32, "avx2,fma", _mm256_set1_ps, _mm256_fmadd_ps, 8);
    chains!(avx2_f64, "avx2,fma", _mm256_set1_pd, _mm256_fmadd_pd, 4);
}

/// Reads every number once, on one thread, as fast as memory gives them; returns their sum in no particular order.
///
/// ```
/// assert_eq!(lightning_core::kernels::peak::read(&[1.0; 1000]), 1000.0);
/// ```
pub fn read(numbers: &[f32]) -> f32 {
    struct Read<'a>(&'a [f32]);
    impl Work for Read<'_> {
        type Output = f32;
        #[inline(always)]
        fn run(self) -> f32 {
            let mut sums = [0f32; 128];
            let (blocks, rest) = self.0.as_chunks::<128>();
            for block in blocks {
                for (sum, x) in sums.iter_mut().zip(block) {
                    *sum += x;
                }
            }
            sums.iter().chain(rest).sum()
        }
    }
    widest(Read(numbers))
}

/// The least that Adam does to memory, with next to no arithmetic: reads four arrays and writes three of them, seven
/// words a parameter, on all threads. Each thread gets one piece.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// let (mut p, g, mut m, mut v) = ([1.0; 4], [1.0; 4], [1.0; 4], [1.0; 4]);
/// lightning_core::kernels::peak::update(&mut p, &g, &mut m, &mut v);
/// assert_eq!((p, m, v), ([3.0; 4], [2.0; 4], [2.0; 4]));
/// ```
pub fn update(p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    struct Update<'a>(&'a mut [f32], &'a [f32], &'a mut [f32], &'a mut [f32]);
    impl Work for Update<'_> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            for (((p, g), m), v) in self.0.iter_mut().zip(self.1).zip(self.2).zip(self.3) {
                *m += g;
                *v += g;
                *p += *m;
            }
        }
    }
    assert!([g.len(), m.len(), v.len()] == [p.len(); 3], "update: arrays of one length");
    let piece = p.len().div_ceil(rayon::current_num_threads()).max(1);
    p.par_chunks_mut(piece)
        .zip(g.par_chunks(piece))
        .zip(m.par_chunks_mut(piece))
        .zip(v.par_chunks_mut(piece))
        .for_each(|(((p, g), m), v)| widest(Update(p, g, m, v)));
}
