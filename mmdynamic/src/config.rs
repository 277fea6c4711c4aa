//! What a model is made from, checked before anything of that size is allocated.

use crate::optimization::{OptimizerChoice, SchedulerChoice};
use crate::reference::Reference;
use lightning_core::Parameter;
use lightning_optim::OptimError;
use serde::{Deserialize, Serialize};

/// The arguments of the post's `__init__`, saved with every checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hyperparameters {
    /// Number of features of each view.
    pub in_dim: Vec<usize>,
    /// Number of classes.
    pub num_class: usize,
    /// Whether the test reports ACC, F1 and AUC of two classes instead of ACC, weighted and macro F1.
    pub binary: bool,
    /// Everything that can be tuned.
    pub config: Config,
}

/// The post's `config`, and what it fixes in its code. The default is the post's recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Width of the encoders, then of each further layer of the classifier; at least one number.
    pub hidden_dim: Vec<usize>,
    /// Learning rate.
    pub lr: f64,
    /// Weight decay: coupled (added to the gradient), but for AdamW.
    pub reg: f64,
    /// Probability of dropout behind each encoder and each further layer.
    pub dropout: f64,
    /// Epochs between two drops of the learning rate, of [`SchedulerChoice::Step`].
    pub step_size: u64,
    /// What a drop multiplies the learning rate by.
    pub gamma: f64,
    /// Stops the gradient through the confidence's target, the probability of the true class. The post lets it flow.
    pub detach_target: bool,
    /// Whether features pass a gate. Without it a view goes to its encoder as it is.
    pub gates: bool,
    /// How each view's features are weighted before they are joined.
    pub confidence: Confidence,
    /// What each term of the loss counts.
    pub loss: LossWeights,
    /// The rule that changes the weights; the post's is Adam.
    pub optimizer: OptimizerChoice,
    /// The rule that changes the learning rate; the post's is a step.
    pub scheduler: SchedulerChoice,
}

/// How far a view is trusted: what its encoded features are multiplied by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// The post's: a linear map of the features, learnt to equal the probability of the true class. Not bounded, and it
    /// grows with noise, because it is linear in features that noise makes larger.
    #[default]
    Linear,
    /// The same map through a sigmoid, times the share of the row's spread that the training rows account for; see
    /// [`Reference`](crate::Reference). Between 0 and 1, and falls with noise.
    NoiseAware,
    /// All views alike: no weighting, no parameters for it and no term of the loss.
    None,
}

/// What each term of the loss is multiplied by; a term of weight 0 is not computed. The post's are all 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossWeights {
    /// The mean gate of each view.
    pub gate_l1: f64,
    /// The squared error of each view's confidence.
    pub confidence: f64,
    /// The cross-entropy of each view's own classifier.
    pub view_ce: f64,
    /// The cross-entropy of the fused classifier.
    pub classifier: f64,
}

impl Default for LossWeights {
    fn default() -> Self {
        LossWeights { gate_l1: 1.0, confidence: 1.0, view_ce: 1.0, classifier: 1.0 }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            hidden_dim: vec![50],
            lr: 1e-3,
            reg: 1e-5,
            dropout: 0.5,
            step_size: 10,
            gamma: 0.9,
            detach_target: false,
            gates: true,
            confidence: Confidence::Linear,
            loss: LossWeights::default(),
            optimizer: OptimizerChoice::default(),
            scheduler: SchedulerChoice::default(),
        }
    }
}

/// A model that cannot be made.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A setting out of its range.
    #[error("{name} is {found}, expected {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A setting of optimizer or scheduler out of its range.
    #[error(transparent)]
    Optimization(#[from] OptimError),
    /// More parameters than fit into memory, with gradients and moments.
    #[error(
        "{parameters} parameters would need {gib:.1} GiB with gradients and moments, the limit is {limit} GiB; lower hidden_dim"
    )]
    TooLarge {
        /// Parameters; saturated when the product overflows.
        parameters: u64,
        /// Memory in GiB.
        gib: f64,
        /// The limit in GiB.
        limit: u64,
    },
}

/// Memory for parameters, gradients and both moments, above which a model is taken for a mistake.
const MEMORY_LIMIT_GIB: u64 = 64;

