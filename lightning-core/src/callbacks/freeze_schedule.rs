//! Freezes parts of a model for some epochs.

use super::{Callback, CallbackResult};
use crate::Float;
use crate::trainer::State;

/// Keeps parameters as they are until an epoch, for example a trained encoder while its new head learns: what Lightning
/// calls `BackboneFinetuning`.
///
/// A frozen parameter gets no gradient, so that no optimizer changes it.
///
/// ```
/// use lightning_core::Trainer;
/// use lightning_core::callbacks::FreezeSchedule;
/// // `encoder.weight`, `encoder.bias`, … learn from epoch 10 on.
/// let freeze = FreezeSchedule::new([("encoder.", 10)]);
/// let trainer: Trainer = Trainer { callbacks: vec![Box::new(freeze)], ..Trainer::default() };
/// # let _ = trainer;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FreezeSchedule {
    /// Beginnings of parameters' names, each with the first epoch, counted from 0, in which they learn.
    pub until: Vec<(String, usize)>,
}

impl FreezeSchedule {
    /// With these beginnings of names and epochs.
    pub fn new<'a>(until: impl IntoIterator<Item = (&'a str, usize)>) -> Self {
        FreezeSchedule {
            until: until.into_iter().map(|(prefix, epoch)| (prefix.to_owned(), epoch)).collect(),
        }
    }
}

impl<F: Float> Callback<F> for FreezeSchedule {
    fn name(&self) -> &str {
        "FreezeSchedule"
    }

    fn on_fit_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        for (prefix, _) in &self.until {
            if !state.parameters.iter().any(|(name, _)| name.starts_with(prefix.as_str())) {
                let names: Vec<&str> = state.parameters.iter().map(|(name, _)| name.as_str()).collect();
                return Err(format!(
                    "no parameter's name begins with `{prefix}`; there are {}",
                    names.join(", ")
                )
                .into());
            }
        }
        Ok(())
    }

    fn on_train_epoch_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        for (name, parameter) in state.parameters {
            if let Some((_, epoch)) = self.until.iter().find(|(prefix, _)| name.starts_with(prefix.as_str()))
            {
                parameter.set_requires_grad(state.progress.epoch >= *epoch);
            }
        }
        Ok(())
    }

    /// A run that goes on in the middle of an epoch does not begin it again.
    fn on_train_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        Callback::<F>::on_train_epoch_start(self, state)
    }
}
