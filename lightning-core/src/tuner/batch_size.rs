//! A search for the size of a batch: Lightning's `scale_batch_size`.

use super::memory::resident;
use super::trial::trial;
use super::{TunerError, setting};
use crate::callbacks::{Callback, CallbackResult};
use crate::data::Loader;
use crate::trainer::{State, Trainer};
use crate::{Float, LightningModule};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How the search goes on after the first size that is too large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScaleMode {
    /// Not at all: the sizes are doubled.
    #[default]
    Power,
    /// By halving the distance between the largest good size and the smallest that is too large.
    BinarySearch,
}

/// The settings of [`scale_batch_size`], with Lightning's names and defaults where it has them.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleBatchSize {
    /// How the search goes on; by doubling.
    pub mode: ScaleMode,
    /// The first size; 2.
    pub init_val: usize,
    /// Batches that are timed in a trial, after one that is not; 3.
    pub steps_per_trial: usize,
    /// Trials at most; 25.
    pub max_trials: usize,
    /// The largest size; 8192.
    pub max_val: usize,
    /// The share by which samples per second must become more for a larger size to be better; 0.05. `None` does not look
    /// at the time.
    pub min_gain: Option<f64>,
    /// Bytes that the whole process may hold in memory with a batch; no limit at first. Linux only.
    pub memory_budget: Option<u64>,
}

impl Default for ScaleBatchSize {
    fn default() -> Self {
        ScaleBatchSize {
            mode: ScaleMode::Power,
            init_val: 2,
            steps_per_trial: 3,
            max_trials: 25,
            max_val: 8192,
            min_gain: Some(0.05),
            memory_budget: None,
        }
    }
}

/// What a trial of a size measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Trial {
    /// The size that was asked for.
    pub batch_size: usize,
    /// Samples of the largest batch: less where the data has no more.
    pub largest_batch: usize,
    /// Samples of a batch by the time of the fastest one, its loading included.
    pub samples_per_second: f64,
    /// The most memory in bytes that the process held with a batch on the tape, where the system tells it.
    pub resident: Option<u64>,
}

/// What [`scale_batch_size`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchSizeReport {
    /// The size.
    pub batch_size: usize,
    /// All trials, in order.
    pub trials: Vec<Trial>,
}

impl ScaleBatchSize {
    fn check(&self) -> Result<(), TunerError> {
        for (name, found) in [
            ("init_val", self.init_val),
            ("steps_per_trial", self.steps_per_trial),
            ("max_trials", self.max_trials),
        ] {
            if found == 0 {
                return Err(setting(name, "0; give at least 1".into()));
            }
        }
        if self.max_val < self.init_val {
            let problem = format!("{}; give at least init_val, which is {}", self.max_val, self.init_val);
            return Err(setting("max_val", problem));
        }
        if let Some(gain) = self.min_gain.filter(|gain| !(*gain >= 0.0 && gain.is_finite())) {
            return Err(setting("min_gain", format!("{gain}; give a number of at least 0, or None")));
        }
        match self.memory_budget {
            None if self.min_gain.is_none() => Err(setting(
                "min_gain",
                "None, and memory_budget too; one of them must say when to end".into(),
            )),
            Some(_) if resident().is_none() => Err(setting(
                "memory_budget",
                "set, but this system does not tell a process its memory".into(),
            )),
            _ => Ok(()),
        }
    }

    fn fits(&self, trial: &Trial) -> bool {
        self.memory_budget.is_none_or(|budget| trial.resident.is_none_or(|resident| resident <= budget))
    }

    fn is_better(&self, next: &Trial, best: &Trial) -> bool {
        let gains = |gain: f64| next.samples_per_second > (1.0 + gain) * best.samples_per_second;
        next.largest_batch == next.batch_size && self.fits(next) && self.min_gain.is_none_or(gains)
    }

    /// The size to try after these, if there is one.
    fn next(&self, best: usize, too_large: Option<usize>) -> Option<usize> {
        match (self.mode, too_large) {
            (_, None) => Some(best.saturating_mul(2).min(self.max_val)).filter(|&next| next > best),
            (ScaleMode::Power, Some(_)) => None,
            (ScaleMode::BinarySearch, Some(high)) => {
                Some(best + (high - best) / 2).filter(|&next| next > best)
            }
        }
    }

    fn search(
        &self,
        mut measure: impl FnMut(usize) -> Result<Trial, TunerError>,
    ) -> Result<BatchSizeReport, TunerError> {
        let mut best = measure(self.init_val)?;
        if let (false, Some(found), Some(budget)) = (self.fits(&best), best.resident, self.memory_budget) {
            return Err(TunerError::OverBudget { batch_size: self.init_val, found, budget });
        }
        let (mut trials, mut too_large) = (vec![best], None);
        while trials.len() < self.max_trials
            && let Some(size) = self.next(best.batch_size, too_large)
        {
            let next = measure(size)?;
            trials.push(next);
            if self.is_better(&next, &best) {
                best = next;
            } else {
                too_large = Some(size);
            }
        }
        Ok(BatchSizeReport { batch_size: best.batch_size, trials })
    }
}

