//! What an operation must know: how to carry a gradient back to its inputs.

use super::nodes::{Node, Nodes, Source};
use super::tape::Tape;
use crate::Float;
use crate::kernels::{self, Accum};
use ndarray::{ArrayD, ArrayViewD, ArrayViewMutD, IxDyn};

/// The backward rule of an operation. What it remembers of the forward pass are its fields.
///
/// See [`Tape::apply`] for a complete operation of one's own.
pub trait Op<F: Float> {
    /// A name for messages and profiles.
    fn name(&self) -> &'static str;

    /// Adds to the gradient of every input that [needs](Backward::needs) one.
    fn backward(&self, cx: &mut Backward<'_, F>);

    /// Floating-point operations of a forward pass with these shapes, for profiles: those of products, which are most
    /// of a model's work. The gradient of a product by a factor takes as many again.
    fn flops(&self, inputs: &[&[usize]], output: &[usize]) -> Option<u64> {
        let _ = (inputs, output);
        None
    }

    /// Whether [`backward`](Self::backward) adds [`Backward::constant`] to the gradient itself, in a pass that it makes
    /// anyway. Otherwise that is done for it.
    #[doc(hidden)]
    fn adds_constant(&self) -> bool {
        false
    }
}

/// What a backward pass knows of a node. Its gradient as far as it is known is `buffer + constant`.
pub(super) struct Slot<F: Float> {
    pub(super) buffer: Option<ArrayD<F>>,
    /// The same number for every element, from a sum or a mean over all of them: it waits for a pass to join.
    pub(super) constant: Option<F>,
    /// Whether the pass went through the node.
    pub(super) visited: bool,
    /// Whether another loss, yet to go backward, reads the node.
    pub(super) awaited: bool,
}

impl<F: Float> Slot<F> {
    pub(super) fn has_nan(&self) -> bool {
        self.constant.is_some_and(F::is_nan) || self.buffer.iter().flatten().any(|g| g.is_nan())
    }
}

impl<F: Float> Default for Slot<F> {
    fn default() -> Self {
        Slot { buffer: None, constant: None, visited: false, awaited: false }
    }
}

/// What a backward rule sees: the gradient of its output, the values, and where to put its results.
pub struct Backward<'a, F: Float> {
    tape: &'a Tape<F>,
    nodes: &'a Nodes<F>,
    grads: &'a mut [Slot<F>],
    id: usize,
    grad: ArrayD<F>,
    constant: F,
}

impl<'a, F: Float> Backward<'a, F> {
    pub(super) fn new(
        tape: &'a Tape<F>,
        nodes: &'a Nodes<F>,
        grads: &'a mut [Slot<F>],
        id: usize,
        grad: ArrayD<F>,
        constant: F,
    ) -> Self {
        Backward { tape, nodes, grads, id, grad, constant }
    }

    pub(super) fn into_grad(self) -> ArrayD<F> {
        self.grad
    }

