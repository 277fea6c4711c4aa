//! Softmax and log-softmax of the lanes along one axis, shifted by the maximum so that nothing overflows.

use super::Accum;
use super::dispatch::{Work, widest};
use super::par::for_each_chunk_of;
use super::reduce::{LANES, sum_slice};
use crate::Float;
use ndarray::{ArrayViewD, ArrayViewMutD, Axis};

/// `dst = softmax(a)` along `axis`: `e^(a − max) / Σ e^(a − max)`.
pub fn softmax_lanes<F: Float>(dst: ArrayViewMutD<'_, F>, a: ArrayViewD<'_, F>, axis: usize) {
    each_lane::<F, Softmax>(dst, a, axis);
}

/// `dst = ln softmax(a)` along `axis`: `a − max − ln Σ e^(a − max)`.
pub fn log_softmax_lanes<F: Float>(dst: ArrayViewMutD<'_, F>, a: ArrayViewD<'_, F>, axis: usize) {
    each_lane::<F, LogSoftmax>(dst, a, axis);
}

/// Lanes worked on together: what is done element by element runs over all of them, or short lanes would leave the
/// vectors empty.
const GROUP: usize = 64;
/// Length of a lane from which on it fills the vectors by itself.
const LONG: usize = 128;
/// Registers of a maximum.
const ABREAST: usize = 4;
/// Elements worked on together, so that they stay in the nearest cache between the passes.
const GROUP_ELEMENTS: usize = 4096;

/// The last pass over a group, in which `y` is `e^(x − max)`.
trait Finish<F> {
    fn finish(y: &mut [F], x: &[F], len: usize, max: &[F], total: &mut [F]);
}

struct Softmax;
impl<F: Float> Finish<F> for Softmax {
    #[inline(always)]
    fn finish(y: &mut [F], _x: &[F], len: usize, _max: &[F], total: &mut [F]) {
        for (y, &total) in y.chunks_exact_mut(len).zip(&*total) {
            for y in y {
                *y /= total;
            }
        }
    }
}

struct LogSoftmax;
impl<F: Float> Finish<F> for LogSoftmax {
    #[inline(always)]
    fn finish(y: &mut [F], x: &[F], len: usize, max: &[F], total: &mut [F]) {
        for total in total.iter_mut() {
            *total = total.ln_();
        }
        let lanes = y.chunks_exact_mut(len).zip(x.chunks_exact(len)).zip(max.iter().zip(&*total));
        for ((y, x), (&max, &log_total)) in lanes {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = x - max - log_total;
            }
        }
    }
}

/// The largest number; a NaN is passed over, and reaches the result through the sum of the exponentials.
#[inline(always)]
fn maximum<F: Float>(x: &[F]) -> F {
    let larger = |m: F, x: F| if x > m { x } else { m };
    let fold = |mut lanes: [F; LANES], x: &[F]| {
        for (m, &x) in lanes.iter_mut().zip(x) {
            *m = larger(*m, x);
        }
        lanes
    };
    // Several registers side by side: one alone would wait for each comparison.
    let mut lanes = [[F::neg_infinity(); LANES]; ABREAST];
    let groups = x.chunks_exact(ABREAST * LANES);
    let rest = groups.remainder();
    for group in groups {
        for (lanes, x) in lanes.iter_mut().zip(group.chunks_exact(LANES)) {
            *lanes = fold(*lanes, x);
        }
    }
    let lanes = lanes.into_iter().fold([F::neg_infinity(); LANES], |all, lanes| fold(all, &lanes));
    let rest = rest.chunks(LANES).fold(lanes, fold);
    rest.into_iter().fold(F::neg_infinity(), larger)
}

/// Consecutive lanes of one length.
struct Lanes<'a, F, L> {
    y: &'a mut [F],
    x: &'a [F],
    len: usize,
    finish: std::marker::PhantomData<L>,
}

impl<F: Float, L: Finish<F>> Work for Lanes<'_, F, L> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let len = self.len;
        let group = (GROUP_ELEMENTS / len).clamp(1, GROUP) * len;
        let (mut max, mut total) = ([F::zero(); GROUP], [F::zero(); GROUP]);
        for (y, x) in self.y.chunks_mut(group).zip(self.x.chunks(group)) {
            let lanes = y.chunks_exact_mut(len).zip(x.chunks_exact(len)).zip(&mut max);
            if len >= LONG {
                for ((y, x), max) in lanes {
                    *max = maximum(x);
                    let max = *max;
                    y.iter_mut().zip(x).for_each(|(y, &x)| *y = (x - max).exp_not_positive_());
                }
            } else {
                for ((y, x), max) in lanes {
                    *max = maximum(x);
                    let max = *max;
                    y.iter_mut().zip(x).for_each(|(y, &x)| *y = x - max);
                }
                y.iter_mut().for_each(|y| *y = y.exp_not_positive_());
            }
            for (y, total) in y.chunks_exact(len).zip(&mut total) {
                *total = sum_slice(y);
            }
            L::finish(y, x, len, &max, &mut total[..x.len() / len]);
        }
    }
}

