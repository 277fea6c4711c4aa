//! What a module logs: reduced while it comes in, so that memory does not grow with the length of an epoch.

mod sink;
mod views;

#[cfg(feature = "trainer")]
pub(crate) use sink::SavedEntry;
pub(crate) use sink::{LogSink, Record};
pub(crate) use views::MetricViews;
#[cfg(feature = "trainer")]
pub(crate) use views::SharedName;

use crate::hook::{Hook, LogRule};
use crate::{Float, Var};
use std::collections::BTreeMap;

/// Logged values by name.
pub type Metrics = BTreeMap<String, f64>;

/// How the values of an epoch become one.
#[derive(Clone, Copy, Debug, Default)]
pub enum Reduce {
    /// The mean, weighted by batch size.
    #[default]
    Mean,
    /// The sum.
    Sum,
    /// The smallest; NaN if one is NaN.
    Min,
    /// The largest; NaN if one is NaN.
    Max,
    /// Anything else that goes value by value: `f(so far, next)`, beginning with the first value.
    Fold(fn(f64, f64) -> f64),
}

/// Two folds count as equal: functions have no identity that a program may rely on.
impl PartialEq for Reduce {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// How a value is logged; the default is that of Lightning's `self.log` in the hook it is called from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogOptions {
    /// Log each step's own value. By default only in the hooks of a training step.
    pub on_step: Option<bool>,
    /// Log the epoch's reduced value. By default everywhere but in the hooks of a training step.
    pub on_epoch: Option<bool>,
    /// Show it in the progress bar.
    pub prog_bar: bool,
    /// Send it to the loggers; callbacks see it in any case.
    pub logger: bool,
    /// How the epoch's value is made.
    pub reduce: Reduce,
    /// The weight in a mean; by default the batch says its size.
    pub batch_size: Option<usize>,
    /// Let the name end in `/dataloader_idx_N` where a stage has several loaders.
    pub add_dataloader_idx: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            on_step: None,
            on_epoch: None,
            prog_bar: false,
            logger: true,
            reduce: Reduce::Mean,
            batch_size: None,
            add_dataloader_idx: true,
        }
    }
}

impl LogOptions {
    /// The epoch's value only: `on_step=False, on_epoch=True`.
    pub fn on_epoch() -> Self {
        LogOptions { on_step: Some(false), on_epoch: Some(true), ..LogOptions::default() }
    }

    /// Each step's value and the epoch's, as `name_step` and `name_epoch`.
    pub fn on_step_and_epoch() -> Self {
        LogOptions { on_step: Some(true), on_epoch: Some(true), ..LogOptions::default() }
    }

    /// What is done in `hook`: `(on_step, on_epoch)`, or why not.
    pub(crate) fn resolve(self, hook: Hook) -> Result<(bool, bool), String> {
        let (step, epoch) = match hook.log_rule() {
            LogRule::Step => (true, false),
            LogRule::Eval | LogRule::Epoch => (false, true),
            LogRule::Never => return Err(format!("cannot be logged in {}", hook.name())),
        };
        let (step, epoch) = (self.on_step.unwrap_or(step), self.on_epoch.unwrap_or(epoch));
        if hook.log_rule() == LogRule::Epoch && step {
            return Err(format!("cannot be logged on_step in {}: there is no step", hook.name()));
        }
        Ok((step, epoch))
    }
}

/// A number, or a value with one element.
pub trait LogValue {
    /// It as a number.
    fn log_value(self) -> f64;
}

macro_rules! log_numbers {
    ($($number:ty),*) => {
        $(impl LogValue for $number {
            fn log_value(self) -> f64 {
                self as f64
            }
        })*
    };
}
log_numbers!(f64, f32, i32, i64, u32, u64, usize);

/// 1 or 0.
impl LogValue for bool {
    fn log_value(self) -> f64 {
        f64::from(u8::from(self))
    }
}

impl<F: Float> LogValue for Var<'_, F> {
    #[track_caller]
    fn log_value(self) -> f64 {
        self.item().as_f64()
    }
}
