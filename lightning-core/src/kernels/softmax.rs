//! Softmax and log-softmax of the lanes along one axis, shifted by the maximum so that nothing overflows.

use crate::Float;
use ndarray::{ArrayView1, ArrayViewD, ArrayViewMut1, ArrayViewMutD, Axis, Zip};

/// `dst = softmax(a)` along `axis`: `e^(a − max) / Σ e^(a − max)`.
pub fn softmax_lanes<F: Float>(dst: ArrayViewMutD<'_, F>, a: ArrayViewD<'_, F>, axis: usize) {
    each_lane(dst, a, axis, |mut y, x, max| {
        let mut total = F::zero();
        Zip::from(&mut y).and(x).for_each(|y, &x| {
            *y = (x - max).exp_();
            total += *y;
        });
        y.mapv_inplace(|y| y / total);
    });
}

/// `dst = ln softmax(a)` along `axis`: `a − max − ln Σ e^(a − max)`.
pub fn log_softmax_lanes<F: Float>(dst: ArrayViewMutD<'_, F>, a: ArrayViewD<'_, F>, axis: usize) {
    each_lane(dst, a, axis, |mut y, x, max| {
        let mut total = F::zero();
        x.for_each(|&x| total += (x - max).exp_());
        let log_total = total.ln_();
        Zip::from(&mut y).and(x).for_each(|y, &x| *y = x - max - log_total);
    });
}

/// Calls `f(destination, source, maximum)` for every non-empty lane.
fn each_lane<F: Float>(
    mut dst: ArrayViewMutD<'_, F>,
    a: ArrayViewD<'_, F>,
    axis: usize,
    f: impl Fn(ArrayViewMut1<'_, F>, ArrayView1<'_, F>, F),
) {
    assert_eq!(dst.shape(), a.shape(), "softmax keeps the shape");
    if a.is_empty() {
        return;
    }
    for (y, x) in dst.lanes_mut(Axis(axis)).into_iter().zip(a.lanes(Axis(axis))) {
        // A NaN must reach the result: a plain maximum would lose it.
        let max = x.iter().fold(F::neg_infinity(), |m, &x| if x > m || x.is_nan() { x } else { m });
        f(y, x, max);
    }
}
