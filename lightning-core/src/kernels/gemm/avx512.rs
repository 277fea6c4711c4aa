//! The micro-kernels for AVX-512: 8 rows by 3 registers, of 16 `f32` or 8 `f64`.
//!
//! 24 of the 32 registers hold `C`, 3 a row of `B`, one a number of `A`: 24 multiply-adds for 11 loads. Fewer rows take
//! more registers across, so that a thin product still reads long pieces of `B`.
//!
//! VL is enabled although no register is narrower than 512 bits: without it the compiler keeps whatever is summed up in the
//! lower 16 registers and spills the rest (dot products against 8 columns: 42 GFLOP/s without, 100 with). For the same
//! reason the dot products hold at most 16 sums or so: with 24 they fell to 42 again.

use super::kernels::{Kernels, dot_table, outer_table, sparse_table, tile_table};
use super::outer::{self, Outer};
use super::sparse::{self, Sparse, ToList};
use super::vector::{self, Dots, Rows, Tile, Turned, Vector};

use std::arch::x86_64::*;

pub(super) static F32: Kernels<f32> = Kernels {
    lanes: 16,
    panel: 3,
    tiles: tile_table!(tile, __m512; 1: 1 2 3 4 5 6 7 8, 2: 1 2 3 4 5 6 7 8, 3: 1 2 3 4 5 6 7, 4: 1 2 3 4 5 6,
                       5: 1 2 3 4 5, 6: 1 2 3 4, 7: 1 2 3, 8: 1 2 3),
    dots: dot_table!(dots, __m512; 8 8 4 4 4 3 2 2),
    outer: outer_table!(outer, __m512; 4 4 4 4 4 4 3 3),
    list: list::<__m512>,
    sparse: sparse_table!(sparse, __m512),
    pack_rows: pack_rows::<__m512>,
    pack_turned: pack_turned::<__m512>,
};

pub(super) static F64: Kernels<f64> = Kernels {
    lanes: 8,
    panel: 3,
    tiles: tile_table!(tile, __m512d; 1: 1 2 3 4 5 6 7 8, 2: 1 2 3 4 5 6 7 8, 3: 1 2 3 4 5 6 7, 4: 1 2 3 4 5 6,
                       5: 1 2 3 4 5, 6: 1 2 3 4, 7: 1 2 3, 8: 1 2 3),
    dots: dot_table!(dots, __m512d; 8 8 4 4 4 3 2 2),
    outer: outer_table!(outer, __m512d; 2 4 4 4 4 4 3 3),
    list: list::<__m512d>,
    sparse: sparse_table!(sparse, __m512d),
    pack_rows: pack_rows::<__m512d>,
    pack_turned: pack_turned::<__m512d>,
};

/// # Safety
/// As for [`vector::tile`].
#[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
unsafe fn tile<V: Vector, const R: usize, const N: usize>(t: &Tile<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { vector::tile::<V, R, N>(t) }
}

/// # Safety
/// As for [`vector::dots`].
#[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
unsafe fn dots<V: Vector, const R: usize, const N: usize>(d: &Dots<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { vector::dots::<V, R, N>(d) }
}

/// # Safety
/// As for [`outer::outer`].
#[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
unsafe fn outer<V: Vector, const R: usize, const K: usize>(o: &Outer<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { outer::outer::<V, R, K>(o) }
}

/// # Safety
/// As for [`sparse::list`].
#[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
unsafe fn list<V: Vector>(r: &ToList<V::Elem>) -> usize {
    // SAFETY: the caller's.
    unsafe { sparse::list::<V>(r) }
}

/// # Safety
/// As for [`sparse::sparse`].
#[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
unsafe fn sparse<V: Vector, const N: usize>(s: &Sparse<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { sparse::sparse::<V, N>(s) }
}

/// # Safety
/// As for [`vector::pack_rows`].
#[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
unsafe fn pack_rows<V: Vector>(p: &Rows<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { vector::pack_rows::<V>(p) }
}

/// # Safety
/// As for [`vector::pack_turned`].
#[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
unsafe fn pack_turned<V: Vector>(p: &Turned<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { vector::pack_turned::<V>(p) }
}

