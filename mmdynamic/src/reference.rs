//! What the training rows of a view look like, and how much of a row's spread they account for.

use lightning_core::nn::{Collector, Module};
use lightning_core::{Float, Parameter};
use ndarray::{Array2, ArrayD, ArrayView2, ArrayViewD, Axis, Ix2, arr0};

/// Centre and spread of a view's training rows: what makes a confidence fall with noise.
///
/// With the mean row `m` and the total variance `v = Σⱼ Var(xⱼ)`, a row's distance is `d = ‖x − m‖² / v`, on average 1 for
/// rows like those of the training. Independent noise of variance σ² on each of `n` features makes it `1 + n·σ²/v`. So
/// `1 / max(d, 1)` is the share of the row's spread that is not in excess of the training's: signal over signal and noise,
/// the factor by which a Wiener filter shrinks a noisy measurement.
///
/// Centre and spread are not learnt by gradient. They are gathered from the batches of the first epoch, and saved with
/// the weights. Before that, nothing is distant.
#[derive(Debug)]
pub struct Reference<F: Float = f32> {
    /// The mean row.
    pub mean: Parameter<F>,
    /// The total variance.
    pub variance: Parameter<F>,
    /// Rows seen.
    pub count: Parameter<F>,
}

impl<F: Float> Reference<F> {
    /// A reference that has seen no row.
    pub fn unknown(width: usize) -> Self {
        let buffer = |value: ArrayD<F>| {
            let buffer = Parameter::new(value);
            buffer.set_requires_grad(false);
            buffer
        };
        let zero = || arr0(F::zero()).into_dyn();
        Reference {
            mean: buffer(ArrayD::zeros(vec![width])),
            variance: buffer(zero()),
            count: buffer(zero()),
        }
    }

    /// Numbers it keeps for a view of this width.
    pub(crate) fn numbers(width: usize) -> u64 {
        (width as u64).saturating_add(2)
    }

    /// Takes the rows of a batch in (Chan, Golub and LeVeque's way of joining two sets of rows). What a user's own loop
    /// calls; a fit does it by itself in its first epoch.
    ///
    /// # Panics
    /// If the rows are not as wide as the view.
    #[track_caller]
    pub fn see(&self, rows: ArrayView2<'_, F>) {
        let (seen, new) = (scalar(&self.count), rows.nrows() as f64);
        if new == 0.0 {
            return;
        }
        let width = self.mean.len();
        assert!(rows.ncols() == width, "Reference: rows of {} features, the view has {width}", rows.ncols());
        let rows = rows.mapv(F::as_f64);
        let centre = rows.mean_axis(Axis(0)).expect("there are rows");
        let inner: f64 = (&rows - &centre).iter().map(|deviation| deviation * deviation).sum();
        let mut mean = self.mean.value().mapv(F::as_f64);
        let step = &centre - &mean;
        let between: f64 = step.iter().map(|step| step * step).sum::<f64>() * seen * new / (seen + new);
        mean.scaled_add(new / (seen + new), &step);
        let variance = (scalar(&self.variance) * seen + inner + between) / (seen + new);
        self.mean.set_value(mean.mapv(F::of).view());
        set(&self.variance, variance);
        set(&self.count, seen + new);
    }

    /// `1 / max(d, 1)` of each row, (samples, 1); 1 where there is no spread to compare with.
    ///
    /// # Panics
    /// If `x` is not (samples, width).
    #[track_caller]
    pub fn trust(&self, x: ArrayViewD<'_, F>) -> Array2<F> {
        let x = x.into_dimensionality::<Ix2>().expect("a view is (samples, width)");
        let (mean, variance) = (self.mean.value(), scalar(&self.variance));
        let trust = |row: ndarray::ArrayView1<'_, F>| {
            let squares = row.iter().zip(&mean).map(|(&x, &m)| (x.as_f64() - m.as_f64()).powi(2));
            let excess = squares.sum::<f64>() / variance;
            F::of(if variance > 0.0 { 1.0 / excess.max(1.0) } else { 1.0 })
        };
        Array2::from_shape_fn((x.nrows(), 1), |(i, _)| trust(x.row(i)))
    }
}

impl<F: Float> Module<F> for Reference<F> {
    fn collect<'a>(&'a self, into: &mut Collector<'a, F>) {
        into.parameter("mean", &self.mean);
        into.parameter("variance", &self.variance);
        into.parameter("count", &self.count);
    }
}

fn scalar<F: Float>(buffer: &Parameter<F>) -> f64 {
    buffer.value().iter().next().map_or(0.0, |value| value.as_f64())
}

fn set<F: Float>(buffer: &Parameter<F>, value: f64) {
    buffer.set_value(arr0(F::of(value)).into_dyn().view());
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    fn rows() -> Array2<f64> {
        Array2::from_shape_fn((7, 3), |(i, j)| ((i * 5 + j * 3) % 7) as f64 / 7.0 + j as f64)
    }

    #[test]
    fn batches_join_to_the_mean_and_total_variance_of_all_rows() {
        let (rows, reference) = (rows(), Reference::<f64>::unknown(3));
        for part in [0..1, 1..5, 5..5, 5..7] {
            reference.see(rows.slice_axis(Axis(0), part.into()));
        }
        let mean = rows.mean_axis(Axis(0)).expect("rows");
        let variance = rows.var_axis(Axis(0), 0.0).sum();
        assert!(reference.mean.value().iter().zip(&mean).all(|(a, b)| (a - b).abs() < 1e-14));
        assert!((scalar(&reference.variance) - variance).abs() < 1e-14);
        assert_eq!(scalar(&reference.count), 7.0);
    }

    #[test]
    fn trust_is_1_for_a_typical_row_and_the_share_of_the_signal_for_a_distant_one() {
        let reference = Reference::<f64>::unknown(2);
        reference.see(array![[0.0, 0.0], [2.0, 2.0]].view());
        // Mean (1, 1), total variance 2.
        let trust = reference.trust(array![[1.0, 1.0], [0.0, 2.0], [3.0, 3.0]].into_dyn().view());
        assert_eq!(trust, array![[1.0], [1.0], [0.25]]);
    }

    #[test]
    fn without_rows_or_without_spread_nothing_is_distant() {
        let reference = Reference::<f64>::unknown(2);
        let far = array![[100.0, -3.0]].into_dyn();
        assert_eq!(reference.trust(far.view()), array![[1.0]]);
        reference.see(array![[5.0, 5.0], [5.0, 5.0]].view());
        assert_eq!(reference.trust(far.view()), array![[1.0]]);
    }
}
