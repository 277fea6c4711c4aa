//! Samples that can be put together to batches.

use ndarray::{ArcArray, Axis, RemoveAxis, Slice};
use std::sync::Arc;

/// Samples that can be put together to batches.
///
/// An array is a data set of its rows, a `Vec<usize>` one of labels, and a pair of data sets of equal length is one
/// of pairs. Rows that lie one after the other [share the memory](rows) of the whole.
///
/// ```
/// use lightning_core::data::Dataset;
/// use ndarray::{ArcArray2, array};
/// let x: ArcArray2<f32> = array![[0., 1.], [2., 3.], [4., 5.]].into_shared();
/// let samples = (x, vec![0, 1, 1]);
/// assert_eq!(samples.batch(&[2, 0]), (array![[4., 5.], [0., 1.]].into_shared(), vec![1, 0]));
/// ```
pub trait Dataset {
    /// Several samples together.
    type Batch;

    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples with these indices, in this order.
    fn batch(&self, indices: &[usize]) -> Self::Batch;
}

/// The rows with these indices, in this order. If they lie one after the other, the memory is shared and nothing is
/// copied: an evaluation in order reads the data where it is.
///
/// # Panics
/// If an index is out of range.
#[track_caller]
pub fn rows<A: Clone, D: RemoveAxis>(array: &ArcArray<A, D>, indices: &[usize]) -> ArcArray<A, D> {
    match indices {
        [first, ..] if indices.iter().copied().eq(*first..first + indices.len()) => {
            let mut rows = array.clone();
            rows.slice_axis_inplace(Axis(0), Slice::from(*first..first + indices.len()));
            rows
        }
        _ => array.select(Axis(0), indices).into_shared(),
    }
}

impl<A: Clone, D: RemoveAxis> Dataset for ArcArray<A, D> {
    type Batch = ArcArray<A, D>;
    fn len(&self) -> usize {
        self.len_of(Axis(0))
    }
    fn batch(&self, indices: &[usize]) -> Self::Batch {
        rows(self, indices)
    }
}

impl Dataset for Vec<usize> {
    type Batch = Vec<usize>;
    fn len(&self) -> usize {
        self.len()
    }
    fn batch(&self, indices: &[usize]) -> Vec<usize> {
        indices.iter().map(|&i| self[i]).collect()
    }
}

impl<X: Dataset, Y: Dataset> Dataset for (X, Y) {
    type Batch = (X::Batch, Y::Batch);

    #[track_caller]
    fn len(&self) -> usize {
        let (x, y) = (self.0.len(), self.1.len());
        assert_eq!(x, y, "a data set of pairs has as many first parts as second ones");
        x
    }
    fn batch(&self, indices: &[usize]) -> Self::Batch {
        (self.0.batch(indices), self.1.batch(indices))
    }
}

impl<D: Dataset + ?Sized> Dataset for &D {
    type Batch = D::Batch;
    fn len(&self) -> usize {
        (**self).len()
    }
    fn batch(&self, indices: &[usize]) -> D::Batch {
        (**self).batch(indices)
    }
}

impl<D: Dataset + ?Sized> Dataset for Arc<D> {
    type Batch = D::Batch;
    fn len(&self) -> usize {
        (**self).len()
    }
    fn batch(&self, indices: &[usize]) -> D::Batch {
        (**self).batch(indices)
    }
}

/// Some of the samples of a data set: PyTorch's `Subset`.
#[derive(Clone, Debug)]
pub struct Subset<D> {
    /// All samples.
    pub dataset: D,
    /// Which of them, in this order.
    pub indices: Vec<usize>,
}

impl<D: Dataset> Dataset for Subset<D> {
    type Batch = D::Batch;
    fn len(&self) -> usize {
        self.indices.len()
    }
    fn batch(&self, indices: &[usize]) -> D::Batch {
        self.dataset.batch(&self.indices.batch(indices))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn rows_that_follow_each_other_share_memory_and_others_are_copied() {
        let all = Array2::from_shape_fn((6, 2), |(i, j)| (2 * i + j) as f32).into_shared();
        let part = rows(&all, &[2, 3, 4]);
        assert_eq!(part, all.slice(ndarray::s![2..5, ..]).to_shared());
        assert_eq!(part.as_ptr(), all.row(2).as_ptr());
        assert_eq!(rows(&all, &[5]).as_ptr(), all.row(5).as_ptr());
        for indices in [&[0, 2][..], &[3, 2], &[1, 1], &[]] {
            assert_eq!(rows(&all, indices), all.select(Axis(0), indices).into_shared());
        }
        let subset = Subset { dataset: &all, indices: vec![5, 1, 2, 3] };
        assert_eq!(subset.batch(&[1, 2]).as_ptr(), all.row(1).as_ptr());
        assert_eq!(subset.batch(&[3, 0]), rows(&all, &[3, 5]));
    }

    #[test]
    #[should_panic(expected = "as many first parts as second ones")]
    fn inputs_and_labels_of_different_number_are_a_mistake() {
        (Array2::<f32>::zeros((3, 1)).into_shared(), vec![0, 1]).len();
    }
}
