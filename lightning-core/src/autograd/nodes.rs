//! What a tape holds: values, and what each was made from.

use super::op::Op;
use super::param::Parameter;
use crate::Float;
use ndarray::{ArcArray, IxDyn};
use std::ops::{Deref, DerefMut};
use std::vec::Drain;

/// A value with its origin.
pub(super) struct Node<F: Float> {
    pub(super) value: ArcArray<F, IxDyn>,
    pub(super) source: Source<F>,
    pub(super) needs_grad: bool,
    /// Its memory is a parameter's: it must be let go before the optimizer writes there.
    pub(super) borrows_parameter: bool,
    /// Where its inputs begin and end in the list of all.
    inputs: [u32; 2],
}

pub(super) enum Source<F: Float> {
    Constant,
    Leaf,
    Parameter(Parameter<F>),
    Op(Box<dyn Op<F>>),
    /// An operation whose backward pass is done.
    Freed,
}

/// All nodes in order of creation. Their inputs stand in one list: a list for each would be a piece of memory for each.
pub(super) struct Nodes<F: Float> {
    all: Vec<Node<F>>,
    inputs: Vec<u32>,
}

impl<F: Float> Default for Nodes<F> {
    fn default() -> Self {
        Nodes { all: Vec::new(), inputs: Vec::new() }
    }
}

impl<F: Float> Nodes<F> {
    /// How many inputs all nodes have.
    pub(super) fn input_count(&self) -> u32 {
        place(self.inputs.len())
    }

    /// Adds an input of the node that is to be pushed next.
    pub(super) fn push_input(&mut self, id: u32) {
        self.inputs.push(id);
    }

    /// Adds a node; its number. Its inputs are those that were pushed since there were `first`.
    pub(super) fn push(
        &mut self,
        value: ArcArray<F, IxDyn>,
        source: Source<F>,
        needs_grad: bool,
        borrows_parameter: bool,
        first: u32,
    ) -> u32 {
        let id = place(self.all.len());
        let inputs = [first, self.input_count()];
        self.all.push(Node { value, source, needs_grad, borrows_parameter, inputs });
        id
    }

    /// The nodes that a node was made from.
    pub(super) fn inputs(&self, id: usize) -> &[u32] {
        let [first, end] = self.all[id].inputs;
        &self.inputs[first as usize..end as usize]
    }

    /// Takes all nodes out.
    pub(super) fn drain(&mut self) -> Drain<'_, Node<F>> {
        self.inputs.clear();
        self.all.drain(..)
    }
}

fn place(index: usize) -> u32 {
    u32::try_from(index).expect("a tape holds at most 2³² values and inputs")
}

impl<F: Float> Deref for Nodes<F> {
    type Target = [Node<F>];

    fn deref(&self) -> &[Node<F>] {
        &self.all
    }
}

impl<F: Float> DerefMut for Nodes<F> {
    fn deref_mut(&mut self) -> &mut [Node<F>] {
        &mut self.all
    }
}
