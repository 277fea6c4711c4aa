//! The micro-kernels for AVX2 with FMA: 6 rows by 2 registers, of 8 `f32` or 4 `f64`.
//!
//! 12 of the 16 registers hold `C`, 2 a row of `B`, one a number of `A`.

use super::kernels::{Kernels, dot_table, outer_table, sparse_table, tile_table};
use super::outer::{self, Outer};
use super::sparse::{self, Sparse, ToList};
use super::vector::{self, Dots, Rows, Tile, Turned, Vector};
use std::arch::x86_64::*;

pub(super) static F32: Kernels<f32> = Kernels {
    lanes: 8,
    panel: 2,
    tiles: tile_table!(tile, __m256; 1: 1 2 3 4 5 6 7, 2: 1 2 3 4 5, 3: 1 2 3, 4: 1 2 3, 5: 1 2, 6: 1 2),
    dots: dot_table!(dots, __m256; 6 6 4 2 2 1 1 1),
    outer: outer_table!(outer, __m256; 4 4 3 2 2 1 1 1),
    list: list::<__m256>,
    sparse: sparse_table!(sparse, __m256),
    pack_rows: pack_rows::<__m256>,
    pack_turned: pack_turned::<__m256>,
};

pub(super) static F64: Kernels<f64> = Kernels {
    lanes: 4,
    panel: 2,
    tiles: tile_table!(tile, __m256d; 1: 1 2 3 4 5 6 7, 2: 1 2 3 4 5, 3: 1 2 3, 4: 1 2 3, 5: 1 2, 6: 1 2),
    dots: dot_table!(dots, __m256d; 6 6 4 2 2 1 1 1),
    outer: outer_table!(outer, __m256d; 4 4 3 2 2 1 1 1),
    list: list::<__m256d>,
    sparse: sparse_table!(sparse, __m256d),
    pack_rows: pack_rows::<__m256d>,
    pack_turned: pack_turned::<__m256d>,
};

/// # Safety
/// As for [`vector::tile`].
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<V: Vector, const R: usize, const N: usize>(t: &Tile<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { vector::tile::<V, R, N>(t) }
}

/// # Safety
/// As for [`vector::dots`].
#[target_feature(enable = "avx2,fma")]
unsafe fn dots<V: Vector, const R: usize, const N: usize>(d: &Dots<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { vector::dots::<V, R, N>(d) }
}

/// # Safety
/// As for [`outer::outer`].
#[target_feature(enable = "avx2,fma")]
unsafe fn outer<V: Vector, const R: usize, const K: usize>(o: &Outer<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { outer::outer::<V, R, K>(o) }
}

/// # Safety
/// As for [`sparse::list`].
#[target_feature(enable = "avx2,fma")]
unsafe fn list<V: Vector>(r: &ToList<V::Elem>) -> usize {
    // SAFETY: the caller's.
    unsafe { sparse::list::<V>(r) }
}

/// # Safety
/// As for [`sparse::sparse`].
#[target_feature(enable = "avx2,fma")]
unsafe fn sparse<V: Vector, const N: usize>(s: &Sparse<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { sparse::sparse::<V, N>(s) }
}

/// # Safety
/// As for [`vector::pack_rows`].
#[target_feature(enable = "avx2,fma")]
unsafe fn pack_rows<V: Vector>(p: &Rows<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { vector::pack_rows::<V>(p) }
}

/// # Safety
/// As for [`vector::pack_turned`].
#[target_feature(enable = "avx2,fma")]
unsafe fn pack_turned<V: Vector>(p: &Turned<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { vector::pack_turned::<V>(p) }
}

/// A mask of `n` lanes is the slice of eight that starts `n` before the zeros.
static MASK32: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
static MASK64: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

