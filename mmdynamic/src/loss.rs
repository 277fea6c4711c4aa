//! The loss: its terms, what each counts, and their sum.

use crate::batch::MultiViewBatch;
use crate::config::LossWeights;
use crate::model::{Forward, MmDynamic};
use crate::tcp::tcp_terms;
use lightning_core::{Backward, Float, Op, Tape, Var};
use ndarray::arr0;
use std::ops::Add;

/// The terms of the loss, as values on a tape or as numbers, each before its weight. A term that is switched off, or
/// whose part the model lacks, is not there. Their weighted sum is the loss.
#[derive(Clone, Debug, PartialEq)]
pub struct LossTerms<V> {
    /// What each term counts.
    pub weights: LossWeights,
    /// Cross-entropy of the fused classifier.
    pub classifier_ce: Option<V>,
    /// Per view, the mean gate: an L1 norm, as gates are positive.
    pub gate_l1: Vec<V>,
    /// Per view, the mean squared error of the confidence.
    pub tcp_regression: Vec<V>,
    /// Per view, the cross-entropy of its own classifier.
    pub tcp_ce: Vec<V>,
}

impl<F: Float> MmDynamic<F> {
    /// The terms of the loss. The gradient flows through the confidence's target, as in the post, unless the
    /// configuration detaches it.
    ///
    /// The post adds the squared error, a scalar mean over the samples, to each sample's cross-entropy before it
    /// takes the mean: that is the sum of the two means here.
    ///
    /// # Panics
    /// If there is not one label per sample or a label is out of range.
    #[track_caller]
    pub fn loss_terms<'t>(&self, forward: &Forward<'t, F>, labels: &[usize]) -> LossTerms<Var<'t, F>> {
        let config = &self.hparams.config;
        let weights = config.loss;
        let (mut tcp_regression, mut tcp_ce) = (Vec::new(), Vec::new());
        let confidences = unless_off(weights.confidence, &forward.tcp_confidence);
        for (view, &logit) in forward.tcp_logit.iter().enumerate() {
            let [regression, ce] = match confidences.get(view) {
                Some(&confidence) => tcp_terms(logit, confidence, labels, config.detach_target).map(Some),
                None => [None, (weights.view_ce > 0.0).then(|| logit.cross_entropy(labels))],
            };
            tcp_regression.extend(regression);
            tcp_ce.extend(ce.filter(|_| weights.view_ce > 0.0));
        }
        LossTerms {
            weights,
            classifier_ce: (weights.classifier > 0.0).then(|| forward.mm_logit.cross_entropy(labels)),
            gate_l1: unless_off(weights.gate_l1, &forward.feature_info)
                .iter()
                .map(|info| info.mean())
                .collect(),
            tcp_regression,
            tcp_ce,
        }
    }

    /// The loss terms of a batch as numbers, without learning anything. Dropout follows the model's mode.
    ///
    /// # Panics
    /// If the batch does not fit the model.
    #[track_caller]
    pub fn loss_of(&self, batch: &MultiViewBatch<F>) -> LossTerms<f64> {
        let tape = Tape::inference();
        let data_list: Vec<_> = batch.views.iter().map(|view| tape.constant(view.clone())).collect();
        self.loss_terms(&self.forward(&data_list), &batch.labels).values()
    }
}

fn unless_off<V>(weight: f64, values: &[V]) -> &[V] {
    if weight > 0.0 { values } else { &[] }
}

impl<V: Copy + Add<Output = V>> LossTerms<V> {
    /// `Σ weight · term`; a weight of 1 multiplies nothing, so that the default is the post's sum, bit for bit.
    fn sum(&self, times: impl Fn(V, f64) -> V) -> V {
        let weighted = |weight: f64, term: Option<&V>| {
            term.map(|&term| if weight == 1.0 { term } else { times(term, weight) })
        };
        let weights = &self.weights;
        let mut sum = weighted(weights.classifier, self.classifier_ce.as_ref());
        for view in 0..self.views() {
            let gate = weighted(weights.gate_l1, self.gate_l1.get(view));
            let regression = weighted(weights.confidence, self.tcp_regression.get(view));
            let ce = weighted(weights.view_ce, self.tcp_ce.get(view));
            sum = plus(plus(sum, gate), plus(regression, ce));
        }
        sum.expect("a configuration without any term of the loss was refused")
    }

