//! What a micro-kernel needs of an instruction set, and the bodies that are written once for all of them.
//!
//! Everything here is inlined into functions that enable the instruction set: see `avx512.rs`.

use crate::Float;

/// One register of numbers.
///
/// # Safety
/// Every method may be called only on a processor with the instruction set of the implementation.
pub(super) trait Vector: Copy {
    type Elem: Float;
    /// Numbers in a register.
    const LANES: usize;
    /// Rows and columns of the square that `transpose` turns.
    const SIDE: usize;

    unsafe fn splat(x: Self::Elem) -> Self;
    /// # Safety
    /// `LANES` elements can be read from `from`.
    unsafe fn load(from: *const Self::Elem) -> Self;
    /// The first `n` elements, then zeros. Memory beyond them is not read.
    ///
    /// # Safety
    /// `n <= LANES` elements can be read from `from`.
    unsafe fn load_first(from: *const Self::Elem, n: usize) -> Self;
    /// # Safety
    /// `LANES` elements can be written to `to`.
    unsafe fn store(self, to: *mut Self::Elem);
    /// # Safety
    /// `n <= LANES` elements can be written to `to`; the memory beyond is untouched.
    unsafe fn store_first(self, to: *mut Self::Elem, n: usize);
    /// Asks for the cache line of a place that will be written soon; nothing happens where there is none.
    #[inline(always)]
    fn expect(_place: *const Self::Elem) {}
    unsafe fn mul(self, x: Self) -> Self;
    /// `self · x + y`, rounded once where the instruction set can.
    unsafe fn mul_add(self, x: Self, y: Self) -> Self;
    /// The sums of the lanes of four registers, each in a fixed order.
    unsafe fn sum4(x: [Self; 4]) -> [Self::Elem; 4];
    /// Writes those of the `n` numbers at `from` that are not zero to `values`, and `first` plus their index to `places`;
    /// returns how many they are. What follows them in the two vectors is overwritten.
    ///
    /// # Safety
    /// `n <= LANES` elements can be read, `LANES` values and places be written.
    #[inline(always)]
    unsafe fn keep(
        from: *const Self::Elem,
        n: usize,
        first: u32,
        values: *mut Self::Elem,
        places: *mut u32,
    ) -> usize {
        let mut kept = 0;
        for l in 0..n {
            // SAFETY: l < n, and as many have been kept at most.
            unsafe {
                let x = *from.add(l);
                *values.add(kept) = x;
                *places.add(kept) = first + l as u32;
                kept += usize::from(x != Self::Elem::default());
            }
        }
        kept
    }
    /// `to[i · to_step + j] = from[j · from_step + i]` for `i, j < SIDE`.
    ///
    /// # Safety
    /// All these places can be read and written.
    unsafe fn transpose(from: *const Self::Elem, from_step: isize, to: *mut Self::Elem, to_step: usize);
}

/// One register block of `C`: `c = alpha · a · b + beta · c`.
pub(super) struct Tile<T> {
    /// The inner dimension.
    pub(super) k: usize,
    /// Element (i, p) of `a` is at `a + i · a_row + p · a_col`.
    pub(super) a: *const T,
    pub(super) a_row: isize,
    pub(super) a_col: isize,
    /// Row p of `b` is the slice at `b + p · b_row`, whole vectors.
    pub(super) b: *const T,
    pub(super) b_row: isize,
    /// Whether the rows of `b` come from far away, each from another page.
    pub(super) b_far: bool,
    /// Where those rows are kept, whole vectors `copy_row` apart, or null.
    pub(super) copy: *mut T,
    pub(super) copy_row: usize,
    /// Row i of `c` is the slice at `c + i · c_row`.
    pub(super) c: *mut T,
    pub(super) c_row: isize,
    /// Whether `c` is not likely to be in a near cache.
    pub(super) far: bool,
    /// Columns of `c` in the last vector, 1 ..= LANES.
    pub(super) last: usize,
    /// Columns of `b` in the last vector that can be read: as many, or LANES.
    pub(super) b_last: usize,
    pub(super) alpha: T,
    pub(super) beta: T,
}

/// The micro-kernel: `R` rows by `N` vectors of `C` stay in registers while `k` passes.
///
/// # Safety
/// The processor has `V`'s instruction set; `R` rows of `t.a`, and of `t.b` the columns up to `b_last` of vector `N - 1`,
/// can be read for every `p < t.k`, and the copies, if wanted, be written; in each of `R` rows of `t.c` the columns up to `last` of vector `N - 1` can be read and written.
#[inline(always)]
pub(super) unsafe fn tile<V: Vector, const R: usize, const N: usize>(t: &Tile<V::Elem>) {
    // SAFETY: the caller's.
    unsafe { if t.b_far { tile_of::<V, R, N, true>(t) } else { tile_of::<V, R, N, false>(t) } }
}

