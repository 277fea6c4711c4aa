//! Which model weights are for: read off their names and shapes, where nothing else tells.

use crate::config::{Confidence, Config, ConfigError, Hyperparameters};
use lightning_core::Float;
use ndarray::ArrayD;
use std::collections::BTreeMap;

/// Arrays that are not the weights of this model.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum ArchitectureError {
    /// An array that every model has is missing.
    #[error("no array `{name}`, which every MMDynamic has; {found}")]
    Missing {
        /// The array.
        name: String,
        /// What there is instead, and the cure if that is known.
        found: String,
    },
    /// An array is not a matrix.
    #[error("`{name}` has shape {shape:?}, expected a matrix (outputs, inputs)")]
    NoMatrix {
        /// The array.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// The shapes contradict each other so much that a model by one of them would dwarf the file.
    #[error("{found} numbers, a model by the shapes of its encoders has {expected}")]
    Numbers {
        /// Numbers in the arrays.
        found: u64,
        /// Numbers in the model.
        expected: u64,
    },
    /// The shapes make no model.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Hyperparameters {
    /// The hyperparameters of the model that these weights are for, as far as weights tell: views, widths, classes, gates and
    /// the kind of confidence. What only a training needs (learning rate, dropout, …) is the default.
    ///
    /// The names are the post's, which are the official code's too. That weights fit in every array is found by
    /// [`MmDynamic::from_state_dict`](crate::MmDynamic::from_state_dict).
    ///
    /// ```
    /// use lightning_core::{Seed, nn::Module};
    /// use mmdynamic::{Config, Hyperparameters, MmDynamic};
    ///
    /// let config = Config { hidden_dim: vec![8, 5], ..Config::default() };
    /// let hparams = Hyperparameters { in_dim: vec![4, 3], num_class: 2, binary: true, config };
    /// let model: MmDynamic = MmDynamic::new(hparams.clone(), Seed(0))?;
    /// assert_eq!(Hyperparameters::of_weights(&model.state_dict())?, hparams);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ArchitectureError`].
    pub fn of_weights<F: Float>(state_dict: &BTreeMap<String, ArrayD<F>>) -> Result<Self, ArchitectureError> {
        let weights = Weights(state_dict);
        let views = (0..).take_while(|view| state_dict.contains_key(&encoder(*view))).count().max(1);
        let encoders = (0..views).map(|view| weights.matrix(&encoder(view)));
        let encoders = encoders.collect::<Result<Vec<_>, _>>()?;
        let has = |part: &str| state_dict.keys().any(|name| name.starts_with(part));
        let (num_class, _) = weights.matrix("TCPClassifierLayer.0.clf.0.weight")?;
        let classifier = (0..).step_by(3).map(|layer| format!("MMClasifier.{layer}.clf.0.weight"));
        let classifier = classifier.take_while(|name| state_dict.contains_key(name));
        let further = classifier
            .map(|name| Ok(weights.matrix(&name)?.0))
            .collect::<Result<Vec<_>, ArchitectureError>>()?;
        // The last layer's outputs are the classes.
        let further = further.split_last().map_or(&[][..], |(_, hidden)| hidden);
        let hidden_dim = [&[encoders[0].0], further].concat();
        let hparams = Hyperparameters {
            in_dim: encoders.iter().map(|&(_, width)| width).collect(),
            num_class,
            binary: num_class == 2,
            config: Config {
                hidden_dim,
                gates: has("FeatureInforEncoder."),
                confidence: match (has("ViewReference."), has("TCPConfidenceLayer.")) {
                    (true, _) => Confidence::NoiseAware,
                    (_, true) => Confidence::Linear,
                    _ => Confidence::None,
                },
                ..Config::default()
            },
        };
        hparams.check()?;
        weights.check_numbers(&hparams)?;
        Ok(hparams)
    }
}

fn encoder(view: usize) -> String {
    format!("FeatureEncoder.{view}.clf.0.weight")
}

struct Weights<'a, F: Float>(&'a BTreeMap<String, ArrayD<F>>);

