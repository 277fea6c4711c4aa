//! The micro-kernels for 64-bit ARM: 8 rows by 3 registers, of 4 `f32` or 2 `f64`.
//!
//! 24 of the 32 registers hold `C`, 3 a row of `B`, one a number of `A`.
//!
//! **Untested**: the compiler accepts it, but no processor of this kind has run it. The tests of `gemm` visit it there.

use super::kernels::{Kernels, dot_table, outer_table, sparse_table, tile_table};
use super::outer::{self, Outer};
use super::sparse::{self, Sparse, ToList};
use super::vector::{self, Dots, Rows, Tile, Turned, Vector};
use std::arch::aarch64::*;

pub(super) static F32: Kernels<f32> = Kernels {
    lanes: 4,
    panel: 3,
    tiles: tile_table!(tile, float32x4_t; 1: 1 2 3 4 5 6 7 8, 2: 1 2 3 4 5 6 7 8, 3: 1 2 3 4 5 6 7, 4: 1 2 3 4 5 6,
                       5: 1 2 3 4 5, 6: 1 2 3 4, 7: 1 2 3, 8: 1 2 3),
    dots: dot_table!(dots, float32x4_t; 8 8 4 4 4 3 2 2),
    outer: outer_table!(outer, float32x4_t; 4 4 4 4 4 4 3 3),
    list: list::<float32x4_t>,
    sparse: sparse_table!(sparse, float32x4_t),
    pack_rows: pack_rows::<float32x4_t>,
    pack_turned: pack_turned::<float32x4_t>,
};

pub(super) static F64: Kernels<f64> = Kernels {
    lanes: 2,
    panel: 3,
    tiles: tile_table!(tile, float64x2_t; 1: 1 2 3 4 5 6 7 8, 2: 1 2 3 4 5 6 7 8, 3: 1 2 3 4 5 6 7, 4: 1 2 3 4 5 6,
                       5: 1 2 3 4 5, 6: 1 2 3 4, 7: 1 2 3, 8: 1 2 3),
    dots: dot_table!(dots, float64x2_t; 8 8 4 4 4 3 2 2),
    outer: outer_table!(outer, float64x2_t; 4 4 4 4 4 4 3 3),
    list: list::<float64x2_t>,
    sparse: sparse_table!(sparse, float64x2_t),
    pack_rows: pack_rows::<float64x2_t>,
    pack_turned: pack_turned::<float64x2_t>,
};

/// # Safety
/// As for [`vector::tile`].
#[target_feature(enable = "neon")]
unsafe fn tile<V: Vector, const R: usize, const N: usize>(t: &Tile<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { vector::tile::<V, R, N>(t) }
}

/// # Safety
/// As for [`vector::dots`].
#[target_feature(enable = "neon")]
unsafe fn dots<V: Vector, const R: usize, const N: usize>(d: &Dots<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { vector::dots::<V, R, N>(d) }
}

/// # Safety
/// As for [`outer::outer`].
#[target_feature(enable = "neon")]
unsafe fn outer<V: Vector, const R: usize, const K: usize>(o: &Outer<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { outer::outer::<V, R, K>(o) }
}

/// # Safety
/// As for [`sparse::list`].
#[target_feature(enable = "neon")]
unsafe fn list<V: Vector>(r: &ToList<V::Elem>) -> usize {
    // SAFETY: the caller's.
    unsafe { sparse::list::<V>(r) }
}

/// # Safety
/// As for [`sparse::sparse`].
#[target_feature(enable = "neon")]
unsafe fn sparse<V: Vector, const N: usize>(s: &Sparse<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { sparse::sparse::<V, N>(s) }
}

/// # Safety
/// As for [`vector::pack_rows`].
#[target_feature(enable = "neon")]
unsafe fn pack_rows<V: Vector>(p: &Rows<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { vector::pack_rows::<V>(p) }
}

/// # Safety
/// As for [`vector::pack_turned`].
#[target_feature(enable = "neon")]
unsafe fn pack_turned<V: Vector>(p: &Turned<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { vector::pack_turned::<V>(p) }
}

