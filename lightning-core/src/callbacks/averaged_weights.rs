//! Weights beside those that are trained: what averaging callbacks share.

use crate::checkpoint::Checkpoint;
use crate::trainer::State;
use crate::{Float, Parameter};
use ndarray::{ArrayD, Zip};
use std::collections::BTreeMap;

/// Where a checkpoint keeps the weights that are trained, while its `state_dict` has the average: whoever loads the file
/// gets the weights that were scored.
const TRAINED: &str = "trained.";

/// The state key of every averaging callback: a checkpoint has place for one average, so that a second one is refused.
pub(super) const STATE_KEY: &str = "AveragedWeights";

type Weights<F> = BTreeMap<String, ArrayD<F>>;

/// The average, and the trained weights while the average stands in their place.
#[derive(Clone, Debug, Default)]
pub(super) struct AveragedWeights<F: Float> {
    pub(super) average: Weights<F>,
    trained: Weights<F>,
}

fn copy<F: Float>(parameters: &[(String, Parameter<F>)]) -> Weights<F> {
    parameters.iter().map(|(name, parameter)| (name.clone(), parameter.value().into_owned())).collect()
}

fn put<F: Float>(parameters: &[(String, Parameter<F>)], weights: &Weights<F>) {
    for (name, parameter) in parameters {
        if let Some(value) = weights.get(name) {
            parameter.set_value(value.view());
        }
    }
}

impl<F: Float> AveragedWeights<F> {
    /// `average ← average + rate · (weights − average)`; the first time it is a copy.
    pub(super) fn update(&mut self, parameters: &[(String, Parameter<F>)], rate: f64) {
        if self.average.is_empty() {
            self.average = copy(parameters);
            return;
        }
        let rate = F::of(rate);
        for (name, parameter) in parameters {
            if let Some(average) = self.average.get_mut(name) {
                Zip::from(average).and(&parameter.value()).for_each(|a, &w| *a = *a + rate * (w - *a));
            }
        }
    }

    /// Lets the module have the average.
    pub(super) fn swap_in(&mut self, state: &State<'_, F>) {
        if !self.average.is_empty() && self.trained.is_empty() {
            self.trained = copy(state.parameters);
            put(state.parameters, &self.average);
        }
    }

    /// Gives the module its trained weights back.
    pub(super) fn swap_out(&mut self, state: &State<'_, F>) {
        put(state.parameters, &std::mem::take(&mut self.trained));
    }

    pub(super) fn save(&self, checkpoint: &mut Checkpoint<F>) {
        if self.average.is_empty() {
            return;
        }
        let trained = if self.trained.is_empty() { &checkpoint.state_dict } else { &self.trained };
        let trained: Weights<F> = trained.iter().map(|(n, w)| (format!("{TRAINED}{n}"), w.clone())).collect();
        checkpoint.arrays.extend(trained);
        checkpoint.state_dict = self.average.clone();
    }

    pub(super) fn load(&mut self, checkpoint: &Checkpoint<F>) {
        let named = checkpoint
            .arrays
            .iter()
            .filter_map(|(n, w)| Some((n.strip_prefix(TRAINED)?.to_owned(), w.clone())));
        self.trained = named.collect();
        self.average = if self.trained.is_empty() { Weights::new() } else { checkpoint.state_dict.clone() };
    }
}
