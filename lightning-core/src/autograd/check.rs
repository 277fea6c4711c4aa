//! A public gradient checker: backward passes against central differences.

use super::{Tape, Var};
use ndarray::{ArrayD, Dimension, IxDyn};

/// A gradient that disagrees with the finite difference.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[error(
    "gradient of output {output} by input {input} at {index:?}: backward gives {analytic:e}, central differences {numeric:e}"
)]
#[non_exhaustive]
pub struct GradcheckError {
    /// Which input.
    pub input: usize,
    /// Which of its elements.
    pub index: Vec<usize>,
    /// Which element of the output, in row-major order.
    pub output: usize,
    /// What the backward pass gave.
    pub analytic: f64,
    /// What central differences gave.
    pub numeric: f64,
}

/// Compares every element of the Jacobian of `f` at `inputs` with central differences, relative to 1e-6.
///
/// `f` gets the inputs as [leaves](Tape::leaf) and may return a value of any shape; it must be a function of
/// them alone.
///
/// # Errors
/// The first element that disagrees.
///
/// ```
/// use lightning_core::gradcheck;
/// use ndarray::array;
/// gradcheck(|x| (x[0] * x[1]).sigmoid(), &[array![0.5, -1.0].into_dyn(), array![2.0, 0.1].into_dyn()])?;
/// # Ok::<(), lightning_core::GradcheckError>(())
/// ```
pub fn gradcheck<G>(f: G, inputs: &[ArrayD<f64>]) -> Result<(), GradcheckError>
where
    G: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    gradcheck_with(f, inputs, 1e-6, 1e-8)
}

/// As [`gradcheck`] with tolerances of one's own: `|analytic − numeric| ≤ absolute + relative · |numeric|`.
///
/// # Errors
/// The first element that disagrees.
pub fn gradcheck_with<G>(
    f: G,
    inputs: &[ArrayD<f64>],
    relative: f64,
    absolute: f64,
) -> Result<(), GradcheckError>
where
    G: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    let jacobian = backward_jacobian(&f, inputs);
    for (input, x) in inputs.iter().enumerate() {
        for (place, (index, _)) in x.indexed_iter().enumerate() {
            let numeric = central_difference(&f, inputs, input, &index);
            for (output, &numeric) in numeric.iter().enumerate() {
                let analytic = jacobian[output][input][place];
                let gap = (analytic - numeric).abs();
                if gap.is_nan() || gap > absolute + relative * numeric.abs() {
                    let index = index.slice().to_vec();
                    return Err(GradcheckError { input, index, output, analytic, numeric });
                }
            }
        }
    }
    Ok(())
}

/// `[output][input][element]`; an input that a backward pass did not reach counts as zero.
fn backward_jacobian<G>(f: &G, inputs: &[ArrayD<f64>]) -> Vec<Vec<Vec<f64>>>
where
    G: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    let outputs = {
        let tape = Tape::new();
        f(&leaves(&tape, inputs)).len()
    };
    (0..outputs)
        .map(|output| {
            let tape = Tape::new();
            let vars = leaves(&tape, inputs);
            let y = f(&vars);
            let mut seed = ArrayD::zeros(y.shape());
            *seed.iter_mut().nth(output).expect("an element of the output") = 1.0;
            y.backward_with(seed);
            vars.iter()
                .map(|v| v.grad().map_or(vec![0.0; v.len()], |g| g.iter().copied().collect()))
                .collect()
        })
        .collect()
}

/// Fourth-order central differences: the error is about 1e-12 relative for smooth functions of order one.
fn central_difference<G>(f: &G, inputs: &[ArrayD<f64>], input: usize, index: &IxDyn) -> Vec<f64>
where
    G: for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>,
{
    let step = 1e-3 * inputs[input][index].abs().max(1.0);
    let at = |offset: f64| {
        let mut moved = inputs.to_vec();
        moved[input][index] += offset;
        let tape = Tape::new();
        f(&leaves(&tape, &moved)).value().iter().copied().collect::<Vec<f64>>()
    };
    let (far_left, left, right, far_right) = (at(-2.0 * step), at(-step), at(step), at(2.0 * step));
    (0..left.len())
        .map(|i| (far_left[i] - 8.0 * left[i] + 8.0 * right[i] - far_right[i]) / (12.0 * step))
        .collect()
}

fn leaves<'t>(tape: &'t Tape<f64>, inputs: &[ArrayD<f64>]) -> Vec<Var<'t, f64>> {
    inputs.iter().map(|x| tape.leaf(x.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Backward, Op};
    use ndarray::array;

    struct WrongSquare;
    impl Op<f64> for WrongSquare {
        fn name(&self) -> &'static str {
            "wrong square"
        }
        fn backward(&self, cx: &mut Backward<'_, f64>) {
            cx.add_map2(0, |cx| (cx.grad(), cx.input(0)), |g, x| g * x);
        }
    }

    #[test]
    fn a_wrong_rule_is_found_and_named() {
        fn wrong<'t>(x: &[Var<'t, f64>]) -> Var<'t, f64> {
            x[0].tape().apply(&[x[0]], x[0].value().mapv(|x| x * x), WrongSquare)
        }
        let error =
            gradcheck(wrong, &[array![1.0, 2.0].into_dyn()]).expect_err("half the gradient is missing");
        assert_eq!((error.input, error.index.as_slice(), error.output), (0, &[0][..], 0));
        assert_eq!(error.analytic, 1.0);
    }
}
