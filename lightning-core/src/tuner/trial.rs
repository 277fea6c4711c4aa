//! A short fit that leaves no trace.

use crate::callbacks::Callback;
use crate::data::Loader;
use crate::nn::SavedModes;
use crate::trainer::{Trainer, TrainerError};
use crate::{Float, LightningModule, Parameter};
use ndarray::{ArcArray, ArrayD, IxDyn};

/// Trains on at most so many batches, epoch after epoch of the loader, watched by `callback`; then puts the module back.
pub(super) fn trial<F, M, T>(
    trainer: &Trainer<F>,
    module: &mut M,
    train: &T,
    batches: usize,
    callback: impl Callback<F> + 'static,
) -> Result<(), TrainerError>
where
    F: Float,
    M: LightningModule<F> + ?Sized,
    T: Loader<Batch = M::Batch> + ?Sized,
{
    let mut own = Trainer {
        seed: trainer.seed,
        accumulate_grad_batches: trainer.accumulate_grad_batches,
        gradient_clip: trainer.gradient_clip,
        detect_anomaly: trainer.detect_anomaly,
        compat: trainer.compat,
        interrupt: trainer.interrupt.clone(),
        // One epoch without sanity check, loggers, early stopping and files.
        fast_dev_run: Some(batches),
        callbacks: vec![Box::new(callback)],
        ..Trainer::default()
    };
    let before = Before::remember(module);
    let result = own.fit(module, &Repeated { loader: train, batches }, None::<&T>);
    before.restore(module);
    match result {
        // A callback of the module's own may wait for a value of the validation, which a trial leaves out.
        Ok(_) | Err(TrainerError::CallbackMonitor { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The batches of many epochs as those of one.
struct Repeated<'a, T: ?Sized> {
    loader: &'a T,
    batches: usize,
}

impl<T: Loader + ?Sized> Loader for Repeated<'_, T> {
    type Batch = T::Batch;

    /// None if the loader has none, so that the trainer says so.
    fn batches(&self) -> usize {
        if self.loader.batches() == 0 { 0 } else { self.batches }
    }

    fn epoch(&self, _: u64) -> Box<dyn Iterator<Item = T::Batch> + '_> {
        let epochs = self.batches.div_ceil(self.loader.batches().max(1)) as u64;
        Box::new((0..epochs).flat_map(|epoch| self.loader.epoch(epoch)).take(self.batches))
    }
}

/// What a trial must not change.
struct Before<F: Float> {
    parameters: Vec<Saved<F>>,
    modes: SavedModes,
}

struct Saved<F: Float> {
    parameter: Parameter<F>,
    value: ArcArray<F, IxDyn>,
    grad: Option<ArrayD<F>>,
    requires_grad: bool,
}

impl<F: Float> Before<F> {
    fn remember(module: &(impl LightningModule<F> + ?Sized)) -> Self {
        let saved = |parameter: Parameter<F>| Saved {
            value: parameter.value(),
            grad: parameter.grad(),
            requires_grad: parameter.requires_grad(),
            parameter,
        };
        let parameters = module.parameters().into_iter().map(saved).collect();
        Before { parameters, modes: SavedModes::remember(module) }
    }

    fn restore(self, module: &(impl LightningModule<F> + ?Sized)) {
        for Saved { parameter, value, grad, requires_grad } in self.parameters {
            parameter.set_value(value.view());
            parameter.set_grad(grad);
            parameter.set_requires_grad(requires_grad);
        }
        self.modes.restore(module);
    }
}