macro_rules! vector {
    ($v:ty, $t:ty, $lanes:literal, $mask:ident, $splat:ident, $load:ident, $load_first:ident, $store:ident,
     $store_first:ident, $mul:ident, $fmadd:ident, $sum:ident, $transpose:ident) => {
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
                let mask: &[_; $lanes] = $mask[$lanes - n..][..$lanes].try_into().expect("as many lanes");
                // SAFETY: lanes outside the mask are not read.
                unsafe { $load_first(from, _mm256_loadu_si256(mask.as_ptr().cast())) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                // SAFETY: the caller's.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $t, n: usize) {
                let mask: &[_; $lanes] = $mask[$lanes - n..][..$lanes].try_into().expect("as many lanes");
                // SAFETY: lanes outside the mask are not written.
                unsafe { $store_first(to, _mm256_loadu_si256(mask.as_ptr().cast()), self) }
            }
            #[inline(always)]
            fn expect(place: *const $t) {
                // SAFETY: a hint, which reads nothing and may name any place; every x86-64 has it.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) }
            }
            #[inline(always)]
            unsafe fn mul(self, x: Self) -> Self {
                // SAFETY: the instruction set is there.
                unsafe { $mul(self, x) }
            }
            #[inline(always)]
            unsafe fn mul_add(self, x: Self, y: Self) -> Self {
                // SAFETY: the instruction set is there.
                unsafe { $fmadd(self, x, y) }
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
vector!(
    __m256,
    f32,
    8,
    MASK32,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_maskload_ps,
    _mm256_storeu_ps,
    _mm256_maskstore_ps,
    _mm256_mul_ps,
    _mm256_fmadd_ps,
    sums32,
    transpose32
);
vector!(
    __m256d,
    f64,
    4,
    MASK64,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_maskload_pd,
    _mm256_storeu_pd,
    _mm256_maskstore_pd,
    _mm256_mul_pd,
    _mm256_fmadd_pd,
    sums64,
    transpose64
);

/// Neighbours are added twice, then the halves.
#[inline]
#[target_feature(enable = "avx2")]
fn sums32([a, b, c, d]: [__m256; 4]) -> [f32; 4] {
    let x = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    let x = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
    // SAFETY: four numbers are four numbers.
    unsafe { std::mem::transmute(x) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn sums64([a, b, c, d]: [__m256d; 4]) -> [f64; 4] {
    let (ab, cd) = (_mm256_hadd_pd(a, b), _mm256_hadd_pd(c, d));
    let x = _mm256_add_pd(_mm256_permute2f128_pd::<0x20>(ab, cd), _mm256_permute2f128_pd::<0x31>(ab, cd));
    // SAFETY: four numbers are four numbers.
    unsafe { std::mem::transmute(x) }
}

/// # Safety
/// As for [`Vector::transpose`].
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn transpose32(from: *const f32, from_step: isize, to: *mut f32, to_step: usize) {
    // SAFETY: 8 slices of 8 elements, each, by the caller's word.
    unsafe {
        let r: [__m256; 8] = std::array::from_fn(|j| _mm256_loadu_ps(from.offset(j as isize * from_step)));
        // Pairs of rows, then fours, then the two halves.
        let lo = |i: usize| _mm256_unpacklo_ps(r[i], r[i + 1]);
        let hi = |i: usize| _mm256_unpackhi_ps(r[i], r[i + 1]);
        let (a, b) = ([lo(0), lo(2), lo(4), lo(6)], [hi(0), hi(2), hi(4), hi(6)]);
        let four = |x: &[__m256; 4], i: usize| {
            (_mm256_shuffle_ps::<0x44>(x[i], x[i + 1]), _mm256_shuffle_ps::<0xee>(x[i], x[i + 1]))
        };
        let ((a0, a1), (a2, a3)) = (four(&a, 0), four(&b, 0));
        let ((b0, b1), (b2, b3)) = (four(&a, 2), four(&b, 2));
        for (i, (x, y)) in [(a0, b0), (a1, b1), (a2, b2), (a3, b3)].into_iter().enumerate() {
            _mm256_storeu_ps(to.add(i * to_step), _mm256_permute2f128_ps::<0x20>(x, y));
            _mm256_storeu_ps(to.add((i + 4) * to_step), _mm256_permute2f128_ps::<0x31>(x, y));
        }
    }
}

/// # Safety
/// As for [`Vector::transpose`].
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn transpose64(from: *const f64, from_step: isize, to: *mut f64, to_step: usize) {
    // SAFETY: 4 slices of 4 elements, each, by the caller's word.
    unsafe {
        let r: [__m256d; 4] = std::array::from_fn(|j| _mm256_loadu_pd(from.offset(j as isize * from_step)));
        let (a0, a1) = (_mm256_unpacklo_pd(r[0], r[1]), _mm256_unpackhi_pd(r[0], r[1]));
        let (b0, b1) = (_mm256_unpacklo_pd(r[2], r[3]), _mm256_unpackhi_pd(r[2], r[3]));
        for (i, (x, y)) in [(a0, b0), (a1, b1)].into_iter().enumerate() {
            _mm256_storeu_pd(to.add(i * to_step), _mm256_permute2f128_pd::<0x20>(x, y));
            _mm256_storeu_pd(to.add((i + 2) * to_step), _mm256_permute2f128_pd::<0x31>(x, y));
        }
    }
}
