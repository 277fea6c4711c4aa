//! The schedules that are curves: step, multi-step, exponential, cosine, linear, any function.

use crate::error::check;
use crate::{Curve, Follow, OptimError};

/// Multiplies the rate by γ every `step_size` steps: PyTorch's `StepLR`.
///
/// ```
/// use lightning_optim::StepLr;
/// let _ = StepLr::new(10, 0.9);
/// ```
pub type StepLr = Follow<StepCurve>;

/// η₀·γ^⌊t/s⌋.
pub struct StepCurve {
    step_size: u64,
    gamma: f64,
}

impl StepLr {
    /// Every `step_size` steps, at least 1, times `gamma`.
    ///
    /// # Panics
    /// If `step_size` is 0.
    #[track_caller]
    pub fn new(step_size: u64, gamma: f64) -> Self {
        assert!(step_size > 0, "StepLr: step_size is at least 1");
        Follow::curve(StepCurve { step_size, gamma })
    }
}

impl Curve for StepCurve {
    fn lr(&self, base: f64, t: u64) -> f64 {
        base * power(self.gamma, t / self.step_size)
    }
}

/// Multiplies the rate by γ at each milestone: PyTorch's `MultiStepLR`.
pub type MultiStepLr = Follow<MultiStepCurve>;

/// η₀·γ^(milestones up to t).
pub struct MultiStepCurve {
    milestones: Vec<u64>,
    gamma: f64,
}

impl MultiStepLr {
    /// At these steps, in any order, times `gamma`; a step named twice counts twice.
    pub fn new(milestones: Vec<u64>, gamma: f64) -> Self {
        Follow::curve(MultiStepCurve { milestones, gamma })
    }
}

impl Curve for MultiStepCurve {
    fn lr(&self, base: f64, t: u64) -> f64 {
        base * power(self.gamma, self.milestones.iter().filter(|&&milestone| milestone <= t).count() as u64)
    }
}

/// Multiplies the rate by γ at every step: PyTorch's `ExponentialLR`.
pub type ExponentialLr = Follow<ExponentialCurve>;

/// η₀·γᵗ.
pub struct ExponentialCurve {
    gamma: f64,
}

impl ExponentialLr {
    /// Every step times `gamma`.
    pub fn new(gamma: f64) -> Self {
        Follow::curve(ExponentialCurve { gamma })
    }
}

impl Curve for ExponentialCurve {
    fn lr(&self, base: f64, t: u64) -> f64 {
        base * power(self.gamma, t)
    }
}

/// Half a cosine down to `eta_min` in `t_max` steps, then up again, and so on: PyTorch's `CosineAnnealingLR`
/// (Loshchilov and Hutter, 2017).
pub type CosineAnnealingLr = Follow<CosineCurve>;

/// η_min + (η₀ − η_min)(1 + cos(πt/T))/2.
pub struct CosineCurve {
    t_max: u64,
    eta_min: f64,
}

impl CosineAnnealingLr {
    /// Down to `eta_min` in `t_max` steps, at least 1.
    ///
    /// # Panics
    /// If `t_max` is 0.
    #[track_caller]
    pub fn new(t_max: u64, eta_min: f64) -> Self {
        assert!(t_max > 0, "CosineAnnealingLr: t_max is at least 1");
        Follow::curve(CosineCurve { t_max, eta_min })
    }
}

impl Curve for CosineCurve {
    fn lr(&self, base: f64, t: u64) -> f64 {
        // The period first: a large angle has lost its digits.
        let angle = std::f64::consts::PI * (t % (2 * self.t_max)) as f64 / self.t_max as f64;
        self.eta_min + (base - self.eta_min) * (1.0 + libm::cos(angle)) / 2.0
    }
}

/// From one factor of the rate to another in a straight line: PyTorch's `LinearLR`.
pub type LinearLr = Follow<LinearCurve>;

/// η₀·(a + (b − a)·min(t, n)/n).
pub struct LinearCurve {
    start_factor: f64,
    end_factor: f64,
    total_iters: u64,
}

impl LinearLr {
    /// From `start_factor` to `end_factor` in `total_iters` steps; PyTorch's defaults are 1/3, 1 and 5.
    ///
    /// # Errors
    /// If the start is not in (0, 1] or the end not in [0, 1].
    pub fn new(start_factor: f64, end_factor: f64, total_iters: u64) -> Result<Self, OptimError> {
        let starts = start_factor > 0.0 && start_factor <= 1.0;
        check(starts, "LinearLr", "start_factor", start_factor, "a number in (0, 1]")?;
        check((0.0..=1.0).contains(&end_factor), "LinearLr", "end_factor", end_factor, "a number in [0, 1]")?;
        Ok(Follow::curve(LinearCurve { start_factor, end_factor, total_iters }))
    }
}

impl Curve for LinearCurve {
    fn lr(&self, base: f64, t: u64) -> f64 {
        let share = if t >= self.total_iters { 1.0 } else { t as f64 / self.total_iters as f64 };
        base * (self.start_factor + (self.end_factor - self.start_factor) * share)
    }
}

/// Any function of the number of steps, as a factor of the base rate: PyTorch's `LambdaLR`.
///
/// ```
/// use lightning_optim::LambdaLr;
/// let _ = LambdaLr::new(|t| 1.0 / (1.0 + 0.1 * t as f64));
/// ```
pub type LambdaLr = Follow<LambdaCurve>;

/// η₀·f(t).
pub struct LambdaCurve(Box<dyn Fn(u64) -> f64 + Send>);

impl LambdaLr {
    /// The base rate times `factor(t)`.
    pub fn new(factor: impl Fn(u64) -> f64 + Send + 'static) -> Self {
        Follow::curve(LambdaCurve(Box::new(factor)))
    }
}

impl Curve for LambdaCurve {
    fn lr(&self, base: f64, t: u64) -> f64 {
        base * (self.0)(t)
    }
}

/// `baseⁿ`, also for exponents beyond 2³¹.
fn power(base: f64, n: u64) -> f64 {
    match i32::try_from(n) {
        Ok(n) => base.powi(n),
        Err(_) => libm::pow(base, n as f64),
    }
}
