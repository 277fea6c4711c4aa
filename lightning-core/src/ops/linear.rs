//! The affine map of a layer: y = x·Wᵀ + b.

use super::activation::relu_rule;
use super::dropout::{check_probability, scale_of_kept};
use crate::kernels::random::relu_dropout;
use crate::kernels::{self, Epilogue, gemm, gemm_epilogue};
use crate::ops::Activation;
use crate::{Backward, Float, Op, Tape, Var};
use ndarray::{ArrayD, ArrayView2, ArrayViewD, ArrayViewMut2, ArrayViewMutD, CowArray, Ix2};

/// What follows the affine map in the same operation.
#[derive(Clone, Copy)]
pub(super) enum Then<F> {
    Activation(Activation),
    /// The rectifier, then dropout: an element that is 0 was negative or dropped, so y alone tells its derivative.
    ReluDropout {
        p: f64,
        /// 1/(1 − p).
        scale: F,
    },
}

impl<F: Float> Then<F> {
    /// The rectifier, and dropout if `p` is not 0.
    ///
    /// # Panics
    /// If `p` is not in [0, 1].
    #[track_caller]
    pub(super) fn relu_dropout(p: f64) -> Self {
        check_probability(p);
        if p == 0.0 {
            Then::Activation(Activation::Relu)
        } else {
            Then::ReluDropout { p, scale: scale_of_kept(p) }
        }
    }

    /// What the product itself is finished with.
    fn activation(self) -> Activation {
        match self {
            Then::Activation(activation) => activation,
            Then::ReluDropout { .. } => Activation::Identity,
        }
    }

    /// What is left to do after the product: dropout draws in the order of the elements.
    fn after(self, tape: &Tape<F>, z: &mut ArrayD<F>) {
        if let Then::ReluDropout { p, scale } = self {
            relu_dropout(z.as_slice_mut().expect("scratch is contiguous"), tape.next_draw(), p, scale);
        }
    }

    /// `g = (g + constant) · f'`, by the value `y = f(z)`.
    pub(super) fn backward(self, g: ArrayViewMutD<'_, F>, y: ArrayViewD<'_, F>, constant: F) {
        match self {
            Then::Activation(activation) => activation.backward(g, y, constant),
            Then::ReluDropout { scale, .. } => {
                kernels::apply1(g, y, move |g, y| *g = relu_rule(*g * scale, y))
            }
        }
    }
}

/// With z = x·Wᵀ + b and y = f(z): dz = g·f'(z), dx = dz·W, dW = dzᵀ·x, db = column sums of dz.
struct LinearOp<F> {
    then: Then<F>,
}
impl<F: Float> Op<F> for LinearOp<F> {
    fn name(&self) -> &'static str {
        "linear"
    }
    fn flops(&self, inputs: &[&[usize]], output: &[usize]) -> Option<u64> {
        super::matmul::product_flops(inputs[0], output)
    }
    fn adds_constant(&self) -> bool {
        matches!(self.then, Then::Activation(Activation::Sigmoid))
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        let constant = cx.constant();
        cx.change_grad(|g, y| self.then.backward(g, y, constant));
        cx.add_with(0, |cx, acc, dst| {
            let (dz, w) = (rows(cx.grad()), matrix(cx.input(1)));
            let dim = (dz.nrows(), w.ncols());
            let dst = dst.into_shape_with_order(dim).expect("a gradient buffer is contiguous");
            gemm(F::one(), dz.view(), w, acc.beta(), dst);
        });
        cx.add_with(1, |cx, acc, dst| {
            let dst = dst.into_dimensionality::<Ix2>().expect("a weight is a matrix");
            gemm(F::one(), rows(cx.grad()).t(), rows(cx.input(0)).view(), acc.beta(), dst);
        });
        if cx.inputs() == 3 {
            add_bias_gradient(cx, 2);
        }
    }
}

/// Adds the column sums of the gradient to that of the bias, input `i`.
pub(super) fn add_bias_gradient<F: Float>(cx: &mut Backward<'_, F>, i: usize) {
    cx.add_with(i, |cx, acc, dst| {
        let dz = rows(cx.grad());
        kernels::sum_axis(dst.insert_axis(ndarray::Axis(0)), acc, dz.view().into_dyn(), 0);
    });
}

