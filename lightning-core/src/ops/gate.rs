//! A gate of a value by itself, and a layer on what the gate lets through.

use super::activation::Activation;
use super::linear::{Then, add_bias_gradient, layer, matrix, misfit, with_slice};
use crate::kernels::{self, Accum, Epilogue, gemm, gemm_epilogue};
use crate::{Backward, Float, Op, Tape, Var};
use ndarray::{ArrayD, ArrayView2, ArrayViewMut2, Ix2};

/// What a [gate](Var::gate) lets through, `x∘g`, for a layer: it has no place on the tape. The backward pass makes it again
/// from `x` and the gate, which costs a pass over both and saves its memory until then.
pub struct Gated<'t, F: Float = f32> {
    x: Var<'t, F>,
    gate: Var<'t, F>,
    through: ArrayD<F>,
}

/// Inputs are x, the gate g, W and b. With z = (x∘g)·Wᵀ + b and y = f(z): dz = dy·f'(z), d(x∘g) = dz·W, dx = d(x∘g)∘g,
/// dg = d(x∘g)∘x, dW = dzᵀ·(x∘g), db = column sums of dz.
struct GatedOp<F> {
    then: Then<F>,
}

impl<F: Float> Op<F> for GatedOp<F> {
    fn name(&self) -> &'static str {
        "gated_linear"
    }
    fn flops(&self, inputs: &[&[usize]], output: &[usize]) -> Option<u64> {
        super::matmul::product_flops(inputs[0], output)
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        cx.change_grad(|g, y| self.then.backward(g, y, F::zero()));
        cx.add_with(2, |cx, acc, dst| {
            let mut through = cx.tape().scratch_for_now(cx.input(0).shape());
            kernels::apply2(through.view_mut(), cx.input(0), cx.input(1), |d, x, g| *d = x * g);
            let dst = dst.into_dimensionality::<Ix2>().expect("a weight is a matrix");
            gemm(F::one(), matrix(cx.grad()).t(), matrix(through.view()), acc.beta(), dst);
            cx.tape().recycle(through);
        });
        if cx.inputs() == 4 {
            add_bias_gradient(cx, 3);
        }
        if cx.needs(0) || cx.needs(1) {
            let mut through = cx.tape().scratch_for_now(cx.input(0).shape());
            let places = through.view_mut().into_dimensionality::<Ix2>().expect("a matrix");
            gemm(F::one(), matrix(cx.grad()), matrix(cx.input(2)), F::zero(), places);
            cx.add_with(0, |cx, acc, dst| match acc {
                Accum::Set => kernels::apply2(dst, through.view(), cx.input(1), |d, t, g| *d = t * g),
                Accum::Add => kernels::apply2(dst, through.view(), cx.input(1), |d, t, g| *d += t * g),
            });
            cx.add_product(1, through, 0);
        }
    }
}

impl<'t, F: Float> Var<'t, F> {
    /// The gate `g = σ(x·Wᵀ + b)`, and what it lets through, `x∘g`, for a layer. One pass over memory makes both. The numbers
    /// are those of the layer, the product and the next layer apart.
    ///
    /// # Panics
    /// As [`linear`](Self::linear), and if the gate is not as wide as `x`, which has two axes.
    ///
    /// ```
    /// use lightning_core::Tape;
    /// use ndarray::array;
    /// let tape = Tape::new();
    /// let (x, w) = (tape.constant(array![[4.0, -2.0]]), tape.constant(array![[0.0, 0.0], [0.0, 0.0]]));
    /// let (gate, gated) = x.gate(w, None);
    /// assert_eq!(gate.value(), array![[0.5, 0.5]].into_dyn());
    /// // The layer gets 2 and −1.
    /// assert_eq!(gated.linear_relu_dropout(tape.constant(array![[3.0, 1.0]]), None, 0.0).item(), 5.0);
    /// ```
    #[track_caller]
    pub fn gate(self, weight: Self, bias: Option<Self>) -> (Self, Gated<'t, F>) {
        let (x, w) = (self.value(), weight.value());
        let width = x.shape().last().copied().unwrap_or(0);
        let fits = x.ndim() == 2 && w.shape() == [width, width] && bias.is_none_or(|b| b.shape() == [width]);
        assert!(fits, "gate: {}", misfit(x.shape(), weight, bias));
        let mut open = self.tape().scratch(x.shape());
        let mut through = self.tape().scratch_for_now(x.shape());
        let outputs = [&mut open, &mut through]
            .map(|out| out.view_mut().into_dimensionality::<Ix2>().expect("a matrix"));
        let x = x.as_standard_layout();
        with_slice(bias, |bias| open_gate(matrix(x.view()), matrix(w.view()), bias, outputs));
        let gate = self.record_linear(weight, bias, open, Then::Activation(Activation::Sigmoid));
        (gate, Gated { x: self, gate, through })
    }
}

