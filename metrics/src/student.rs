//! Student's t distribution for any number of degrees of freedom, by its own integral and no table.

use std::f64::consts::PI;

use crate::MetricError;

/// The value that Student's t with `freedom` degrees of freedom exceeds with probability `1 - p`: `scipy.stats.t.ppf`.
///
/// The distribution function is `1 - ½ I_x(ν/2, ½)` at `x = ν / (ν + t²)` for `t ≥ 0`, with the regularised
/// incomplete beta function `I` from its continued fraction (Lentz's method); the quantile is found by
/// bisection, to the last bits.
///
/// ```
/// let t = metrics::student_t_quantile(0.975, 9.0)?;
/// assert!((t - 2.262157162798205).abs() < 1e-12);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// [`MetricError::Setting`] unless `p` lies between 0 and 1 and `freedom` is positive and finite.
pub fn student_t_quantile(p: f64, freedom: f64) -> Result<f64, MetricError> {
    if !(p > 0.0 && p < 1.0) {
        let expected = "a number between 0 and 1, such as 0.975";
        return Err(MetricError::Setting { what: "probability", found: p, expected });
    }
    if !(freedom > 0.0 && freedom.is_finite()) {
        let expected = "a positive number, such as the number of values less 1";
        return Err(MetricError::Setting { what: "degrees of freedom", found: freedom, expected });
    }
    if p == 0.5 {
        return Ok(0.0);
    }
    let tail = p.min(1.0 - p);
    let mut upper = 1.0;
    while upper_tail(upper, freedom) > tail && upper < 1e300 {
        upper *= 2.0;
    }
    let mut lower = 0.0;
    loop {
        let middle = lower + (upper - lower) / 2.0;
        if middle <= lower || middle >= upper {
            return Ok(middle.copysign(p - 0.5));
        }
        if upper_tail(middle, freedom) > tail {
            lower = middle;
        } else {
            upper = middle;
        }
    }
}

/// The probability of a value above `t`, which is not negative.
fn upper_tail(t: f64, freedom: f64) -> f64 {
    // Both arguments by themselves: 1 - x would lose the small one.
    let square = t * t / freedom;
    0.5 * incomplete_beta(1.0 / (1.0 + square), square / (1.0 + square), freedom / 2.0, 0.5)
}

/// `I_x(a, b)`, with `y = 1 - x`.
fn incomplete_beta(x: f64, y: f64, a: f64, b: f64) -> f64 {
    if x == 0.0 || y == 0.0 {
        return x;
    }
    let front = (a * x.ln() + b * y.ln() - ln_beta(a, b)).exp();
    // The fraction converges fast on this side of the mean.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(y, b, a) / b
    }
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let away_from_zero = |value: f64| if value.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    // About √max(a, b) turns are needed; the bound only ends what rounding keeps from settling.
    for m in 1..100_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for coefficient in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + coefficient * d);
            c = away_from_zero(1.0 + coefficient / c);
            fraction *= c * d;
        }
        if (fraction - before).abs() <= f64::EPSILON * fraction.abs() {
            break;
        }
    }
    fraction
}

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// `ln Γ(x)` for `x > 0`: Stirling's series, after stepping up to where it is exact.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0);
    while x < 15.0 {
        product *= x;
        x += 1.0;
    }
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    let terms = [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0];
    let series = terms.iter().rev().fold(0.0, |sum, term| sum * square + term) * inverse;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + series - f64::ln(product)
}
