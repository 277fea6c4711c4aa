//! The network: gates, confidences, fused classifier, and the loss with its terms.

use crate::batch::MultiViewBatch;
use crate::config::{ConfigError, Hyperparameters};
use lightning_core::nn::{Collector, Dropout, Layer, Linear, Module, Relu, Sequential};
use lightning_core::{Float, Seed, Tape, Var, concat};
use metrics::{Evaluation, MetricError};
use rand_chacha::ChaCha8Rng;

/// The post's `LinearLayer`: a linear map that starts with Xavier's normal weights and zero bias.
#[derive(Debug)]
pub struct LinearLayer<F: Float = f32> {
    /// The map; `clf.0` in a `state_dict`.
    pub clf: Linear<F>,
}

impl<F: Float> LinearLayer<F> {
    fn new(in_dim: usize, out_dim: usize, rng: &mut ChaCha8Rng) -> Self {
        LinearLayer { clf: Linear::xavier_normal(in_dim, out_dim, rng) }
    }
}

impl<F: Float> Module<F> for LinearLayer<F> {
    fn collect<'a>(&'a self, into: &mut Collector<'a, F>) {
        into.child("clf.0", &self.clf);
    }
}

impl<F: Float> Layer<F> for LinearLayer<F> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, F>) -> Var<'t, F> {
        self.clf.forward(x)
    }
}

/// Multimodal Dynamics. The parts have the post's names in a `state_dict`, so that weights go to and from PyTorch
/// as they are: `FeatureInforEncoder.0.clf.0.weight`, …, `MMClasifier.0.clf.0.bias`.
pub struct MmDynamic<F: Float = f32> {
    pub(crate) hparams: Hyperparameters,
    pub(crate) saved: lightning_core::Hyperparameters,
    /// Per view, the gate's logits: width → width.
    pub feature_infor_encoder: Vec<LinearLayer<F>>,
    /// Per view, the confidence: hidden → 1.
    pub tcp_confidence_layer: Vec<LinearLayer<F>>,
    /// Per view, its own classifier: hidden → classes.
    pub tcp_classifier_layer: Vec<LinearLayer<F>>,
    /// Per view, the encoder: width → hidden.
    pub feature_encoder: Vec<LinearLayer<F>>,
    /// From all encoded views to the classes.
    pub mm_clasifier: Sequential<F>,
    dropout: Dropout,
    /// What the last test gave, as the post's `self.test_result`.
    pub test_result: Option<Result<Evaluation, MetricError>>,
}

/// What the network computes for a batch. All but the logits of the classifier are per view.
pub struct Forward<'t, F: Float = f32> {
    /// Gates σ(W·x + b), (samples, width).
    pub feature_info: Vec<Var<'t, F>>,
    /// Logits of each view's own classifier, (samples, classes).
    pub tcp_logit: Vec<Var<'t, F>>,
    /// Predicted probability of the true class, (samples, 1). Not bounded to [0, 1].
    pub tcp_confidence: Vec<Var<'t, F>>,
    /// Logits of the fused classifier, (samples, classes).
    pub mm_logit: Var<'t, F>,
}

/// The terms of the loss, as values on a tape or as numbers. Their sum is the loss.
#[derive(Clone, Debug, PartialEq)]
pub struct LossTerms<V> {
    /// Cross-entropy of the fused classifier.
    pub classifier_ce: V,
    /// Per view, the mean gate: an L1 norm, as gates are positive.
    pub gate_l1: Vec<V>,
    /// Per view, the mean squared error of the confidence.
    pub tcp_regression: Vec<V>,
    /// Per view, the cross-entropy of its own classifier.
    pub tcp_ce: Vec<V>,
}

impl<F: Float> MmDynamic<F> {
    /// A model with fresh weights from the seed's stream `init`, in training mode.
    ///
    /// # Errors
    /// If the hyperparameters make no model; see [`Hyperparameters::check`].
    pub fn new(hparams: Hyperparameters, seed: Seed) -> Result<Self, ConfigError> {
        hparams.check()?;
        let rng = &mut seed.stream("init");
        let (views, hidden, classes) = (&hparams.in_dim, hparams.config.hidden_dim[0], hparams.num_class);
        Ok(MmDynamic {
            feature_infor_encoder: views.iter().map(|&width| LinearLayer::new(width, width, rng)).collect(),
            tcp_confidence_layer: views.iter().map(|_| LinearLayer::new(hidden, 1, rng)).collect(),
            tcp_classifier_layer: views.iter().map(|_| LinearLayer::new(hidden, classes, rng)).collect(),
            feature_encoder: views.iter().map(|&width| LinearLayer::new(width, hidden, rng)).collect(),
            mm_clasifier: classifier(&hparams, rng),
            dropout: Dropout::new(hparams.config.dropout),
            test_result: None,
            saved: lightning_core::Hyperparameters::save(&hparams).expect("plain fields are JSON"),
            hparams,
        })
    }

