//! A layer on several values side by side, each times a factor for every row.

use super::linear::{add_bias_gradient, matrix, with_slice};
use crate::kernels::{self, Epilogue, gemm, gemm_epilogue};
use crate::{Backward, Float, Op, Var};
use ndarray::{ArrayView2, ArrayViewMut2, ArrayViewMutD, Axis, Ix2, Slice};

/// `concat([x₁·c₁, x₂·c₂, …], 1).linear(weight, bias)` up to rounding, where each cᵢ is one number a row, (rows, 1), or not
/// there: `Σᵢ cᵢ∘(xᵢ·Wᵢᵀ) + b` with Wᵢ the columns of the weight that belong to xᵢ.
///
/// Neither the weighted values nor what stands side by side exist anywhere, nor do their gradients: a factor of a row goes
/// through the product.
///
/// # Panics
/// If the shapes do not fit.
#[track_caller]
pub(crate) fn weighted_linear<'t, F: Float>(
    parts: &[(Var<'t, F>, Option<Var<'t, F>>)],
    weight: Var<'t, F>,
    bias: Option<Var<'t, F>>,
) -> Var<'t, F> {
    check(parts, weight, bias);
    let tape = weight.tape();
    let w = weight.value();
    let shape = [parts[0].0.shape()[0], w.shape()[0]];
    let mut sum = tape.scratch(&shape);
    let mut inputs: Vec<_> = [Some(weight), bias].into_iter().flatten().collect();
    let mut places = Vec::with_capacity(parts.len());
    let mut first = 0;
    for &(x, factor) in parts {
        let columns = Slice::from(first..first + x.shape()[1]);
        let mut product = tape.scratch(&shape);
        let (x_value, factor_value) = (x.value(), factor.map(Var::value));
        with_slice(bias, |bias| {
            let part = Part {
                factor: factor_value.as_ref().map(|factor| matrix(factor.view())),
                start: (first == 0).then_some(bias),
            };
            let outputs = [&mut product, &mut sum]
                .map(|out| out.view_mut().into_dimensionality::<Ix2>().expect("a matrix"));
            part.add(matrix(x_value.view()), matrix(w.slice_axis(Axis(1), columns)), outputs);
        });
        places.push(Place { x: inputs.len(), columns, weighted: factor.is_some() });
        inputs.push(x);
        match factor {
            // The product stays on the tape, which takes its memory back with the step.
            Some(factor) => inputs.extend([factor, tape.constant(product)]),
            None => tape.recycle(product),
        }
        first += x.shape()[1];
    }
    tape.apply(&inputs, sum, WeightedOp { places, bias: bias.is_some() })
}

#[track_caller]
fn check<F: Float>(parts: &[(Var<'_, F>, Option<Var<'_, F>>)], weight: Var<'_, F>, bias: Option<Var<'_, F>>) {
    let shapes: Vec<_> = parts.iter().map(|(x, factor)| (x.shape(), factor.map(Var::shape))).collect();
    let (w, rows) = (weight.shape(), shapes.first().and_then(|(x, _)| x.first().copied()));
    let fits = shapes.iter().all(|(x, factor)| {
        x.len() == 2 && Some(x[0]) == rows && factor.as_ref().is_none_or(|factor| *factor == [x[0], 1])
    });
    let fits = fits
        && w.len() == 2
        && rows.is_some()
        && shapes.iter().map(|(x, _)| x[1]).sum::<usize>() == w[1]
        && bias.is_none_or(|bias| bias.shape() == w[..1]);
    let name = weight.parameter_name().map(|name| format!(" `{name}`")).unwrap_or_default();
    assert!(
        fits,
        "linear: parts (rows, width) and factors (rows, 1) of shapes {shapes:?}, side by side, the weight{name} {w:?} (out, in)"
    );
}

/// One part of the sum.
pub(crate) struct Part<'a, F> {
    /// What each row of the product is multiplied by; 1 if not there.
    pub(crate) factor: Option<ArrayView2<'a, F>>,
    /// For the first part, what the sum starts with: a bias or nothing.
    pub(crate) start: Option<Option<&'a [F]>>,
}

impl<F: Float> Part<'_, F> {
    /// Writes `x·Wᵀ` into the first output and adds it, times the factor, to the second; the rows of both are slices.
    pub(crate) fn add(
        &self,
        x: ArrayView2<'_, F>,
        weight: ArrayView2<'_, F>,
        outputs: [ArrayViewMut2<'_, F>; 2],
    ) {
        gemm_epilogue(F::one(), x, weight.t(), F::zero(), outputs, self);
    }
}

impl<F: Float> Epilogue<F, 2> for Part<'_, F> {
    #[inline(always)]
    fn finish(&self, row: usize, col: usize, [product, sum]: [&mut [F]; 2]) {
        let factor = self.factor.map_or(F::one(), |factor| factor[[row, 0]]);
        let terms = sum.iter_mut().zip(&*product);
        match self.start {
            None => terms.for_each(|(sum, &p)| *sum += factor * p),
            Some(None) => terms.for_each(|(sum, &p)| *sum = factor * p),
            Some(Some(bias)) => {
                terms.zip(&bias[col..]).for_each(|((sum, &p), &b)| *sum = factor * p + b);
            }
        }
    }
}

/// Where a part stands.
struct Place {
    /// Its input; its factor and its product are the next two.
    x: usize,
    columns: Slice,
    weighted: bool,
}

/// Inputs are W, b if there is one, and of each part xᵢ, and cᵢ and pᵢ = xᵢ·Wᵢᵀ if it has a factor. With gᵢ = cᵢ∘dy:
/// dxᵢ = gᵢ·Wᵢ, dWᵢ = gᵢᵀ·xᵢ, dcᵢ = row sums of dy∘pᵢ, db = column sums of dy.
struct WeightedOp {
    places: Vec<Place>,
    bias: bool,
}