    /// The same terms as something else.
    fn map<W>(&self, f: impl Fn(V) -> W) -> LossTerms<W> {
        let all = |terms: &[V]| terms.iter().map(|&term| f(term)).collect();
        LossTerms {
            weights: self.weights,
            classifier_ce: self.classifier_ce.map(&f),
            gate_l1: all(&self.gate_l1),
            tcp_regression: all(&self.tcp_regression),
            tcp_ce: all(&self.tcp_ce),
        }
    }

    fn views(&self) -> usize {
        let terms = [&self.gate_l1, &self.tcp_regression, &self.tcp_ce];
        terms.map(Vec::len).into_iter().fold(0, usize::max)
    }

    /// The terms that are there, with their names: `classifier_ce`, `view1_gate_l1`, `view1_tcp_regression`, …
    pub fn named(&self) -> Vec<(String, V)> {
        let mut named: Vec<_> =
            self.classifier_ce.map(|ce| ("classifier_ce".to_owned(), ce)).into_iter().collect();
        for view in 0..self.views() {
            named.extend(self.named_of(view).map(|(name, term)| (format!("view{}_{name}", view + 1), term)));
        }
        named
    }

    /// The terms of one view that are there: `gate_l1`, `tcp_regression`, `tcp_ce`.
    pub fn named_of(&self, view: usize) -> impl Iterator<Item = (&'static str, V)> {
        let terms =
            [("gate_l1", &self.gate_l1), ("tcp_regression", &self.tcp_regression), ("tcp_ce", &self.tcp_ce)];
        terms.into_iter().filter_map(move |(name, terms)| terms.get(view).map(|&term| (name, term)))
    }
}

fn plus<V: Add<Output = V>>(a: Option<V>, b: Option<V>) -> Option<V> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

impl<'t, F: Float> LossTerms<Var<'t, F>> {
    /// The weighted sum of all terms: what the training step returns. One operation, whose numbers are those of the
    /// products and sums one by one.
    pub fn total(&self) -> Var<'t, F> {
        let sum = self.map(|var| var.item()).sum(|term, weight| term * F::of(weight));
        let (terms, weights): (Vec<_>, _) = self.weighted().unzip();
        terms[0].tape().apply(&terms, arr0(sum).into_dyn(), TotalOp { weights })
    }

    /// All terms, each with its weight.
    fn weighted(&self) -> impl Iterator<Item = (Var<'t, F>, F)> {
        let weights = &self.weights;
        let of_views = [
            (&self.gate_l1, weights.gate_l1),
            (&self.tcp_regression, weights.confidence),
            (&self.tcp_ce, weights.view_ce),
        ];
        let of_views =
            of_views.into_iter().flat_map(|(terms, weight)| terms.iter().map(move |&term| (term, weight)));
        let all = self.classifier_ce.map(|ce| (ce, weights.classifier)).into_iter().chain(of_views);
        all.map(|(term, weight)| (term, F::of(weight)))
    }

    /// The terms as numbers.
    pub fn values(&self) -> LossTerms<f64> {
        self.map(|var| var.item().as_f64())
    }
}

/// Each input, one number, gets its weight times the gradient.
struct TotalOp<F> {
    weights: Vec<F>,
}

impl<F: Float> Op<F> for TotalOp<F> {
    fn name(&self) -> &'static str {
        "loss_total"
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        for (i, &weight) in self.weights.iter().enumerate() {
            cx.add_scaled(i, weight);
        }
    }
}

impl LossTerms<f64> {
    /// The weighted sum of all terms.
    pub fn total(&self) -> f64 {
        self.sum(|term, weight| term * weight)
    }
}
