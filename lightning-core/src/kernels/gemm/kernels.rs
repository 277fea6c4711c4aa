//! The table of micro-kernels of one instruction set, and the choice among the sets.

#[cfg(target_arch = "aarch64")]
use super::neon;
use super::outer::Outer;
use super::portable;
use super::sparse::{Sparse, ToList};
use super::vector::{Dots, Rows, Tile, Turned};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// The instruction sets with kernels of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Whatever the compiler's target has.
    Portable,
    /// 64-bit ARM.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F and VL: without VL, whatever is summed up may use 16 of the 32 registers only.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Family {
    /// All of them that this processor can run, the fastest last. The answer is cached by the standard library.
    pub(super) fn available() -> impl Iterator<Item = Self> {
        let mut found = vec![Family::Portable];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            found.push(Family::Avx2);
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                found.push(Family::Avx512);
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            found.push(Family::Neon);
        }
        found.into_iter()
    }

    /// The fastest that this processor can run.
    pub(super) fn best() -> Self {
        static BEST: std::sync::OnceLock<Family> = std::sync::OnceLock::new();
        *BEST.get_or_init(|| Self::available().last().unwrap_or(Family::Portable))
    }
}

pub(super) type TileFn<T> = unsafe fn(&Tile<T>);
pub(super) type DotsFn<T> = unsafe fn(&Dots<T>);
pub(super) type OuterFn<T> = unsafe fn(&Outer<T>);
pub(super) type SparseFn<T> = unsafe fn(&Sparse<T>);

/// What the loops need to know of an instruction set.
///
/// Invariant: `tiles[r - 1][n - 1]` computes `r` rows by `n` registers of `lanes` numbers; fewer rows never have fewer
/// entries; the last row has at least `panel` entries; `dots[n - 1]` computes `n` columns;
/// `outer[k - 1]` has an inner dimension of `k`; `sparse[n - 1]` computes `n` registers of a row.
#[derive(Debug)]
pub struct Kernels<T: 'static> {
    pub(super) lanes: usize,
    /// Registers across a panel of packed `B`.
    pub(super) panel: usize,
    pub(super) tiles: &'static [&'static [TileFn<T>]],
    pub(super) dots: [DotsFn<T>; NARROW],
    pub(super) outer: [OuterFn<T>; NARROW],
    pub(super) list: unsafe fn(&ToList<T>) -> usize,
    pub(super) sparse: [SparseFn<T>; 8],
    pub(super) pack_rows: unsafe fn(&Rows<T>),
    pub(super) pack_turned: unsafe fn(&Turned<T>),
}

/// Columns up to which a product is a set of dot products, and inner dimension up to which it is a sum of outer products.
pub(super) const NARROW: usize = 8;

/// A number with kernels. Sealed, because it is a part of the sealed `Float`.
pub trait Element: Sized {
    /// The kernels of an instruction set, which the processor must have.
    fn kernels(family: Family) -> &'static Kernels<Self>;
}

macro_rules! element {
    ($t:ty, $name:ident) => {
        impl Element for $t {
            fn kernels(family: Family) -> &'static Kernels<Self> {
                match family {
                    Family::Portable => &portable::$name,
                    #[cfg(target_arch = "aarch64")]
                    Family::Neon => &neon::$name,
                    #[cfg(target_arch = "x86_64")]
                    Family::Avx2 => &avx2::$name,
                    #[cfg(target_arch = "x86_64")]
                    Family::Avx512 => &avx512::$name,
                }
            }
        }
    };
}
element!(f32, F32);
element!(f64, F64);

/// `rows: registers ...` as the table of micro-kernels.
macro_rules! tile_table {
    ($f:ident, $v:ty; $($r:literal: $($n:literal)+),+) => {
        &[$(&[$($f::<$v, $r, $n>),+]),+]
    };
}
/// Rows at a time for 1, 2, … 8 columns.
macro_rules! dot_table {
    ($f:ident, $v:ty; $r1:literal $r2:literal $r3:literal $r4:literal $r5:literal $r6:literal $r7:literal $r8:literal) => {
        [
            $f::<$v, $r1, 1>,
            $f::<$v, $r2, 2>,
            $f::<$v, $r3, 3>,
            $f::<$v, $r4, 4>,
            $f::<$v, $r5, 5>,
            $f::<$v, $r6, 6>,
            $f::<$v, $r7, 7>,
            $f::<$v, $r8, 8>,
        ]
    };
}
/// Rows at a time for an inner dimension of 1, 2, … 8.
macro_rules! outer_table {
    ($f:ident, $v:ty; $r1:literal $r2:literal $r3:literal $r4:literal $r5:literal $r6:literal $r7:literal $r8:literal) => {
        [
            $f::<$v, $r1, 1>,
            $f::<$v, $r2, 2>,
            $f::<$v, $r3, 3>,
            $f::<$v, $r4, 4>,
            $f::<$v, $r5, 5>,
            $f::<$v, $r6, 6>,
            $f::<$v, $r7, 7>,
            $f::<$v, $r8, 8>,
        ]
    };
}
/// 1, 2, … 8 registers of a row.
macro_rules! sparse_table {
    ($f:ident, $v:ty) => {
        [
            $f::<$v, 1>,
            $f::<$v, 2>,
            $f::<$v, 3>,
            $f::<$v, 4>,
            $f::<$v, 5>,
            $f::<$v, 6>,
            $f::<$v, 7>,
            $f::<$v, 8>,
        ]
    };
}
pub(super) use {dot_table, outer_table, sparse_table, tile_table};