fn fill_lanes<F: Float, L: Finish<F>>(y: &mut [F], x: &[F], len: usize) {
    widest(Lanes::<F, L> { y, x, len, finish: std::marker::PhantomData });
}

/// The gradient of softmax along `axis`, by its value `y`: `y · (g − Σ g·y)`.
pub fn softmax_backward<F: Float>(
    dst: ArrayViewMutD<'_, F>,
    acc: Accum,
    g: ArrayViewD<'_, F>,
    y: ArrayViewD<'_, F>,
    axis: usize,
) {
    each_lane_back(dst, acc, g, y, axis, |g, y| g * y, |g, y, total| y * (g - total));
}

/// The gradient of log-softmax along `axis`, by its value `y`: `g − e^y · Σ g`.
pub fn log_softmax_backward<F: Float>(
    dst: ArrayViewMutD<'_, F>,
    acc: Accum,
    g: ArrayViewD<'_, F>,
    y: ArrayViewD<'_, F>,
    axis: usize,
) {
    each_lane_back(dst, acc, g, y, axis, |g, _| g, |g, y, total| g - y.exp_() * total);
}

/// Consecutive lanes of one length: `d (+)= rule(g, y, Σ term(g, y))`.
struct LanesBack<'a, F, T, R> {
    d: &'a mut [F],
    acc: Accum,
    g: &'a [F],
    y: &'a [F],
    len: usize,
    term: T,
    rule: R,
}

impl<F: Float, T: Fn(F, F) -> F, R: Fn(F, F, F) -> F> Work for LanesBack<'_, F, T, R> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let lanes = self.g.chunks_exact(self.len).zip(self.y.chunks_exact(self.len));
        for (d, (g, y)) in self.d.chunks_exact_mut(self.len).zip(lanes) {
            let total = sum_terms(g, y, &self.term);
            let elements = d.iter_mut().zip(g.iter().zip(y));
            match self.acc {
                Accum::Set => elements.for_each(|(d, (&g, &y))| *d = (self.rule)(g, y, total)),
                Accum::Add => elements.for_each(|(d, (&g, &y))| *d += (self.rule)(g, y, total)),
            }
        }
    }
}

/// `Σ term(g, y)`: as many partial sums as fill the registers, then those and the rest in order.
#[inline(always)]
fn sum_terms<F: Float>(g: &[F], y: &[F], term: impl Fn(F, F) -> F) -> F {
    let mut lanes = [F::zero(); LANES];
    let (whole_g, whole_y) = (g.chunks_exact(LANES), y.chunks_exact(LANES));
    let rest = whole_g.remainder().iter().zip(whole_y.remainder());
    let rest = rest.fold(F::zero(), |sum, (&g, &y)| sum + term(g, y));
    if g.len() < LANES {
        return rest;
    }
    for (g, y) in whole_g.zip(whole_y) {
        for (lane, (&g, &y)) in lanes.iter_mut().zip(g.iter().zip(y)) {
            *lane += term(g, y);
        }
    }
    lanes.into_iter().fold(rest, |sum, lane| sum + lane)
}

/// As [`each_lane`].
fn each_lane_back<F: Float>(
    mut dst: ArrayViewMutD<'_, F>,
    acc: Accum,
    g: ArrayViewD<'_, F>,
    y: ArrayViewD<'_, F>,
    axis: usize,
    term: impl Fn(F, F) -> F + Sync,
    rule: impl Fn(F, F, F) -> F + Sync,
) {
    assert!(dst.shape() == g.shape() && dst.shape() == y.shape(), "a gradient has the shape of its value");
    if dst.is_empty() {
        return;
    }
    let len = dst.len_of(Axis(axis));
    let (term, rule) = (&term, &rule);
    if axis + 1 == dst.ndim()
        && let (Some(d), Some(g), Some(y)) = (dst.as_slice_mut(), g.as_slice(), y.as_slice())
    {
        return for_each_chunk_of(d, len, |start, d| {
            let (g, y) = (&g[start..start + d.len()], &y[start..start + d.len()]);
            widest(LanesBack { d, acc, g, y, len, term, rule });
        });
    }
    let (mut from, mut value, mut to) = (vec![F::zero(); len], vec![F::zero(); len], vec![F::zero(); len]);
    let lanes = g.lanes(Axis(axis)).into_iter().zip(y.lanes(Axis(axis)));
    for (mut d, (g, y)) in dst.lanes_mut(Axis(axis)).into_iter().zip(lanes) {
        from.iter_mut().zip(g).for_each(|(to, &g)| *to = g);
        value.iter_mut().zip(y).for_each(|(to, &y)| *to = y);
        to.iter_mut().zip(&d).for_each(|(to, &d)| *to = d);
        widest(LanesBack { d: &mut to, acc, g: &from, y: &value, len, term, rule });
        d.iter_mut().zip(&to).for_each(|(d, &to)| *d = to);
    }
}

