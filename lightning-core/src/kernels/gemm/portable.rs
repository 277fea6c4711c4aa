//! The micro-kernels for every other processor: 4 rows by 2 small arrays, which the compiler puts into registers.
//!
//! No fused multiply-add: where the processor has none, it would be a call of a library function for every element.

use super::kernels::{Kernels, dot_table, outer_table, sparse_table, tile_table};
use super::outer::outer;
use super::sparse::{list, sparse};
use super::vector::{Vector, dots, pack_rows, pack_turned, tile};
use crate::Float;

/// Numbers in 128 bits, which SSE2 and NEON have.
#[derive(Clone, Copy)]
struct Lanes<T, const L: usize>([T; L]);

pub(super) static F32: Kernels<f32> = Kernels {
    lanes: 4,
    panel: 2,
    tiles: tile_table!(tile, Lanes<f32, 4>; 1: 1 2 3 4, 2: 1 2 3 4, 3: 1 2, 4: 1 2),
    dots: dot_table!(dots, Lanes<f32, 4>; 4 4 2 2 2 1 1 1),
    outer: outer_table!(outer, Lanes<f32, 4>; 4 4 3 2 2 1 1 1),
    list: list::<Lanes<f32, 4>>,
    sparse: sparse_table!(sparse, Lanes<f32, 4>),
    pack_rows: pack_rows::<Lanes<f32, 4>>,
    pack_turned: pack_turned::<Lanes<f32, 4>>,
};

pub(super) static F64: Kernels<f64> = Kernels {
    lanes: 2,
    panel: 2,
    tiles: tile_table!(tile, Lanes<f64, 2>; 1: 1 2 3 4, 2: 1 2 3 4, 3: 1 2, 4: 1 2),
    dots: dot_table!(dots, Lanes<f64, 2>; 4 4 2 2 2 1 1 1),
    outer: outer_table!(outer, Lanes<f64, 2>; 4 4 3 2 2 1 1 1),
    list: list::<Lanes<f64, 2>>,
    sparse: sparse_table!(sparse, Lanes<f64, 2>),
    pack_rows: pack_rows::<Lanes<f64, 2>>,
    pack_turned: pack_turned::<Lanes<f64, 2>>,
};

impl<T: Float, const L: usize> Vector for Lanes<T, L> {
    type Elem = T;
    const LANES: usize = L;
    const SIDE: usize = L;

    #[inline(always)]
    unsafe fn splat(x: T) -> Self {
        Self([x; L])
    }
    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: L elements, by the caller's word; an array needs no more alignment than its elements.
        Self(unsafe { *from.cast::<[T; L]>() })
    }
    #[inline(always)]
    unsafe fn load_first(from: *const T, n: usize) -> Self {
        // SAFETY: n elements, by the caller's word.
        Self(std::array::from_fn(|l| if l < n { unsafe { *from.add(l) } } else { T::zero() }))
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: L elements, by the caller's word.
        unsafe { *to.cast::<[T; L]>() = self.0 }
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut T, n: usize) {
        for (l, &x) in self.0[..n].iter().enumerate() {
            // SAFETY: n elements, by the caller's word.
            unsafe { *to.add(l) = x }
        }
    }
    #[inline(always)]
    unsafe fn mul(self, x: Self) -> Self {
        Self(std::array::from_fn(|l| self.0[l] * x.0[l]))
    }
    #[inline(always)]
    unsafe fn mul_add(self, x: Self, y: Self) -> Self {
        Self(std::array::from_fn(|l| self.0[l] * x.0[l] + y.0[l]))
    }
    #[inline(always)]
    unsafe fn sum4(x: [Self; 4]) -> [T; 4] {
        x.map(|x| x.0.into_iter().fold(T::zero(), |sum, x| sum + x))
    }
    #[inline(always)]
    unsafe fn transpose(from: *const T, from_step: isize, to: *mut T, to_step: usize) {
        for i in 0..L {
            for j in 0..L {
                // SAFETY: L by L elements, by the caller's word.
                unsafe { *to.add(i * to_step + j) = *from.offset(j as isize * from_step).add(i) }
            }
        }
    }
}
