//! Element-wise kernels with one or two sources, which broadcast to the destination's shape.
//!
//! The function goes into the loop by value. Give closures that capture numbers a `move`: behind a reference the compiler
//! must take each write for a change of the captured number, and does one element at a time.

use super::dispatch::{Work, widest};
use super::par::{for_each_chunk, for_each_chunk_of};
use crate::Float;
use ndarray::{ArrayView2, ArrayViewD, ArrayViewMutD, Axis, Ix2, Slice, Zip};

/// `dst[i] = f(dst[i])` for every element.
pub fn apply0<F: Float>(mut dst: ArrayViewMutD<'_, F>, f: impl Fn(F) -> F + Copy + Sync) {
    match dst.as_slice_mut() {
        Some(dst) => for_each_chunk(dst, |_, piece| widest(Map0 { d: piece, f })),
        None => dst.mapv_inplace(f),
    }
}

/// `f(&mut dst[i], a[i])` for every element; `a` is broadcast to the shape of `dst`.
///
/// # Panics
/// If `a` does not broadcast to the shape of `dst`.
pub fn apply1<F: Float>(
    mut dst: ArrayViewMutD<'_, F>,
    a: ArrayViewD<'_, F>,
    f: impl Fn(&mut F, F) + Copy + Sync,
) {
    if a.shape() == dst.shape()
        && let (Some(d), Some(a)) = (dst.as_slice_mut(), a.as_slice())
    {
        return for_each_chunk(d, |start, piece| widest(Map1 { d: piece, a: &a[start..], f }));
    }
    let a = broadcast(&a, dst.shape());
    match (Rows::of(&a), dst.as_slice_mut()) {
        (Some(a), Some(d)) => for_each_rows(d, a.width(), |first, rows| {
            widest(RowMap { d: rows, first, a, b: a, f: move |d: &mut F, a, _| f(d, a) });
        }),
        _ => Zip::from(&mut dst).and(&a).for_each(|d, &a| f(d, a)),
    }
}

/// `f(&mut dst[i], a[i], b[i])` for every element; `a` and `b` are broadcast to the shape of `dst`.
///
/// # Panics
/// If `a` or `b` does not broadcast to the shape of `dst`.
pub fn apply2<F: Float>(
    mut dst: ArrayViewMutD<'_, F>,
    a: ArrayViewD<'_, F>,
    b: ArrayViewD<'_, F>,
    f: impl Fn(&mut F, F, F) + Copy + Sync,
) {
    if a.shape() == dst.shape()
        && b.shape() == dst.shape()
        && let (Some(d), Some(a), Some(b)) = (dst.as_slice_mut(), a.as_slice(), b.as_slice())
    {
        return for_each_chunk(d, |start, piece| {
            widest(Map2 { d: piece, a: &a[start..], b: &b[start..], f })
        });
    }
    let (a, b) = (broadcast(&a, dst.shape()), broadcast(&b, dst.shape()));
    match (Rows::of(&a), Rows::of(&b), dst.as_slice_mut()) {
        (Some(a), Some(b), Some(d)) => for_each_rows(d, a.width(), |first, rows| {
            widest(RowMap { d: rows, first, a, b, f });
        }),
        _ => Zip::from(&mut dst).and(&a).and(&b).for_each(|d, &a, &b| f(d, a, b)),
    }
}

/// A matrix each of whose rows is a slice, or one number repeated: data, a broadcast row, column or number.
#[derive(Clone, Copy)]
struct Rows<'a, F> {
    all: ArrayView2<'a, F>,
    repeated: bool,
}

impl<'a, F: Float> Rows<'a, F> {
    fn of(a: &ArrayViewD<'a, F>) -> Option<Self> {
        let all = match a.ndim() {
            1 => a.clone().insert_axis(Axis(0)),
            _ => a.clone(),
        };
        let all = all.into_dimensionality::<Ix2>().ok()?;
        let repeated = all.strides()[1] == 0 && all.ncols() > 1;
        (repeated || all.strides()[1] == 1 || all.ncols() == 1).then_some(Rows { all, repeated })
    }

    fn width(&self) -> usize {
        self.all.ncols()
    }

    /// Row `i`: a slice, of length 1 if it is one number repeated.
    #[inline(always)]
    fn row(&self, i: usize) -> &'a [F] {
        let row = self.all.index_axis_move(Axis(0), i);
        let row = if self.repeated { row.slice_axis_move(Axis(0), Slice::from(..1)) } else { row };
        row.to_slice().expect("a row is a slice")
    }
}

/// `f(first row, rows)` for pieces of whole rows.
fn for_each_rows<F: Float>(dst: &mut [F], width: usize, f: impl Fn(usize, &mut [F]) + Sync) {
    if !dst.is_empty() {
        for_each_chunk_of(dst, width, |start, rows| f(start / width, rows));
    }
}