impl Hyperparameters {
    /// Confirms that every setting is in its range and the model fits into memory.
    ///
    /// # Errors
    /// The first setting that is not.
    pub fn check(&self) -> Result<(), ConfigError> {
        let config = &self.config;
        let ok = |holds: bool, name, found: String, expected| {
            if holds { Ok(()) } else { Err(ConfigError::Setting { name, found, expected }) }
        };
        let widths = |widths: &[usize]| !widths.is_empty() && !widths.contains(&0);
        ok(widths(&self.in_dim), "in_dim", format!("{:?}", self.in_dim), "one positive width per view")?;
        ok(self.num_class >= 2, "num_class", self.num_class.to_string(), "at least 2")?;
        ok(
            !self.binary || self.num_class == 2,
            "binary",
            format!("true with {} classes", self.num_class),
            "true only with 2",
        )?;
        ok(
            widths(&config.hidden_dim),
            "hidden_dim",
            format!("{:?}", config.hidden_dim),
            "positive widths, at least one",
        )?;
        ok(config.lr > 0.0 && config.lr.is_finite(), "lr", config.lr.to_string(), "a positive number")?;
        ok(config.reg >= 0.0 && config.reg.is_finite(), "reg", config.reg.to_string(), "a number from 0 up")?;
        ok(
            (0.0..1.0).contains(&config.dropout),
            "dropout",
            config.dropout.to_string(),
            "a probability below 1",
        )?;
        ok(config.step_size > 0, "step_size", "0".into(), "at least 1")?;
        ok(
            config.gamma > 0.0 && config.gamma.is_finite(),
            "gamma",
            config.gamma.to_string(),
            "a positive number",
        )?;
        self.check_loss()?;
        // Optimizer and scheduler know their own ranges: any parameter will do to ask them.
        config.optimizers(vec![Parameter::<f32>::new(ndarray::arr0(0.0).into_dyn())])?;
        self.check_size()
    }

    fn check_loss(&self) -> Result<(), ConfigError> {
        let Config { gates, confidence, loss, .. } = &self.config;
        let setting = |name, found, expected| Err(ConfigError::Setting { name, found, expected });
        let terms = [
            ("loss.gate_l1", loss.gate_l1, *gates),
            ("loss.confidence", loss.confidence, *confidence != Confidence::None),
            ("loss.view_ce", loss.view_ce, true),
            ("loss.classifier", loss.classifier, true),
        ];
        if let Some((name, weight, _)) =
            terms.iter().find(|(_, weight, _)| !(*weight >= 0.0 && weight.is_finite()))
        {
            return setting(name, weight.to_string(), "a number from 0 up");
        }
        if !terms.iter().any(|&(_, weight, exists)| exists && weight > 0.0) {
            let found = "0 for every term that the model has".to_owned();
            return setting(
                "loss",
                found,
                "at least one weight above 0, so that there is something to learn",
            );
        }
        Ok(())
    }

    fn check_size(&self) -> Result<(), ConfigError> {
        let parameters = self.parameter_count();
        // Four numbers of four bytes each: value, gradient and Adam's two moments.
        let gib = parameters as f64 * 16.0 / (1u64 << 30) as f64;
        if gib > MEMORY_LIMIT_GIB as f64 {
            return Err(ConfigError::TooLarge { parameters, gib, limit: MEMORY_LIMIT_GIB });
        }
        Ok(())
    }

    /// Numbers in the `state_dict` of the whole model; saturates instead of overflowing.
    pub fn parameter_count(&self) -> u64 {
        let linear = |inputs: usize, outputs: usize| {
            let (inputs, outputs) = (inputs as u64, outputs as u64);
            inputs.saturating_mul(outputs).saturating_add(outputs)
        };
        let sum = |counts: &mut dyn Iterator<Item = u64>| counts.fold(0u64, u64::saturating_add);
        let hidden = &self.config.hidden_dim;
        let views = sum(&mut self.in_dim.iter().map(|&width| {
            let gate = if self.config.gates { linear(width, width) } else { 0 };
            let confidence = match self.config.confidence {
                Confidence::Linear => linear(hidden[0], 1),
                Confidence::NoiseAware => {
                    linear(hidden[0], 1).saturating_add(Reference::<f32>::numbers(width))
                }
                Confidence::None => 0,
            };
            let heads = confidence.saturating_add(linear(hidden[0], self.num_class));
            gate.saturating_add(linear(width, hidden[0])).saturating_add(heads)
        }));
        let classifier = sum(&mut self.classifier_widths().windows(2).map(|pair| linear(pair[0], pair[1])));
        views.saturating_add(classifier)
    }

