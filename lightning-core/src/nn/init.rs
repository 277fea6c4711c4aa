//! How weights start: PyTorch's `nn.init`, with the generator as an argument.
//!
//! `fan_in` and `fan_out` of a weight (out, in, …) are `in · rest` and `out · rest`, as in PyTorch. Values are
//! drawn in `f64`, so that a model starts alike in both precisions.

use crate::Float;
use ndarray::{ArrayD, IxDyn};
use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::{Normal, Uniform};
use rand::Rng;

/// What follows a layer; it decides the gain that keeps the variance of activations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nonlinearity {
    /// Nothing, or a sigmoid: gain 1.
    Linear,
    /// Gain 5/3.
    Tanh,
    /// Gain √2.
    Relu,
    /// A rectifier with this negative slope a: gain √(2 / (1 + a²)).
    LeakyRelu(f64),
}

impl Nonlinearity {
    /// The recommended gain, PyTorch's `calculate_gain`.
    pub fn gain(self) -> f64 {
        match self {
            Nonlinearity::Linear => 1.0,
            Nonlinearity::Tanh => 5.0 / 3.0,
            Nonlinearity::Relu => 2f64.sqrt(),
            Nonlinearity::LeakyRelu(slope) => (2.0 / (1.0 + slope * slope)).sqrt(),
        }
    }
}

/// `(fan_in, fan_out)` of a weight.
///
/// # Panics
/// If it has fewer than two axes.
#[track_caller]
pub fn fans(shape: &[usize]) -> (usize, usize) {
    assert!(shape.len() >= 2, "fans: a weight has at least two axes (out, in), found shape {shape:?}");
    let rest: usize = shape[2..].iter().product();
    (shape[1] * rest, shape[0] * rest)
}

/// Uniform in [low, high).
///
/// # Panics
/// If the bounds are not finite or `low > high`.
#[track_caller]
pub fn uniform<F: Float>(shape: &[usize], low: f64, high: f64, rng: &mut impl Rng) -> ArrayD<F> {
    let distribution =
        Uniform::new_inclusive(low, high).unwrap_or_else(|e| panic!("uniform: bounds {low} and {high}: {e}"));
    ArrayD::random_using(IxDyn(shape), distribution, rng).mapv(F::of)
}

/// Normal with this mean and standard deviation.
///
/// # Panics
/// If the deviation is negative or not finite.
#[track_caller]
pub fn normal<F: Float>(shape: &[usize], mean: f64, std: f64, rng: &mut impl Rng) -> ArrayD<F> {
    let distribution =
        Normal::new(mean, std).unwrap_or_else(|e| panic!("normal: standard deviation {std}: {e}"));
    ArrayD::random_using(IxDyn(shape), distribution, rng).mapv(F::of)
}

/// Normal with deviation `gain · √(2 / (fan_in + fan_out))` (Glorot and Bengio, 2010).
///
/// # Panics
/// If the shape has fewer than two axes.
#[track_caller]
pub fn xavier_normal<F: Float>(shape: &[usize], gain: f64, rng: &mut impl Rng) -> ArrayD<F> {
    let (fan_in, fan_out) = fans(shape);
    normal(shape, 0.0, gain * (2.0 / (fan_in + fan_out) as f64).sqrt(), rng)
}

/// Uniform in ±`gain · √(6 / (fan_in + fan_out))` (Glorot and Bengio, 2010).
///
/// # Panics
/// If the shape has fewer than two axes.
#[track_caller]
pub fn xavier_uniform<F: Float>(shape: &[usize], gain: f64, rng: &mut impl Rng) -> ArrayD<F> {
    let (fan_in, fan_out) = fans(shape);
    let bound = gain * (6.0 / (fan_in + fan_out) as f64).sqrt();
    uniform(shape, -bound, bound, rng)
}

/// Normal with deviation `gain / √fan_in` (He et al., 2015).
///
/// # Panics
/// If the shape has fewer than two axes.
#[track_caller]
pub fn kaiming_normal<F: Float>(shape: &[usize], follows: Nonlinearity, rng: &mut impl Rng) -> ArrayD<F> {
    normal(shape, 0.0, follows.gain() / (fans(shape).0 as f64).sqrt(), rng)
}

/// Uniform in ±`gain · √(3 / fan_in)` (He et al., 2015).
///
/// # Panics
/// If the shape has fewer than two axes.
#[track_caller]
pub fn kaiming_uniform<F: Float>(shape: &[usize], follows: Nonlinearity, rng: &mut impl Rng) -> ArrayD<F> {
    let bound = follows.gain() * (3.0 / fans(shape).0 as f64).sqrt();
    uniform(shape, -bound, bound, rng)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    fn moments(x: &ArrayD<f64>) -> (f64, f64) {
        let mean = x.mean().expect("not empty");
        (mean, (x.mapv(|x| (x - mean).powi(2)).mean().expect("not empty")).sqrt())
    }

    #[test]
    fn deviations_are_those_of_the_formulas() {
        let mut rng = Seed(1).stream("init");
        let shape = [200, 300];
        let cases: [(ArrayD<f64>, f64); 5] = [
            (xavier_normal(&shape, 1.0, &mut rng), (2.0f64 / 500.0).sqrt()),
            (xavier_uniform(&shape, 2.0, &mut rng), 2.0 * (2.0f64 / 500.0).sqrt()),
            (kaiming_normal(&shape, Nonlinearity::Relu, &mut rng), (2.0f64 / 300.0).sqrt()),
            (kaiming_uniform(&shape, Nonlinearity::LeakyRelu(1.0), &mut rng), (1.0f64 / 300.0).sqrt()),
            (normal(&shape, 0.0, 0.25, &mut rng), 0.25),
        ];
        for (x, expected) in cases {
            let (mean, std) = moments(&x);
            assert!(
                mean.abs() < 0.02 * expected && (std / expected - 1.0).abs() < 0.02,
                "{mean} {std} {expected}"
            );
        }
    }

    #[test]
    fn both_precisions_start_alike() {
        let single: ArrayD<f32> = xavier_normal(&[3, 4], 1.0, &mut Seed(5).stream("init"));
        let double: ArrayD<f64> = xavier_normal(&[3, 4], 1.0, &mut Seed(5).stream("init"));
        assert_eq!(single, double.mapv(|x| x as f32));
    }

    #[test]
    fn fans_count_the_kernel() {
        assert_eq!(fans(&[8, 3, 5, 5]), (75, 200));
    }
}