impl<'t, F: Float> Gated<'t, F> {
    pub(crate) fn tape(&self) -> &'t Tape<F> {
        self.x.tape()
    }

    /// `dropout(max((x∘g)·Wᵀ + b, 0))` with probability `p`: [`Var::linear_relu_dropout`] of what the gate lets through.
    ///
    /// # Panics
    /// As [`Var::linear_relu_dropout`].
    #[track_caller]
    pub fn linear_relu_dropout(self, weight: Var<'t, F>, bias: Option<Var<'t, F>>, p: f64) -> Var<'t, F> {
        let then = Then::relu_dropout(p);
        let (tape, w) = (self.tape(), weight.shape());
        let fits =
            w.len() == 2 && self.through.shape()[1] == w[1] && bias.is_none_or(|bias| bias.shape() == w[..1]);
        assert!(fits, "{}", misfit(self.through.shape(), weight, bias));
        let out = layer(tape, matrix(self.through.view()), weight, bias, then);
        tape.recycle(self.through);
        let inputs = [Some(self.x), Some(self.gate), Some(weight), bias];
        let inputs: Vec<_> = inputs.into_iter().flatten().collect();
        tape.apply(&inputs, out, GatedOp { then })
    }
}

/// The gate `σ(x·Wᵀ + b)` and `x` times the gate; the rows of all three are slices.
pub(crate) fn open_gate<F: Float>(
    x: ArrayView2<'_, F>,
    weight: ArrayView2<'_, F>,
    bias: Option<&[F]>,
    outputs: [ArrayViewMut2<'_, F>; 2],
) {
    gemm_epilogue(F::one(), x, weight.t(), F::zero(), outputs, &Gate { x, bias });
}

/// `z = σ(z + b)` and `x·z`.
struct Gate<'a, F> {
    x: ArrayView2<'a, F>,
    bias: Option<&'a [F]>,
}
impl<F: Float> Epilogue<F, 2> for Gate<'_, F> {
    #[inline(always)]
    fn finish(&self, row: usize, col: usize, [z, through]: [&mut [F]; 2]) {
        Activation::Sigmoid.finish(z, self.bias.map(|bias| &bias[col..]));
        let x = self.x.row(row).to_slice().expect("a row of a standard layout");
        for ((through, &z), &x) in through.iter_mut().zip(&*z).zip(&x[col..]) {
            *through = x * z;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Var, gradcheck};
    use ndarray::{ArrayD, IxDyn};

    fn filled(shape: &[usize]) -> ArrayD<f64> {
        let mut n = 0.0;
        ArrayD::from_shape_simple_fn(IxDyn(shape), || {
            n += 1.0;
            (n * 0.9f64).cos()
        })
    }

    /// x, the gate's weight and bias, the layer's weight and bias.
    fn inputs() -> [ArrayD<f64>; 5] {
        [&[5, 4][..], &[4, 4], &[4], &[3, 4], &[3]].map(filled)
    }

    /// The mean gate and the layer's sum, as one number.
    fn together<'t>(gate: Var<'t, f64>, layer: Var<'t, f64>) -> Var<'t, f64> {
        gate.mean() + (layer * layer).sum()
    }

    #[test]
    fn gate_and_layer_equal_the_three_operations() {
        for p in [0.0, 0.4] {
            for transposed in [false, true] {
                let run = |fused: bool| {
                    let tape = Tape::new();
                    let [x, gate_w, gate_b, w, b] = inputs().map(|input| tape.leaf(input));
                    let data = if transposed { x.slice(0, 0..4).t() } else { x };
                    let (gate, layer) = if fused {
                        let (gate, gated) = data.gate(gate_w, Some(gate_b));
                        (gate, gated.linear_relu_dropout(w, Some(b), p))
                    } else {
                        let gate = data.linear(gate_w, Some(gate_b)).sigmoid();
                        (gate, (data * gate).linear(w, Some(b)).relu().dropout(p))
                    };
                    together(gate, layer).backward();
                    ([gate, layer].map(Var::value), [x, gate_w, gate_b, w, b].map(Var::grad))
                };
                assert_eq!(run(true), run(false), "p = {p}, transposed: {transposed}");
            }
        }
    }

    #[test]
    fn gradients_hold_with_and_without_bias_and_for_one_row() {
        let [x, gate_w, gate_b, w, b] = inputs();
        for x in [x, filled(&[1, 4])] {
            let with = [x.clone(), gate_w.clone(), gate_b.clone(), w.clone(), b.clone()];
            gradcheck(
                |v| {
                    let (gate, gated) = v[0].gate(v[1], Some(v[2]));
                    together(gate, gated.linear_relu_dropout(v[3], Some(v[4]), 0.3))
                },
                &with,
            )
            .expect("with bias");
            gradcheck(
                |v| v[0].gate(v[1], None).1.linear_relu_dropout(v[2], None, 0.0),
                &[x, gate_w.clone(), w.clone()],
            )
            .expect("without bias");
        }
    }

    #[test]
    fn the_gradient_of_data_is_skipped_and_what_came_through_is_not_kept() {
        let tape = Tape::new();
        let [x, gate_w, gate_b, w, b] = inputs();
        let x = tape.constant(x);
        let [gate_w, gate_b, w, b] = [gate_w, gate_b, w, b].map(|input| tape.leaf(input));
        let before = tape.len();
        let (_, gated) = x.gate(gate_w, Some(gate_b));
        gated.linear_relu_dropout(w, Some(b), 0.0).sum().backward();
        assert_eq!(tape.len() - before, 3, "gate, layer and sum");
        assert!(x.grad().is_none() && gate_w.grad().is_some());
    }

    #[test]
    #[should_panic(expected = "gate: linear: x has shape [5, 4] (…, in), the weight [3, 4] (out, in)")]
    fn a_gate_of_another_width_is_refused() {
        let tape = Tape::new();
        let [x, _, _, w, _] = inputs().map(|input| tape.leaf(input));
        x.gate(w, None);
    }
}
