//! A handle of a value on a tape: two words, `Copy`, so that formulas read like formulas.

use super::nodes::Source;
use super::tape::Tape;
use crate::Float;
use ndarray::{ArcArray, ArrayD, IxDyn};
use std::fmt;

/// A value on a [`Tape`]. Operations are methods and operators; results live on the same tape.
///
/// ```
/// use lightning_core::Tape;
/// use ndarray::array;
/// let tape = Tape::new();
/// let x = tape.leaf(array![0.0f32, 1.0]);
/// let y = (2.0 * x + 1.0).sigmoid().sum();
/// y.backward();
/// assert_eq!(x.grad().unwrap().shape(), [2]);
/// ```
pub struct Var<'t, F: Float = f32> {
    tape: &'t Tape<F>,
    id: u32,
}

// By hand: the derives would ask for `F: Copy` and more.
impl<F: Float> Clone for Var<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<F: Float> Copy for Var<'_, F> {}

impl<F: Float> fmt::Debug for Var<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Var({:?})", self.value())
    }
}

impl<'t, F: Float> Var<'t, F> {
    pub(super) fn new(tape: &'t Tape<F>, id: u32) -> Self {
        Var { tape, id }
    }

    pub(super) fn id(self) -> u32 {
        self.id
    }

    /// The tape it lives on.
    pub fn tape(self) -> &'t Tape<F> {
        self.tape
    }

    /// The value; shares memory with the tape. Of a parameter after [`backward`](Self::backward): its current value.
    ///
    /// # Panics
    /// For a view of a parameter after a backward pass, which let go of it.
    #[track_caller]
    pub fn value(self) -> ArcArray<F, IxDyn> {
        self.read(Clone::clone)
    }

    /// Lengths of the axes; empty for a scalar.
    #[track_caller]
    pub fn shape(self) -> Vec<usize> {
        self.read(|value| value.shape().to_vec())
    }

    /// Number of axes.
    #[track_caller]
    pub fn ndim(self) -> usize {
        self.read(|value| value.ndim())
    }

    /// Number of elements.
    #[track_caller]
    pub fn len(self) -> usize {
        self.read(|value| value.len())
    }

    /// Whether it has no element.
    #[track_caller]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The only element.
    ///
    /// # Panics
    /// If there is not exactly one.
    #[track_caller]
    pub fn item(self) -> F {
        let value = self.value();
        assert_eq!(value.len(), 1, "item: a value of shape {:?} has not exactly one element", value.shape());
        *value.first().expect("one element")
    }

    /// The same value, cut off from the graph.
    #[track_caller]
    pub fn detach(self) -> Self {
        self.tape.detached(self.id, self.value())
    }

    /// Whether a backward pass from here reaches a parameter or a leaf.
    pub fn requires_grad(self) -> bool {
        self.tape.with_node(self.id, |node| node.needs_grad)
    }

    /// The gradient of a [leaf](Tape::leaf) after a backward pass that reached it.
    pub fn grad(self) -> Option<ArrayD<F>> {
        self.tape.leaf_grad(self.id)
    }

    /// Adds the gradients of this scalar to the leaves and parameters it was made from, then frees the
    /// operations it went through, as PyTorch does.
    ///
    /// # Panics
    /// If it has more than one element, depends on nothing that requires a gradient, or was freed before.
    #[track_caller]
    pub fn backward(self) {
        self.tape.backward(self.id, self.scalar_seed(), false);
    }

    /// As [`backward`](Self::backward), but keeps the graph for another pass.
    ///
    /// # Panics
    /// As [`backward`](Self::backward).
    #[track_caller]
    pub fn backward_retain_graph(self) {
        self.tape.backward(self.id, self.scalar_seed(), true);
    }

    /// A backward pass from a value of any shape, given the gradient of the loss by it.
    ///
    /// # Panics
    /// If the shapes differ; and as [`backward`](Self::backward).
    #[track_caller]
    pub fn backward_with(self, grad: ArrayD<F>) {
        assert_eq!(grad.shape(), self.shape(), "backward_with: the gradient has the value's shape");
        self.tape.backward(self.id, grad, false);
    }

    /// Reads the value; that of a parameter which a backward pass let go of is the parameter's present one.
    #[track_caller]
    fn read<R>(self, f: impl FnOnce(&ArcArray<F, IxDyn>) -> R) -> R {
        let result = self.tape.with_node(self.id, |node| match &node.source {
            Source::Parameter(parameter) if node.value.is_empty() => Some(f(&parameter.value())),
            Source::Freed if node.value.is_empty() && node.borrows_parameter => None,
            _ => Some(f(&node.value)),
        });
        result.expect("a view of a parameter, which a backward pass let go of: take the view again after it")
    }

    #[track_caller]
    fn scalar_seed(self) -> ArrayD<F> {
        let shape = self.shape();
        assert_eq!(
            shape.iter().product::<usize>(),
            1,
            "backward: a loss has one element, this value has shape {shape:?}; take its mean or sum, or use backward_with"
        );
        ArrayD::ones(shape)
    }

    /// The name of the parameter that this handle stands for, for messages.
    pub(crate) fn parameter_name(self) -> Option<String> {
        self.tape.with_node(self.id, |node| match &node.source {
            Source::Parameter(parameter) => Some(parameter.name()).filter(|name| !name.is_empty()),
            _ => None,
        })
    }
}