/// All axes but the last as one: a view unless the memory has gaps.
fn rows<F: Float>(x: ArrayViewD<'_, F>) -> CowArray<'_, F, Ix2> {
    let width = *x.shape().last().expect("a layer's input has an axis");
    let count = x.shape()[..x.ndim() - 1].iter().product::<usize>();
    if x.ndim() == 2 {
        return CowArray::from(x.into_dimensionality::<Ix2>().expect("two axes"));
    }
    if x.is_standard_layout() {
        return CowArray::from(x.into_shape_with_order((count, width)).expect("contiguous"));
    }
    let owned = x.as_standard_layout().into_owned();
    CowArray::from(owned.into_shape_with_order((count, width)).expect("contiguous"))
}

/// A weight, whose shape was checked, or an input with two axes.
pub(super) fn matrix<F>(w: ArrayViewD<'_, F>) -> ArrayView2<'_, F> {
    w.into_dimensionality::<Ix2>().expect("a matrix")
}

/// The numbers of a bias as one slice.
pub(super) fn with_slice<F: Float, R>(bias: Option<Var<'_, F>>, f: impl FnOnce(Option<&[F]>) -> R) -> R {
    let value = bias.map(Var::value);
    let value = value.as_ref().map(|bias| bias.as_standard_layout());
    f(value.as_ref().and_then(|bias| bias.as_slice()))
}

impl<'t, F: Float> Var<'t, F> {
    /// `x·Wᵀ + b` over the last axis of `x` (…, in), with `weight` (out, in) and `bias` (out): PyTorch's `F.linear`.
    ///
    /// # Panics
    /// If the shapes do not fit; the message has the meaning of the axes and the weight's name.
    #[track_caller]
    pub fn linear(self, weight: Self, bias: Option<Self>) -> Self {
        self.linear_with(weight, bias, Activation::Identity)
    }

    /// `f(x·Wᵀ + b)`: [`linear`](Self::linear) and an activation in one operation, which saves a pass over the
    /// result and its memory. The numbers are those of the two.
    ///
    /// # Panics
    /// As [`linear`](Self::linear).
    #[track_caller]
    pub fn linear_with(self, weight: Self, bias: Option<Self>, activation: Activation) -> Self {
        self.linear_then(weight, bias, Then::Activation(activation))
    }

    /// `dropout(max(x·Wᵀ + b, 0))` with probability `p`: [`linear`](Self::linear), [`relu`](Self::relu) and
    /// [`dropout`](Self::dropout) in one operation, which keeps neither a mask nor what came before it. The numbers are
    /// those of the three.
    ///
    /// # Panics
    /// As [`linear`](Self::linear), and if `p` is not in [0, 1].
    #[track_caller]
    pub fn linear_relu_dropout(self, weight: Self, bias: Option<Self>, p: f64) -> Self {
        self.linear_then(weight, bias, Then::relu_dropout(p))
    }

    #[track_caller]
    fn linear_then(self, weight: Self, bias: Option<Self>, then: Then<F>) -> Self {
        let (x, w) = (self.value(), weight.value());
        let fits = x.ndim() >= 1
            && w.ndim() == 2
            && x.shape()[x.ndim() - 1] == w.shape()[1]
            && bias.is_none_or(|b| b.shape() == [w.shape()[0]]);
        assert!(fits, "{}", misfit(x.shape(), weight, bias));
        let x = rows(x.view());
        let out = layer(self.tape(), x.view(), weight, bias, then);
        let mut shape = self.shape();
        *shape.last_mut().expect("an axis") = w.shape()[0];
        let out = out.into_shape_with_order(shape).expect("as many elements");
        self.record_linear(weight, bias, out, then)
    }

    pub(super) fn record_linear(
        self,
        weight: Self,
        bias: Option<Self>,
        out: ArrayD<F>,
        then: Then<F>,
    ) -> Self {
        match bias {
            Some(bias) => self.tape().apply(&[self, weight, bias], out, LinearOp { then }),
            None => self.tape().apply(&[self, weight], out, LinearOp { then }),
        }
    }
}

/// `f(x·Wᵀ + b)` in memory of the tape's, (rows, out).
pub(super) fn layer<F: Float>(
    tape: &Tape<F>,
    x: ArrayView2<'_, F>,
    weight: Var<'_, F>,
    bias: Option<Var<'_, F>>,
    then: Then<F>,
) -> ArrayD<F> {
    let weight = weight.value();
    let mut out = tape.scratch(&[x.nrows(), weight.shape()[0]]);
    let places = out.view_mut().into_dimensionality::<Ix2>().expect("a matrix");
    with_slice(bias, |bias| affine(x, matrix(weight.view()), bias, then.activation(), places));
    then.after(tape, &mut out);
    out
}

/// `out = f(x·Wᵀ + b)`; the rows of `out` are slices.
pub(crate) fn affine<F: Float>(
    x: ArrayView2<'_, F>,
    weight: ArrayView2<'_, F>,
    bias: Option<&[F]>,
    activation: Activation,
    out: ArrayViewMut2<'_, F>,
) {
    gemm_epilogue(F::one(), x, weight.t(), F::zero(), [out], &Affine { activation, bias });
}

/// `z = f(z + b)`.
struct Affine<'a, F> {
    activation: Activation,
    bias: Option<&'a [F]>,
}
impl<F: Float> Epilogue<F, 1> for Affine<'_, F> {
    #[inline(always)]
    fn finish(&self, _row: usize, col: usize, [z]: [&mut [F]; 1]) {
        self.activation.finish(z, self.bias.map(|bias| &bias[col..]));
    }
}

