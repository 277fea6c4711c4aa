//! The fully connected layer.

use super::{Collector, Dropout, Layer, Module, init};
use crate::ops::gate::{Gated, open_gate};
use crate::ops::linear::affine;
use crate::ops::weighted::{Part, weighted_linear};
use crate::{Activation, Float, Parameter, Tape, Var};
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, Ix2, Slice};
use rand::Rng;

/// `y = x·Wᵀ + b`: PyTorch's `nn.Linear`, with the weight as (out, in).
#[derive(Debug)]
pub struct Linear<F: Float = f32> {
    /// The weight, (out, in).
    pub weight: Parameter<F>,
    /// The bias, (out).
    pub bias: Option<Parameter<F>>,
}

impl<F: Float> Linear<F> {
    /// A layer with PyTorch's default start: weight and bias uniform in ±1/√in.
    pub fn new(in_features: usize, out_features: usize, rng: &mut impl Rng) -> Self {
        let bound = 1.0 / (in_features.max(1) as f64).sqrt();
        let weight = init::uniform(&[out_features, in_features], -bound, bound, rng);
        let bias = init::uniform(&[out_features], -bound, bound, rng);
        Linear { weight: Parameter::new(weight), bias: Some(Parameter::new(bias)) }
    }

    /// A layer with the post's start: weight [`xavier_normal`](init::xavier_normal), bias zero.
    pub fn xavier_normal(in_features: usize, out_features: usize, rng: &mut impl Rng) -> Self {
        let weight = init::xavier_normal(&[out_features, in_features], 1.0, rng);
        Linear {
            weight: Parameter::new(weight),
            bias: Some(Parameter::new(Array1::zeros(out_features).into_dyn())),
        }
    }

    /// A layer with these weights.
    ///
    /// # Panics
    /// If the bias does not have one number per row of the weight.
    #[track_caller]
    pub fn from_weights(weight: Array2<F>, bias: Option<Array1<F>>) -> Self {
        let rows = weight.nrows();
        assert!(
            bias.as_ref().is_none_or(|b| b.len() == rows),
            "Linear: a weight of {rows} rows wants a bias of {rows}"
        );
        Linear {
            weight: Parameter::new(weight.into_dyn()),
            bias: bias.map(|bias| Parameter::new(bias.into_dyn())),
        }
    }
}

impl<F: Float> Module<F> for Linear<F> {
    fn collect<'a>(&'a self, into: &mut Collector<'a, F>) {
        into.parameter("weight", &self.weight);
        if let Some(bias) = &self.bias {
            into.parameter("bias", bias);
        }
    }
}

