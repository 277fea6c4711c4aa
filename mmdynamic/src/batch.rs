//! Samples as the model takes them: one matrix per view, and labels.

use crate::data::MultiOmics;
use lightning_core::data::{Dataset, rows};
use lightning_core::{BatchSize, Float};
use ndarray::{ArcArray, ArcArray2, Axis, Ix3};

/// Several samples: for each view a matrix (samples × features), and a label per sample.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiViewBatch<F: Float = f32> {
    /// One matrix per view; widths may differ.
    pub views: Vec<ArcArray2<F>>,
    /// The class of each sample.
    pub labels: Vec<usize>,
}

impl<F: Float> MultiViewBatch<F> {
    /// The post's form for views of equal width: one array (samples, views, features), of which view `v` is
    /// `data[:, v, :]`. Nothing is copied.
    pub fn from_stacked(data: &ArcArray<F, Ix3>, labels: Vec<usize>) -> Self {
        let views = (0..data.len_of(Axis(1))).map(|v| data.clone().index_axis_move(Axis(1), v)).collect();
        MultiViewBatch { views, labels }
    }
}

impl<F: Float> BatchSize for MultiViewBatch<F> {
    fn batch_size(&self) -> usize {
        self.labels.len()
    }
}

/// A data set of several views, from which a loader draws batches.
#[derive(Clone, Debug)]
pub struct MultiViewDataset<F: Float = f32> {
    all: MultiViewBatch<F>,
}

impl<F: Float> MultiViewDataset<F> {
    /// A data set of these samples.
    pub fn new(samples: MultiViewBatch<F>) -> Self {
        MultiViewDataset { all: samples }
    }

    /// All samples as one batch.
    pub fn all(&self) -> &MultiViewBatch<F> {
        &self.all
    }
}

impl<F: Float> From<&MultiOmics> for MultiViewDataset<F> {
    fn from(data: &MultiOmics) -> Self {
        let views = data.views.iter().map(|view| view.mapv(|x| F::of(f64::from(x))).into_shared()).collect();
        MultiViewDataset::new(MultiViewBatch { views, labels: data.labels.clone() })
    }
}

impl<F: Float> Dataset for MultiViewDataset<F> {
    type Batch = MultiViewBatch<F>;

    fn len(&self) -> usize {
        self.all.labels.len()
    }

    fn batch(&self, indices: &[usize]) -> MultiViewBatch<F> {
        MultiViewBatch {
            views: self.all.views.iter().map(|view| rows(view, indices)).collect(),
            labels: indices.iter().map(|&i| self.all.labels[i]).collect(),
        }
    }
}
