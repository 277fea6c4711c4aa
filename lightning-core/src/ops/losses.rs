//! Losses of two values of one shape: mean squared error, binary cross-entropy with logits.

use super::Reduction;
use crate::kernels::{self, Accum};
use crate::{Backward, Float, Op, Var};
use ndarray::ArrayD;

/// d(x − y)² = 2(x − y)(dx − dy), times the reduction's scale.
struct MseOp {
    reduction: Reduction,
}
impl<F: Float> Op<F> for MseOp {
    fn name(&self) -> &'static str {
        "mse_loss"
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        let scale = F::of(2.0) * mean_scale(self.reduction, cx.input(0).len());
        for (i, sign) in [(0, F::one()), (1, -F::one())] {
            cx.add_with(i, |cx, acc, mut dst| {
                if acc == Accum::Set {
                    dst.fill(F::zero());
                }
                let mut residual = cx.tape().scratch(cx.input(0).shape());
                kernels::apply2(residual.view_mut(), cx.input(0), cx.input(1), |d, x, y| *d = x - y);
                kernels::apply2(dst, residual.view(), cx.grad(), move |d, r, g| *d += sign * scale * r * g);
                cx.tape().recycle(residual);
            });
        }
    }
}

fn mean_scale<F: Float>(reduction: Reduction, len: usize) -> F {
    if reduction == Reduction::Mean { F::one() / F::of(len as f64) } else { F::one() }
}

impl<'t, F: Float> Var<'t, F> {
    /// The mean of `(x − y)²`. Gradients flow into both: detach a target that should not learn.
    ///
    /// # Panics
    /// If the shapes differ (PyTorch would broadcast with a warning, which hides mistakes).
    #[track_caller]
    pub fn mse_loss(self, target: Self) -> Self {
        self.mse_loss_with(target, Reduction::Mean)
    }

    /// [`mse_loss`](Self::mse_loss) with another reduction.
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn mse_loss_with(self, target: Self, reduction: Reduction) -> Self {
        let (x, y) = (self.value(), target.value());
        assert!(x.shape() == y.shape(), "mse_loss: shapes {:?} and {:?} differ", x.shape(), y.shape());
        let mut squares = self.tape().scratch(x.shape());
        kernels::apply2(squares.view_mut(), x.view(), y.view(), |d, x, y| *d = (x - y) * (x - y));
        let out = reduce(self, squares, reduction);
        self.tape().apply(&[self, target], out, MseOp { reduction })
    }
}

fn reduce<F: Float>(of: Var<'_, F>, elements: ArrayD<F>, reduction: Reduction) -> ArrayD<F> {
    if reduction == Reduction::None {
        return elements;
    }
    let mut total = kernels::sum(elements.view());
    if reduction == Reduction::Mean {
        total /= F::of(elements.len() as f64);
    }
    of.tape().recycle(elements);
    ndarray::arr0(total).into_dyn()
}

/// Binary cross-entropy of logits x and targets z in [0, 1]; the default is PyTorch's.
///
/// Element by element `w · [(1 − z)·x + (1 + (p − 1)·z)·softplus(−x)]` with weight w and positive weight p, where
/// `softplus(−x) = ln(1 + e^−|x|) + max(−x, 0)` does not overflow.
///
/// ```
/// use lightning_core::{BceWithLogits, Tape};
/// use ndarray::array;
/// let tape = Tape::new();
/// let loss = BceWithLogits::default().loss(tape.constant(array![0.0, 1e4]), tape.constant(array![1.0, 1.0]));
/// assert_eq!(loss.item(), 2f64.ln() / 2.0);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BceWithLogits<F: Float = f32> {
    /// Mean, sum, or one value per element.
    pub reduction: Reduction,
    /// A factor of each element's loss; broadcasts to the logits' shape.
    pub weight: Option<ArrayD<F>>,
    /// A factor of the positive part; broadcasts to the logits' shape.
    pub pos_weight: Option<ArrayD<F>>,
}

impl<F: Float> BceWithLogits<F> {
    /// The loss of `logits` and `target`, of one shape.
    ///
    /// # Panics
    /// If the shapes differ or a weight does not broadcast.
    #[track_caller]
    pub fn loss<'t>(&self, logits: Var<'t, F>, target: Var<'t, F>) -> Var<'t, F> {
        let (x, z) = (logits.value(), target.value());
        assert!(x.shape() == z.shape(), "bce_with_logits: shapes {:?} and {:?} differ", x.shape(), z.shape());
        let tape = logits.tape();
        let weight = full_weight(logits, "weight", self.weight.as_ref());
        let pos_weight = full_weight(logits, "pos_weight", self.pos_weight.as_ref());
        let mut out = tape.scratch(x.shape());
        kernels::apply2(out.view_mut(), z.view(), pos_weight.view(), |d, z, p| {
            *d = F::one() + (p - F::one()) * z
        });
        kernels::apply2(out.view_mut(), x.view(), z.view(), |d, x, z| {
            *d = (F::one() - z) * x + *d * softplus(-x)
        });
        kernels::apply1(out.view_mut(), weight.view(), |d, w| *d *= w);
        let out = reduce(logits, out, self.reduction);
        let (weight, pos_weight) = (tape.constant(weight), tape.constant(pos_weight));
        tape.apply(&[logits, target, weight, pos_weight], out, BceOp { reduction: self.reduction })
    }
}