/// The message for shapes that do not fit.
pub(super) fn misfit<F: Float>(x: &[usize], weight: Var<'_, F>, bias: Option<Var<'_, F>>) -> String {
    let name = weight.parameter_name().map(|name| format!(" `{name}`")).unwrap_or_default();
    let bias = bias.map(|b| format!(", bias {:?} (out)", b.shape())).unwrap_or_default();
    format!("linear: x has shape {x:?} (…, in), the weight{name} {:?} (out, in){bias}", weight.shape())
}

#[cfg(test)]
mod tests {
    use crate::ops::Activation;
    use crate::{Parameter, Tape, Var, gradcheck};
    use ndarray::{Array2, ArrayD, IxDyn};

    fn filled(shape: &[usize]) -> ArrayD<f64> {
        let mut n = 0.0;
        ArrayD::from_shape_simple_fn(IxDyn(shape), || {
            n += 1.0;
            (n * 0.9f64).cos()
        })
    }

    #[test]
    fn gradients_hold_with_and_without_bias_and_for_three_axes() {
        for x in [&[4, 3][..], &[1, 3], &[2, 2, 3], &[3]] {
            gradcheck(|v| v[0].linear(v[1], Some(v[2])), &[filled(x), filled(&[2, 3]), filled(&[2])])
                .expect("with bias");
            gradcheck(|v| v[0].linear(v[1], None), &[filled(x), filled(&[1, 3])]).expect("without bias");
        }
        gradcheck(|v| v[0].t().linear(v[1], Some(v[2])), &[filled(&[3, 4]), filled(&[2, 3]), filled(&[2])])
            .expect("a transposed input");
        gradcheck(|v| v[0].transpose(0, 1).linear(v[1], None), &[filled(&[2, 4, 3]), filled(&[2, 3])])
            .expect("an input with gaps");
    }

    #[test]
    fn a_fused_activation_equals_the_composition() {
        for (activation, apart) in [
            (Activation::Relu, (|y| y.relu()) as for<'t> fn(Var<'t, f64>) -> Var<'t, f64>),
            (Activation::Sigmoid, |y| y.sigmoid()),
            (Activation::Tanh, |y| y.tanh()),
        ] {
            let inputs = [filled(&[4, 3]), filled(&[2, 3]), filled(&[2])];
            gradcheck(|v| v[0].linear_with(v[1], Some(v[2]), activation), &inputs).expect("fused");
            let run = |fused: bool| {
                let tape = Tape::new();
                let [x, w, b] = inputs.clone().map(|input| tape.leaf(input));
                let y =
                    if fused { x.linear_with(w, Some(b), activation) } else { apart(x.linear(w, Some(b))) };
                y.sum().backward();
                [Some(y.value().into_owned()), x.grad(), w.grad(), b.grad()]
            };
            assert_eq!(run(true), run(false), "{activation:?}");
        }
    }

    #[test]
    fn relu_and_dropout_in_the_layer_equal_the_three_operations() {
        let inputs = [filled(&[9, 3]), filled(&[20, 3]), filled(&[20])];
        for p in [0.0, 0.3, 1.0] {
            gradcheck(|v| v[0].linear_relu_dropout(v[1], Some(v[2]), p), &inputs).expect("fused");
            let run = |fused: bool| {
                let tape = Tape::new();
                let [x, w, b] = inputs.clone().map(|input| tape.leaf(input));
                let y = if fused {
                    x.linear_relu_dropout(w, Some(b), p)
                } else {
                    x.linear(w, Some(b)).relu().dropout(p)
                };
                (y * y).sum().backward();
                [Some(y.value().into_owned()), x.grad(), w.grad(), b.grad()]
            };
            assert_eq!(run(true), run(false), "p = {p}");
        }
    }

    #[test]
    fn the_gradient_of_data_is_skipped() {
        let tape = Tape::new();
        let (x, w) = (tape.constant(filled(&[4, 3])), tape.leaf(filled(&[2, 3])));
        x.linear(w, None).sum().backward();
        assert!(x.grad().is_none() && w.grad().is_some());
    }

    #[test]
    fn an_empty_batch_gives_zero_gradients() {
        let tape = Tape::new();
        let (w, b) = (tape.leaf(filled(&[2, 3])), tape.leaf(filled(&[2])));
        let y = tape.constant(Array2::zeros((0, 3))).linear(w, Some(b));
        assert_eq!(y.shape(), [0, 2]);
        y.sum().backward();
        assert_eq!(w.grad().expect("a gradient"), ArrayD::<f64>::zeros(IxDyn(&[2, 3])));
        assert_eq!(b.grad().expect("a gradient"), ArrayD::<f64>::zeros(IxDyn(&[2])));
    }

    #[test]
    #[should_panic(
        expected = "linear: x has shape [4, 5] (…, in), the weight `encoder.weight` [2, 3] (out, in)"
    )]
    fn a_misfit_names_the_weight() {
        let weight = Parameter::new(filled(&[2, 3]));
        weight.set_name("encoder.weight");
        let tape = Tape::new();
        tape.constant(filled(&[4, 5])).linear(tape.parameter(&weight), None);
    }
}
