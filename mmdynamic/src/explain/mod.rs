//! Why the model answers as it does: which features its gates let through, which ones its answers depend on, how far the
//! two agree, and whether another run would say the same.
//!
//! A gate tells what the model looks at, and costs one pass over the data. Permutation importance tells what its answers
//! lose without a feature, and costs a pass for every feature. A feature may rank high in one and not in the other: gates
//! know nothing of how large a feature is or what stands behind them, and permutation sees none of two features that
//! tell the same.

mod agreement;
mod permutation;

pub use agreement::{Agreement, Stability, agreement, spearman, stability, top_features};
pub use permutation::{Importance, PermutationOptions, permutation_importance};

use crate::batch::MultiViewBatch;
use crate::model::MmDynamic;
use lightning_core::{Activation, Float, Tape};
use ndarray::{Array2, Axis, Ix2};

/// The gates of a view's features, averaged over samples.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewGates {
    /// Mean over all samples, a number per feature.
    pub mean: Vec<f64>,
    /// Mean over the samples of each class, class by class; empty for a class without samples.
    pub by_class: Vec<Vec<f64>>,
}

/// The gate of every feature for every sample, per view (samples, features): what the model lets through of it, from 0
/// to 1. All 1 for a model without gates.
///
/// # Panics
/// If the batch does not fit the model.
#[track_caller]
pub fn gates<F: Float>(model: &MmDynamic<F>, batch: &MultiViewBatch<F>) -> Vec<Array2<f64>> {
    let one = |(view, x): (usize, &ndarray::ArcArray2<F>)| match model.feature_infor_encoder.get(view) {
        None => Array2::ones(x.raw_dim()),
        Some(gate) => {
            let tape = Tape::inference();
            let open = gate.clf.forward_with(tape.constant(x.clone()), Activation::Sigmoid).value();
            open.mapv(F::as_f64).into_dimensionality::<Ix2>().expect("samples by features")
        }
    };
    batch.views.iter().enumerate().map(one).collect()
}

/// The mean gates of each view; their order, the largest first, is [`top_features`].
///
/// ```
/// use lightning_core::{Seed, nn::Module};
/// use mmdynamic::data::{SyntheticConfig, generate};
/// use mmdynamic::{Config, Hyperparameters, MmDynamic, MultiViewDataset, explain};
///
/// let cohort = generate(&SyntheticConfig::default())?.cohort.scaled()?.0;
/// let (in_dim, num_class) = (cohort.train.widths(), cohort.train.classes());
/// let hparams = Hyperparameters { in_dim, num_class, binary: true, config: Config::default() };
/// let model: MmDynamic = MmDynamic::new(hparams, Seed(1))?;
/// model.eval();
/// let gates = explain::mean_gates(&model, MultiViewDataset::from(&cohort.train).all());
/// let best = explain::top_features(&gates[0].mean, 10);
/// println!("{}: {:.3}", cohort.train.feature_names[0][best[0]], gates[0].mean[best[0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If the batch does not fit the model.
#[track_caller]
pub fn mean_gates<F: Float>(model: &MmDynamic<F>, batch: &MultiViewBatch<F>) -> Vec<ViewGates> {
    let classes = model.hparams().num_class;
    let of = |gates: &Array2<f64>| ViewGates {
        mean: mean_of(gates, |_| true),
        by_class: (0..classes).map(|class| mean_of(gates, |row| batch.labels[row] == class)).collect(),
    };
    gates(model, batch).iter().map(of).collect()
}

/// The mean of some rows; empty if there are none.
fn mean_of(gates: &Array2<f64>, is_wanted: impl Fn(usize) -> bool) -> Vec<f64> {
    let rows: Vec<usize> = (0..gates.nrows()).filter(|&row| is_wanted(row)).collect();
    gates.select(Axis(0), &rows).mean_axis(Axis(0)).map_or(Vec::new(), |mean| mean.to_vec())
}
