//! Optimizers and schedulers: manual and automatic, when they run, what they watch.

use crate::custom::{Custom, Halving, Loss, Recorder, descent, halving};
use crate::{NO_VALIDATION, trainer, weights};
use lightning_core::Trainer;
use lightning_core::optim::{
    Interval, LrScheduler, Optimizer, Optimizers, Schedule, SchedulerError, StateDict, StateError,
};
use lightning_core::testing::{Line, line_batches};
use std::sync::{Arc, Mutex};

#[test]
fn manual_optimization_equals_automatic_bit_for_bit() {
    let train = |manual| {
        let mut line = Line { manual, ..Line::default() };
        let report = trainer(4).fit(&mut line, &line_batches(), NO_VALIDATION).expect("a fit");
        assert_eq!(report.global_step, 8);
        weights(&line)
    };
    assert_eq!(train(false), train(true));
}

#[test]
fn a_scheduler_by_batch_gives_the_same_bits_in_automatic_and_manual_optimization() {
    let mut automatic = Custom {
        optimizers: |line| descent(line).schedule(Schedule::every_step(halving())),
        ..Custom::default()
    };
    let mut manual = Custom {
        automatic: false,
        optimizers: |line| descent(line).scheduler(halving()),
        step: |_, Loss { cx, loss }| {
            let opt = cx.optimizers();
            opt.zero_grad();
            cx.manual_backward(loss);
            opt.step();
            cx.lr_schedulers().step();
        },
        ..Custom::default()
    };
    trainer(3).fit(&mut automatic, &line_batches(), NO_VALIDATION).expect("a fit");
    trainer(3).fit(&mut manual, &line_batches(), NO_VALIDATION).expect("a fit");
    assert_eq!(weights(&automatic.line), weights(&manual.line));
}

#[test]
fn events_come_in_lightnings_order() {
    let mut module = Custom { optimizers: |line| descent(line).scheduler(halving()), ..Custom::default() };
    let mut trainer = Trainer {
        num_sanity_val_steps: 1,
        callbacks: vec![Box::new(Recorder(module.events.clone()))],
        ..trainer(2)
    };
    let batches = line_batches();
    trainer.fit(&mut module, &batches, Some(&batches)).expect("a fit");
    let events = module.events.lock().expect("no panic before").join("\n");
    let expected = "\
on_fit_start lr 0.1
validation_step 0
validation_epoch_end 1
on_validation_end lr 0.1
on_train_epoch_start lr 0.1
training_step 0
on_train_batch_end lr 0.1
training_step 1
on_train_batch_end lr 0.05
validation_step 0
validation_step 1
validation_epoch_end 2
on_validation_end lr 0.05
on_train_epoch_end lr 0.05
on_train_epoch_start lr 0.05
training_step 0
on_train_batch_end lr 0.05
training_step 1
on_train_batch_end lr 0.025
validation_step 0
validation_step 1
validation_epoch_end 2
on_validation_end lr 0.025
on_train_epoch_end lr 0.025
on_fit_end lr 0.025";
    assert_eq!(events, expected);
}

#[test]
fn schedules_count_their_frequency_over_epochs_and_steps() {
    let lrs = |interval, frequency| {
        let optimizers: fn(&Line) -> Optimizers = match (interval, frequency) {
            (Interval::Step, 3) => {
                |line| descent(line).schedule(Schedule { frequency: 3, ..Schedule::every_step(halving()) })
            }
            (Interval::Epoch, 2) => {
                |line| descent(line).schedule(Schedule { frequency: 2, ..Schedule::new(halving()) })
            }
            _ => unreachable!("two cases"),
        };
        let mut module = Custom { optimizers, ..Custom::default() };
        let events: Arc<Mutex<Vec<String>>> = Arc::default();
        let mut trainer = Trainer { callbacks: vec![Box::new(Recorder(events.clone()))], ..trainer(4) };
        trainer.fit(&mut module, &line_batches(), NO_VALIDATION).expect("a fit");
        let events = events.lock().expect("no panic before");
        events
            .iter()
            .filter_map(|e| e.strip_prefix("on_train_batch_end lr "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(lrs(Interval::Step, 3), ["0.1", "0.1", "0.05", "0.05", "0.05", "0.025", "0.025", "0.025"]);
    assert_eq!(lrs(Interval::Epoch, 2), ["0.1", "0.1", "0.1", "0.05", "0.05", "0.05", "0.05", "0.025"]);
}

#[test]
fn a_plateau_scheduler_sees_the_validation_of_its_epoch() {
    static SEEN: Mutex<Vec<f64>> = Mutex::new(Vec::new());
    let mut module = Custom {
        optimizers: |line| {
            let seen: Arc<Mutex<Vec<f64>>> = Arc::default();
            let watching = Halving { watches: true, seen };
            descent(line).schedule(Schedule {
                monitor: Some("ptl/val_loss".into()),
                ..Schedule::new(Noting(watching))
            })
        },
        ..Custom::default()
    };
    struct Noting(Halving);
    impl LrScheduler for Noting {
        fn start(&mut self, optimizer: &mut dyn Optimizer) {
            self.0.start(optimizer);
        }
        fn step(&mut self, optimizer: &mut dyn Optimizer, metric: Option<f64>) -> Result<(), SchedulerError> {
            SEEN.lock().expect("no panic before").extend(metric);
            self.0.step(optimizer, metric)
        }
        fn needs_metric(&self) -> bool {
            true
        }
        fn state_dict(&self) -> StateDict {
            StateDict::default()
        }
        fn load_state_dict(&mut self, _: &StateDict) -> Result<(), StateError> {
            Ok(())
        }
    }
    let batches = line_batches();
    trainer(3).fit(&mut module, &batches, Some(&batches)).expect("a fit");
    assert_eq!(*SEEN.lock().expect("no panic before"), [0.0, 1.0, 2.0]);
}

#[test]
fn a_plateau_scheduler_without_its_value_names_what_is_logged() {
    let mut module = Custom {
        optimizers: |line| {
            let watching = Halving { watches: true, seen: Arc::default() };
            descent(line).schedule(Schedule { monitor: Some("val_los".into()), ..Schedule::new(watching) })
        },
        ..Custom::default()
    };
    let batches = line_batches();
    let error = trainer(3).fit(&mut module, &batches, Some(&batches)).expect_err("a misspelt name");
    assert_eq!(
        error.to_string(),
        "epoch 0: a scheduler monitors `val_los`, which was not logged; logged are: ptl/val_loss, val_rows"
    );
}
