//! What the model's answers lose when a feature is shuffled among the samples.

use crate::batch::MultiViewBatch;
use crate::model::MmDynamic;
use lightning_core::{Float, Seed, Tape, Var};
use metrics::{MetricError, accuracy_score, argmax_rows, log_loss};
use ndarray::{ArcArray2, Array1, Array2, Axis, Ix2};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use rayon::prelude::*;

/// How [`permutation_importance`] shuffles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PermutationOptions {
    /// How often each feature is shuffled; what is reported is the mean.
    pub repeats: usize,
    /// Seed of the shuffles.
    pub seed: Seed,
}

impl Default for PermutationOptions {
    fn default() -> Self {
        PermutationOptions { repeats: 5, seed: Seed(0) }
    }
}

/// The permutation importance of a view's features.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// Accuracy as it is minus accuracy with the feature shuffled; negative where shuffling helped.
    pub accuracy: Vec<f64>,
    /// Log loss with the feature shuffled minus log loss as it is. Finer than accuracy, which many features do not move
    /// at all on a hundred samples.
    pub log_loss: Vec<f64>,
}

/// The loss of accuracy and of log loss when one feature's values are shuffled among the samples (Breiman, *Random
/// Forests*, 2001), per view. Give it samples that the model has not learnt from.
///
/// Only what a feature changes is computed again: it adds a matrix of rank one to its view's gate logits, and leaves
/// the other views as they are. Features are worked on in parallel; a shuffle follows from the seed, the feature and the
/// repeat alone, so that the result does not depend on the number of threads. The model is to be in evaluation mode.
///
/// # Errors
/// No rows, or a model that gives no finite numbers.
///
/// # Panics
/// If the batch does not fit the model.
#[track_caller]
pub fn permutation_importance<F: Float>(
    model: &MmDynamic<F>,
    batch: &MultiViewBatch<F>,
    options: PermutationOptions,
) -> Result<Vec<Importance>, MetricError> {
    let clean = Clean::new(model, batch);
    let before = Scores::of(&clean.probabilities(&[]), &batch.labels)?;
    let mut first = 0;
    let mut all = Vec::new();
    for (view, x) in batch.views.iter().enumerate() {
        let one = |feature: usize| {
            let mut lost = Scores { accuracy: 0.0, log_loss: 0.0 };
            for repeat in 0..options.repeats.max(1) {
                let index = (first + feature) as u64 * options.repeats as u64 + repeat as u64;
                let mut rng = options.seed.stream_at("permutation importance", index);
                let shuffled = clean.with_shuffled(view, feature, &mut rng);
                let after = Scores::of(&shuffled, &batch.labels)?;
                lost.accuracy += before.accuracy - after.accuracy;
                lost.log_loss += after.log_loss - before.log_loss;
            }
            Ok(lost)
        };
        let lost: Vec<Result<Scores, MetricError>> = (0..x.ncols()).into_par_iter().map(one).collect();
        let lost = lost.into_iter().collect::<Result<Vec<_>, _>>()?;
        let repeats = options.repeats.max(1) as f64;
        all.push(Importance {
            accuracy: lost.iter().map(|lost| lost.accuracy / repeats).collect(),
            log_loss: lost.iter().map(|lost| lost.log_loss / repeats).collect(),
        });
        first += x.ncols();
    }
    Ok(all)
}

struct Scores {
    accuracy: f64,
    log_loss: f64,
}

impl Scores {
    fn of(probabilities: &Array2<f64>, labels: &[usize]) -> Result<Self, MetricError> {
        Ok(Scores {
            accuracy: accuracy_score(labels, &argmax_rows(probabilities.view())?)?,
            log_loss: log_loss(labels, probabilities)?,
        })
    }
}

/// The model's values for the samples as they are.
struct Clean<'a, F: Float> {
    model: &'a MmDynamic<F>,
    batch: &'a MultiViewBatch<F>,
    /// Per view, W·x + b of the gate; none without gates.
    gate_logits: Vec<Option<ArcArray2<F>>>,
    /// Per view, what goes to the fused classifier.
    features: Vec<Weighted<F>>,
}

/// Encoded features and the confidence that they are multiplied by.
type Weighted<F> = (ArcArray2<F>, Option<ArcArray2<F>>);

impl<'a, F: Float> Clean<'a, F> {
    #[track_caller]
    fn new(model: &'a MmDynamic<F>, batch: &'a MultiViewBatch<F>) -> Self {
        let tape = Tape::inference();
        let views: Vec<_> = batch.views.iter().map(|x| tape.constant(x.clone())).collect();
        let gate = |(view, &x): (usize, &Var<'_, F>)| {
            use lightning_core::nn::Layer;
            model.feature_infor_encoder.get(view).map(|gate| matrix(gate.forward(x)))
        };
        let features = |(view, &x): (usize, &Var<'_, F>)| {
            let encoded = model.encode(view, x);
            (matrix(encoded.feature), encoded.tcp_confidence.map(matrix))
        };
        Clean {
            model,
            batch,
            gate_logits: views.iter().enumerate().map(gate).collect(),
            features: views.iter().enumerate().map(features).collect(),
        }
    }

    /// Probabilities with the features of some views replaced.
    fn probabilities(&self, replaced: &[(usize, Weighted<F>)]) -> Array2<f64> {
        let tape = Tape::inference();
        let of = |(view, clean): (usize, &Weighted<F>)| {
            let other = replaced.iter().find(|(other, _)| *other == view);
            let (feature, confidence) = other.map_or(clean, |(_, features)| features).clone();
            (tape.constant(feature), confidence.map(|confidence| tape.constant(confidence)))
        };
        let features: Vec<_> = self.features.iter().enumerate().map(of).collect();
        matrix(self.model.fuse(&features).softmax(1)).mapv(F::as_f64)
    }

    fn with_shuffled(&self, view: usize, feature: usize, rng: &mut ChaCha8Rng) -> Array2<f64> {
        let tape = Tape::inference();
        let clean = &self.batch.views[view];
        let column = shuffled(&clean.column(feature).to_owned(), rng);
        let change = (&column - &clean.column(feature)).insert_axis(Axis(1));
        let mut x = clean.to_owned();
        x.column_mut(feature).assign(&column);
        let x = tape.constant(x.into_shared());
        let gated = match &self.gate_logits[view] {
            None => x,
            Some(logits) => {
                let weight = tape.parameter(&self.model.feature_infor_encoder[view].clf.weight);
                let added = tape.constant(change.into_shared()) * weight.slice(1, feature..feature + 1).t();
                x * (tape.constant(logits.clone()) + added).sigmoid()
            }
        };
        let feature = self.model.feature_encoder[view].clf.forward_relu_dropout(gated, &self.model.dropout);
        let confidence = self.model.confidence(view, x, feature);
        self.probabilities(&[(view, (matrix(feature), confidence.map(matrix)))])
    }
}

fn matrix<F: Float>(value: Var<'_, F>) -> ArcArray2<F> {
    value.value().into_dimensionality::<Ix2>().expect("samples by columns")
}

/// Fisher and Yates's shuffle.
fn shuffled<F: Float>(column: &Array1<F>, rng: &mut ChaCha8Rng) -> Array1<F> {
    let mut shuffled = column.clone();
    for last in (1..shuffled.len()).rev() {
        shuffled.swap(last, (rng.next_u64() % (last as u64 + 1)) as usize);
    }
    shuffled
}
