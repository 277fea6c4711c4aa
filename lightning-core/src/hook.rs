//! The moments of a run at which a module and callbacks are called, and what may be logged there.

/// Which loop a hook runs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Training.
    #[default]
    Train,
    /// Validation, in a fit or alone.
    Validate,
    /// Test.
    Test,
    /// Prediction.
    Predict,
}

impl Stage {
    /// `train`, `val`, `test` or `predict`.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Train => "train",
            Stage::Validate => "val",
            Stage::Test => "test",
            Stage::Predict => "predict",
        }
    }
}

macro_rules! hooks {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $log:ident;)*) => {
        /// A moment of a run, under Lightning's name of the hook that is called there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Hook {
            $($(#[$doc])* $variant,)*
        }

        impl Hook {
            /// All of them, in the order of their declaration.
            pub const ALL: &[Hook] = &[$(Hook::$variant),*];

            /// The name of the method, for example `on_train_batch_start`.
            pub fn name(self) -> &'static str {
                match self { $(Hook::$variant => $name,)* }
            }

            /// Whether it belongs to one batch.
            pub(crate) fn has_batch(self) -> bool {
                matches!(self.log_rule(), LogRule::Step | LogRule::Eval)
            }

            /// What `log` may do here.
            pub(crate) fn log_rule(self) -> LogRule {
                match self { $(Hook::$variant => LogRule::$log,)* }
            }
        }
    };
}

/// What `log` may do in a hook, and what it does when nothing is said: Lightning's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogRule {
    /// Each step's value unless asked otherwise: the hooks around a training step.
    Step,
    /// The epoch's value unless asked otherwise: the hooks around a step of validation or test.
    Eval,
    /// The epoch's value only: there is no step.
    Epoch,
    /// Nothing can be logged.
    Never,
}

