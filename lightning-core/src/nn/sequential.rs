//! Layers one after the other.

use super::{Collector, Module};
use crate::{Float, Var};

/// A module that maps one value to another.
pub trait Layer<F: Float = f32>: Module<F> {
    /// The layer's value for `x`, on the tape of `x`.
    fn forward<'t>(&self, x: Var<'t, F>) -> Var<'t, F>;
}

/// Layers named `0`, `1`, …, each applied to the last one's value: PyTorch's `nn.Sequential`.
///
/// ```
/// use lightning_core::nn::{Layer, Linear, Relu, Sequential};
/// use lightning_core::{Seed, Tape};
/// use ndarray::Array2;
/// let mut rng = Seed(0).stream("init");
/// let net: Sequential =
///     Sequential::new().then(Linear::new(4, 8, &mut rng)).then(Relu).then(Linear::new(8, 2, &mut rng));
/// let tape = Tape::new();
/// assert_eq!(net.forward(tape.constant(Array2::ones((5, 4)))).shape(), [5, 2]);
/// ```
#[derive(Default)]
pub struct Sequential<F: Float = f32> {
    layers: Vec<Box<dyn Layer<F>>>,
}

impl<F: Float> Sequential<F> {
    /// No layer yet: the identity.
    pub fn new() -> Self {
        Sequential { layers: Vec::new() }
    }

    /// Adds a layer.
    #[must_use]
    pub fn then(mut self, layer: impl Layer<F> + 'static) -> Self {
        self.layers.push(Box::new(layer));
        self
    }
}

impl<F: Float> Module<F> for Sequential<F> {
    fn collect<'a>(&'a self, into: &mut Collector<'a, F>) {
        for (i, layer) in self.layers.iter().enumerate() {
            into.child(&i.to_string(), layer.as_ref());
        }
    }
}

impl<F: Float> Layer<F> for Sequential<F> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, F>) -> Var<'t, F> {
        self.layers.iter().fold(x, |x, layer| layer.forward(x))
    }
}
