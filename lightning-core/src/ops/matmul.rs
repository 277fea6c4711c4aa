//! The matrix product of values with one, two or more axes, as `torch.matmul`.

use super::shape::broadcast_shapes;
use crate::kernels::{Accum, gemm};
use crate::{Backward, Float, Op, Var};
use ndarray::{ArrayView2, ArrayViewD, ArrayViewMut2, ArrayViewMutD, Dimension, Ix2, IxDyn};

/// dA = G·Bᵀ, dB = Aᵀ·G, for every matrix of the batch.
struct MatMulOp;
impl<F: Float> Op<F> for MatMulOp {
    fn name(&self) -> &'static str {
        "matmul"
    }
    fn flops(&self, inputs: &[&[usize]], output: &[usize]) -> Option<u64> {
        product_flops(inputs[0], output)
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        cx.add_with(0, |cx, acc, mut dst| {
            prepare(&mut dst, acc);
            each_matrix(&cx.grad().shape()[..batch_axes(cx)], |at| {
                gemm(
                    F::one(),
                    matrix(&cx.grad(), at),
                    matrix(&cx.input(1), at).t(),
                    F::one(),
                    matrix_mut(&mut dst, at),
                );
            });
        });
        cx.add_with(1, |cx, acc, mut dst| {
            prepare(&mut dst, acc);
            each_matrix(&cx.grad().shape()[..batch_axes(cx)], |at| {
                gemm(
                    F::one(),
                    matrix(&cx.input(0), at).t(),
                    matrix(&cx.grad(), at),
                    F::one(),
                    matrix_mut(&mut dst, at),
                );
            });
        });
    }
}

/// A multiplication and an addition for each element of the result and of the left factor's last axis.
pub(super) fn product_flops(left: &[usize], output: &[usize]) -> Option<u64> {
    Some(2 * output.iter().product::<usize>() as u64 * *left.last()? as u64)
}

fn batch_axes<F: Float>(cx: &Backward<'_, F>) -> usize {
    cx.grad().ndim() - 2
}

/// A matrix repeated over the batch collects several products: all of them are added.
fn prepare<F: Float>(dst: &mut ArrayViewMutD<'_, F>, acc: Accum) {
    if acc == Accum::Set {
        dst.fill(F::zero());
    }
}

/// Calls `f` with every index of the batch axes, in order.
fn each_matrix(batch: &[usize], mut f: impl FnMut(&[usize])) {
    for at in ndarray::indices(IxDyn(batch)) {
        f(at.slice());
    }
}

/// The matrix of `x` at index `at` of the broadcast batch.
fn matrix<'a, F>(x: &'a ArrayViewD<'_, F>, at: &[usize]) -> ArrayView2<'a, F> {
    let mut x = x.view();
    for i in own_place(x.shape(), at) {
        x = x.index_axis_move(ndarray::Axis(0), i);
    }
    x.into_dimensionality::<Ix2>().expect("two axes remain")
}

fn matrix_mut<'a, F>(x: &'a mut ArrayViewMutD<'_, F>, at: &[usize]) -> ArrayViewMut2<'a, F> {
    let place = own_place(x.shape(), at);
    let mut x = x.view_mut();
    for i in place {
        x = x.index_axis_move(ndarray::Axis(0), i);
    }
    x.into_dimensionality::<Ix2>().expect("two axes remain")
}

/// The index into the operand's own batch axes: 0 where it is repeated, fewer axes where it lacks some.
fn own_place(shape: &[usize], at: &[usize]) -> Vec<usize> {
    let own = &shape[..shape.len() - 2];
    own.iter().zip(&at[at.len() - own.len()..]).map(|(&len, &i)| if len == 1 { 0 } else { i }).collect()
}

#[track_caller]
fn misfit(a: &[usize], b: &[usize]) -> ! {
    panic!("matmul: shapes {a:?} and {b:?} do not fit")
}

