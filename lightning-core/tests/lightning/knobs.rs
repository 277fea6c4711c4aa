//! A trainer from Lightning's arguments.

use super::number::number;
use lightning_core::Trainer;
use lightning_core::optim::GradientClip;
use lightning_core::trainer::{Limit, ValCheckInterval};
use serde_json::{Map, Value};

/// `Err` for what our types cannot say: a refusal that needs no run.
pub(crate) fn trainer(args: &Map<String, Value>) -> Result<Trainer<f64>, String> {
    let mut trainer = Trainer::default();
    for (key, value) in args {
        match key.as_str() {
            "max_epochs" => trainer.max_epochs = count(value)?,
            "min_epochs" => trainer.min_epochs = count(value)?,
            "max_steps" => trainer.max_steps = Some(count(value)? as u64),
            "min_steps" => trainer.min_steps = count(value)? as u64,
            "num_sanity_val_steps" if value == -1 => trainer.num_sanity_val_steps = usize::MAX,
            "num_sanity_val_steps" => trainer.num_sanity_val_steps = count(value)?,
            "log_every_n_steps" => trainer.log_every_n_steps = count(value)? as u64,
            "accumulate_grad_batches" => trainer.accumulate_grad_batches = count(value)?,
            "gradient_clip_val" => trainer.gradient_clip = clip(number(value), args),
            "gradient_clip_algorithm" => (),
            "val_check_interval" => trainer.val_check_interval = interval(value, args)?,
            "check_val_every_n_epoch" if value.is_null() => (),
            "check_val_every_n_epoch" => trainer.check_val_every_n_epoch = count(value)?,
            "limit_train_batches" => trainer.limit_train_batches = limit(value)?,
            "limit_val_batches" => trainer.limit_val_batches = limit(value)?,
            "limit_test_batches" => trainer.limit_test_batches = limit(value)?,
            "limit_predict_batches" => trainer.limit_predict_batches = limit(value)?,
            "overfit_batches" => trainer.overfit_batches = Some(limit(value)?),
            "fast_dev_run" => trainer.fast_dev_run = Some(value.as_u64().unwrap_or(1) as usize),
            other => panic!("no argument of the trainer is called {other}"),
        }
    }
    Ok(trainer)
}

fn count(value: &Value) -> Result<usize, String> {
    value.as_u64().map(|n| n as usize).ok_or_else(|| format!("{value} is no count"))
}

/// 0 means no clipping to Lightning.
fn clip(value: f64, args: &Map<String, Value>) -> Option<GradientClip> {
    let by_value = args.get("gradient_clip_algorithm").is_some_and(|algorithm| algorithm == "value");
    let clip = if by_value { GradientClip::Value(value) } else { GradientClip::Norm(value) };
    (value != 0.0).then_some(clip)
}

fn interval(value: &Value, args: &Map<String, Value>) -> Result<ValCheckInterval, String> {
    let over_epochs = args.get("check_val_every_n_epoch").is_some_and(Value::is_null);
    match (value.as_u64(), over_epochs) {
        (Some(n), true) => Ok(ValCheckInterval::BatchesOfAllEpochs(n)),
        (Some(n), false) => Ok(ValCheckInterval::Batches(n as usize)),
        (None, false) => Ok(ValCheckInterval::Fraction(number(value))),
        (None, true) => Err("a share of all epochs".to_owned()),
    }
}

fn limit(value: &Value) -> Result<Limit, String> {
    match value.as_u64() {
        Some(n) => Ok(Limit::Batches(n as usize)),
        None => Ok(Limit::Fraction(number(value))),
    }
}
