//! The micro-kernel: a list of numbers, each with its row of `B`.

use crate::kernels::gemm::vector::Vector;

/// Rows of lists against a slice of `B`.
pub(in super::super) struct Sparse<T> {
    pub(super) rows: usize,
    /// Row i has the entries `starts[i]..starts[i + 1]`.
    pub(super) starts: *const u32,
    pub(super) places: *const u32,
    pub(super) values: *const T,
    /// Row p of `b` is at `b + p · b_row`, whole vectors.
    pub(super) b: *const T,
    pub(super) b_row: isize,
    /// Whether the sums begin at zero, or where they were left in `sums`, whole vectors for each row.
    pub(super) begins: bool,
    pub(super) sums: *mut T,
    /// Whether they are left there or go into `c`, whose row i is the slice at `c + i · c_row`.
    pub(super) ends: bool,
    pub(super) c: *mut T,
    pub(super) c_row: isize,
    /// Columns of `c` in the last vector, 1 ..= LANES.
    pub(super) last: usize,
    pub(super) alpha: T,
    pub(super) beta: T,
}

/// `N` vectors of each row: `c = alpha · list · b + beta · c`.
///
/// # Safety
/// The processor has `V`'s instruction set; the entries of all rows exist, and the `N` vectors of each row of `b` that they
/// name; `sums` has `N` vectors for each row, which were written unless the sums begin; so have the rows of `c`, up to
/// `last` of the last vector.
#[inline(always)]
pub(in super::super) unsafe fn sparse<V: Vector, const N: usize>(s: &Sparse<V::Elem>) {
    // SAFETY: all places are those that the caller vouches for.
    unsafe {
        let mut end = *s.starts as usize;
        for i in 0..s.rows {
            let start = std::mem::replace(&mut end, *s.starts.add(i + 1) as usize);
            let sums = s.sums.add(i * N * V::LANES);
            let mut acc = [V::splat(V::Elem::default()); N];
            if !s.begins {
                for (j, acc) in acc.iter_mut().enumerate() {
                    *acc = V::load(sums.add(j * V::LANES));
                }
            }
            for q in start..end {
                let x = V::splat(*s.values.add(q));
                let b = s.b.offset(*s.places.add(q) as isize * s.b_row);
                for (j, acc) in acc.iter_mut().enumerate() {
                    *acc = V::load(b.add(j * V::LANES)).mul_add(x, *acc);
                }
            }
            if s.ends {
                put::<V, N>(s, s.c.offset(i as isize * s.c_row), acc);
            } else {
                for (j, acc) in acc.into_iter().enumerate() {
                    acc.store(sums.add(j * V::LANES));
                }
            }
        }
    }
}

/// `c = alpha · acc + beta · c` for one row.
///
/// # Safety
/// As for [`sparse`].
#[inline(always)]
unsafe fn put<V: Vector, const N: usize>(s: &Sparse<V::Elem>, c: *mut V::Elem, acc: [V; N]) {
    // SAFETY: as the caller's; only `last` numbers of the last vector are touched.
    unsafe {
        let (alpha, beta) = (V::splat(s.alpha), V::splat(s.beta));
        for (j, x) in acc.into_iter().enumerate() {
            let c = c.add(j * V::LANES);
            let whole = j + 1 < N || s.last == V::LANES;
            let y = if s.beta == V::Elem::default() {
                x.mul(alpha)
            } else {
                let old = if whole { V::load(c) } else { V::load_first(c, s.last) };
                x.mul_add(alpha, old.mul(beta))
            };
            if whole { y.store(c) } else { y.store_first(c, s.last) }
        }
    }
}