/// Rows of `dst` with those of two sources.
struct RowMap<'d, 'a, F, G> {
    d: &'d mut [F],
    first: usize,
    a: Rows<'a, F>,
    b: Rows<'a, F>,
    f: G,
}
impl<F: Float, G: Fn(&mut F, F, F)> Work for RowMap<'_, '_, F, G> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (i, d) in self.d.chunks_exact_mut(self.a.width()).enumerate() {
            let (a, b) = (self.a.row(self.first + i), self.b.row(self.first + i));
            match (self.a.repeated, self.b.repeated) {
                (false, false) => d.iter_mut().zip(a).zip(b).for_each(|((d, &a), &b)| (self.f)(d, a, b)),
                (false, true) => d.iter_mut().zip(a).for_each(|(d, &a)| (self.f)(d, a, b[0])),
                (true, false) => d.iter_mut().zip(b).for_each(|(d, &b)| (self.f)(d, a[0], b)),
                (true, true) => d.iter_mut().for_each(|d| (self.f)(d, a[0], b[0])),
            }
        }
    }
}

struct Map0<'a, F, G> {
    d: &'a mut [F],
    f: G,
}
impl<F: Float, G: Fn(F) -> F> Work for Map0<'_, F, G> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for d in self.d {
            *d = (self.f)(*d);
        }
    }
}

struct Map1<'a, F, G> {
    d: &'a mut [F],
    a: &'a [F],
    f: G,
}
impl<F: Float, G: Fn(&mut F, F)> Work for Map1<'_, F, G> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (d, &a) in self.d.iter_mut().zip(self.a) {
            (self.f)(d, a);
        }
    }
}

struct Map2<'a, F, G> {
    d: &'a mut [F],
    a: &'a [F],
    b: &'a [F],
    f: G,
}
impl<F: Float, G: Fn(&mut F, F, F)> Work for Map2<'_, F, G> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for ((d, &a), &b) in self.d.iter_mut().zip(self.a).zip(self.b) {
            (self.f)(d, a, b);
        }
    }
}

fn broadcast<'a, F>(a: &'a ArrayViewD<'_, F>, shape: &[usize]) -> ArrayViewD<'a, F> {
    a.broadcast(shape).unwrap_or_else(|| panic!("shape {:?} does not broadcast to {shape:?}", a.shape()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{ArrayD, Dimension, IxDyn};

    #[test]
    fn large_and_small_arrays_give_the_same_elements() {
        let n = 100_003;
        let a = ArrayD::from_shape_fn(IxDyn(&[n]), |i| i[0] as f32);
        let mut dst = ArrayD::zeros(IxDyn(&[n]));
        apply2(dst.view_mut(), a.view(), a.view(), |d, a, b| *d = 2.0 * a - b);
        assert_eq!(dst, a);
    }

    #[test]
    fn strided_sources_and_broadcast_rows_are_read_in_place() {
        let a = ArrayD::from_shape_fn(IxDyn(&[2, 3]), |i| (10 * i[0] + i[1]) as f64);
        let row = ArrayD::from_shape_fn(IxDyn(&[2]), |i| 100.0 * i[0] as f64);
        let mut dst = ArrayD::zeros(IxDyn(&[3, 2]));
        apply2(dst.view_mut(), a.t(), row.view(), |d, a, b| *d = a + b);
        assert_eq!(dst[[2, 1]], 112.0);
    }

    #[test]
    fn rows_columns_and_numbers_are_repeated_as_ndarray_repeats_them() {
        let whole = ArrayD::from_shape_fn(IxDyn(&[70, 700]), |i| (i[0] * 7 + i[1] * 3) as f32);
        let sources = [&[700][..], &[1, 700], &[70, 1], &[1, 1], &[1], &[], &[70, 700]].map(|shape| {
            ArrayD::from_shape_fn(IxDyn(shape), |i| (i.slice().iter().sum::<usize>() % 97) as f32)
        });
        let wide = ArrayD::from_shape_fn(IxDyn(&[70, 900]), |i| (i[0] + i[1]) as f32);
        let strided = wide.slice_axis(Axis(1), Slice::from(100..800));
        for a in &sources {
            for b in sources.iter().map(|b| b.view()).chain([strided.view()]) {
                let mut dst = whole.clone();
                apply2(dst.view_mut(), a.view(), b.view(), |d, a, b| *d += 2.0 * a - b);
                assert_eq!(dst, &whole + &(a * 2.0) - &b, "{:?} {:?}", a.shape(), b.shape());
            }
            let mut dst = whole.clone();
            apply1(dst.view_mut(), a.view(), |d, a| *d -= a);
            assert_eq!(dst, &whole - a);
        }
    }
}