    /// The tape, for [scratch memory](Tape::scratch).
    pub fn tape(&self) -> &'a Tape<F> {
        self.tape
    }

    /// The gradient of the loss by this operation's output.
    pub fn grad(&self) -> ArrayViewD<'_, F> {
        self.grad.view()
    }

    /// Changes the gradient in place: `f(gradient, output)`. The rule of a fused activation needs no memory of its own.
    pub(crate) fn change_grad(&mut self, f: impl FnOnce(ArrayViewMutD<'_, F>, ArrayViewD<'_, F>)) {
        f(self.grad.view_mut(), self.nodes[self.id].value.view());
    }

    /// What is still to be added to every element of the gradient; 0 for operations that do not
    /// [add it](Op::adds_constant).
    pub(crate) fn constant(&self) -> F {
        self.constant
    }

    /// Adds one number to the whole gradient of input `i`. Nothing is written before somebody reads that gradient.
    pub(crate) fn add_constant(&mut self, i: usize, constant: F) {
        let id = self.input_id(i);
        if self.nodes[id].needs_grad {
            let slot = &mut self.grads[id];
            slot.constant = Some(slot.constant.map_or(constant, |other| other + constant));
        }
    }

    /// The gradient of the output, for a rule that needs it no longer where it is.
    pub(crate) fn take_grad(&mut self) -> ArrayD<F> {
        std::mem::replace(&mut self.grad, ArrayD::zeros(IxDyn(&[0])))
    }

    /// Adds `array` times input `factor` to the gradient of input `i`, undoing broadcasting. The array is scratch memory,
    /// which becomes that gradient's where it can: where input `i` has none yet, is not broadcast and keeps no memory of its
    /// own.
    pub(crate) fn add_product(&mut self, i: usize, mut array: ArrayD<F>, factor: usize) {
        let id = self.input_id(i);
        let (node, factor) = (&self.nodes[id], &self.nodes[self.input_id(factor)].value);
        let fits = node.value.shape() == array.shape() && factor.shape() == array.shape();
        if fits && matches!(node.source, Source::Op(_)) && self.grads[id].buffer.is_none() {
            kernels::apply1(array.view_mut(), factor.view(), |g, x| *g *= x);
            self.grads[id].buffer = Some(array);
            return;
        }
        self.add_with(i, |cx, acc, dst| cx.map2(dst, acc, array.view(), factor.view(), |g, x| g * x));
        self.tape.recycle(array);
    }

    /// The value that the forward pass gave.
    pub fn output(&self) -> ArrayViewD<'_, F> {
        self.nodes[self.id].value.view()
    }

    /// The value of input `i`.
    pub fn input(&self, i: usize) -> ArrayViewD<'_, F> {
        self.nodes[self.input_id(i)].value.view()
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.nodes.inputs(self.id).len()
    }

    /// Whether anybody wants the gradient of input `i`: do no work for it otherwise.
    pub fn needs(&self, i: usize) -> bool {
        self.nodes[self.input_id(i)].needs_grad
    }

    /// Lets `f(self, how, buffer)` write or add the gradient of input `i`, of the input's own shape, straight
    /// into its buffer. With [`Accum::Set`] the old content of the buffer is arbitrary. Skipped when not needed.
    pub fn add_with(&mut self, i: usize, f: impl FnOnce(&Self, Accum, ArrayViewMutD<'_, F>)) {
        let id = self.input_id(i);
        if !self.nodes[id].needs_grad {
            return;
        }
        let (acc, mut buffer) = match self.grads[id].buffer.take() {
            Some(buffer) => (Accum::Add, buffer),
            None => (Accum::Set, self.fresh(id)),
        };
        f(self, acc, buffer.view_mut());
        self.grads[id].buffer = Some(buffer);
    }

    /// Adds `f(a, b)`, element by element, to the gradient of input `i`; undoes broadcasting if `a` is larger
    /// than the input. `sources` picks `a` and `b`; `b` is broadcast to the shape of `a`.
    pub fn add_map2(
        &mut self,
        i: usize,
        sources: impl for<'b> FnOnce(&'b Self) -> (ArrayViewD<'b, F>, ArrayViewD<'b, F>),
        f: impl Fn(F, F) -> F + Copy + Sync,
    ) {
        self.add_with(i, |cx, acc, dst| {
            let (a, b) = sources(cx);
            cx.map2(dst, acc, a, b, f);
        });
    }

    fn map2(
        &self,
        dst: ArrayViewMutD<'_, F>,
        acc: Accum,
        a: ArrayViewD<'_, F>,
        b: ArrayViewD<'_, F>,
        f: impl Fn(F, F) -> F + Copy + Sync,
    ) {
        if a.shape() == dst.shape() {
            match acc {
                Accum::Set => kernels::apply2(dst, a, b, move |d, a, b| *d = f(a, b)),
                Accum::Add => kernels::apply2(dst, a, b, move |d, a, b| *d += f(a, b)),
            }
        } else {
            let mut wide = self.tape.scratch_for_now(a.shape());
            kernels::apply2(wide.view_mut(), a, b, move |d, a, b| *d = f(a, b));
            kernels::sum_to_shape(dst, acc, wide.view());
            self.tape.recycle(wide);
        }
    }

    /// Adds `scale · gradient` of the output to the gradient of input `i`, undoing broadcasting.
    pub fn add_scaled(&mut self, i: usize, scale: F) {
        self.add_with(i, |cx, acc, dst| {
            let g = cx.grad();
            if g.shape() == dst.shape() {
                match acc {
                    Accum::Set => kernels::apply1(dst, g, move |d, g| *d = scale * g),
                    Accum::Add => kernels::apply1(dst, g, move |d, g| *d += scale * g),
                }
            } else if scale == F::one() {
                kernels::sum_to_shape(dst, acc, g);
            } else {
                let mut wide = cx.tape.scratch_for_now(g.shape());
                kernels::apply1(wide.view_mut(), g, move |d, g| *d = scale * g);
                kernels::sum_to_shape(dst, acc, wide.view());
                cx.tape.recycle(wide);
            }
        });
    }

    fn fresh(&self, id: usize) -> ArrayD<F> {
        fresh_gradient(self.tape, &self.nodes[id])
    }

    fn input_id(&self, i: usize) -> usize {
        self.nodes.inputs(self.id)[i] as usize
    }
}

/// Memory for the gradient of a node, with arbitrary content.
pub(super) fn fresh_gradient<F: Float>(tape: &Tape<F>, node: &Node<F>) -> ArrayD<F> {
    match &node.source {
        // What a parameter keeps must not be a buffer that the next step of the tape misses.
        Source::Parameter(parameter) => {
            parameter.take_spare().unwrap_or_else(|| tape.scratch_to_keep(node.value.shape()))
        }
        _ => tape.scratch_for_now(node.value.shape()),
    }
}
