//! Accuracy and confidences under noise, as `results.json` holds them.

use crate::failure::{Exit, Failure};
use crate::results::{RobustnessCurve, RobustnessPoint};
use mmdynamic::data::MultiOmics;
use mmdynamic::robustness::{Curve, Disturbance, RobustnessOptions, curves};
use mmdynamic::{MmDynamic, MultiViewDataset};

/// What noise and missing views do to predictions of `test`; `train` tells what the mean of a view is. Both are scaled.
pub(crate) fn disturb(
    model: &MmDynamic,
    train: &MultiOmics,
    test: &MultiOmics,
    options: &RobustnessOptions,
) -> Result<Vec<Curve>, Failure> {
    let (train, test) = (MultiViewDataset::from(train), MultiViewDataset::from(test));
    curves(model, train.all(), test.all(), options).map_err(|error| {
        Failure::new(Exit::Checkpoint, format!("the model's answers cannot be scored: {error}"))
    })
}

/// What is disturbed, for people.
pub(crate) fn disturbed(view: Option<usize>) -> String {
    view.map_or("all views".into(), |view| format!("view {}", view + 1))
}

/// Of the two ways to miss a view, that with the training's mean in its place: it tells nothing, and a zero is a value.
pub(crate) fn robustness(curves: &[Curve]) -> Vec<RobustnessCurve> {
    let point = |point: &mmdynamic::robustness::Point| {
        let sigma = match point.disturbance {
            Disturbance::Noise(sigma) => Some(sigma),
            Disturbance::Means => None,
            Disturbance::Zeros => return None,
        };
        Some(RobustnessPoint { sigma, accuracy: point.accuracy, confidences: point.confidences.clone() })
    };
    let curve = |curve: &Curve| RobustnessCurve {
        view: disturbed(curve.view),
        points: curve.points.iter().filter_map(point).collect(),
    };
    curves.iter().map(curve).collect()
}
