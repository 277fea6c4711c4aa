//! The table of settings: to add one, add its entry here, use the field, and that is all.
//!
//! An entry's doc text is the help, the comment in `print-config` and the line in `docs/configuration.md`. An `alias` is a
//! short flag beside `--section.key`. What stands behind `is` is the range; without it any value of the type will do.

use super::rules::{
    AT_LEAST_ONE, BETAS, EPOCHS, NOT_NEGATIVE, ONE_OR_MORE, POSITIVE, POSITIVE_OR_NONE, PROBABILITY,
    SHARE_OR_NONE, THREADS_OR_NONE, WIDTHS,
};
use super::section::sections;
use super::values::{BatchRows, Choice, ClipAlgorithm, Folder, Format, OptimizerName, Preset, SchedulerName};
use mmdynamic::Confidence;
use mmdynamic::data::{Missing, ScalingKind};

sections! {
    /// What is run and where it is written.
    run: Run {
        /// Recipe to start from: post, paper-rosmap, paper-brca or quick
        preset: Preset = Preset::Post, value "NAME", alias "preset";
        /// Seed of weights, order, dropout, split
        seed: u64 = 0, value "S", alias "seed";
        /// Train with so many seeds from --seed on
        seeds: u64 = 1, is ONE_OR_MORE, value "N", alias "seeds";
        /// Folder for lightning_logs
        out: Folder = Folder::new("."), value "DIR", alias "out";
    }
    /// The samples, and which of them choose the epoch.
    data: Data {
        /// Folder or table (docs/data.md); empty for generated data
        path: Folder = Folder::new(""), value "PATH", alias "data";
        /// What it is: auto (by its name), folder, csv or tsv
        format: Format = Format::Auto, value "NAME";
        /// Column map of a table; empty for FILE.toml beside FILE.csv
        columns: Folder = Folder::new(""), value "FILE";
        /// Share of training rows held out; 0 for none
        validation: f64 = 0.15, is SHARE_OR_NONE, value "X", alias "validation";
        /// Missing values: refuse, or impute mean, median or zero
        missing: Missing = Missing::Refuse, value "NAME";
        /// Scaling: min-max, z-score or none
        scaling: ScalingKind = ScalingKind::MinMax, value "NAME";
    }
    /// The network and its loss.
    model: Model {
        /// Widths: encoder, then classifier, as 500,200
        hidden_dim: Vec<usize> = vec![50], is WIDTHS, value "N,..", alias "hidden-dim";
        /// Probability of dropout
        dropout: f64 = 0.5, is PROBABILITY, value "P", alias "dropout";
        /// No gradient through the confidence's target
        detach_target: bool = false, value "BOOL", alias "detach-target";
        /// Features pass a gate
        gates: bool = true, value "BOOL";
        /// How far each view is trusted: linear (the post's), noise-aware or none (all alike)
        confidence: Confidence = Confidence::Linear, value "NAME";
        /// What the mean gate counts in the loss; 0 leaves it out
        loss_gate_l1: f64 = 1.0, is NOT_NEGATIVE, value "X";
        /// What the squared error of the confidences counts in the loss
        loss_confidence: f64 = 1.0, is NOT_NEGATIVE, value "X";
        /// What the cross-entropy of each view's own classifier counts in the loss
        loss_view_ce: f64 = 1.0, is NOT_NEGATIVE, value "X";
        /// What the cross-entropy of the fused classifier counts in the loss
        loss_classifier: f64 = 1.0, is NOT_NEGATIVE, value "X";
    }
    /// How weights follow their gradients.
    optimizer: Optimizer {
        /// adam, adamw or sgd
        name: OptimizerName = OptimizerName::Adam, value "NAME", alias "optimizer";
        /// Learning rate
        lr: f64 = 1e-3, is POSITIVE, value "X", alias "lr";
        /// Weight decay: added to the gradient, or by adamw taken off the weights
        weight_decay: f64 = 1e-5, is NOT_NEGATIVE, value "X", alias "reg";
        /// How slowly the means of gradients and their squares move (adam, adamw)
        betas: Vec<f64> = vec![0.9, 0.999], is BETAS, value "B1,B2";
        /// Added to the root of the mean square (adam, adamw)
        eps: f64 = 1e-8, is NOT_NEGATIVE, value "X";
        /// Share of the last step that is taken again (sgd)
        momentum: f64 = 0.0, is PROBABILITY, value "X";
        /// Look ahead along the momentum (sgd)
        nesterov: bool = false, value "BOOL";
    }
    /// How the learning rate changes from epoch to epoch.
    scheduler: Scheduler {
        /// step, multi-step, cosine, exponential or none
        name: SchedulerName = SchedulerName::Step, value "NAME", alias "scheduler";
        /// Epochs between drops of the learning rate (step)
        step_size: u64 = 10, is ONE_OR_MORE, value "N", alias "step-size";
        /// What a drop multiplies the learning rate by (step, multi-step, exponential)
        gamma: f64 = 0.9, is POSITIVE, value "X", alias "gamma";
        /// Epochs at which the learning rate drops (multi-step)
        milestones: Vec<u64> = vec![50, 75], is EPOCHS, value "N,..";
        /// The learning rate at the end of the last epoch (cosine)
        eta_min: f64 = 0.0, is NOT_NEGATIVE, value "X";
    }
    /// The loop.
    trainer: Trainer {
        /// Passes over the training rows
        max_epochs: usize = 100, is AT_LEAST_ONE, value "N", alias "epochs";
        /// Rows of a batch, or full
        batch_size: BatchRows = BatchRows::Rows(32), value "N", alias "batch-size";
        /// Batches whose gradients make one step
        accumulate_grad_batches: usize = 1, is AT_LEAST_ONE, value "N";
        /// Gradients are made no larger than this; none for no limit
        gradient_clip_val: Option<f64> = None, is POSITIVE_OR_NONE, value "X";
        /// norm (of all gradients together) or value (each number)
        gradient_clip_algorithm: ClipAlgorithm = ClipAlgorithm::Norm, value "NAME";
        /// Threads; none for RAYON_NUM_THREADS or one a core. No result depends on it
        threads: Option<usize> = None, is THREADS_OR_NONE, value "N";
        /// Validate in every so many epochs
        check_val_every_n_epoch: usize = 1, is AT_LEAST_ONE, value "N";
    }
    /// What is kept of a training, and when it ends.
    callbacks: Callbacks {
        /// Epoch to test: best (by val_loss) or last
        checkpoint: Choice = Choice::Best, value "NAME", alias "checkpoint";
        /// Validations without a better value before the training ends; none: never
        early_stopping_patience: Option<u64> = None, value "N";
        /// The value that early stopping wants small
        early_stopping_monitor: String = "val_loss".into(), value "NAME";
    }
    /// What is said of a finished run.
    report: Report {
        /// Established classifiers beside the model
        baselines: bool = false, value "BOOL", alias "baselines";
        /// Accuracy and confidences as views get noisy or go missing
        robustness: bool = true, value "BOOL";
        /// Shuffles of each feature for its permutation importance; 0 for none
        permutation: usize = 0, value "N";
    }
    /// Where the values of each epoch are written.
    loggers: Loggers {
        /// metrics.csv
        csv: bool = true, value "BOOL";
        /// metrics.jsonl: every event in its order
        jsonl: bool = false, value "BOOL";
        /// Event files for TensorBoard; needs the cargo feature `tensorboard`
        tensorboard: bool = false, value "BOOL";
    }
}