hooks! {
    /// Before anything else of a run.
    Setup = "setup", Never;
    /// After everything else of a run.
    Teardown = "teardown", Never;
    /// After the optimizers are there.
    OnFitStart = "on_fit_start", Never;
    /// After training.
    OnFitEnd = "on_fit_end", Never;
    /// Before the validation batches that are tried first; callbacks only.
    OnSanityCheckStart = "on_sanity_check_start", Never;
    /// After them; callbacks only.
    OnSanityCheckEnd = "on_sanity_check_end", Never;
    /// Before the first epoch.
    OnTrainStart = "on_train_start", Epoch;
    /// After the last epoch.
    OnTrainEnd = "on_train_end", Never;
    /// Before the first batch of an epoch.
    OnTrainEpochStart = "on_train_epoch_start", Epoch;
    /// After the last batch of an epoch and its validation.
    OnTrainEpochEnd = "on_train_epoch_end", Epoch;
    /// Before a batch.
    OnTrainBatchStart = "on_train_batch_start", Step;
    /// After a batch, when parameters and schedulers have moved on.
    OnTrainBatchEnd = "on_train_batch_end", Step;
    /// The training step itself.
    TrainingStep = "training_step", Step;
    /// Before gradients are forgotten.
    OnBeforeZeroGrad = "on_before_zero_grad", Step;
    /// Forgetting gradients; the module only.
    OptimizerZeroGrad = "optimizer_zero_grad", Step;
    /// Between loss and gradients.
    OnBeforeBackward = "on_before_backward", Step;
    /// The backward pass; the module only.
    Backward = "backward", Step;
    /// When the batch's gradients are there.
    OnAfterBackward = "on_after_backward", Step;
    /// When all gradients of a step are there, before clipping.
    OnBeforeOptimizerStep = "on_before_optimizer_step", Step;
    /// Clipping; the module only.
    ConfigureGradientClipping = "configure_gradient_clipping", Step;
    /// The update of the parameters; the module only.
    OptimizerStep = "optimizer_step", Step;
    /// A scheduler's step; the module only.
    LrSchedulerStep = "lr_scheduler_step", Never;
    /// Before validation, when no accumulation window is open; the module only.
    OnValidationModelZeroGrad = "on_validation_model_zero_grad", Never;
    /// The switch to evaluation; the module only.
    OnValidationModelEval = "on_validation_model_eval", Never;
    /// The switch back; the module only.
    OnValidationModelTrain = "on_validation_model_train", Never;
    /// Before a pass over the validation data.
    OnValidationStart = "on_validation_start", Epoch;
    /// Before its first batch.
    OnValidationEpochStart = "on_validation_epoch_start", Epoch;
    /// Before a batch.
    OnValidationBatchStart = "on_validation_batch_start", Eval;
    /// The validation step itself.
    ValidationStep = "validation_step", Eval;
    /// After a batch.
    OnValidationBatchEnd = "on_validation_batch_end", Eval;
    /// All outputs of the pass; the module only.
    ValidationEpochEnd = "validation_epoch_end", Epoch;
    /// After the last batch.
    OnValidationEpochEnd = "on_validation_epoch_end", Epoch;
    /// When the metrics of the pass are complete.
    OnValidationEnd = "on_validation_end", Never;
    /// The switch to evaluation; the module only.
    OnTestModelEval = "on_test_model_eval", Never;
    /// The switch back; the module only.
    OnTestModelTrain = "on_test_model_train", Never;
    /// Before a pass over the test data.
    OnTestStart = "on_test_start", Epoch;
    /// Before its first batch.
    OnTestEpochStart = "on_test_epoch_start", Epoch;
    /// Before a batch.
    OnTestBatchStart = "on_test_batch_start", Eval;
    /// The test step itself.
    TestStep = "test_step", Eval;
    /// After a batch.
    OnTestBatchEnd = "on_test_batch_end", Eval;
    /// All outputs of the pass; the module only.
    TestEpochEnd = "test_epoch_end", Epoch;
    /// After the last batch.
    OnTestEpochEnd = "on_test_epoch_end", Epoch;
    /// When the metrics of the pass are complete.
    OnTestEnd = "on_test_end", Never;
    /// The switch to evaluation; the module only.
    OnPredictModelEval = "on_predict_model_eval", Never;
    /// Before a pass of predictions.
    OnPredictStart = "on_predict_start", Never;
    /// Before its first batch.
    OnPredictEpochStart = "on_predict_epoch_start", Never;
    /// Before a batch.
    OnPredictBatchStart = "on_predict_batch_start", Never;
    /// The prediction itself.
    PredictStep = "predict_step", Never;
    /// After a batch.
    OnPredictBatchEnd = "on_predict_batch_end", Never;
    /// After the last batch.
    OnPredictEpochEnd = "on_predict_epoch_end", Never;
    /// After the pass.
    OnPredictEnd = "on_predict_end", Never;
    /// While a checkpoint is put together.
    OnSaveCheckpoint = "on_save_checkpoint", Never;
    /// While a run continues from a checkpoint.
    OnLoadCheckpoint = "on_load_checkpoint", Never;
    /// When a run ends with an error.
    OnException = "on_exception", Never;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_logged_where_is_lightnings_table() {
        let of = |rule| -> Vec<&str> {
            Hook::ALL.iter().filter(|hook| hook.log_rule() == rule).map(|hook| hook.name()).collect()
        };
        assert_eq!(
            of(LogRule::Step),
            [
                "on_train_batch_start",
                "on_train_batch_end",
                "training_step",
                "on_before_zero_grad",
                "optimizer_zero_grad",
                "on_before_backward",
                "backward",
                "on_after_backward",
                "on_before_optimizer_step",
                "configure_gradient_clipping",
                "optimizer_step",
            ]
        );
        assert_eq!(
            of(LogRule::Eval),
            [
                "on_validation_batch_start",
                "validation_step",
                "on_validation_batch_end",
                "on_test_batch_start",
                "test_step",
                "on_test_batch_end",
            ]
        );
        assert_eq!(
            of(LogRule::Epoch),
            [
                "on_train_start",
                "on_train_epoch_start",
                "on_train_epoch_end",
                "on_validation_start",
                "on_validation_epoch_start",
                "validation_epoch_end",
                "on_validation_epoch_end",
                "on_test_start",
                "on_test_epoch_start",
                "test_epoch_end",
                "on_test_epoch_end",
            ]
        );
    }
}
