//! A learning rate by a function of one's own.

use crate::{Entries, LrRule, Moment, Stepped};
use std::fmt;
use std::sync::Arc;

/// The first learning rate times a function of the step: PyTorch's `LambdaLR`.
///
/// `lrₜ = lr₀ · f(t)`
///
/// The function is not part of the state: a resumed run must be given the same one.
///
/// ```
/// use lightning_core::optim::{LrScheduler, Optimizer};
/// use lightning_optim::{LambdaLr, Sgd, SgdOptions};
/// # let parameters = vec![lightning_core::Parameter::<f32>::new(ndarray::arr0(0.0).into_dyn())];
/// let mut opt = Sgd::new(parameters, SgdOptions { lr: 1.0, ..Default::default() })?;
/// let mut scheduler = LambdaLr::new(|step| 1.0 / (1 + step) as f64);
/// scheduler.step(&mut opt, None)?;
/// assert_eq!(opt.lr(0), 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type LambdaLr = Stepped<LambdaRule>;

/// A factor by the step.
pub type LrFunction = Arc<dyn Fn(u64) -> f64 + Send + Sync>;

/// The rule of [`LambdaLr`].
#[derive(Clone)]
pub struct LambdaRule(Functions);

#[derive(Clone)]
enum Functions {
    All(LrFunction),
    Each(Vec<LrFunction>),
}

impl LambdaLr {
    /// A scheduler with one function for all parameter groups.
    pub fn new(f: impl Fn(u64) -> f64 + Send + Sync + 'static) -> Self {
        Stepped::unchecked(LambdaRule(Functions::All(Arc::new(f))))
    }

    /// A scheduler with a function for each parameter group.
    ///
    /// ```
    /// use lightning_optim::{LambdaLr, LrFunction};
    /// use std::sync::Arc;
    /// let frozen: LrFunction = Arc::new(|_| 0.0);
    /// let falling: LrFunction = Arc::new(|step| 0.9f64.powf(step as f64));
    /// let scheduler = LambdaLr::per_group(vec![frozen, falling]);
    /// ```
    pub fn per_group(functions: Vec<LrFunction>) -> Self {
        Stepped::unchecked(LambdaRule(Functions::Each(functions)))
    }
}

impl LrRule for LambdaRule {
    fn lr(&self, now: Moment) -> f64 {
        now.base_lr
            * match &self.0 {
                Functions::All(f) => f(now.step),
                Functions::Each(functions) => functions[now.group](now.step),
            }
    }

    fn groups(&self) -> Option<usize> {
        match &self.0 {
            Functions::All(_) => None,
            Functions::Each(functions) => Some(functions.len()),
        }
    }

    fn entries(&mut self, _: &mut Entries<'_>) {}
}

impl fmt::Debug for LambdaRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LambdaRule").field("groups", &self.groups()).finish_non_exhaustive()
    }
}
