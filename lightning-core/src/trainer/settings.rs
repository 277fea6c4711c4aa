//! The types of the trainer's knobs.

/// How many batches of an epoch a loop looks at: Lightning's `limit_train_batches` and the like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Limit {
    /// All of them.
    #[default]
    All,
    /// At most so many; 0 switches the loop off.
    Batches(usize),
    /// This share of them, rounded down, from 0 to 1.
    Fraction(f64),
}

impl Limit {
    /// The number of batches of a loader with `batches`, or what is wrong with the limit.
    pub(super) fn of(self, batches: usize) -> Result<usize, String> {
        match self {
            Limit::All => Ok(batches),
            Limit::Batches(most) => Ok(most.min(batches)),
            Limit::Fraction(share) if !(0.0..=1.0).contains(&share) => {
                Err(format!("the fraction {share}; give one from 0 to 1, or Limit::Batches"))
            }
            Limit::Fraction(share) => match (batches as f64 * share) as usize {
                0 if share > 0.0 && batches > 0 => Err(format!(
                    "the fraction {share} of {batches} batches, which is none; give at least {}",
                    1.0 / batches as f64
                )),
                some => Ok(some),
            },
        }
    }
}

/// When validation is due within a training epoch: Lightning's `val_check_interval`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValCheckInterval {
    /// After every such share of an epoch's batches, from above 0 to 1.
    Fraction(f64),
    /// After every so many batches of an epoch, at most its length.
    Batches(usize),
    /// After every so many batches, counted through all epochs: Lightning's `check_val_every_n_epoch=None`.
    BatchesOfAllEpochs(u64),
}

impl Default for ValCheckInterval {
    /// Once an epoch, at its end.
    fn default() -> Self {
        ValCheckInterval::Fraction(1.0)
    }
}

impl ValCheckInterval {
    /// Whether it is once an epoch, at its end.
    pub(super) fn is_epoch_end(self) -> bool {
        self == ValCheckInterval::Fraction(1.0)
    }

    /// The number of batches between two validations of an epoch with `batches`.
    pub(super) fn of(self, batches: usize) -> Result<u64, String> {
        match self {
            ValCheckInterval::Fraction(share) if share > 0.0 && share <= 1.0 => {
                Ok(((batches as f64 * share) as u64).max(1))
            }
            ValCheckInterval::Fraction(share) => {
                Err(format!("the fraction {share}; give one above 0 and at most 1"))
            }
            ValCheckInterval::Batches(0) | ValCheckInterval::BatchesOfAllEpochs(0) => {
                Err("0 batches; give at least 1".into())
            }
            ValCheckInterval::Batches(n) if n > batches => {
                Err(format!("{n} batches, an epoch has {batches}; give at most that, or BatchesOfAllEpochs"))
            }
            ValCheckInterval::Batches(n) => Ok(n as u64),
            ValCheckInterval::BatchesOfAllEpochs(n) => Ok(n),
        }
    }
}

/// Where Lightning's arithmetic and ours differ: each field set to `true` gives Lightning's. This is the whole list.
///
/// ```
/// use lightning_core::Trainer;
/// use lightning_core::trainer::Compat;
/// let ours: Trainer = Trainer::default();
/// let lightnings: Trainer = Trainer { compat: Compat::lightning(), ..Trainer::default() };
/// assert!(!ours.compat.partial_window && lightnings.compat.partial_window);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compat {
    /// The last, shorter accumulation window of an epoch is divided by the full `accumulate_grad_batches`. Ours:
    /// by the number of batches that are in it, so that its step is as long as any other.
    pub partial_window: bool,
    /// A schedule's frequency counts batches of the epoch (from 1 again in each) or the number of the epoch. Ours:
    /// it counts the moments at which the schedule is due, throughout, whatever the accumulation.
    pub scheduler_frequency: bool,
    /// A fit that `max_steps` ends inside an epoch is not validated again. Ours: it is, so that callbacks can judge
    /// the final weights.
    pub no_validation_at_stop: bool,
    /// The x axis of rows is the number, from 0, of the last batch that stepped; rows of single validation batches
    /// have one of their own, the number of validation batches. Ours: always the number of optimizer steps done.
    pub row_axis: bool,
    /// A batch whose training step returned `None` counts as a step, and schedulers by step move on. Ours: nothing
    /// happened, and the report says how often.
    pub count_skipped_steps: bool,
}

impl Compat {
    /// Lightning's arithmetic throughout.
    pub const fn lightning() -> Self {
        Compat {
            partial_window: true,
            scheduler_frequency: true,
            no_validation_at_stop: true,
            row_axis: true,
            count_skipped_steps: true,
        }
    }
}