/// # Safety
/// As for [`tile`]; `FAR` is `t.b_far`.
#[inline(always)]
unsafe fn tile_of<V: Vector, const R: usize, const N: usize, const FAR: bool>(t: &Tile<V::Elem>) {
    // SAFETY: all places are those that the caller vouches for; pointers past the last are made, not read.
    unsafe {
        if t.far {
            for i in 0..R {
                for j in 0..N {
                    V::expect(t.c.wrapping_offset(i as isize * t.c_row).wrapping_add(j * V::LANES));
                }
            }
        }
        let mut acc = [[V::splat(V::Elem::default()); N]; R];
        let (mut a, mut b, mut copy) = (t.a, t.b, t.copy);
        let b_whole = t.b_last == V::LANES;
        for _ in 0..t.k {
            let mut row = [V::splat(V::Elem::default()); N];
            for (j, x) in row.iter_mut().enumerate() {
                let b = b.add(j * V::LANES);
                *x = if j + 1 < N || b_whole { V::load(b) } else { V::load_first(b, t.b_last) };
                if FAR {
                    V::expect(b.wrapping_offset(AHEAD as isize * t.b_row));
                    if !t.copy.is_null() {
                        x.store(copy.add(j * V::LANES));
                    }
                }
            }
            for (i, acc) in acc.iter_mut().enumerate() {
                let x = V::splat(*a.offset(i as isize * t.a_row));
                for (acc, &b) in acc.iter_mut().zip(&row) {
                    *acc = b.mul_add(x, *acc);
                }
            }
            a = a.wrapping_offset(t.a_col);
            b = b.wrapping_offset(t.b_row);
            copy = copy.wrapping_add(t.copy_row);
        }
        let (alpha, beta) = (V::splat(t.alpha), V::splat(t.beta));
        for (i, acc) in acc.iter().enumerate() {
            let c = t.c.offset(i as isize * t.c_row);
            for (j, &x) in acc.iter().enumerate() {
                let c = c.add(j * V::LANES);
                let whole = j + 1 < N || t.last == V::LANES;
                let y = if t.beta == V::Elem::default() {
                    x.mul(alpha)
                } else {
                    let old = if whole { V::load(c) } else { V::load_first(c, t.last) };
                    x.mul_add(alpha, old.mul(beta))
                };
                if whole { y.store(c) } else { y.store_first(c, t.last) }
            }
        }
    }
}

/// Rows of `a` times a few columns: `c[i, j] = alpha · (a row i · b column j) + beta · c[i, j]`.
pub(super) struct Dots<T> {
    pub(super) rows: usize,
    pub(super) k: usize,
    /// Row i of `a` is the slice at `a + i · a_row`.
    pub(super) a: *const T,
    pub(super) a_row: isize,
    /// Column j of `b` is the slice at `b + j · b_col`, filled up with zeros to whole vectors.
    pub(super) b: *const T,
    pub(super) b_col: usize,
    pub(super) c: *mut T,
    pub(super) c_row: isize,
    pub(super) c_col: isize,
    pub(super) alpha: T,
    pub(super) beta: T,
}

/// `R` rows at a time against `N` columns, the lanes running along the inner dimension.
///
/// # Safety
/// The processor has `V`'s instruction set; `rows` rows of `k` elements of `d.a`, `N` columns of `k` elements of `d.b`
/// rounded up to whole vectors, and `rows` by `N` elements of `d.c` are there.
#[inline(always)]
pub(super) unsafe fn dots<V: Vector, const R: usize, const N: usize>(d: &Dots<V::Elem>) {
    let mut i = 0;
    // SAFETY: rows i..i + R, then row i, are below d.rows.
    unsafe {
        while i + R <= d.rows {
            dot_block::<V, R, N>(d, i);
            i += R;
        }
        while i < d.rows {
            dot_block::<V, 1, N>(d, i);
            i += 1;
        }
    }
}

/// # Safety
/// As for [`dots`], for the rows `first..first + R`.
#[inline(always)]
unsafe fn dot_block<V: Vector, const R: usize, const N: usize>(d: &Dots<V::Elem>, first: usize) {
    // SAFETY: p runs to the last whole vector below k; the rest of each row is read by `load_first`.
    unsafe {
        let mut acc = [[V::splat(V::Elem::default()); N]; R];
        let a = d.a.offset(first as isize * d.a_row);
        let mut p = 0;
        while p + V::LANES <= d.k {
            let mut row = [V::splat(V::Elem::default()); N];
            for (j, b) in row.iter_mut().enumerate() {
                *b = V::load(d.b.add(j * d.b_col + p));
            }
            for (i, acc) in acc.iter_mut().enumerate() {
                let x = V::load(a.offset(i as isize * d.a_row).add(p));
                for (acc, &b) in acc.iter_mut().zip(&row) {
                    *acc = x.mul_add(b, *acc);
                }
            }
            p += V::LANES;
        }
        if p < d.k {
            for (i, acc) in acc.iter_mut().enumerate() {
                let x = V::load_first(a.offset(i as isize * d.a_row).add(p), d.k - p);
                for (j, acc) in acc.iter_mut().enumerate() {
                    *acc = x.mul_add(V::load(d.b.add(j * d.b_col + p)), *acc);
                }
            }
        }
        let sums = sums::<V, R, N>(acc);
        for i in 0..R {
            for j in 0..N {
                let c = d.c.offset((first + i) as isize * d.c_row + j as isize * d.c_col);
                let y = d.alpha * sums[i * N + j];
                *c = if d.beta == V::Elem::default() { y } else { y + d.beta * *c };
            }
        }
    }
}

