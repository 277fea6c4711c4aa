//! Element-wise kernels with one or two sources, which broadcast to the destination's shape.

use super::dispatch::{Work, widest};
use super::par::for_each_chunk;
use crate::Float;
use ndarray::{ArrayViewD, ArrayViewMutD, Zip};

/// `dst[i] = f(dst[i])` for every element.
pub fn apply0<F: Float>(mut dst: ArrayViewMutD<'_, F>, f: impl Fn(F) -> F + Sync) {
    match dst.as_slice_mut() {
        Some(dst) => for_each_chunk(dst, |_, piece| widest(Map0 { d: piece, f: &f })),
        None => dst.mapv_inplace(f),
    }
}

/// `f(&mut dst[i], a[i])` for every element; `a` is broadcast to the shape of `dst`.
///
/// # Panics
/// If `a` does not broadcast to the shape of `dst`.
pub fn apply1<F: Float>(mut dst: ArrayViewMutD<'_, F>, a: ArrayViewD<'_, F>, f: impl Fn(&mut F, F) + Sync) {
    if a.shape() == dst.shape()
        && let (Some(d), Some(a)) = (dst.as_slice_mut(), a.as_slice())
    {
        return for_each_chunk(d, |start, piece| widest(Map1 { d: piece, a: &a[start..], f: &f }));
    }
    let a = broadcast(&a, dst.shape());
    Zip::from(&mut dst).and(&a).for_each(|d, &a| f(d, a));
}

/// `f(&mut dst[i], a[i], b[i])` for every element; `a` and `b` are broadcast to the shape of `dst`.
///
/// # Panics
/// If `a` or `b` does not broadcast to the shape of `dst`.
pub fn apply2<F: Float>(
    mut dst: ArrayViewMutD<'_, F>,
    a: ArrayViewD<'_, F>,
    b: ArrayViewD<'_, F>,
    f: impl Fn(&mut F, F, F) + Sync,
) {
    if a.shape() == dst.shape()
        && b.shape() == dst.shape()
        && let (Some(d), Some(a), Some(b)) = (dst.as_slice_mut(), a.as_slice(), b.as_slice())
    {
        return for_each_chunk(d, |start, piece| {
            widest(Map2 { d: piece, a: &a[start..], b: &b[start..], f: &f })
        });
    }
    let (a, b) = (broadcast(&a, dst.shape()), broadcast(&b, dst.shape()));
    Zip::from(&mut dst).and(&a).and(&b).for_each(|d, &a, &b| f(d, a, b));
}

struct Map0<'a, F, G> {
    d: &'a mut [F],
    f: &'a G,
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
    f: &'a G,
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
    f: &'a G,
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
    use ndarray::{ArrayD, IxDyn};

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
}