    /// What the model was made from.
    pub fn hparams(&self) -> &Hyperparameters {
        &self.hparams
    }

    /// The network on one value per view, each (samples, width of the view).
    ///
    /// # Panics
    /// If the number of views or a width is not the model's.
    #[track_caller]
    pub fn forward<'t>(&self, data_list: &[Var<'t, F>]) -> Forward<'t, F> {
        let views = self.feature_encoder.len();
        assert!(
            data_list.len() == views,
            "MmDynamic: {} views given, the model has {views}",
            data_list.len()
        );
        let (mut feature_info, mut tcp_logit, mut tcp_confidence) = (Vec::new(), Vec::new(), Vec::new());
        let mut features = Vec::new();
        for (view, &x) in data_list.iter().enumerate() {
            let (info, gated) = self.feature_infor_encoder[view].clf.forward_gate(x);
            let feature = self.feature_encoder[view].clf.forward_relu_dropout(gated, &self.dropout);
            let confidence = self.tcp_confidence_layer[view].forward(feature);
            tcp_logit.push(self.tcp_classifier_layer[view].forward(feature));
            features.push(feature * confidence);
            feature_info.push(info);
            tcp_confidence.push(confidence);
        }
        let mm_logit = self.mm_clasifier.forward(concat(&features, 1));
        Forward { feature_info, tcp_logit, tcp_confidence, mm_logit }
    }

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
        let regression = |view: usize| {
            let target = forward.tcp_logit[view].softmax(1).gather_labels(labels);
            let target = if self.hparams.config.detach_target { target.detach() } else { target };
            forward.tcp_confidence[view].flatten().mse_loss(target)
        };
        LossTerms {
            classifier_ce: forward.mm_logit.cross_entropy(labels),
            gate_l1: forward.feature_info.iter().map(|info| info.mean()).collect(),
            tcp_regression: (0..forward.tcp_logit.len()).map(regression).collect(),
            tcp_ce: forward.tcp_logit.iter().map(|logit| logit.cross_entropy(labels)).collect(),
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

/// `views · h₀ → h₁ → … → classes`, with ReLU and dropout behind every layer but the last.
fn classifier<F: Float>(hparams: &Hyperparameters, rng: &mut ChaCha8Rng) -> Sequential<F> {
    let widths = hparams.classifier_widths();
    let last = widths.len() - 2;
    widths.windows(2).enumerate().fold(Sequential::new(), |layers, (i, pair)| {
        let layers = layers.then(LinearLayer::new(pair[0], pair[1], rng));
        if i == last { layers } else { layers.then(Relu).then(Dropout::new(hparams.config.dropout)) }
    })
}

impl<F: Float> Module<F> for MmDynamic<F> {
    fn collect<'a>(&'a self, into: &mut Collector<'a, F>) {
        into.children("FeatureInforEncoder", &self.feature_infor_encoder);
        into.children("TCPConfidenceLayer", &self.tcp_confidence_layer);
        into.children("TCPClassifierLayer", &self.tcp_classifier_layer);
        into.children("FeatureEncoder", &self.feature_encoder);
        into.child("MMClasifier", &self.mm_clasifier);
        into.child("dropout", &self.dropout);
    }
}

impl<'t, F: Float> LossTerms<Var<'t, F>> {
    /// The sum of all terms: what the training step returns.
    pub fn total(&self) -> Var<'t, F> {
        let views = self.gate_l1.iter().zip(&self.tcp_regression).zip(&self.tcp_ce);
        views.fold(self.classifier_ce, |sum, ((&gate, &regression), &ce)| sum + gate + (regression + ce))
    }

    /// The terms as numbers.
    pub fn values(&self) -> LossTerms<f64> {
        let item = |var: &Var<'t, F>| var.item().as_f64();
        LossTerms {
            classifier_ce: item(&self.classifier_ce),
            gate_l1: self.gate_l1.iter().map(item).collect(),
            tcp_regression: self.tcp_regression.iter().map(item).collect(),
            tcp_ce: self.tcp_ce.iter().map(item).collect(),
        }
    }
}

impl LossTerms<f64> {
    /// The sum of all terms.
    pub fn total(&self) -> f64 {
        let views = self.gate_l1.iter().zip(&self.tcp_regression).zip(&self.tcp_ce);
        views.fold(self.classifier_ce, |sum, ((gate, regression), ce)| sum + gate + (regression + ce))
    }
}