/// Sums of a block of dot products.
const MAX_DOTS: usize = 24;

/// The sum of the lanes of each register, row by row; whatever is beyond is zero.
///
/// # Safety
/// The processor has `V`'s instruction set.
#[inline(always)]
unsafe fn sums<V: Vector, const R: usize, const N: usize>(acc: [[V; N]; R]) -> [V::Elem; MAX_DOTS] {
    const { assert!(R * N <= MAX_DOTS) };
    // A copy of its own, so that the sums proper stay in registers.
    let flat = acc.as_flattened();
    let mut sums = [V::Elem::default(); MAX_DOTS];
    // SAFETY: the instruction set is there.
    unsafe {
        for (four, sums) in flat.chunks(4).zip(sums.chunks_exact_mut(4)) {
            let zero = V::splat(V::Elem::default());
            let x = std::array::from_fn(|i| *four.get(i).unwrap_or(&zero));
            sums.copy_from_slice(&V::sum4(x));
        }
    }
    sums
}

/// Writes a panel from slices that run along the inner dimension: `to[p · width + j] = from[j · step + p]`.
///
/// # Safety
/// The processor has `V`'s instruction set; the places are there for all `p < k`, `j < cols`, and `cols <= width`.
#[inline(always)]
pub(super) unsafe fn pack_turned<V: Vector>(p: &Turned<V::Elem>) {
    let (ks, js) = (p.k - p.k % V::SIDE, p.cols - p.cols % V::SIDE);
    // SAFETY: whole squares lie below k and cols, and so do the strips beside them.
    unsafe {
        for j in (0..js).step_by(V::SIDE) {
            for q in (0..ks).step_by(V::SIDE) {
                let from = p.from.offset(j as isize * p.step).add(q);
                V::transpose(from, p.step, p.to.add(q * p.width + j), p.width);
            }
        }
        for j in 0..p.cols {
            for q in if j < js { ks } else { 0 }..p.k {
                *p.to.add(q * p.width + j) = *p.from.offset(j as isize * p.step).add(q);
            }
        }
    }
}

/// Writes strips of `width` columns from slices that run across them: strip `s` begins `s · k · width` on in `to`, and there
/// `to[p · width + j] = from[p · step + s · width + j]`.
///
/// Several strips at a time, so that the cache lines of `from` are read once. The processor cannot guess the next row, often
/// on a page of its own, so it is told.
///
/// # Safety
/// The places are there for all `p < k` and columns below `cols`.
#[inline(always)]
pub(super) unsafe fn pack_rows<V: Vector>(r: &Rows<V::Elem>) {
    for p in 0..r.k {
        let later = r.from.wrapping_offset((p + AHEAD) as isize * r.step);
        for j in (0..r.cols).step_by(LINE_BYTES / size_of::<V::Elem>()) {
            V::expect(later.wrapping_add(j));
        }
        // SAFETY: column j + i is below cols and i below width.
        unsafe {
            let from = r.from.offset(p as isize * r.step);
            let mut to = r.to.add(p * r.width);
            let mut j = 0;
            while j + r.width <= r.cols {
                copy(from.add(j), to, r.width);
                to = to.wrapping_add(r.k * r.width);
                j += r.width;
            }
            copy(from.add(j), to, r.cols - j);
        }
    }
}

/// Rows that `pack_rows` asks for before it reads them: about as long as the third-level cache takes to answer.
const AHEAD: usize = 16;
const LINE_BYTES: usize = 64;

/// A short copy without a call.
///
/// # Safety
/// `n` numbers can be read and written, and they do not overlap.
#[inline(always)]
unsafe fn copy<T: Copy>(from: *const T, to: *mut T, n: usize) {
    let mut i = 0;
    // SAFETY: i + 8 <= n, then i + 4 <= n, then i < n.
    unsafe {
        while i + 8 <= n {
            *to.add(i).cast::<[T; 8]>() = *from.add(i).cast::<[T; 8]>();
            i += 8;
        }
        if i + 4 <= n {
            *to.add(i).cast::<[T; 4]>() = *from.add(i).cast::<[T; 4]>();
            i += 4;
        }
        while i < n {
            *to.add(i) = *from.add(i);
            i += 1;
        }
    }
}

/// The task of [`pack_rows`].
pub(super) struct Rows<T> {
    pub(super) from: *const T,
    pub(super) step: isize,
    pub(super) k: usize,
    pub(super) cols: usize,
    pub(super) to: *mut T,
    pub(super) width: usize,
}

/// The task of [`pack_turned`].
pub(super) struct Turned<T> {
    pub(super) from: *const T,
    pub(super) step: isize,
    pub(super) k: usize,
    pub(super) cols: usize,
    pub(super) to: *mut T,
    pub(super) width: usize,
}