/// Tries larger and larger batches for some steps each, until samples per second stop growing by more than `min_gain`,
/// the memory budget is spent, or the data has no more. `loader` makes the training loader for a size.
///
/// Without an accelerator whose memory ends the search as in Lightning, time is what a larger batch can win. The clock
/// decides the size alone, so that two searches may differ; it never enters a number of a training. Afterwards the module
/// is what it was.
///
/// # Errors
/// If a setting makes no sense, the first size is over the budget, or the training fails.
///
/// ```
/// use lightning_core::Trainer;
/// use lightning_core::data::DataLoader;
/// use lightning_core::testing::{Line, line_batches};
/// use lightning_core::tuner::{ScaleBatchSize, scale_batch_size};
/// let points = line_batches::<f32>().remove(0);
/// let loader = |size| DataLoader::new(points.clone(), size);
/// let settings = ScaleBatchSize { max_val: 4, ..ScaleBatchSize::default() };
/// let found = scale_batch_size(&Trainer::default(), &mut Line::default(), loader, &settings)?;
/// assert!([2, 4].contains(&found.batch_size));
/// # Ok::<(), lightning_core::tuner::TunerError>(())
/// ```
pub fn scale_batch_size<F, M, T>(
    trainer: &Trainer<F>,
    module: &mut M,
    mut loader: impl FnMut(usize) -> T,
    settings: &ScaleBatchSize,
) -> Result<BatchSizeReport, TunerError>
where
    F: Float,
    M: LightningModule<F> + ?Sized,
    T: Loader<Batch = M::Batch>,
{
    settings.check()?;
    settings.search(|size| {
        let watch = Watch::default();
        let seen = Arc::clone(&watch.seen);
        trial(trainer, module, &loader(size), settings.steps_per_trial + 1, watch)?;
        let Seen { largest_batch, fastest, resident, .. } =
            *seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = fastest.map_or(f64::INFINITY, |time| time.as_secs_f64().max(1e-9));
        let samples_per_second = largest_batch as f64 / seconds;
        Ok(Trial { batch_size: size, largest_batch, samples_per_second, resident })
    })
}

/// Times batches.
#[derive(Default)]
struct Watch {
    last: Option<Instant>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    largest_batch: usize,
    /// The fastest of the largest batches.
    fastest: Option<Duration>,
    resident: Option<u64>,
}

impl<F: Float> Callback<F> for Watch {
    fn name(&self) -> &str {
        "scale_batch_size"
    }

    fn on_train_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        state.forget_schedules();
        Ok(())
    }

    fn on_after_backward(&mut self, _: &State<'_, F>) -> CallbackResult {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.resident = seen.resident.max(resident());
        Ok(())
    }

    fn on_train_batch_end(&mut self, state: &State<'_, F>) -> CallbackResult {
        let now = Instant::now();
        let time = self.last.replace(now).map(|last| now - last);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if state.batch_size > seen.largest_batch {
            (seen.largest_batch, seen.fastest) = (state.batch_size, time);
        } else if state.batch_size == seen.largest_batch {
            seen.fastest = [seen.fastest, time].into_iter().flatten().min();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine that is as fast as this with each size, and data of 1000 samples.
    fn found(settings: &ScaleBatchSize, speed: impl Fn(usize) -> f64) -> (usize, Vec<usize>) {
        let measure = |size: usize| {
            let (samples_per_second, resident) = (speed(size), Some(1000 + 10 * size as u64));
            Ok(Trial { batch_size: size, largest_batch: size.min(1000), samples_per_second, resident })
        };
        let report = settings.search(measure).expect("a size");
        (report.batch_size, report.trials.iter().map(|trial| trial.batch_size).collect())
    }

    #[test]
    fn doubling_ends_where_more_is_no_faster() {
        let settings = ScaleBatchSize::default();
        assert_eq!(found(&settings, |size| size.min(40) as f64), (64, vec![2, 4, 8, 16, 32, 64, 128]));
        assert_eq!(found(&settings, |_| 1.0), (2, vec![2, 4]));
        assert_eq!(
            found(&ScaleBatchSize { max_trials: 3, ..settings }, |size| size as f64),
            (8, vec![2, 4, 8])
        );
    }

    #[test]
    fn halving_goes_on_between_the_last_good_size_and_the_first_that_is_too_large() {
        let settings = ScaleBatchSize {
            mode: ScaleMode::BinarySearch,
            min_gain: None,
            memory_budget: Some(1000 + 10 * 37),
            init_val: 16,
            ..Default::default()
        };
        assert_eq!(found(&settings, |_| 1.0), (37, vec![16, 32, 64, 48, 40, 36, 38, 37]));
    }

    #[test]
    fn no_size_is_larger_than_the_data_or_than_max_val() {
        let settings = ScaleBatchSize { init_val: 400, ..Default::default() };
        assert_eq!(found(&settings, |size| size as f64), (800, vec![400, 800, 1600]));
        let settings = ScaleBatchSize { max_val: 500, ..settings };
        assert_eq!(found(&settings, |size| size as f64), (500, vec![400, 500]));
    }

    #[test]
    fn a_first_size_over_the_budget_is_an_error() {
        let settings = ScaleBatchSize { memory_budget: Some(10), ..Default::default() };
        let error =
            settings.search(|size| Ok(Trial { batch_size: size, resident: Some(11), ..Default::default() }));
        assert!(matches!(error, Err(TunerError::OverBudget { batch_size: 2, found: 11, budget: 10 })));
    }
}
