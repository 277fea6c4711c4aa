//! Errors against `f64` (for `f32`) and against the compiled-in library (for `f64`), special values, equal bits.

use super::{of_f32, of_f64};
use crate::Float;
use crate::kernels::apply1;
use ndarray::ArrayD;

/// Distance in units of the last place of the expected value.
fn ulps32(y: f32, expected: f64) -> f64 {
    let exponent = if expected == 0.0 { -126.0 } else { libm::floor(libm::log2(expected.abs())).max(-126.0) };
    (f64::from(y) - expected).abs() / libm::exp2(exponent - 23.0)
}

fn ulps64(y: f64, expected: f64) -> u64 {
    let order = |x: f64| if x < 0.0 { -((-x).to_bits() as i64) } else { x.to_bits() as i64 };
    order(y).abs_diff(order(expected))
}

fn sigmoid64(x: f64) -> f64 {
    let e = libm::exp(-x.abs());
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

type Function<F> = fn(F) -> F;

/// Name, the function, the reference in `f64`, the largest error found over every `f32`, rounded up.
type Row<F> = (&'static str, Function<F>, Function<f64>, f64);

const F32: [Row<f32>; 5] = [
    ("exp", of_f32::exp, libm::exp, 0.96),
    ("ln", of_f32::ln, libm::log, 0.85),
    ("ln_1p", of_f32::ln_1p, libm::log1p, 0.85),
    ("tanh", of_f32::tanh, libm::tanh, 1.27),
    ("sigmoid", of_f32::sigmoid, sigmoid64, 1.97),
];

/// The bound leaves one unit to the reference.
const F64: [Row<f64>; 5] = [
    ("exp", of_f64::exp, libm::exp, 2.0),
    ("ln", of_f64::ln, libm::log, 2.0),
    ("ln_1p", of_f64::ln_1p, libm::log1p, 2.0),
    ("tanh", of_f64::tanh, libm::tanh, 3.0),
    ("sigmoid", of_f64::sigmoid, sigmoid64, 4.0),
];

#[test]
fn f32_errors_stay_below_two_units_over_all_magnitudes() {
    for (name, f, reference, bound) in F32 {
        for bits in (0..=u32::MAX).step_by(4099) {
            let x = f32::from_bits(bits);
            let (y, expected) = (f(x), reference(f64::from(x)));
            if expected.is_nan() || (expected as f32).is_infinite() {
                assert!(y == expected as f32 || y.is_nan() && expected.is_nan(), "{name}({x:e}) = {y:e}");
            } else {
                assert!(ulps32(y, expected) <= bound, "{name}({x:e}) = {y:e}, expected {expected:e}");
            }
        }
    }
}

#[test]
fn f64_errors_stay_below_two_units_beside_those_of_the_reference() {
    for (name, f, reference, bound) in F64 {
        let mut bits = 1u64;
        for i in 0..200_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Every magnitude, and the interval in which the functions bend.
            let x =
                if i % 2 == 0 { f64::from_bits(bits) } else { (bits as f64 / u64::MAX as f64 - 0.5) * 80.0 };
            let (y, expected) = (f(x), reference(x));
            assert!(
                y.is_nan() && expected.is_nan() || ulps64(y, expected) as f64 <= bound,
                "{name}({x:e}) = {y:e}, expected {expected:e}"
            );
        }
    }
}

/// Digits from a computation with 40 of them.
#[test]
fn hand_picked_values_hold_to_the_last_place() {
    let table: [(Function<f64>, f64, f64); 8] = [
        (of_f64::exp, 1.0, std::f64::consts::E),
        (of_f64::exp, -745.0, 5e-324),
        (of_f64::exp, 709.5, 1.3549863193146328e308),
        (of_f64::ln, 2.0, std::f64::consts::LN_2),
        (of_f64::ln, 5e-324, -744.4400719213812),
        (of_f64::ln_1p, 1e-10, 9.9999999995e-11),
        (of_f64::tanh, 0.5, 0.46211715726000975),
        (of_f64::sigmoid, -2.0, 0.11920292202211755),
    ];
    for (i, (f, x, expected)) in table.into_iter().enumerate() {
        assert!(ulps64(f(x), expected) <= 1, "row {i}: {:e}", f(x));
    }
}

fn special_values_of<F: Float>() {
    let (zero, one, infinity) = (F::zero(), F::one(), F::infinity());
    let bits = |x: F| (x, x.is_sign_negative());
    assert_eq!(zero.exp_(), one);
    assert_eq!((-zero).exp_(), one);
    assert_eq!((-infinity).exp_(), zero);
    assert_eq!(F::max_value().exp_(), infinity);
    assert_eq!(infinity.exp_(), infinity);
    assert_eq!(bits(one.ln_()), (zero, false));
    assert_eq!(zero.ln_(), -infinity);
    assert_eq!((-zero).ln_(), -infinity);
    assert_eq!(infinity.ln_(), infinity);
    assert!((-one).ln_().is_nan() && (-infinity).ln_().is_nan());
    assert_eq!((-one).ln_1p_(), -infinity);
    assert_eq!(infinity.ln_1p_(), infinity);
    assert!(F::of(-1.5).ln_1p_().is_nan());
    for x in [zero, -zero, F::min_positive_value() / F::of(8.0)] {
        assert_eq!(bits(x.ln_1p_()), bits(x));
        assert_eq!(bits(x.tanh_()), bits(x));
        assert_eq!(bits((-x).tanh_()), bits(-x));
    }
    assert_eq!((infinity.tanh_(), (-infinity).tanh_()), (one, -one));
    assert_eq!((F::of(1e4).sigmoid_(), F::of(-1e4).sigmoid_()), (one, zero));
    assert_eq!((infinity.sigmoid_(), (-infinity).sigmoid_()), (one, zero));
    assert_eq!((-zero).sigmoid_(), F::of(0.5));
    for f in [F::exp_, F::ln_, F::ln_1p_, F::tanh_, F::sigmoid_] {
        assert!(f(F::nan()).is_nan());
    }
}

#[test]
fn zeros_infinities_and_nan_have_their_values() {
    special_values_of::<f32>();
    special_values_of::<f64>();
}

#[test]
fn exp_vanishes_and_overflows_where_it_must() {
    assert_eq!(of_f32::exp(-103.97208), f32::from_bits(1));
    assert_eq!(of_f32::exp(-103.972084), 0.0);
    assert!(of_f32::exp(88.72283).is_finite());
    assert_eq!(of_f32::exp(88.72284), f32::INFINITY);
    assert_eq!(of_f64::exp(-745.1332191019411), 5e-324);
    assert_eq!(of_f64::exp(-745.1332191019412), 0.0);
    assert!(of_f64::exp(709.782712893384).is_finite());
    assert_eq!(of_f64::exp(709.7827128933841), f64::INFINITY);
}

#[test]
fn the_exponential_of_what_is_not_positive_has_the_bits_of_the_exponential() {
    for bits in (0..=u32::MAX).step_by(997).chain([0, 1 << 31, 0x7fc0_0001, 0xffff_ffff]) {
        let x = -f32::from_bits(bits).abs();
        let (y, expected) = (of_f32::exp_not_positive(x), of_f32::exp(x));
        assert!(y.to_bits() == expected.to_bits() || x.is_nan() && y.is_nan(), "{x:e}: {y:e} {expected:e}");
    }
    for i in 0..400_000u32 {
        // Halves of ln 2 lie where a rounding is decided.
        let halves = f64::from(i % 2200) * -0.5 * std::f64::consts::LN_2;
        let x = if i % 2 == 0 { f64::from(i) * -0.002 } else { halves };
        assert_eq!(of_f64::exp_not_positive(x).to_bits(), of_f64::exp(x).to_bits(), "{x:e}");
        let x = x as f32;
        assert_eq!(of_f32::exp_not_positive(x).to_bits(), of_f32::exp(x).to_bits(), "{x:e}");
    }
    assert!(of_f64::exp_not_positive(f64::NAN).is_nan());
}

fn slices_have_the_bits_of_scalars<F: Float>() {
    let x = ArrayD::from_shape_fn(vec![40_003], |i| {
        let x = i[0] as f64 / 40_003.0;
        F::of((x - 0.5) * if i[0] % 3 == 0 { 1600.0 } else { 20.0 })
    });
    for f in [F::exp_, F::ln_, F::ln_1p_, F::tanh_, F::sigmoid_] {
        let pick = std::hint::black_box(f);
        let mut y = ArrayD::zeros(x.raw_dim());
        apply1(y.view_mut(), x.view(), |d, x| *d = f(x));
        let same = x.iter().zip(&y).all(|(&x, &y)| pick(x) == y || pick(x).is_nan() && y.is_nan());
        assert!(same, "{}", F::DTYPE);
    }
    let mut y = ArrayD::zeros(x.raw_dim());
    apply1(y.view_mut(), x.view(), |d, x| *d = x.sigmoid_());
    assert!(x.iter().zip(&y).all(|(&x, &y)| x.sigmoid_() == y));
    apply1(y.view_mut(), x.view(), |d, x| *d = x.tanh_());
    assert!(x.iter().zip(&y).all(|(&x, &y)| x.tanh_() == y));
    apply1(y.view_mut(), x.view(), |d, x| *d = x.exp_());
    assert!(x.iter().zip(&y).all(|(&x, &y)| x.exp_() == y));
}

#[test]
fn a_slice_has_the_bits_of_its_elements_one_by_one() {
    slices_have_the_bits_of_scalars::<f32>();
    slices_have_the_bits_of_scalars::<f64>();
}