impl<'t, F: Float> Var<'t, F> {
    /// The matrix product over the last two axes; the axes before them broadcast. One axis counts as a row on
    /// the left and as a column on the right, and disappears from the result.
    ///
    /// # Panics
    /// If a value has no axis or the shapes do not fit.
    ///
    /// ```
    /// use lightning_core::Tape;
    /// use ndarray::array;
    /// let tape = Tape::new();
    /// let (a, x) = (tape.constant(array![[1.0, 2.0], [3.0, 4.0]]), tape.constant(array![1.0, 1.0]));
    /// assert_eq!(a.matmul(x).value(), array![3.0, 7.0].into_dyn());
    /// ```
    #[track_caller]
    pub fn matmul(self, other: Self) -> Self {
        let (a_shape, b_shape) = (self.shape(), other.shape());
        if a_shape.is_empty() || b_shape.is_empty() {
            misfit(&a_shape, &b_shape);
        }
        let row = a_shape.len() == 1;
        let column = b_shape.len() == 1;
        let a = if row { self.reshape(&[1, a_shape[0]]) } else { self };
        let b = if column { other.reshape(&[b_shape[0], 1]) } else { other };
        let (x, y) = (a.value(), b.value());
        let (a_batch, a_matrix) = x.shape().split_at(x.ndim() - 2);
        let (b_batch, b_matrix) = y.shape().split_at(y.ndim() - 2);
        if a_matrix[1] != b_matrix[0] {
            misfit(&a_shape, &b_shape);
        }
        let Some(batch) = broadcast_shapes(a_batch, b_batch) else { misfit(&a_shape, &b_shape) };
        let shape = [&batch[..], &[a_matrix[0], b_matrix[1]]].concat();
        let mut out = self.tape().scratch(&shape);
        let (xv, yv, mut view) = (x.view(), y.view(), out.view_mut());
        each_matrix(&batch, |at| {
            gemm(F::one(), matrix(&xv, at), matrix(&yv, at), F::zero(), matrix_mut(&mut view, at));
        });
        let product = self.tape().apply(&[a, b], out, MatMulOp);
        match (row, column) {
            (false, false) => product,
            (true, false) => {
                product.reshape(&[&shape[..shape.len() - 2], &shape[shape.len() - 1..]].concat())
            }
            (false, true) => product.reshape(&shape[..shape.len() - 1]),
            (true, true) => product.reshape(&[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, gradcheck};
    use ndarray::{ArrayD, IxDyn};

    fn filled(shape: &[usize]) -> ArrayD<f64> {
        let mut n = 0.0;
        ArrayD::from_shape_simple_fn(IxDyn(shape), || {
            n += 1.0;
            (n * 0.7f64).sin()
        })
    }

    #[test]
    fn gradients_hold_for_matrices_batches_and_vectors() {
        let pairs: [(&[usize], &[usize]); 9] = [
            (&[2, 3], &[3, 4]),
            (&[1, 1], &[1, 1]),
            (&[2, 3, 4], &[2, 4, 2]),
            (&[2, 1, 3, 2], &[3, 2, 2]),
            (&[2, 3, 2], &[2, 4]),
            (&[3], &[3, 2]),
            (&[2, 3], &[3]),
            (&[3], &[3]),
            (&[2, 2, 3], &[3]),
        ];
        for (a, b) in pairs {
            gradcheck(|v| v[0].matmul(v[1]), &[filled(a), filled(b)])
                .unwrap_or_else(|e| panic!("{a:?} {b:?}: {e}"));
        }
        gradcheck(|v| v[0].t().matmul(v[0]), &[filled(&[3, 2])]).expect("a transposed operand used twice");
    }

    #[test]
    fn an_empty_inner_dimension_gives_zeros() {
        let tape = Tape::<f64>::new();
        let (a, b) = (tape.leaf(ArrayD::zeros(IxDyn(&[2, 0]))), tape.leaf(ArrayD::zeros(IxDyn(&[0, 3]))));
        let y = a.matmul(b);
        assert_eq!(y.value(), ArrayD::<f64>::zeros(IxDyn(&[2, 3])));
        y.sum().backward();
        assert_eq!(a.grad().expect("an empty gradient").shape(), [2, 0]);
    }

    #[test]
    #[should_panic(expected = "matmul: shapes [2, 3] and [4, 5] do not fit")]
    fn shapes_that_do_not_fit_are_named() {
        let tape = Tape::new();
        tape.leaf(filled(&[2, 3])).matmul(tape.leaf(filled(&[4, 5])));
    }
}
