//! The numbers behind the elementary functions of each type: polynomials, thresholds, layout of the bits.
//!
//! The polynomials are minimax fits of our own (Remez exchange with 60 digits, coefficients rounded to the type).
//! `EXP` is `(eʳ − 1 − r) / r²` on |r| ≤ ln 2 / 2, fitted to the relative error of `eʳ − 1`; `LN` is
//! `(2·atanh(s) − 2s) / s³` as a polynomial in s² for |s| ≤ 0.1716, fitted to the relative error of the logarithm.

/// For `f32`: fitting errors 2.4e-10 (`EXP`) and 8.2e-10 (`LN`).
pub(super) mod single {
    pub(in super::super) const EXP: [f32; 6] =
        [0.5, 0.16666666, 0.04166636, 0.00833339, 0.0013940668, 0.00019845879];
    pub(in super::super) const LN: [f32; 3] = [0.66666776, 0.39977497, 0.29873073];
    /// 16 bits of ln 2, so that its product with an exponent is exact, and the rest.
    pub(in super::super) const LN_2: [f32; 2] = [0.69314575, 1.4286068e-6];
    /// 1.5 · 2²³: adding it rounds to an integer, which then stands in the low bits.
    pub(in super::super) const ROUND: f32 = 12_582_912.0;
    /// 2²³: the bits of an integer below it, or-ed in, make 2²³ plus that integer.
    pub(in super::super) const INTEGER: f32 = 8_388_608.0;
    /// Beyond these `eˣ` is infinite or zero.
    pub(in super::super) const EXP_RANGE: [f32; 2] = [-104.0, 89.0];
    /// Beyond half of this `tanh` rounds to 1.
    pub(in super::super) const TWICE_TANH_ONE: f32 = 20.0;
    pub(in super::super) const MANTISSA_BITS: u32 = f32::MANTISSA_DIGITS - 1;
    pub(in super::super) const EXPONENT_BIAS: u32 = 127;
}

/// For `f64`: fitting errors 2.7e-19 (`EXP`) and 1.3e-18 (`LN`).
pub(super) mod double {
    pub(in super::super) const EXP: [f64; 11] = [
        0.5,
        0.16666666666666677,
        0.041666666666666505,
        0.008333333333321655,
        0.0013888888888962674,
        0.00019841269886070596,
        2.480158717207759e-05,
        2.7557244257204046e-06,
        2.7557402917071073e-07,
        2.5109023384978834e-08,
        2.0875282420351445e-09,
    ];
    pub(in super::super) const LN: [f64; 7] = [
        0.6666666666666735,
        0.3999999999941107,
        0.2857142874326712,
        0.22222198475600236,
        0.18183569757704757,
        0.15313902823069722,
        0.14797511733058952,
    ];
    /// 39 bits of ln 2, so that its product with an exponent is exact, and the rest.
    pub(in super::super) const LN_2: [f64; 2] = [0.6931471805601177, -1.7239444525614835e-13];
    /// 1.5 · 2⁵²: adding it rounds to an integer, which then stands in the low bits.
    pub(in super::super) const ROUND: f64 = 6_755_399_441_055_744.0;
    /// 2⁵²: the bits of an integer below it, or-ed in, make 2⁵² plus that integer.
    pub(in super::super) const INTEGER: f64 = 4_503_599_627_370_496.0;
    /// Beyond these `eˣ` is infinite or zero.
    pub(in super::super) const EXP_RANGE: [f64; 2] = [-746.0, 710.0];
    /// Beyond half of this `tanh` rounds to 1.
    pub(in super::super) const TWICE_TANH_ONE: f64 = 40.0;
    pub(in super::super) const MANTISSA_BITS: u32 = f64::MANTISSA_DIGITS - 1;
    pub(in super::super) const EXPONENT_BIAS: u64 = 1023;
}