macro_rules! vector {
    ($v:ty, $t:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $mul:ident, $fma:ident, $sum:ident,
     $transpose:ident) => {
        impl Vector for $v {
            type Elem = $t;
            const LANES: usize = $lanes;
            const SIDE: usize = $lanes;
            #[inline(always)]
            unsafe fn splat(x: $t) -> Self {
                // SAFETY: the instruction set is there.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            unsafe fn load(from: *const $t) -> Self {
                // SAFETY: the caller's.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn load_first(from: *const $t, n: usize) -> Self {
                let mut lanes = [0.0; $lanes];
                for (l, lane) in lanes.iter_mut().enumerate().take(n) {
                    // SAFETY: l < n elements can be read, by the caller's word.
                    *lane = unsafe { *from.add(l) };
                }
                // SAFETY: the array has as many lanes.
                unsafe { $load(lanes.as_ptr()) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                // SAFETY: the caller's.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $t, n: usize) {
                let mut lanes = [0.0; $lanes];
                // SAFETY: the array has as many lanes.
                unsafe { $store(lanes.as_mut_ptr(), self) }
                for (l, &lane) in lanes[..n].iter().enumerate() {
                    // SAFETY: l < n elements can be written, by the caller's word.
                    unsafe { *to.add(l) = lane }
                }
            }
            #[inline(always)]
            unsafe fn mul(self, x: Self) -> Self {
                // SAFETY: the instruction set is there.
                unsafe { $mul(self, x) }
            }
            #[inline(always)]
            unsafe fn mul_add(self, x: Self, y: Self) -> Self {
                // SAFETY: the instruction set is there.
                unsafe { $fma(y, self, x) }
            }
            #[inline(always)]
            unsafe fn sum4(x: [Self; 4]) -> [$t; 4] {
                // SAFETY: the instruction set is there.
                unsafe { $sum(x) }
            }
            #[inline(always)]
            unsafe fn transpose(from: *const $t, from_step: isize, to: *mut $t, to_step: usize) {
                // SAFETY: the caller's.
                unsafe { $transpose(from, from_step, to, to_step) }
            }
        }
    };
}
vector!(float32x4_t, f32, 4, vdupq_n_f32, vld1q_f32, vst1q_f32, vmulq_f32, vfmaq_f32, sums32, transpose32);
vector!(float64x2_t, f64, 2, vdupq_n_f64, vld1q_f64, vst1q_f64, vmulq_f64, vfmaq_f64, sums64, transpose64);

/// Neighbours are added, then their sums.
#[inline]
#[target_feature(enable = "neon")]
fn sums32([a, b, c, d]: [float32x4_t; 4]) -> [f32; 4] {
    let x = vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d));
    // SAFETY: four numbers are four numbers.
    unsafe { std::mem::transmute(x) }
}

#[inline]
#[target_feature(enable = "neon")]
fn sums64([a, b, c, d]: [float64x2_t; 4]) -> [f64; 4] {
    let x = [vpaddq_f64(a, b), vpaddq_f64(c, d)];
    // SAFETY: four numbers are four numbers.
    unsafe { std::mem::transmute(x) }
}

/// # Safety
/// As for [`Vector::transpose`].
#[inline]
#[target_feature(enable = "neon")]
unsafe fn transpose32(from: *const f32, from_step: isize, to: *mut f32, to_step: usize) {
    // SAFETY: 4 slices of 4 elements, each, by the caller's word.
    unsafe {
        let r: [float32x4_t; 4] = std::array::from_fn(|j| vld1q_f32(from.offset(j as isize * from_step)));
        // Pairs of rows, seen as numbers of twice the width; then pairs of pairs.
        let even = |i: usize| vreinterpretq_f64_f32(vtrn1q_f32(r[i], r[i + 1]));
        let odd = |i: usize| vreinterpretq_f64_f32(vtrn2q_f32(r[i], r[i + 1]));
        for (i, (x, y)) in [(even(0), even(2)), (odd(0), odd(2))].into_iter().enumerate() {
            vst1q_f32(to.add(i * to_step), vreinterpretq_f32_f64(vtrn1q_f64(x, y)));
            vst1q_f32(to.add((i + 2) * to_step), vreinterpretq_f32_f64(vtrn2q_f64(x, y)));
        }
    }
}

/// # Safety
/// As for [`Vector::transpose`].
#[inline]
#[target_feature(enable = "neon")]
unsafe fn transpose64(from: *const f64, from_step: isize, to: *mut f64, to_step: usize) {
    // SAFETY: 2 slices of 2 elements, each, by the caller's word.
    unsafe {
        let (x, y) = (vld1q_f64(from), vld1q_f64(from.offset(from_step)));
        vst1q_f64(to, vtrn1q_f64(x, y));
        vst1q_f64(to.add(to_step), vtrn2q_f64(x, y));
    }
}
