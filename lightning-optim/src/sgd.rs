//! Stochastic gradient descent with momentum.

use crate::error::{not_negative, setting};
use crate::{Entries, Grouped, OptimError, ParameterState, UpdateRule};
use lightning_core::Float;
use lightning_core::kernels::BlockStep;

/// Gradient descent, with momentum or without: PyTorch's `torch.optim.SGD`.
///
/// With the gradient `g`, the weight decay `λ`, the momentum `μ` and the dampening `τ`:
///
/// ```text
/// g ← g + λ p
/// b ← g in the first step, then μ b + (1 − τ) g
/// p ← p − lr · b, or with Nesterov's momentum p − lr · (g + μ b)
/// ```
///
/// Nesterov's momentum as in Sutskever et al. 2013, <https://proceedings.mlr.press/v28/sutskever13.html>.
///
/// ```
/// use lightning_core::{Parameter, optim::Optimizer};
/// use lightning_optim::{Sgd, SgdOptions};
/// use ndarray::array;
///
/// let p = Parameter::<f64>::new(array![1.0].into_dyn());
/// let mut opt = Sgd::new(vec![p.clone()], SgdOptions { lr: 0.5, momentum: 0.5, ..Default::default() })?;
/// p.set_grad(Some(array![1.0].into_dyn()));
/// opt.step();
/// assert_eq!(p.value()[[0]], 0.5);
/// opt.step();
/// assert_eq!(p.value()[[0]], 0.5 - 0.5 * 1.5);
/// # Ok::<(), lightning_optim::OptimError>(())
/// ```
pub type Sgd<F = f32> = Grouped<F, SgdOptions>;

/// The settings of [`Sgd`].
///
/// ```
/// let options = lightning_optim::SgdOptions { momentum: 0.9, nesterov: true, ..Default::default() };
/// assert_eq!(options.lr, 1e-3);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SgdOptions {
    /// The learning rate; 0.001.
    pub lr: f64,
    /// `μ`; 0.
    pub momentum: f64,
    /// `τ`; 0.
    pub dampening: f64,
    /// `λ`; 0.
    pub weight_decay: f64,
    /// Whether the step looks ahead; no. Wants a momentum and no dampening.
    pub nesterov: bool,
    /// Whether to climb instead of descend; no.
    pub maximize: bool,
}

impl Default for SgdOptions {
    fn default() -> Self {
        SgdOptions {
            lr: 1e-3,
            momentum: 0.0,
            dampening: 0.0,
            weight_decay: 0.0,
            nesterov: false,
            maximize: false,
        }
    }
}

impl UpdateRule for SgdOptions {
    const NAME: &'static str = "SGD";

    fn check(&self) -> Result<(), OptimError> {
        not_negative("lr", self.lr)?;
        not_negative("momentum", self.momentum)?;
        not_negative("weight_decay", self.weight_decay)?;
        setting(self.dampening.is_finite(), "dampening", self.dampening, "a finite number")?;
        if self.nesterov {
            setting(self.momentum > 0.0, "momentum", self.momentum, "above 0, or no nesterov")?;
            setting(self.dampening == 0.0, "dampening", self.dampening, "0, or no nesterov")?;
        }
        Ok(())
    }

    fn entries(&mut self, entries: &mut Entries<'_>) {
        entries.number("lr", &mut self.lr);
        entries.number("momentum", &mut self.momentum);
        entries.number("dampening", &mut self.dampening);
        entries.number("weight_decay", &mut self.weight_decay);
        entries.flag("nesterov", &mut self.nesterov);
        entries.flag("maximize", &mut self.maximize);
    }

    fn lr(&mut self) -> &mut f64 {
        &mut self.lr
    }

    fn momentum(&mut self) -> &mut f64 {
        &mut self.momentum
    }

    fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    fn arrays(&self) -> &'static [&'static str] {
        &["momentum_buffer"]
    }

    type Step<F: Float> = Scalars<F>;

    fn begin<F: Float>(&self, state: &mut Option<ParameterState<F>>, len: usize) -> Scalars<F> {
        // Dampening leaves the first gradient whole: PyTorch's buffer starts as a copy of it.
        let added = if state.is_none() { F::one() } else { F::of(1.0 - self.dampening) };
        if self.momentum != 0.0 {
            let state = state.get_or_insert_with(|| ParameterState::zeros(1, len));
            state.step = state.step.saturating_add(1);
        }
        Scalars {
            length: F::of(-self.lr),
            sign: F::of(if self.maximize { -1.0 } else { 1.0 }),
            decay: F::of(self.weight_decay),
            plain: self.momentum == 0.0,
            momentum: F::of(self.momentum),
            added,
            nesterov: self.nesterov,
        }
    }
}

/// One step of SGD for one parameter.
#[derive(Clone, Copy, Debug)]
pub struct Scalars<F> {
    length: F,
    /// What the gradient is multiplied by: 1 to descend, −1 to climb, and what clipping asks for.
    sign: F,
    decay: F,
    /// Without momentum there is no buffer.
    plain: bool,
    momentum: F,
    /// How much of the gradient joins the buffer.
    added: F,
    nesterov: bool,
}

impl<F: Float> BlockStep<F> for Scalars<F> {
    fn scaled(self, factor: F) -> Self {
        Scalars { sign: self.sign * factor, ..self }
    }

    #[inline(always)]
    fn apply(self, value: &mut [F], grad: &[F], [buffer, ..]: [&mut [F]; 3]) {
        let Scalars { length, sign, decay, plain, momentum, added, nesterov } = self;
        let direction = |p: F, g: F| if decay == F::zero() { g * sign } else { g * sign + decay * p };
        if plain {
            for (p, &g) in value.iter_mut().zip(grad) {
                *p += length * direction(*p, g);
            }
            return;
        }
        for ((p, &g), b) in value.iter_mut().zip(grad).zip(buffer) {
            let g = direction(*p, g);
            *b = *b * momentum + added * g;
            *p += length * if nesterov { g + momentum * *b } else { *b };
        }
    }
}