impl<F: Float> Weights<'_, F> {
    /// Outputs and inputs of a linear map.
    fn matrix(&self, name: &str) -> Result<(usize, usize), ArchitectureError> {
        let Some(array) = self.0.get(name) else {
            return Err(ArchitectureError::Missing { name: name.to_owned(), found: self.found(name) });
        };
        match *array.shape() {
            [outputs, inputs] => Ok((outputs, inputs)),
            ref shape => Err(ArchitectureError::NoMatrix { name: name.to_owned(), shape: shape.to_vec() }),
        }
    }

    fn found(&self, name: &str) -> String {
        let prefix = self.0.keys().find_map(|key| key.strip_suffix(name)).unwrap_or_default();
        if !prefix.is_empty() {
            return format!("its names begin with `{prefix}`: take that off before saving");
        }
        let few: Vec<_> = self.0.keys().take(3).map(|key| format!("`{key}`")).collect();
        match (few.is_empty(), self.0.len()) {
            (true, _) => "it holds no array".into(),
            (_, all) if all > few.len() => {
                format!("it holds {} and {} more", few.join(", "), all - few.len())
            }
            _ => format!("it holds {}", few.join(", ")),
        }
    }

    /// A wrong shape is best reported by the model itself, as long as making one costs no more than the file did.
    fn check_numbers(&self, hparams: &Hyperparameters) -> Result<(), ArchitectureError> {
        let found = self.0.values().map(|array| array.len() as u64).sum();
        let expected = hparams.parameter_count();
        if expected / 4 > found {
            return Err(ArchitectureError::Numbers { found, expected });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MmDynamic;
    use lightning_core::{Seed, nn::Module};

    type State = BTreeMap<String, ArrayD<f32>>;

    fn state(hidden_dim: &[usize], num_class: usize) -> (Hyperparameters, State) {
        let config = Config { hidden_dim: hidden_dim.to_vec(), ..Config::default() };
        let hparams = Hyperparameters { in_dim: vec![7, 4, 5], num_class, binary: num_class == 2, config };
        let model: MmDynamic = MmDynamic::new(hparams.clone(), Seed(0)).expect("a model");
        (hparams, model.state_dict())
    }

    #[test]
    fn one_and_several_hidden_layers_and_classes_are_found_again() {
        for (hidden, classes) in [(&[8][..], 2), (&[8], 5), (&[6, 5], 3), (&[6, 5, 4, 3], 2)] {
            let (hparams, state) = state(hidden, classes);
            assert_eq!(Hyperparameters::of_weights(&state), Ok(hparams));
        }
    }

    #[test]
    fn parts_that_a_model_does_without_are_not_wanted() {
        for (gates, confidence) in
            [(false, Confidence::Linear), (true, Confidence::None), (false, Confidence::NoiseAware)]
        {
            let config = Config { hidden_dim: vec![8], gates, confidence, ..Config::default() };
            let hparams = Hyperparameters { in_dim: vec![7, 4], num_class: 2, binary: true, config };
            let model: MmDynamic = MmDynamic::new(hparams.clone(), Seed(0)).expect("a model");
            assert_eq!(Hyperparameters::of_weights(&model.state_dict()), Ok(hparams));
        }
    }

    #[test]
    fn what_is_missing_is_named_with_what_there_is_and_the_cure() {
        let (_, whole) = state(&[8], 2);
        let error = |state: &State| Hyperparameters::of_weights(state).expect_err("refused").to_string();
        assert!(error(&State::new()).ends_with("which every MMDynamic has; it holds no array"));
        let wrapped = whole.iter().map(|(name, array)| (format!("module.{name}"), array.clone())).collect();
        assert!(error(&wrapped).ends_with("its names begin with `module.`: take that off before saving"));
        let other = State::from([("fc.weight".to_owned(), ArrayD::zeros(vec![2, 2]))]);
        assert!(error(&other).ends_with("it holds `fc.weight`"));
        let mut bent = whole.clone();
        bent.insert("FeatureEncoder.1.clf.0.weight".to_owned(), ArrayD::zeros(vec![32]));
        assert!(error(&bent).contains("FeatureEncoder.1.clf.0.weight` has shape [32], expected a matrix"));
    }

    #[test]
    fn a_shape_that_asks_for_a_model_larger_than_the_file_is_refused_before_it_is_made() {
        let (_, mut state) = state(&[8], 2);
        state.insert("FeatureEncoder.0.clf.0.weight".to_owned(), ArrayD::zeros(vec![1, 10_000]));
        assert!(matches!(Hyperparameters::of_weights(&state), Err(ArchitectureError::Numbers { .. })));
        state.insert("FeatureEncoder.0.clf.0.weight".to_owned(), ArrayD::zeros(vec![0, 10]));
        assert!(matches!(Hyperparameters::of_weights(&state), Err(ArchitectureError::Config(_))));
    }
}
