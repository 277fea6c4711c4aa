//! Which optimizer and which scheduler: the post's, or others of `lightning-optim`.

use crate::Config;
use lightning_core::optim::Optimizers;
use lightning_core::{Float, Parameter};
use lightning_optim::{
    Adam, AdamOptions, AdamW, AdamWOptions, CosineAnnealingLr, ExponentialLr, MultiStepLr, OptimError, Sgd,
    SgdOptions, StepLr,
};
use serde::{Deserialize, Serialize};

/// The rule that changes the weights, with what it has beside learning rate and weight decay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerChoice {
    /// [`lightning_optim::Adam`], whose weight decay is coupled.
    Adam {
        /// How slowly the means of gradients and of their squares move.
        betas: (f64, f64),
        /// Added to the root of the mean square.
        eps: f64,
    },
    /// [`lightning_optim::AdamW`], whose weight decay is decoupled.
    AdamW {
        /// As Adam's.
        betas: (f64, f64),
        /// As Adam's.
        eps: f64,
    },
    /// [`lightning_optim::Sgd`].
    Sgd {
        /// Share of the last step that is taken again.
        momentum: f64,
        /// Whether the gradient counts ahead along the momentum.
        nesterov: bool,
    },
}

impl Default for OptimizerChoice {
    /// Adam as PyTorch has it.
    fn default() -> Self {
        OptimizerChoice::Adam { betas: (0.9, 0.999), eps: 1e-8 }
    }
}

/// The rule that changes the learning rate once an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SchedulerChoice {
    /// Times [`Config::gamma`] after every [`Config::step_size`] epochs.
    #[default]
    Step,
    /// Times [`Config::gamma`] after each of these epochs.
    MultiStep {
        /// Finished epochs.
        milestones: Vec<u64>,
    },
    /// Along half a cosine.
    CosineAnnealing {
        /// The epoch in which the bottom is reached.
        t_max: u64,
        /// The learning rate there.
        eta_min: f64,
    },
    /// Times [`Config::gamma`] after every epoch.
    Exponential,
    /// It stays as it is.
    None,
}

impl Config {
    /// What `configure_optimizers` returns for these parameters.
    ///
    /// # Errors
    /// If a setting of optimizer or scheduler is out of its range.
    pub fn optimizers<F: Float>(&self, parameters: Vec<Parameter<F>>) -> Result<Optimizers<F>, OptimError> {
        let optimizers = self.optimizer(parameters)?;
        Ok(match &self.scheduler {
            SchedulerChoice::Step => optimizers.scheduler(StepLr::new(self.step_size, self.gamma)),
            SchedulerChoice::MultiStep { milestones } => {
                optimizers.scheduler(MultiStepLr::new(milestones.clone(), self.gamma))
            }
            SchedulerChoice::CosineAnnealing { t_max, eta_min } => {
                optimizers.scheduler(CosineAnnealingLr::new(*t_max, *eta_min)?)
            }
            SchedulerChoice::Exponential => optimizers.scheduler(ExponentialLr::new(self.gamma)),
            SchedulerChoice::None => optimizers,
        })
    }

    fn optimizer<F: Float>(&self, parameters: Vec<Parameter<F>>) -> Result<Optimizers<F>, OptimError> {
        let (lr, weight_decay) = (self.lr, self.reg);
        Ok(match self.optimizer {
            OptimizerChoice::Adam { betas, eps } => {
                let options = AdamOptions { lr, weight_decay, betas, eps, ..Default::default() };
                Optimizers::new(Adam::new(parameters, options)?)
            }
            OptimizerChoice::AdamW { betas, eps } => {
                let options = AdamWOptions { lr, weight_decay, betas, eps, ..Default::default() };
                Optimizers::new(AdamW::new(parameters, options)?)
            }
            OptimizerChoice::Sgd { momentum, nesterov } => {
                let options = SgdOptions { lr, weight_decay, momentum, nesterov, ..Default::default() };
                Optimizers::new(Sgd::new(parameters, options)?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lrs(config: &Config, epochs: usize) -> Vec<f64> {
        let parameters = vec![Parameter::<f32>::new(ndarray::arr0(1.0).into_dyn())];
        let mut all = config.optimizers(parameters).expect("sound settings");
        all.start().expect("a start");
        (0..epochs)
            .map(|_| {
                let lr = all.optimizers[0].lr(0);
                for schedule in &mut all.schedules {
                    schedule.scheduler.step(all.optimizers[0].as_mut(), None).expect("a step");
                }
                lr
            })
            .collect()
    }

    #[test]
    fn each_scheduler_gives_its_first_rates() {
        let of = |scheduler| Config { lr: 1.0, step_size: 2, gamma: 0.5, scheduler, ..Config::default() };
        assert_eq!(lrs(&of(SchedulerChoice::Step), 5), [1.0, 1.0, 0.5, 0.5, 0.25]);
        let milestones = vec![1, 3];
        assert_eq!(lrs(&of(SchedulerChoice::MultiStep { milestones }), 5), [1.0, 0.5, 0.5, 0.25, 0.25]);
        assert_eq!(lrs(&of(SchedulerChoice::Exponential), 3), [1.0, 0.5, 0.25]);
        assert_eq!(lrs(&of(SchedulerChoice::None), 3), [1.0; 3]);
        let cosine = lrs(&of(SchedulerChoice::CosineAnnealing { t_max: 2, eta_min: 0.2 }), 3);
        assert!((cosine[1] - 0.6).abs() < 1e-12 && (cosine[2] - 0.2).abs() < 1e-12, "{cosine:?}");
    }

    #[test]
    fn each_optimizer_is_the_one_that_was_asked_for_and_names_what_is_wrong() {
        for (optimizer, name) in [
            (OptimizerChoice::default(), "Adam"),
            (OptimizerChoice::AdamW { betas: (0.9, 0.99), eps: 1e-6 }, "AdamW"),
            (OptimizerChoice::Sgd { momentum: 0.9, nesterov: true }, "SGD"),
        ] {
            let config = Config { optimizer, ..Config::default() };
            let parameters = vec![Parameter::<f32>::new(ndarray::arr0(1.0).into_dyn())];
            let all = config.optimizers(parameters).expect("sound settings");
            assert_eq!(all.optimizers[0].name(), name);
        }
        let optimizer = OptimizerChoice::Adam { betas: (0.9, 1.0), eps: 1e-8 };
        let hparams = crate::Hyperparameters {
            in_dim: vec![3],
            num_class: 2,
            binary: true,
            config: Config { optimizer, ..Config::default() },
        };
        assert!(hparams.check().expect_err("refused").to_string().contains("is 1, expected"));
    }
}
