//! Picking elements along an axis by index.

use super::shape::check_axis;
use crate::kernels::Accum;
use crate::{Backward, Float, Op, Var};
use ndarray::{Array2, ArrayD};

/// The gradient is added back at the picked places, in the order of the index.
struct GatherOp {
    axis: usize,
    index: ArrayD<usize>,
}
impl<F: Float> Op<F> for GatherOp {
    fn name(&self) -> &'static str {
        "gather"
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        cx.add_with(0, |cx, acc, mut dst| {
            if acc == Accum::Set {
                dst.fill(F::zero());
            }
            for ((mut place, &picked), &g) in self.index.indexed_iter().zip(&cx.grad()) {
                place[self.axis] = picked;
                dst[&place] += g;
            }
        });
    }
}

impl<'t, F: Float> Var<'t, F> {
    /// `y[i][j][k] = x[i][index[i][j][k]][k]` for `axis = 1`, and so on: PyTorch's `gather`. The result has the
    /// shape of `index`, which has as many axes as `x` and is nowhere longer but along `axis`.
    ///
    /// # Panics
    /// If the shapes do not fit or an index is out of range.
    #[track_caller]
    pub fn gather(self, axis: usize, index: ArrayD<usize>) -> Self {
        let x = self.value();
        check_axis("gather", axis, x.shape());
        let fits =
            index.ndim() == x.ndim() && (0..x.ndim()).all(|i| i == axis || index.shape()[i] <= x.shape()[i]);
        assert!(
            fits,
            "gather: an index of shape {:?} does not fit shape {:?} along axis {axis}",
            index.shape(),
            x.shape()
        );
        let mut out = self.tape().scratch(index.shape());
        for ((mut place, &picked), y) in index.indexed_iter().zip(&mut out) {
            let len = x.shape()[axis];
            assert!(
                picked < len,
                "gather: index {picked} of axis {axis} with length {len}, shape {:?}",
                x.shape()
            );
            place[axis] = picked;
            *y = x[place];
        }
        self.tape().apply(&[self], out, GatherOp { axis, index })
    }

    /// The score of each row's label, one axis: `gather(1, label.unsqueeze(1)).view(-1)`.
    ///
    /// # Panics
    /// If there is not one label per row or a label is out of range.
    #[track_caller]
    pub fn gather_labels(self, labels: &[usize]) -> Self {
        let (rows, _) = super::shape::check_labels("gather_labels", labels, &self.shape());
        let index = Array2::from_shape_vec((rows, 1), labels.to_vec()).expect("one label a row");
        self.gather(1, index.into_dyn()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, gradcheck};
    use ndarray::{ArrayD, IxDyn, array};

    fn x() -> [ArrayD<f64>; 1] {
        [ArrayD::from_shape_fn(IxDyn(&[3, 4]), |i| (4 * i[0] + i[1]) as f64 * 0.1)]
    }

    #[test]
    fn gradients_hold_along_both_axes_with_repeated_picks() {
        gradcheck(|v| v[0].gather(0, array![[2, 0, 2, 1], [2, 1, 0, 0]].into_dyn()).exp(), &x())
            .expect("rows");
        gradcheck(|v| v[0].gather(1, array![[3, 3], [0, 1]].into_dyn()).exp(), &x()).expect("columns");
        gradcheck(|v| v[0].softmax(1).gather_labels(&[3, 0, 1]), &x()).expect("labels");
    }

    #[test]
    #[should_panic(expected = "gather: index 4 of axis 1 with length 4")]
    fn an_index_out_of_range_is_never_read() {
        let tape = Tape::new();
        tape.leaf(x()[0].clone()).gather(1, array![[0], [4], [0]].into_dyn());
    }
}