    /// Widths along the classifier: all encoded views, the further hidden layers, the classes.
    pub(crate) fn classifier_widths(&self) -> Vec<usize> {
        let hidden = &self.config.hidden_dim;
        let fused = self.in_dim.len().saturating_mul(hidden[0]);
        [&[fused], &hidden[1..], &[self.num_class]].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hyperparameters() -> Hyperparameters {
        Hyperparameters { in_dim: vec![300; 3], num_class: 2, binary: true, config: Config::default() }
    }

    #[test]
    fn three_views_of_300_count_as_in_the_specification() {
        assert_eq!(hyperparameters().parameter_count(), 270_900 + 153 + 306 + 45_150 + 302);
    }

    #[test]
    fn parts_that_are_switched_off_do_not_count() {
        let mut h = hyperparameters();
        h.config.gates = false;
        assert_eq!(h.parameter_count(), 153 + 306 + 45_150 + 302);
        h.config.confidence = Confidence::None;
        assert_eq!(h.parameter_count(), 306 + 45_150 + 302);
        (h.config.gates, h.config.confidence) = (true, Confidence::NoiseAware);
        assert_eq!(h.parameter_count(), 270_900 + 153 + 3 * 302 + 306 + 45_150 + 302);
    }

    #[test]
    fn a_configuration_of_before_the_ablations_is_the_posts_model() {
        let old = r#"{"hidden_dim":[50],"lr":0.001,"reg":1e-05,"dropout":0.5,"step_size":10,"gamma":0.9,"detach_target":false}"#;
        assert_eq!(serde_json::from_str::<Config>(old).expect("an old configuration"), Config::default());
        let new: Config =
            serde_json::from_str(r#"{"confidence":"noise-aware","loss":{"view_ce":0.5}}"#).expect("read");
        assert_eq!(new.confidence, Confidence::NoiseAware);
        assert_eq!(new.loss, LossWeights { view_ce: 0.5, ..LossWeights::default() });
    }

    #[test]
    fn a_loss_without_any_term_is_refused() {
        let mut h = hyperparameters();
        h.config.loss = LossWeights { gate_l1: 1.0, confidence: 1.0, view_ce: 0.0, classifier: 0.0 };
        assert_eq!(h.check(), Ok(()));
        (h.config.gates, h.config.confidence) = (false, Confidence::None);
        let message = h.check().expect_err("no term is left").to_string();
        assert!(message.starts_with("loss is 0 for every term"), "{message}");
    }

    #[test]
    fn each_setting_out_of_range_is_named() {
        type Change = fn(&mut Hyperparameters);
        let cases: [(&str, Change); 14] = [
            ("in_dim is []", |h| h.in_dim.clear()),
            ("in_dim is [300, 0, 300]", |h| h.in_dim[1] = 0),
            ("num_class is 1", |h| h.num_class = 1),
            ("binary is true with 3 classes", |h| h.num_class = 3),
            ("hidden_dim is []", |h| h.config.hidden_dim.clear()),
            ("hidden_dim is [50, 0]", |h| h.config.hidden_dim.push(0)),
            ("lr is NaN", |h| h.config.lr = f64::NAN),
            ("lr is -1", |h| h.config.lr = -1.0),
            ("reg is -0.1", |h| h.config.reg = -0.1),
            ("dropout is 1", |h| h.config.dropout = 1.0),
            ("step_size is 0", |h| h.config.step_size = 0),
            ("gamma is inf", |h| h.config.gamma = f64::INFINITY),
            ("loss.gate_l1 is -1", |h| h.config.loss.gate_l1 = -1.0),
            ("loss.classifier is NaN", |h| h.config.loss.classifier = f64::NAN),
        ];
        for (expected, change) in cases {
            let mut h = hyperparameters();
            change(&mut h);
            let message = h.check().expect_err(expected).to_string();
            assert!(message.starts_with(expected), "{message}");
        }
        assert_eq!(hyperparameters().check(), Ok(()));
    }

    #[test]
    fn a_width_that_overflows_is_refused_before_it_is_allocated() {
        let mut h = hyperparameters();
        h.config.hidden_dim = vec![usize::MAX, 10];
        assert!(matches!(h.check(), Err(ConfigError::TooLarge { .. })));
        h.config.hidden_dim = vec![10_000_000];
        let message = h.check().expect_err("too large").to_string();
        assert!(message.contains("GiB"), "{message}");
    }
}
