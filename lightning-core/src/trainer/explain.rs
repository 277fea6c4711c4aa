//! The loop as text, with the settings that shape it and the callbacks in their places.

use super::{Limit, Trainer, ValCheckInterval};
use crate::callbacks::Kind;
use crate::optim::GradientClip;
use crate::{Float, LightningModule};
use std::fmt::Write as _;

impl<F: Float> Trainer<F> {
    /// What [`fit`](Self::fit) will do with this module: every hook in its order, with the callbacks, and the
    /// parameters that learn.
    ///
    /// ```
    /// use lightning_core::testing::Line;
    /// use lightning_core::Trainer;
    /// let trainer = Trainer { accumulate_grad_batches: 4, ..Trainer::default() };
    /// let text = trainer.explain(&Line::<f32>::default());
    /// assert!(text.contains("on the window's last batch of 4"));
    /// assert!(text.contains("layer.weight"));
    /// ```
    pub fn explain<M: LightningModule<F> + ?Sized>(&self, module: &M) -> String {
        let mut text = String::new();
        self.explain_callbacks(&mut text);
        text += "fit\n  setup, configure_optimizers, on_fit_start\n";
        if self.num_sanity_val_steps > 0 && self.fast_dev_run.is_none() {
            let _ =
                writeln!(text, "  sanity check: {} validation batches, forgotten", self.num_sanity_val_steps);
        }
        let epochs = match self.max_epochs {
            usize::MAX => "without end".to_owned(),
            epochs => format!("{epochs} times"),
        };
        let _ = writeln!(text, "  on_train_start\n  epoch, {epochs}{}", self.ends());
        text += "    on_train_epoch_start\n";
        let _ = writeln!(text, "    batch, {}", limit(self.limit_train_batches));
        text += "      on_train_batch_start\n";
        text += &if module.automatic_optimization() { self.automatic() } else { manual() };
        text += "      on_train_batch_end\n";
        let _ =
            writeln!(text, "      rows of steps go to the loggers every {} steps", self.log_every_n_steps);
        let _ = writeln!(text, "      validation {}, {}", self.when(), limit(self.limit_val_batches));
        text += "        on_validation_start, on_validation_epoch_start\n";
        text += "        on_validation_batch_start, validation_step, on_validation_batch_end\n";
        text += "        validation_epoch_end, on_validation_epoch_end, on_validation_end\n";
        text += "      plateau schedulers by step\n      checkpoints that were asked for\n";
        let _ = writeln!(text, "    on_train_epoch_end: {}", self.at_the_end_of_an_epoch());
        text += "    plateau schedulers by epoch, rows of the epoch, checkpoints that were asked for\n";
        text += "  on_train_end, on_fit_end, teardown\n\n";
        explain_parameters(&mut text, module);
        text
    }

    fn explain_callbacks(&self, text: &mut String) {
        let names = self.names(|_| true);
        let _ = writeln!(text, "callbacks, each hook before the module's: {}\n", or_none(&names));
    }

    fn names(&self, which: impl Fn(Kind) -> bool) -> Vec<&str> {
        let of = |checkpoint: bool| {
            let mine = move |kind: Kind| (kind == Kind::Checkpoint) == checkpoint;
            self.callbacks.iter().filter(move |callback| mine(callback.kind()))
        };
        of(false).chain(of(true)).filter(|c| which(c.kind())).map(|callback| callback.name()).collect()
    }

    fn at_the_end_of_an_epoch(&self) -> String {
        let plain = self.names(|kind| kind == Kind::Plain);
        let others = self.names(|kind| kind != Kind::Plain);
        plain.into_iter().chain(["the module"]).chain(others).collect::<Vec<_>>().join(", ")
    }

    fn ends(&self) -> String {
        let steps = self.max_steps.map(|steps| format!(", at most {steps} steps"));
        let time = self.max_time.map(|time| format!(", at most {} s", time.as_secs()));
        [steps, time].into_iter().flatten().collect()
    }

    fn automatic(&self) -> String {
        let mut text = String::from("      training_step\n");
        let (indent, n) = ("      ", self.accumulate_grad_batches);
        if n > 1 {
            let _ =
                writeln!(text, "{indent}on the window's first batch of {n}: on_before_zero_grad, zero_grad");
        } else {
            let _ = writeln!(text, "{indent}on_before_zero_grad, zero_grad");
        }
        let _ = writeln!(text, "{indent}on_before_backward, backward, on_after_backward");
        if n > 1 {
            let _ = writeln!(text, "{indent}on the window's last batch of {n}, or the epoch's:");
        }
        let clip = match self.gradient_clip {
            Some(GradientClip::Norm(most)) => format!("clip the norm to {most}"),
            Some(GradientClip::Value(most)) => format!("clip each element to ±{most}"),
            None => "no clipping".to_owned(),
        };
        let _ = writeln!(text, "{indent}on_before_optimizer_step, {clip}, optimizer_step");
        let _ = writeln!(text, "{indent}schedulers by step; by epoch, on its last batch");
        text
    }

    fn when(&self) -> String {
        let within = match self.val_check_interval {
            ValCheckInterval::Fraction(1.0) => "at its end".to_owned(),
            ValCheckInterval::Fraction(share) => format!("after every {share} of its batches"),
            ValCheckInterval::Batches(n) => format!("after every {n} of its batches"),
            ValCheckInterval::BatchesOfAllEpochs(n) => return format!("every {n} batches, over all epochs"),
        };
        match self.check_val_every_n_epoch {
            1 => format!("in each epoch {within}"),
            n => format!("in every {n}th epoch {within}"),
        }
    }
}

fn manual() -> String {
    "      training_step: zero_grad, on_before_backward, backward, on_after_backward,\n\
     \x20       on_before_optimizer_step, step, schedulers, as the module calls them\n"
        .to_owned()
}

fn limit(limit: Limit) -> String {
    match limit {
        Limit::All => "all of them".to_owned(),
        Limit::Batches(n) => format!("at most {n}"),
        Limit::Fraction(share) => format!("{share} of them"),
    }
}

fn or_none(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn explain_parameters<F: Float, M: LightningModule<F> + ?Sized>(text: &mut String, module: &M) {
    let parameters = module.named_parameters();
    let width = parameters.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max("parameters".len());
    let _ = writeln!(text, "{:width$}  {:>10}  shape", "parameters", "elements");
    let mut learning = 0;
    for (name, parameter) in &parameters {
        let note = if parameter.requires_grad() { "" } else { "  frozen" };
        learning += if parameter.requires_grad() { parameter.len() } else { 0 };
        let _ = writeln!(text, "{name:width$}  {:>10}  {:?}{note}", parameter.len(), parameter.shape());
    }
    let _ = writeln!(text, "{:width$}  {learning:>10}", "learning");
}
