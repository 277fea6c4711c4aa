//! Where the first NaN of a step came from.

use super::nodes::{Node, Source};
use super::tape::Tape;
use crate::Float;
use std::fmt;

/// The operation that made the first NaN, and a parameter that has to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// The operation.
    pub op: &'static str,
    /// Whether its gradient is NaN; otherwise its value.
    pub in_backward: bool,
    /// A parameter that it read, or the first one that its gradient reached.
    pub parameter: Option<String>,
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pass = if self.in_backward { "the gradient" } else { "the value" };
        write!(f, "{pass} of `{}` is NaN", self.op)?;
        match (&self.parameter, self.in_backward) {
            (Some(name), true) => write!(f, "; the first parameter that it reached is `{name}`"),
            (Some(name), false) => write!(f, "; it read the parameter `{name}`"),
            (None, _) => Ok(()),
        }
    }
}

impl<F: Float> Tape<F> {
    /// Looks for NaN in every backward pass from now on, which takes about as long as the pass itself: PyTorch's
    /// `autograd.set_detect_anomaly`. [`take_anomaly`](Self::take_anomaly) tells what was found.
    ///
    /// ```
    /// use lightning_core::Tape;
    /// use ndarray::array;
    /// let tape = Tape::new();
    /// tape.detect_anomaly(true);
    /// let x = tape.leaf(array![0.0, 1.0]);
    /// (x.sqrt() * 0.0).sum().backward(); // √0 has no slope: ∞ · 0
    /// assert_eq!(tape.take_anomaly().unwrap().to_string(), "the gradient of `sqrt` is NaN");
    /// ```
    pub fn detect_anomaly(&self, on: bool) {
        self.watches.set(on);
    }

    /// What the backward passes since the last call found first.
    pub fn take_anomaly(&self) -> Option<Anomaly> {
        self.anomaly.take()
    }

    /// The first value on the tape that has a NaN. Operations without a gradient are not recorded and have no name.
    pub fn find_nan(&self) -> Option<Anomaly> {
        let nodes = self.nodes();
        let id = nodes.iter().position(|node| has_nan(node.value.iter()))?;
        let node = &nodes[id];
        let (op, parameter) = match &node.source {
            Source::Op(op) => {
                let named = |&id: &u32| parameter_name(&nodes[id as usize]);
                (op.name(), nodes.inputs(id).iter().find_map(named))
            }
            Source::Parameter(_) => ("parameter", parameter_name(node)),
            Source::Leaf => ("leaf", None),
            Source::Constant | Source::Freed => ("an input, or an operation without gradient", None),
        };
        Some(Anomaly { op, in_backward: false, parameter })
    }

    /// Remembers the first anomaly of the values.
    pub(super) fn note_values(&self) {
        let first = self.anomaly.take().or_else(|| self.find_nan());
        self.anomaly.set(first);
    }

    /// Remembers the first operation that gave an input a gradient with a NaN. Each input comes with whether it has.
    pub(super) fn note_gradients<'a>(
        &self,
        op: &'static str,
        mut inputs: impl Iterator<Item = (&'a Node<F>, bool)>,
    ) {
        let first = self.anomaly.take().or_else(|| {
            let (node, _) = inputs.find(|&(_, has_nan)| has_nan)?;
            Some(Anomaly { op, in_backward: true, parameter: parameter_name(node) })
        });
        self.anomaly.set(first);
    }

    /// A gradient has reached a parameter: the first one with a NaN is the one to name.
    pub(super) fn note_parameter(&self, node: &Node<F>, grad: &ndarray::ArrayD<F>) {
        let noted = self.anomaly.take().map(|anomaly| match anomaly.parameter {
            None if anomaly.in_backward && has_nan(grad.iter()) => {
                Anomaly { parameter: parameter_name(node), ..anomaly }
            }
            _ => anomaly,
        });
        self.anomaly.set(noted);
    }
}

fn has_nan<'a, F: Float>(mut values: impl Iterator<Item = &'a F>) -> bool {
    values.any(|x| x.is_nan())
}

fn parameter_name<F: Float>(node: &Node<F>) -> Option<String> {
    match &node.source {
        Source::Parameter(parameter) => Some(parameter.name()).filter(|name| !name.is_empty()),
        _ => None,
    }
}
