//! Layers without parameters: dropout and the rectifier.

use super::{Collector, Layer, Mode, Module};
use crate::{Float, Var};

/// Drops elements with probability `p` in training, passes everything on in evaluation: PyTorch's `nn.Dropout`.
#[derive(Debug)]
pub struct Dropout {
    /// The probability of an element to be dropped.
    pub p: f64,
    mode: Mode,
}

impl Dropout {
    /// A layer in training.
    ///
    /// # Panics
    /// If `p` is not in [0, 1].
    #[track_caller]
    pub fn new(p: f64) -> Self {
        assert!((0.0..=1.0).contains(&p), "Dropout: p is a probability, found {p}");
        Dropout { p, mode: Mode::default() }
    }

    /// Whether elements are dropped at present.
    pub fn is_training(&self) -> bool {
        self.mode.is_training()
    }
}

impl<F: Float> Module<F> for Dropout {
    fn collect<'a>(&'a self, into: &mut Collector<'a, F>) {
        into.mode(&self.mode);
    }
}

impl<F: Float> Layer<F> for Dropout {
    fn forward<'t>(&self, x: Var<'t, F>) -> Var<'t, F> {
        if self.is_training() { x.dropout(self.p) } else { x }
    }
}

/// `max(x, 0)` as a layer: PyTorch's `nn.ReLU`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relu;

impl<F: Float> Module<F> for Relu {
    fn collect<'a>(&'a self, _: &mut Collector<'a, F>) {}
}

impl<F: Float> Layer<F> for Relu {
    fn forward<'t>(&self, x: Var<'t, F>) -> Var<'t, F> {
        x.relu()
    }
}