impl<F: Float> Op<F> for WeightedOp {
    fn name(&self) -> &'static str {
        "weighted_linear"
    }
    fn flops(&self, inputs: &[&[usize]], output: &[usize]) -> Option<u64> {
        super::matmul::product_flops(inputs[0], output)
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        if self.bias {
            add_bias_gradient(cx, 1);
        }
        // dy∘pᵢ and gᵢ.
        let mut wide = cx.tape().scratch_for_now(cx.grad().shape());
        for place in &self.places {
            if place.weighted {
                cx.add_with(place.x + 1, |cx, acc, dst| {
                    let product = cx.input(place.x + 2);
                    kernels::apply2(wide.view_mut(), cx.grad(), product, |d, g, p| *d = g * p);
                    kernels::sum_axis(dst, acc, wide.view(), 1);
                });
            }
            cx.add_with(place.x, |cx, acc, dst| {
                place.times_factor(cx, wide.view_mut());
                let dst = dst.into_dimensionality::<Ix2>().expect("a part is a matrix");
                let weight = cx.input(0);
                let weight = matrix(weight.slice_axis(Axis(1), place.columns));
                gemm(F::one(), matrix(wide.view()), weight, acc.beta(), dst);
            });
        }
        cx.add_with(0, |cx, acc, dst| {
            let mut dst = dst.into_dimensionality::<Ix2>().expect("a weight is a matrix");
            for place in &self.places {
                place.times_factor(cx, wide.view_mut());
                let dst = dst.slice_axis_mut(Axis(1), place.columns);
                gemm(F::one(), matrix(wide.view()).t(), matrix(cx.input(place.x)), acc.beta(), dst);
            }
        });
        cx.tape().recycle(wide);
    }
}

impl Place {
    /// gᵢ into `wide`.
    fn times_factor<F: Float>(&self, cx: &Backward<'_, F>, wide: ArrayViewMutD<'_, F>) {
        if self.weighted {
            kernels::apply2(wide, cx.grad(), cx.input(self.x + 1), |d, g, c| *d = g * c);
        } else {
            kernels::apply1(wide, cx.grad(), |d, g| *d = g);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tape, concat, gradcheck};
    use ndarray::{ArrayD, IxDyn};

    fn filled(shape: &[usize]) -> ArrayD<f64> {
        let mut n = shape.len() as f64;
        ArrayD::from_shape_simple_fn(IxDyn(shape), || {
            n += 1.0;
            (n * 0.7f64).sin()
        })
    }

    /// Three parts, two factors (the middle part has none), weight and bias.
    fn inputs(rows: usize, out: usize) -> [ArrayD<f64>; 7] {
        [&[rows, 3][..], &[rows, 1], &[rows, 2], &[rows, 4], &[rows, 1], &[out, 9], &[out]].map(filled)
    }

    fn fused<'t>(v: &[Var<'t, f64>], bias: bool) -> Var<'t, f64> {
        let parts = [(v[0], Some(v[1])), (v[2], None), (v[3], Some(v[4]))];
        weighted_linear(&parts, v[5], bias.then(|| v[6]))
    }

    #[test]
    fn gradients_hold_for_narrow_and_wide_results_with_and_without_bias() {
        for (rows, out) in [(4, 2), (1, 1), (3, 11)] {
            for bias in [true, false] {
                let inputs = &inputs(rows, out)[..if bias { 7 } else { 6 }];
                gradcheck(|v| fused(v, bias), inputs).expect("parts with and without factors");
            }
        }
    }

    #[test]
    fn it_is_the_layer_on_weighted_parts_side_by_side() {
        let run = |one: bool| {
            let tape = Tape::new();
            let v = inputs(40, 5).map(|input| tape.leaf(input));
            let y = if one {
                fused(&v, true)
            } else {
                concat(&[v[0] * v[1], v[2], v[3] * v[4]], 1).linear(v[5], Some(v[6]))
            };
            (y * y).sum().backward();
            [Some(y.value().into_owned())].into_iter().chain(v.map(Var::grad)).map(Option::unwrap_or_default)
        };
        for (one, other) in run(true).zip(run(false)) {
            assert_eq!(one.shape(), other.shape());
            assert!(one.iter().zip(&other).all(|(a, b)| (a - b).abs() <= 1e-13 * b.abs().max(1.0)));
        }
    }

    #[test]
    fn a_part_that_is_there_twice_and_has_a_gradient_already_gets_the_sum() {
        gradcheck(
            |v| {
                let y = weighted_linear(&[(v[0], Some(v[1])), (v[0], Some(v[1]))], v[2], None);
                (v[0].sum() + v[1].sum() + v[2].sum()) * y
            },
            &[filled(&[3, 2]), filled(&[3, 1]), filled(&[2, 4])],
        )
        .expect("a repeated part");
    }

    #[test]
    fn no_rows_give_zero_gradients() {
        let tape = Tape::new();
        let v = inputs(0, 2).map(|input| tape.leaf(input));
        fused(&v, true).sum().backward();
        assert_eq!(v[5].grad().expect("a gradient"), ArrayD::<f64>::zeros(IxDyn(&[2, 9])));
    }

    #[test]
    #[should_panic(
        expected = "linear: parts (rows, width) and factors (rows, 1) of shapes [([3, 2], Some([2, 1]))], side by side, the weight [2, 2] (out, in)"
    )]
    fn a_factor_of_other_rows_is_refused() {
        let tape = Tape::new();
        let [x, c, w] = [&[3, 2][..], &[2, 1], &[2, 2]].map(|shape| tape.leaf(filled(shape)));
        weighted_linear(&[(x, Some(c))], w, None);
    }
}
