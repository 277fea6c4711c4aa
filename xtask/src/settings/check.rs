//! What no range of a single setting shows: settings that do not go together.

use super::Settings;
use super::layers::Resolved;
use super::values::{Choice, OptimizerName, SchedulerName};
use crate::column_map::Columns;
use crate::failure::{Exit, Failure};
use crate::source::DataOptions;
use mmdynamic::{Config, Hyperparameters, LossWeights, OptimizerChoice, SchedulerChoice};
use serde_json::{Value, json};

impl Resolved {
    pub(super) fn check(&self) -> Result<(), Failure> {
        let settings = &self.settings;
        let refuse = |message: String| Err(Failure::new(Exit::Usage, message));
        // Any data has at least such a view and such classes: what they do not fit fits nothing.
        let smallest =
            Hyperparameters { in_dim: vec![1], num_class: 2, binary: true, config: settings.model_config() };
        smallest.check()?;
        let has_validation = settings.validation().is_some();
        if settings.callbacks.checkpoint == Choice::Best && !has_validation {
            return refuse(
                "--checkpoint best needs validation rows to choose by; add --validation 0.15 or take last"
                    .into(),
            );
        }
        if settings.callbacks.early_stopping_patience.is_some()
            && !has_validation
            && settings.callbacks.early_stopping_monitor.contains("val_")
        {
            return refuse(format!(
                "callbacks.early-stopping-patience waits for {}, which needs validation rows; add --validation 0.15",
                settings.callbacks.early_stopping_monitor
            ));
        }
        let optimizer = &settings.optimizer;
        if optimizer.nesterov && (optimizer.name != OptimizerName::Sgd || optimizer.momentum == 0.0) {
            return refuse(
                "optimizer.nesterov is true, which needs optimizer.name sgd and an optimizer.momentum above 0".into(),
            );
        }
        if settings.loggers.tensorboard && !cfg!(feature = "tensorboard") {
            return refuse(
                "loggers.tensorboard is true, and this program was built without it; \
                 run `cargo run --release -p xtask --features tensorboard -- train ...`"
                    .into(),
            );
        }
        let run = &settings.run;
        if run.seed.checked_add(run.seeds - 1).is_none() {
            return refuse(format!("seed {} and the {} after it pass {}", run.seed, run.seeds - 1, u64::MAX));
        }
        Ok(())
    }
}

impl Settings {
    /// The share of the training rows that is held out, if any is.
    pub(crate) fn validation(&self) -> Option<f64> {
        Some(self.data.validation).filter(|&share| share > 0.0)
    }

    /// How data is read and made ready.
    pub(crate) fn data_options(&self) -> DataOptions {
        let data = &self.data;
        let columns = data.columns.given().map_or(Columns::Beside, |file| Columns::File(file.to_owned()));
        DataOptions { format: data.format, columns, missing: data.missing, scaling: data.scaling }
    }

    /// What the model is made from.
    pub(crate) fn model_config(&self) -> Config {
        let (optimizer, scheduler) = (&self.optimizer, &self.scheduler);
        Config {
            hidden_dim: self.model.hidden_dim.clone(),
            lr: optimizer.lr,
            reg: optimizer.weight_decay,
            dropout: self.model.dropout,
            step_size: scheduler.step_size,
            gamma: scheduler.gamma,
            detach_target: self.model.detach_target,
            gates: self.model.gates,
            confidence: self.model.confidence,
            loss: LossWeights {
                gate_l1: self.model.loss_gate_l1,
                confidence: self.model.loss_confidence,
                view_ce: self.model.loss_view_ce,
                classifier: self.model.loss_classifier,
            },
            optimizer: match optimizer.name {
                OptimizerName::Adam => OptimizerChoice::Adam { betas: self.betas(), eps: optimizer.eps },
                OptimizerName::AdamW => OptimizerChoice::AdamW { betas: self.betas(), eps: optimizer.eps },
                OptimizerName::Sgd => {
                    OptimizerChoice::Sgd { momentum: optimizer.momentum, nesterov: optimizer.nesterov }
                }
            },
            scheduler: match scheduler.name {
                SchedulerName::Step => SchedulerChoice::Step,
                SchedulerName::MultiStep => {
                    SchedulerChoice::MultiStep { milestones: scheduler.milestones.clone() }
                }
                SchedulerName::Cosine => SchedulerChoice::CosineAnnealing {
                    t_max: self.trainer.max_epochs as u64,
                    eta_min: scheduler.eta_min,
                },
                SchedulerName::Exponential => SchedulerChoice::Exponential,
                SchedulerName::None => SchedulerChoice::None,
            },
        }
    }

    fn betas(&self) -> (f64, f64) {
        (self.optimizer.betas[0], self.optimizer.betas[1])
    }

    /// What `hparams.yaml` says beside the model's own hyperparameters.
    pub(crate) fn to_json(&self, data: &str, seed: u64) -> Value {
        let batch_size = match self.trainer.batch_size {
            super::values::BatchRows::Full => json!("full"),
            super::values::BatchRows::Rows(rows) => json!(rows),
        };
        json!({
            "data": data, "seed": seed, "epochs": self.trainer.max_epochs, "batch_size": batch_size,
            "validation": self.validation(), "checkpoint": self.callbacks.checkpoint.name(),
        })
    }
}
