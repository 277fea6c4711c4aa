//! The network: gates, encoders, confidences, fused classifier.

use crate::config::{Confidence, ConfigError, Hyperparameters};
use crate::reference::Reference;
use lightning_core::nn::{Collector, Dropout, Layer, Linear, Module};
use lightning_core::{Activation, Float, Seed, Var};
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
    /// Per view, the gate's logits: width → width. Empty without gates.
    pub feature_infor_encoder: Vec<LinearLayer<F>>,
    /// Per view, the confidence: hidden → 1. Empty without confidences.
    pub tcp_confidence_layer: Vec<LinearLayer<F>>,
    /// Per view, its own classifier: hidden → classes.
    pub tcp_classifier_layer: Vec<LinearLayer<F>>,
    /// Per view, the encoder: width → hidden.
    pub feature_encoder: Vec<LinearLayer<F>>,
    /// Per view, what its training rows look like. Empty unless the confidence is
    /// [noise-aware](Confidence::NoiseAware).
    pub view_reference: Vec<Reference<F>>,
    /// From all encoded views to the classes: `views · h₀ → h₁ → … → classes`. A ReLU and dropout follow each layer but the
    /// last; PyTorch's list counts them too, so that the names' numbers go in threes.
    pub mm_clasifier: Vec<LinearLayer<F>>,
    pub(crate) dropout: Dropout,
    /// What the last test gave, as the post's `self.test_result`.
    pub test_result: Option<Result<Evaluation, MetricError>>,
}

/// What the network computes for a batch. All but the logits of the classifier are per view.
pub struct Forward<'t, F: Float = f32> {
    /// Gates σ(W·x + b), (samples, width). Empty without gates.
    pub feature_info: Vec<Var<'t, F>>,
    /// Logits of each view's own classifier, (samples, classes).
    pub tcp_logit: Vec<Var<'t, F>>,
    /// Predicted probability of the true class, (samples, 1). Not bounded to [0, 1], unless the head is
    /// [noise-aware](Confidence::NoiseAware). Empty without confidences.
    pub tcp_confidence: Vec<Var<'t, F>>,
    /// Logits of the fused classifier, (samples, classes).
    pub mm_logit: Var<'t, F>,
}

/// What one view becomes on its way to the fused classifier.
pub struct EncodedView<'t, F: Float = f32> {
    /// Gate σ(W·x + b), (samples, width); none without gates.
    pub feature_info: Option<Var<'t, F>>,
    /// Logits of the view's own classifier, (samples, classes).
    pub tcp_logit: Var<'t, F>,
    /// Predicted probability of the true class, (samples, 1); none without confidences.
    pub tcp_confidence: Option<Var<'t, F>>,
    /// The encoded features, (samples, hidden).
    pub feature: Var<'t, F>,
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
        let gated = if hparams.config.gates { views.as_slice() } else { &[] };
        let (weighted, referred): (&[usize], &[usize]) = match hparams.config.confidence {
            Confidence::Linear => (views, &[]),
            Confidence::NoiseAware => (views, views),
            Confidence::None => (&[], &[]),
        };
        Ok(MmDynamic {
            feature_infor_encoder: gated.iter().map(|&width| LinearLayer::new(width, width, rng)).collect(),
            tcp_confidence_layer: weighted.iter().map(|_| LinearLayer::new(hidden, 1, rng)).collect(),
            tcp_classifier_layer: views.iter().map(|_| LinearLayer::new(hidden, classes, rng)).collect(),
            feature_encoder: views.iter().map(|&width| LinearLayer::new(width, hidden, rng)).collect(),
            view_reference: referred.iter().map(|&width| Reference::unknown(width)).collect(),
            mm_clasifier: hparams
                .classifier_widths()
                .windows(2)
                .map(|pair| LinearLayer::new(pair[0], pair[1], rng))
                .collect(),
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
        let encoded: Vec<_> = data_list.iter().enumerate().map(|(view, &x)| self.encode(view, x)).collect();
        let features: Vec<_> = encoded.iter().map(|view| (view.feature, view.tcp_confidence)).collect();
        Forward {
            feature_info: encoded.iter().filter_map(|view| view.feature_info).collect(),
            tcp_logit: encoded.iter().map(|view| view.tcp_logit).collect(),
            tcp_confidence: encoded.iter().filter_map(|view| view.tcp_confidence).collect(),
            mm_logit: self.fuse(&features),
        }
    }

    /// One view's part of the network, on (samples, width of the view).
    ///
    /// # Panics
    /// If there is no such view or the width is not the model's.
    #[track_caller]
    pub fn encode<'t>(&self, view: usize, x: Var<'t, F>) -> EncodedView<'t, F> {
        let encoder = &self.feature_encoder[view].clf;
        let (feature_info, feature) = match self.feature_infor_encoder.get(view) {
            Some(gate) => {
                let (info, gated) = gate.clf.forward_gate(x);
                (Some(info), encoder.forward_gated(gated, &self.dropout))
            }
            None => (None, encoder.forward_relu_dropout(x, &self.dropout)),
        };
        EncodedView {
            feature_info,
            tcp_confidence: self.confidence(view, x, feature),
            tcp_logit: self.tcp_classifier_layer[view].forward(feature),
            feature,
        }
    }

    /// The confidence in a view, from its data and its encoded features; none without confidences.
    #[track_caller]
    pub(crate) fn confidence<'t>(
        &self,
        view: usize,
        x: Var<'t, F>,
        feature: Var<'t, F>,
    ) -> Option<Var<'t, F>> {
        let head = &self.tcp_confidence_layer.get(view)?.clf;
        Some(match self.view_reference.get(view) {
            None => head.forward(feature),
            Some(reference) => {
                let trust = x.tape().constant(reference.trust(x.value().view()));
                head.forward_with(feature, Activation::Sigmoid) * trust
            }
        })
    }

    /// The logits of the fused classifier, from the encoded features of all views and the confidences that they are
    /// multiplied by.
    ///
    /// # Panics
    /// If there is not one pair per view, (samples, hidden) and (samples, 1).
    #[track_caller]
    pub fn fuse<'t>(&self, features: &[(Var<'t, F>, Option<Var<'t, F>>)]) -> Var<'t, F> {
        let (first, others) = self.mm_clasifier.split_first().expect("a classifier has a layer");
        let logits = first.clf.forward_weighted(features);
        others.iter().fold(logits, |x, layer| layer.forward(self.dropout.forward(x.relu())))
    }
}

impl<F: Float> Module<F> for MmDynamic<F> {
    fn collect<'a>(&'a self, into: &mut Collector<'a, F>) {
        into.children("FeatureInforEncoder", &self.feature_infor_encoder);
        into.children("TCPConfidenceLayer", &self.tcp_confidence_layer);
        into.children("TCPClassifierLayer", &self.tcp_classifier_layer);
        into.children("FeatureEncoder", &self.feature_encoder);
        for (i, layer) in self.mm_clasifier.iter().enumerate() {
            into.child(&format!("MMClasifier.{}", 3 * i), layer);
        }
        into.children("ViewReference", &self.view_reference);
        into.child("dropout", &self.dropout);
    }
}
