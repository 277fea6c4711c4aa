//! When schedulers move on.

use super::TrainerError;
use super::fit::{FitLoop, at};
use crate::context::StepCx;
use crate::hook::Hook;
use crate::optim::Interval;
use crate::{Float, LightningModule, SchedulerRef};

impl<F: Float> FitLoop<'_, F> {
    /// Moves the schedulers of this interval on whose frequency has come round; those by step only if this batch
    /// stepped. Plateau schedulers get the value they watch.
    pub(super) fn step_schedules<M>(
        &mut self,
        module: &mut M,
        interval: Interval,
        plateau: bool,
        batch_idx: usize,
    ) -> Result<(), TrainerError>
    where
        M: LightningModule<F> + ?Sized,
    {
        let count = match &*self.optimization().borrow() {
            optimization if optimization.automatic => optimization.optimizers.schedules.len(),
            _ => 0,
        };
        if interval == Interval::Step && !self.has_stepped {
            return Ok(());
        }
        for index in 0..count {
            if !self.is_due(index, interval, plateau, batch_idx) {
                continue;
            }
            let metric = match plateau {
                true => match self.monitored(index)? {
                    Some(metric) => Some(metric),
                    None => continue,
                },
                false => None,
            };
            let shared = &self.run.shared;
            let scheduler = SchedulerRef::new(shared, index).expect("one of the schedulers");
            let cx = StepCx::new(&self.run.eval_tape, shared, at(Hook::LrSchedulerStep));
            module.lr_scheduler_step(&cx, scheduler, metric);
            self.check_schedules()?;
        }
        Ok(())
    }

    fn is_due(&mut self, index: usize, interval: Interval, plateau: bool, batch_idx: usize) -> bool {
        let in_lightning = match interval {
            Interval::Step => batch_idx as u64 + 1,
            Interval::Epoch => self.progress().epoch as u64 + 1,
        };
        let compat = self.run.trainer.compat.scheduler_frequency;
        let optimization = &mut *self.optimization().borrow_mut();
        let schedule = &optimization.optimizers.schedules[index];
        if schedule.interval != interval || schedule.scheduler.needs_metric() != plateau {
            return false;
        }
        optimization.due[index] += 1;
        let count = if compat { in_lightning } else { optimization.due[index] };
        count.is_multiple_of(schedule.frequency)
    }

    /// The value that a plateau scheduler watches; `None` leaves the step out.
    fn monitored(&mut self, index: usize) -> Result<Option<f64>, TrainerError> {
        let (monitor, strict) = {
            let optimization = self.optimization().borrow();
            let schedule = &optimization.optimizers.schedules[index];
            (schedule.monitor.clone(), schedule.strict)
        };
        let epoch = self.progress().epoch;
        let Some(monitor) = monitor else {
            let source = crate::optim::SchedulerError::MissingMetric;
            return Err(TrainerError::Scheduler { epoch, source });
        };
        let metrics = &self.run.shared.views.callback;
        if let Some(&value) = metrics.get(&monitor) {
            return Ok(Some(value));
        }
        let logged = metrics.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        if strict {
            return Err(TrainerError::Monitor { epoch, monitor, logged });
        }
        let warning = format!("a scheduler monitors `{monitor}`, which was not logged; its step is left out");
        if !self.run.warnings.contains(&warning) {
            self.run.warnings.push(warning);
        }
        Ok(None)
    }

    /// The error of a scheduler that a hook has stepped.
    pub(super) fn check_schedules(&self) -> Result<(), TrainerError> {
        match self.optimization().borrow_mut().error.take() {
            Some(source) => Err(TrainerError::Scheduler { epoch: self.progress().epoch, source }),
            None => Ok(()),
        }
    }
}