impl<F: Float> Linear<F> {
    /// The layer and an activation as [one operation](Var::linear_with).
    ///
    /// # Panics
    /// If the last axis of `x` is not the layer's input.
    #[track_caller]
    pub fn forward_with<'t>(&self, x: Var<'t, F>, activation: Activation) -> Var<'t, F> {
        let (weight, bias) = self.on(x.tape());
        x.linear_with(weight, bias, activation)
    }

    /// The layer, the rectifier and dropout as [one operation](Var::linear_relu_dropout); in evaluation without dropout.
    ///
    /// # Panics
    /// If the last axis of `x` is not the layer's input.
    #[track_caller]
    pub fn forward_relu_dropout<'t>(&self, x: Var<'t, F>, dropout: &Dropout) -> Var<'t, F> {
        let (weight, bias) = self.on(x.tape());
        x.linear_relu_dropout(weight, bias, if dropout.is_training() { dropout.p } else { 0.0 })
    }

    /// The layer as a [gate](Var::gate) of its own input, and what it lets through.
    ///
    /// # Panics
    /// If the layer is not as wide as `x`, which has two axes.
    #[track_caller]
    pub fn forward_gate<'t>(&self, x: Var<'t, F>) -> (Var<'t, F>, Gated<'t, F>) {
        let (weight, bias) = self.on(x.tape());
        x.gate(weight, bias)
    }

    /// As [`forward_relu_dropout`](Self::forward_relu_dropout), of what a gate lets through.
    ///
    /// # Panics
    /// If what is let through is not as wide as the layer's input.
    #[track_caller]
    pub fn forward_gated<'t>(&self, gated: Gated<'t, F>, dropout: &Dropout) -> Var<'t, F> {
        let (weight, bias) = self.on(gated.tape());
        gated.linear_relu_dropout(weight, bias, if dropout.is_training() { dropout.p } else { 0.0 })
    }

    /// The layer on several values side by side, each times a factor for every row (rows, 1) if it has one:
    /// `forward(concat([x₁·c₁, x₂·c₂, …], 1))` up to rounding, computed as `Σᵢ cᵢ∘(xᵢ·Wᵢᵀ) + b` with Wᵢ the columns of the weight
    /// that belong to xᵢ. Neither the weighted values nor what stands side by side take memory.
    ///
    /// # Panics
    /// If there is no value or the shapes do not fit.
    ///
    /// ```
    /// use lightning_core::{Tape, nn::Linear};
    /// use ndarray::array;
    /// let sum = Linear::from_weights(array![[1.0, 1.0, 1.0]], None);
    /// let tape = Tape::new();
    /// let (x, half, y) = (tape.constant(array![[2.0, 4.0]]), tape.constant(array![[0.5]]), tape.constant(array![[1.0]]));
    /// assert_eq!(sum.forward_weighted(&[(x, Some(half)), (y, None)]).value(), array![[4.0]].into_dyn());
    /// ```
    #[track_caller]
    pub fn forward_weighted<'t>(&self, parts: &[(Var<'t, F>, Option<Var<'t, F>>)]) -> Var<'t, F> {
        let (first, _) = parts.first().expect("forward_weighted: at least one value");
        let (weight, bias) = self.on(first.tape());
        weighted_linear(parts, weight, bias)
    }

    /// `f(x·Wᵀ + b)` into `out`, without a tape: what [`forward_with`](Self::forward_with) computes, in memory of the
    /// caller's.
    ///
    /// # Panics
    /// If the shapes do not fit, or the numbers of a row of `out` are no neighbours.
    #[track_caller]
    pub fn infer(&self, x: ArrayView2<'_, F>, activation: Activation, out: ArrayViewMut2<'_, F>) {
        self.with_weights(x, |weight, bias| affine(x, weight, bias, activation, out));
    }

    /// The layer as a gate of `x`, without a tape: the gate into `gate`, `x` times the gate into `gated`, as
    /// [`forward_gate`](Self::forward_gate) does.
    ///
    /// # Panics
    /// If the shapes do not fit, or the numbers of a row of an output are no neighbours.
    #[track_caller]
    pub fn infer_gate(&self, x: ArrayView2<'_, F>, gate: ArrayViewMut2<'_, F>, gated: ArrayViewMut2<'_, F>) {
        let by_rows = x.ncols() <= 1 || x.strides()[1] == 1;
        let copy = if by_rows { None } else { Some(x.as_standard_layout().into_owned()) };
        let x = copy.as_ref().map_or(x, |copy| copy.view());
        self.with_weights(x, |weight, bias| open_gate(x, weight, bias, [gate, gated]));
    }

    /// One part of [`forward_weighted`](Self::forward_weighted), without a tape: the input from its column `first` on is `x`,
    /// whose product goes into `product` and is added, times `factor`, to `sum`. The part that begins with column 0 comes
    /// first: it does not add to `sum`, it starts it.
    ///
    /// # Panics
    /// If the shapes do not fit, or the numbers of a row of an output are no neighbours.
    #[track_caller]
    pub fn infer_part(
        &self,
        first: usize,
        x: ArrayView2<'_, F>,
        factor: Option<ArrayView2<'_, F>>,
        product: ArrayViewMut2<'_, F>,
        sum: ArrayViewMut2<'_, F>,
    ) {
        let weight = self.weight.value();
        let weight = weight.view().into_dimensionality::<Ix2>().expect("a weight is a matrix");
        let weight = weight.slice_axis(Axis(1), Slice::from(first..first + x.ncols()));
        let bias = self.bias.as_ref().map(Parameter::value);
        let bias = bias.as_ref().map(|bias| bias.as_slice().expect("a value is one slice"));
        let part = Part { factor, start: (first == 0).then_some(bias) };
        part.add(x, weight, [product, sum]);
    }

    #[track_caller]
    fn with_weights(&self, x: ArrayView2<'_, F>, f: impl FnOnce(ArrayView2<'_, F>, Option<&[F]>)) {
        let weight = self.weight.value();
        let weight = weight.view().into_dimensionality::<Ix2>().expect("a weight is a matrix");
        assert!(
            x.ncols() == weight.ncols(),
            "Linear: x has shape {:?} (rows, in), the weight `{}` {:?} (out, in)",
            x.shape(),
            self.weight.name(),
            weight.shape()
        );
        let bias = self.bias.as_ref().map(Parameter::value);
        f(weight, bias.as_ref().map(|bias| bias.as_slice().expect("a value is one slice")));
    }

    fn on<'t>(&self, tape: &'t Tape<F>) -> (Var<'t, F>, Option<Var<'t, F>>) {
        (tape.parameter(&self.weight), self.bias.as_ref().map(|bias| tape.parameter(bias)))
    }
}

impl<F: Float> Layer<F> for Linear<F> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, F>) -> Var<'t, F> {
        self.forward_with(x, Activation::Identity)
    }
}
