//! The two element types of the crate, `f32` and `f64`, behind one sealed trait.
//!
//! Training runs in `f32`, gradient checks in `f64`. A closed set keeps user code free of a type
//! parameter (`F = f32` is the default everywhere) and lets kernels be written once.

use crate::kernels::math;
use ndarray::NdFloat;

mod sealed {
    pub trait Sealed: crate::kernels::gemm::Element {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `f32` or `f64`.
///
/// The elementary functions are compiled into the program, not taken from the system's library: two machines with the
/// same binary get the same bits. Their error is below two units in the last place.
///
/// ```
/// use lightning_core::Float;
/// fn half<F: Float>() -> F {
///     F::of(0.5)
/// }
/// assert_eq!(half::<f32>(), 0.5);
/// ```
pub trait Float: NdFloat + Default + sealed::Sealed {
    /// The type's name as PyTorch writes it: `"float32"` or `"float64"`.
    const DTYPE: &'static str;

    /// The nearest value to `x`.
    fn of(x: f64) -> Self;

    /// The same value as `f64`, exact.
    fn as_f64(self) -> f64;

    /// Writes the bytes of each value, the lowest first.
    ///
    /// # Panics
    /// If there is not room for exactly these bytes.
    fn write_le_bytes(values: &[Self], bytes: &mut [u8]);

    /// Reads values from their bytes, the lowest first.
    ///
    /// # Panics
    /// If there are not exactly as many bytes as the values have.
    fn read_le_bytes(bytes: &[u8], values: &mut [Self]);

    /// `eˣ`.
    fn exp_(self) -> Self;

    /// [`exp_`](Self::exp_), bit for bit and faster, of a number that is not positive, or NaN.
    fn exp_not_positive_(self) -> Self;

    /// The natural logarithm.
    fn ln_(self) -> Self;

    /// `ln(1 + x)`, exact for small `x`.
    fn ln_1p_(self) -> Self;

    /// The hyperbolic tangent.
    fn tanh_(self) -> Self;

    /// `xᵖ`.
    fn powf_(self, p: Self) -> Self;

    /// The logistic function `1 / (1 + e⁻ˣ)`, without overflow on either side.
    fn sigmoid_(self) -> Self;
}

macro_rules! float {
    ($t:ty, $name:literal, $math:ident, $pow:path) => {
        impl Float for $t {
            const DTYPE: &'static str = $name;
            fn of(x: f64) -> Self {
                x as $t
            }
            fn as_f64(self) -> f64 {
                self as f64
            }
            fn write_le_bytes(values: &[Self], bytes: &mut [u8]) {
                assert_eq!(bytes.len(), size_of_val(values), "room for exactly these values");
                for (bytes, x) in bytes.chunks_exact_mut(size_of::<$t>()).zip(values) {
                    bytes.copy_from_slice(&x.to_le_bytes());
                }
            }
            fn read_le_bytes(bytes: &[u8], values: &mut [Self]) {
                assert_eq!(bytes.len(), size_of_val(values), "exactly the bytes of these values");
                let (words, _) = bytes.as_chunks::<{ size_of::<$t>() }>();
                for (x, bytes) in values.iter_mut().zip(words) {
                    *x = <$t>::from_le_bytes(*bytes);
                }
            }
            #[inline(always)]
            fn exp_(self) -> Self {
                math::$math::exp(self)
            }
            #[inline(always)]
            fn exp_not_positive_(self) -> Self {
                math::$math::exp_not_positive(self)
            }
            #[inline(always)]
            fn ln_(self) -> Self {
                math::$math::ln(self)
            }
            #[inline(always)]
            fn ln_1p_(self) -> Self {
                math::$math::ln_1p(self)
            }
            #[inline(always)]
            fn tanh_(self) -> Self {
                math::$math::tanh(self)
            }
            #[inline(always)]
            fn sigmoid_(self) -> Self {
                math::$math::sigmoid(self)
            }
            fn powf_(self, p: Self) -> Self {
                $pow(self, p)
            }
        }
    };
}
float!(f32, "float32", of_f32, libm::powf);
float!(f64, "float64", of_f64, libm::pow);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sigmoid_is_exact_at_the_extremes_and_propagates_nan() {
        assert_eq!(1e4f32.sigmoid_(), 1.0);
        assert_eq!((-1e4f32).sigmoid_(), 0.0);
        assert_eq!(0f64.sigmoid_(), 0.5);
        assert_eq!(f64::NEG_INFINITY.sigmoid_(), 0.0);
        assert!(f64::NAN.sigmoid_().is_nan());
    }

    #[test]
    fn sigmoid_keeps_its_relative_precision_far_on_the_left() {
        let x = -40f64;
        assert!((x.sigmoid_() / x.exp() - 1.0).abs() < 1e-15);
    }
}