// Each block below: the instruction set is there (`Vector`'s condition), and so is the memory, by the caller's word.
macro_rules! vector {
    ($v:ty, $t:ty, $half:ty, $mask:ty, $lanes:literal, $splat:ident, $load:ident, $load_first:ident, $store:ident,
     $store_first:ident, $mul:ident, $fmadd:ident, $halved:ident, $keep:ident) => {
        impl Vector for $v {
            type Elem = $t;
            const LANES: usize = $lanes;
            const SIDE: usize = <$half>::SIDE;
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
                // SAFETY: lanes outside the mask are not read; n ≤ LANES by the caller's word.
                unsafe { $load_first(((1u32 << n) - 1) as $mask, from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                // SAFETY: the caller's.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $t, n: usize) {
                // SAFETY: lanes outside the mask are not written.
                unsafe { $store_first(to, ((1u32 << n) - 1) as $mask, self) }
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
                // SAFETY: a processor with AVX-512 has AVX2.
                unsafe { <$half>::sum4(x.map(|x| $halved(x))) }
            }
            #[inline(always)]
            unsafe fn keep(
                from: *const $t,
                n: usize,
                first: u32,
                values: *mut $t,
                places: *mut u32,
            ) -> usize {
                // SAFETY: the caller's.
                unsafe { $keep(Self::load_first(from, n), first, values, places) }
            }
            #[inline(always)]
            unsafe fn transpose(from: *const $t, from_step: isize, to: *mut $t, to_step: usize) {
                // SAFETY: the caller's; a processor with AVX-512 has AVX2.
                unsafe { <$half>::transpose(from, from_step, to, to_step) }
            }
        }
    };
}

vector!(
    __m512,
    f32,
    __m256,
    __mmask16,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_maskz_loadu_ps,
    _mm512_storeu_ps,
    _mm512_mask_storeu_ps,
    _mm512_mul_ps,
    _mm512_fmadd_ps,
    halved32,
    keep32
);
vector!(
    __m512d,
    f64,
    __m256d,
    __mmask8,
    8,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_maskz_loadu_pd,
    _mm512_storeu_pd,
    _mm512_mask_storeu_pd,
    _mm512_mul_pd,
    _mm512_fmadd_pd,
    halved64,
    keep64
);

/// The sum of the two halves.
#[inline]
#[target_feature(enable = "avx512f,avx2")]
fn halved32(x: __m512) -> __m256 {
    let high = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(x));
    _mm256_add_ps(_mm512_castps512_ps256(x), _mm256_castpd_ps(high))
}

/// The sum of the two halves.
#[inline]
#[target_feature(enable = "avx512f,avx2")]
fn halved64(x: __m512d) -> __m256d {
    _mm256_add_pd(_mm512_castpd512_pd256(x), _mm512_extractf64x4_pd::<1>(x))
}

/// [`Vector::keep`]. The vectors are put together in registers: storing some of their lanes takes far longer.
///
/// # Safety
/// 16 values and places can be written.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx2")]
unsafe fn keep32(x: __m512, first: u32, values: *mut f32, places: *mut u32) -> usize {
    let kept = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(x, _mm512_setzero_ps());
    let index = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let index = _mm512_add_epi32(index, _mm512_set1_epi32(first.cast_signed()));
    // SAFETY: the caller's.
    unsafe {
        _mm512_storeu_ps(values, _mm512_maskz_compress_ps(kept, x));
        _mm512_storeu_si512(places.cast(), _mm512_maskz_compress_epi32(kept, index));
    }
    kept.count_ones() as usize
}

/// [`Vector::keep`].
///
/// # Safety
/// 8 values and places can be written.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx2")]
unsafe fn keep64(x: __m512d, first: u32, values: *mut f64, places: *mut u32) -> usize {
    let kept = _mm512_cmp_pd_mask::<_CMP_NEQ_UQ>(x, _mm512_setzero_pd());
    let index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let index = _mm256_add_epi32(index, _mm256_set1_epi32(first.cast_signed()));
    // SAFETY: the caller's.
    unsafe {
        _mm512_storeu_pd(values, _mm512_maskz_compress_pd(kept, x));
        _mm256_storeu_si256(places.cast(), _mm256_maskz_compress_epi32(kept, index));
    }
    kept.count_ones() as usize
}