/// Lanes that do not lie in one piece are copied, so that their result is the same to the bit.
fn each_lane<F: Float, L: Finish<F>>(mut dst: ArrayViewMutD<'_, F>, a: ArrayViewD<'_, F>, axis: usize) {
    assert_eq!(dst.shape(), a.shape(), "softmax keeps the shape");
    if a.is_empty() {
        return;
    }
    let len = a.len_of(Axis(axis));
    if axis + 1 == a.ndim()
        && let (Some(y), Some(x)) = (dst.as_slice_mut(), a.as_slice())
    {
        return for_each_chunk_of(y, len, |start, y| fill_lanes::<F, L>(y, &x[start..start + y.len()], len));
    }
    let (mut x, mut y) = (vec![F::zero(); len], vec![F::zero(); len]);
    for (mut to, from) in dst.lanes_mut(Axis(axis)).into_iter().zip(a.lanes(Axis(axis))) {
        x.iter_mut().zip(from).for_each(|(x, &from)| *x = from);
        fill_lanes::<F, L>(&mut y, &x, len);
        to.iter_mut().zip(&y).for_each(|(to, &y)| *to = y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{ArrayD, IxDyn};

    fn scores(rows: usize, cols: usize) -> ArrayD<f32> {
        ArrayD::from_shape_fn(IxDyn(&[rows, cols]), |i| ((i[0] * 37 + i[1] * 101) % 997) as f32 / 50.0 - 9.0)
    }

    #[test]
    fn a_column_has_the_bits_of_the_same_row() {
        for (rows, cols) in [(3, 1), (150, 5), (4, 16), (40, 1031), (2, 5000)] {
            let a = scores(rows, cols);
            for kernel in [softmax_lanes, log_softmax_lanes] {
                let (mut along_rows, mut along_columns) =
                    (ArrayD::zeros(a.raw_dim()), ArrayD::zeros(IxDyn(&[cols, rows])));
                kernel(along_rows.view_mut(), a.view(), 1);
                kernel(along_columns.view_mut(), a.t(), 0);
                assert_eq!(along_rows, along_columns.t());
            }
        }
    }

    #[test]
    fn the_gradient_of_a_column_has_the_bits_of_the_same_row() {
        for (rows, cols) in [(3, 1), (150, 5), (40, 1031)] {
            let (g, y) = (scores(rows, cols), scores(rows, cols).mapv(|x| x / 10.0));
            for kernel in [softmax_backward, log_softmax_backward] {
                for acc in [Accum::Set, Accum::Add] {
                    let (mut along_rows, mut along_columns) =
                        (ArrayD::ones(g.raw_dim()), ArrayD::ones(IxDyn(&[cols, rows])));
                    kernel(along_rows.view_mut(), acc, g.view(), y.view(), 1);
                    kernel(along_columns.view_mut(), acc, g.t(), y.t(), 0);
                    assert_eq!(along_rows, along_columns.t());
                }
            }
        }
    }

    #[test]
    fn the_same_bits_for_any_number_of_threads() {
        let a = scores(100, 1000);
        let result = |threads: usize| {
            let pool =
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
            let mut y = ArrayD::zeros(a.raw_dim());
            pool.install(|| log_softmax_lanes(y.view_mut(), a.view(), 1));
            y
        };
        assert_eq!(result(1), result(3));
    }

    #[test]
    fn extreme_scores_neither_overflow_nor_vanish() {
        let inf = f32::INFINITY;
        let tiny = f32::from_bits(1);
        for (scores, expected) in [
            ([f32::MAX, -f32::MAX, 0.0, -1.0], [1.0, 0.0, 0.0, 0.0]),
            ([1e38, 1e38, 0.0, -inf], [0.5, 0.5, 0.0, 0.0]),
            ([tiny, -tiny, 0.0, f32::MIN_POSITIVE], [0.25; 4]),
            ([-f32::MAX; 4], [0.25; 4]),
        ] {
            let a = ndarray::arr2(&[scores; 3]).into_dyn();
            let mut y = ArrayD::zeros(a.raw_dim());
            softmax_lanes(y.view_mut(), a.view(), 1);
            assert_eq!(y, ndarray::arr2(&[expected; 3]).into_dyn(), "softmax of {scores:?}");
            log_softmax_lanes(y.view_mut(), a.view(), 1);
            let whole = expected.iter().filter(|p| **p > 0.0).count() as f32;
            let top = y[[0, expected.iter().position(|p| *p > 0.0).expect("one")]];
            assert!((top + whole.ln()).abs() <= f32::EPSILON * 2.0, "log-softmax of {scores:?}: {y}");
            assert!(y.iter().all(|y| !y.is_nan()), "log-softmax of {scores:?}: {y}");
        }
    }

    #[test]
    fn a_nan_anywhere_in_a_lane_reaches_all_of_it() {
        for place in [0, 15, 16, 30, 33, 64, 149] {
            let mut a = scores(1, if place < 34 { 34 } else { 150 });
            a[[0, place]] = f32::NAN;
            for kernel in [softmax_lanes, log_softmax_lanes] {
                let mut y = a.clone();
                kernel(y.view_mut(), a.view(), 1);
                assert!(y.iter().all(|y| y.is_nan()), "place {place}");
            }
        }
    }
}
