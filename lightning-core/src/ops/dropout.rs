//! Dropout: each element is zero with probability p, the others are scaled by 1/(1 − p).

use crate::kernels::random::keep_mask;
use crate::kernels::{self, Accum};
use crate::{Backward, Float, Op, Var};

/// The mask, 0 or 1/(1 − p) and the second input, also multiplies the gradient.
struct DropoutOp;
impl<F: Float> Op<F> for DropoutOp {
    fn name(&self) -> &'static str {
        "dropout"
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        cx.add_with(0, |cx, acc, dst| match acc {
            Accum::Set => kernels::apply2(dst, cx.grad(), cx.input(1), |d, g, mask| *d = g * mask),
            Accum::Add => kernels::apply2(dst, cx.grad(), cx.input(1), |d, g, mask| *d += g * mask),
        });
    }
}

/// What keeps the mean: 1/(1 − p).
pub(super) fn scale_of_kept<F: Float>(p: f64) -> F {
    if p < 1.0 { F::of(1.0 / (1.0 - p)) } else { F::zero() }
}

#[track_caller]
pub(super) fn check_probability(p: f64) {
    assert!((0.0..=1.0).contains(&p), "dropout: p is a probability, found {p}");
}

impl<'t, F: Float> Var<'t, F> {
    /// Drops elements with probability `p`; what is dropped follows from the tape's [random numbers](crate::Tape::set_rng)
    /// and the order of calls alone. [`nn::Dropout`](crate::nn::Dropout) adds the train / eval switch.
    ///
    /// # Panics
    /// If `p` is not in [0, 1].
    #[track_caller]
    pub fn dropout(self, p: f64) -> Self {
        check_probability(p);
        if p == 0.0 {
            return self;
        }
        let x = self.value();
        let mut mask = self.tape().scratch(x.shape());
        let kept = mask.as_slice_mut().expect("scratch is contiguous");
        keep_mask(kept, self.tape().next_draw(), p, scale_of_kept(p));
        let mut out = self.tape().scratch(x.shape());
        kernels::apply2(out.view_mut(), x.view(), mask.view(), |d, x, mask| *d = x * mask);
        // On the tape, which takes the memory back with the step.
        let mask = self.tape().constant(mask);
        self.tape().apply(&[self, mask], out, DropoutOp)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Seed, Tape, gradcheck};
    use ndarray::Array1;

    #[test]
    fn the_gradient_is_the_mask() {
        gradcheck(|v| v[0].dropout(0.4), &[Array1::linspace(-1.0, 1.0, 40).into_dyn()]).expect("dropout");
    }

    #[test]
    fn the_mean_is_kept_and_p_of_zero_and_one_are_exact() {
        let tape = Tape::new();
        let x = tape.constant(Array1::<f32>::ones(100_000));
        assert!((x.dropout(0.3).mean().item() - 1.0).abs() < 0.01);
        assert_eq!(x.dropout(0.0).value(), x.value());
        assert_eq!(x.dropout(1.0).sum().item(), 0.0);
    }

    #[test]
    fn a_step_draws_the_same_masks_again() {
        let mut tape = Tape::new();
        let mut draw = |step| {
            tape.reset();
            tape.set_rng(Seed(3).step(step));
            let x = tape.constant(Array1::<f32>::ones(64));
            (x.dropout(0.5).value(), x.dropout(0.5).value())
        };
        let (first, second) = draw(9);
        assert_ne!(first, second);
        assert_ne!(draw(10).0, first);
        assert_eq!(draw(9), (first, second));
    }

    #[test]
    #[should_panic(expected = "dropout: p is a probability, found 1.5")]
    fn p_outside_the_unit_interval_is_refused() {
        let tape = Tape::new();
        tape.constant(Array1::<f32>::ones(1)).dropout(1.5);
    }
}