impl<'t, F: Float> Var<'t, F> {
    /// The mean [binary cross-entropy](BceWithLogits) of these logits and targets in [0, 1].
    ///
    /// # Panics
    /// If the shapes differ.
    #[track_caller]
    pub fn bce_with_logits(self, target: Self) -> Self {
        BceWithLogits::default().loss(self, target)
    }
}

/// The weight in the logits' shape; ones if there is none.
#[track_caller]
fn full_weight<F: Float>(logits: Var<'_, F>, name: &str, weight: Option<&ArrayD<F>>) -> ArrayD<F> {
    let shape = logits.shape();
    let mut full = logits.tape().scratch(&shape);
    let Some(weight) = weight else {
        full.fill(F::one());
        return full;
    };
    assert!(
        weight.broadcast(shape.as_slice()).is_some(),
        "bce_with_logits: {name} of shape {:?} does not broadcast to {shape:?}",
        weight.shape()
    );
    kernels::apply1(full.view_mut(), weight.view(), |d, w| *d = w);
    full
}

/// `ln(1 + eˣ)` without overflow.
fn softplus<F: Float>(x: F) -> F {
    (-x.abs()).exp_().ln_1p_() + if x > F::zero() { x } else { F::zero() }
}

/// Inputs are x, z, w and p. dx = w·[(1 − z) − (1 + (p − 1)z)·σ(−x)], dz = w·[−x + (p − 1)·softplus(−x)].
struct BceOp {
    reduction: Reduction,
}
impl<F: Float> Op<F> for BceOp {
    fn name(&self) -> &'static str {
        "bce_with_logits"
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        let scale = mean_scale::<F>(self.reduction, cx.input(0).len());
        let factor = |cx: &Backward<'_, F>| {
            let mut factor = cx.tape().scratch(cx.input(2).shape());
            kernels::apply2(factor.view_mut(), cx.input(2), cx.grad(), move |d, w, g| *d = w * g * scale);
            factor
        };
        let one = F::one();
        cx.add_with(0, |cx, acc, mut dst| {
            let mut by_x = cx.tape().scratch(cx.input(2).shape());
            kernels::apply2(by_x.view_mut(), cx.input(1), cx.input(3), move |d, z, p| {
                *d = one + (p - one) * z
            });
            kernels::apply2(by_x.view_mut(), cx.input(0), cx.input(1), move |d, x, z| {
                *d = one - z - *d * (-x).sigmoid_()
            });
            finish(cx, acc, &mut dst, by_x, factor(cx));
        });
        cx.add_with(1, |cx, acc, mut dst| {
            let mut by_z = cx.tape().scratch(cx.input(2).shape());
            kernels::apply2(by_z.view_mut(), cx.input(0), cx.input(3), move |d, x, p| {
                *d = (p - one) * softplus(-x) - x;
            });
            finish(cx, acc, &mut dst, by_z, factor(cx));
        });
    }
}

/// `dst (+)= derivative · factor`, element by element.
fn finish<F: Float>(
    cx: &Backward<'_, F>,
    acc: Accum,
    dst: &mut ndarray::ArrayViewMutD<'_, F>,
    derivative: ArrayD<F>,
    factor: ArrayD<F>,
) {
    match acc {
        Accum::Set => kernels::apply2(dst.view_mut(), derivative.view(), factor.view(), |d, a, b| *d = a * b),
        Accum::Add => {
            kernels::apply2(dst.view_mut(), derivative.view(), factor.view(), |d, a, b| *d += a * b)
        }
    }
    cx.tape().recycle(derivative);
    cx.tape().recycle(factor);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tape, gradcheck};
    use ndarray::array;

    fn inputs() -> [ArrayD<f64>; 2] {
        [array![[0.3, -1.2], [2.0, 0.7]].into_dyn(), array![[0.0, 1.0], [0.25, 0.6]].into_dyn()]
    }

    #[test]
    fn gradients_hold_for_both_inputs_and_every_reduction() {
        for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
            gradcheck(|v| v[0].mse_loss_with(v[1], reduction), &inputs()).expect("mse_loss");
            for weight in [None, Some(array![0.5, 2.0].into_dyn())] {
                for pos_weight in [None, Some(array![[3.0], [0.25]].into_dyn())] {
                    let bce = BceWithLogits { reduction, weight: weight.clone(), pos_weight };
                    gradcheck(|v| bce.loss(v[0], v[1]), &inputs()).expect("bce_with_logits");
                }
            }
        }
    }

    #[test]
    fn a_scalar_loss_added_to_rows_broadcasts_as_in_the_post() {
        gradcheck(|v| (v[0].mse_loss(v[1]) + v[0].select(1, 0).exp()).mean(), &inputs())
            .expect("scalar into rows");
    }

    #[test]
    fn extreme_logits_stay_finite() {
        let tape = Tape::new();
        let x = tape.leaf(array![1e4f32, -1e4, 1e4, -1e4]);
        let loss = x.bce_with_logits(tape.constant(array![1f32, 0.0, 0.0, 1.0]));
        assert_eq!(loss.item(), 5e3);
        loss.backward();
        assert_eq!(x.grad().expect("a gradient"), array![0.0f32, 0.0, 0.25, -0.25].into_dyn());
    }

    #[test]
    #[should_panic(expected = "mse_loss: shapes [2, 2] and [2] differ")]
    fn shapes_that_differ_are_refused() {
        let tape = Tape::new();
        tape.leaf(inputs()[0].clone()).mse_loss(tape.leaf(array![0.0, 1.0]));
    }
}
