//! From a batch to its gradients, in automatic optimization; and what is checked on the way.

use super::TrainerError;
use super::position::Window;
use super::run::{Run, notify};
use crate::context::{Moment, Shared, StepCx};
use crate::hook::Hook;
use crate::{Anomaly, Float, LightningModule, OptimizerRef, Parameter, Var};

/// `training_step → zero_grad → backward`: adds the gradients of a batch to those of its window.
pub(super) fn loss_and_gradients<F, M>(
    run: &mut Run<'_, F>,
    module: &mut M,
    batch: &M::Batch,
    moment: Moment,
    window: &Window,
) -> Result<Option<f64>, TrainerError>
where
    F: Float,
    M: LightningModule<F> + ?Sized,
{
    let Run { trainer, tape, shared, .. } = run;
    let (tape, shared) = (&*tape, &*shared);
    let cx = |moment| StepCx::new(tape, shared, moment);
    let loss = module.training_step(&cx(moment), batch, moment.batch_idx);
    if trainer.detect_anomaly {
        check_anomaly(shared, moment.batch_idx, tape.find_nan())?;
    }
    let value = loss.map(|loss| check_loss(shared, loss, moment.batch_idx)).transpose()?;
    let moment = Moment { loss: value, ..moment };
    if window.is_empty() && (loss.is_some() || trainer.compat.count_skipped_steps) {
        notify(trainer, shared, moment.at(Hook::OnBeforeZeroGrad), |_| true)?;
        let optimizer = OptimizerRef::new(shared, 0, None).expect("automatic optimization has an optimizer");
        module.on_before_zero_grad(&cx(moment.at(Hook::OnBeforeZeroGrad)), optimizer);
        module.optimizer_zero_grad(&cx(moment.at(Hook::OptimizerZeroGrad)), optimizer);
    }
    let Some(loss) = loss else { return Ok(None) };
    let loss = match window.divisor() {
        1 => loss,
        batches => loss / F::of(batches as f64),
    };
    notify(trainer, shared, moment.at(Hook::OnBeforeBackward), |_| true)?;
    module.on_before_backward(&cx(moment.at(Hook::OnBeforeBackward)), loss);
    module.backward(&cx(moment.at(Hook::Backward)), loss);
    check_anomaly(shared, moment.batch_idx, tape.take_anomaly())?;
    notify(trainer, shared, moment.at(Hook::OnAfterBackward), |_| true)?;
    module.on_after_backward(&cx(moment.at(Hook::OnAfterBackward)));
    Ok(value)
}

/// An error if there is an anomaly.
pub(super) fn check_anomaly<F: Float>(
    shared: &Shared<F>,
    batch: usize,
    anomaly: Option<Anomaly>,
) -> Result<(), TrainerError> {
    let epoch = shared.progress.epoch;
    anomaly.map_or(Ok(()), |anomaly| Err(TrainerError::Anomaly { epoch, batch, anomaly }))
}

/// The loss as a number, if it can be optimized.
pub(super) fn check_loss<F: Float>(
    shared: &Shared<F>,
    loss: Var<'_, F>,
    batch: usize,
) -> Result<f64, TrainerError> {
    let epoch = shared.progress.epoch;
    let problem = |problem: String| TrainerError::Loss { epoch, batch, problem };
    if loss.len() != 1 {
        return Err(problem(format!("has shape {:?}; return its mean or sum", loss.shape())));
    }
    let is_automatic = shared.optimization.as_ref().is_some_and(|cell| cell.borrow().automatic);
    if is_automatic && !loss.requires_grad() {
        return Err(problem("depends on no parameter that requires a gradient".into()));
    }
    let value = loss.item().as_f64();
    if !value.is_finite() {
        let weight = first_bad_parameter(shared).map(|name| format!(", parameter `{name}` is not finite"));
        let what = format!("the loss is {value}{}", weight.unwrap_or_default());
        return Err(TrainerError::Diverged { epoch, batch, what });
    }
    Ok(value)
}

/// The first parameter with a value that is not finite.
pub(super) fn first_bad_parameter<F: Float>(shared: &Shared<F>) -> Option<String> {
    let bad = |parameter: &Parameter<F>| parameter.value().iter().any(|x| !x.is_finite());
    shared.parameters.iter().find(|(_, parameter)| bad(parameter)).map(|(name, _)| name.clone())
}
