//! What goes wrong in Lightning and must not here. Each test names the input; the switches of `Compat` bring
//! Lightning's own arithmetic back.

mod slope;

use lightning_core::callbacks::{Callback, CallbackResult};
use lightning_core::optim::{GradientClip, Interval};
use lightning_core::trainer::{Compat, Limit, ValCheckInterval};
use lightning_core::{State, StopReason, Trainer};
use slope::{Batch, Rates, Slope, batches, fit, trainer};

#[test]
fn a_short_last_window_is_divided_by_the_batches_that_it_has() {
    let end = |compat| {
        let mut module = Slope::default();
        let mut trainer = Trainer { accumulate_grad_batches: 3, compat, ..trainer(1) };
        let report = fit(&mut trainer, &mut module, &[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(report.global_step, 2);
        module.w()
    };
    assert_eq!(end(Compat::default()), -(2.0 + 4.5));
    assert_eq!(end(Compat::lightning()), -(2.0 + 3.0));
}

#[test]
fn a_batch_left_out_of_a_window_does_not_shorten_its_step() {
    let mut module = Slope { no_loss: |batch_idx| batch_idx == 1, ..Slope::default() };
    let mut trainer = Trainer { accumulate_grad_batches: 3, ..trainer(1) };
    let report = fit(&mut trainer, &mut module, &[1.0, 2.0, 5.0]);
    assert_eq!((report.global_step, report.skipped_batches), (1, 1));
    assert!((module.w() + 3.0).abs() < 1e-6, "{}", module.w());
}

#[test]
fn a_frequency_counts_steps_throughout_not_batches_of_an_epoch() {
    let rates = |accumulate_grad_batches, xs: &[f32], compat| {
        let rates = Rates::default();
        let mut module = Slope { schedule: Some((Interval::Step, 2)), ..Slope::default() };
        let callbacks: Vec<Box<dyn Callback>> = vec![Box::new(rates.clone())];
        let mut trainer = Trainer { accumulate_grad_batches, compat, callbacks, ..trainer(3) };
        fit(&mut trainer, &mut module, xs);
        rates.take()
    };
    let (three, ours, lightning) = ([1.0; 3], Compat::default(), Compat::lightning());
    assert_eq!(rates(1, &three, ours), [1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625]);
    assert_eq!(rates(1, &three, lightning), [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]);
    let one_epoch = |compat| rates(2, &[1.0; 8], compat)[..8].to_vec();
    assert_eq!(one_epoch(ours), [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5]);
    assert_eq!(one_epoch(lightning), [1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]);
}

#[test]
fn max_steps_inside_an_epoch_validates_the_final_weights() {
    let validated = |compat| {
        let mut module = Slope::default();
        let mut trainer = Trainer { max_steps: Some(3), compat, ..trainer(9) };
        let report = trainer.fit(&mut module, &batches(&[1.0; 5]), Some(&batches(&[1.0]))).expect("a fit");
        assert_eq!((report.stop, report.global_step, report.epochs), (StopReason::MaxSteps, 3, 1));
        module.validated
    };
    assert_eq!(validated(Compat::default()), [(0, 3)]);
    assert_eq!(validated(Compat::lightning()), []);
}

#[test]
fn a_step_without_a_loss_is_no_step() {
    let run = |compat| {
        let rates = Rates::default();
        let mut module = Slope {
            schedule: Some((Interval::Step, 1)),
            no_loss: |batch_idx| batch_idx % 2 == 1,
            ..Slope::default()
        };
        let mut trainer = Trainer { compat, callbacks: vec![Box::new(rates.clone())], ..trainer(1) };
        let report = fit(&mut trainer, &mut module, &[1.0; 4]);
        (report.global_step, report.skipped_batches, rates.take(), module.w())
    };
    assert_eq!(run(Compat::default()), (2, 2, vec![1.0, 0.5, 0.5, 0.25], -1.5));
    assert_eq!(run(Compat::lightning()), (4, 2, vec![1.0, 0.5, 0.25, 0.125], -1.25));
}

#[test]
fn the_rest_of_an_epoch_left_out_loses_no_gradient_and_no_validation() {
    let mut module = Slope {
        skip: |epoch, batch_idx| epoch == 0 && batch_idx == 1,
        schedule: Some((Interval::Step, 1)),
        ..Slope::default()
    };
    let rates = Rates::default();
    let mut trainer =
        Trainer { accumulate_grad_batches: 2, callbacks: vec![Box::new(rates.clone())], ..trainer(2) };
    let train = batches(&[4.0, 6.0]);
    let report = trainer.fit(&mut module, &train, Some(&batches(&[1.0]))).expect("a fit");
    // The open window of batch 0 steps by its whole gradient, then the scheduler moves; epoch 1 is as ever.
    assert_eq!((report.global_step, module.w()), (2, -(4.0 + 0.5 * 5.0)));
    assert_eq!(rates.take(), [1.0, 1.0, 0.5, 0.5]);
    assert_eq!(module.validated, [(0, 1), (1, 2)]);
}

#[test]
fn one_name_in_two_loops_is_refused_with_the_cure() {
    let mut module = Slope { log: |cx, x| cx.log("v", x), ..Slope::default() };
    let error = trainer(1)
        .fit(&mut module, &batches(&[1.0]), Some(&batches(&[1.0])))
        .expect_err("two meanings of one name");
    assert_eq!(
        error.to_string(),
        "`v` is logged in the train loop and in the val loop, and whoever monitors it cannot know which is meant; \
         call one of the two `val_v`"
    );
}

#[test]
fn knobs_that_make_no_sense_are_refused_by_name() {
    let refused = |trainer: Trainer, expected: &str| {
        let mut trainer = trainer;
        let error = trainer
            .fit(&mut Slope::default(), &batches(&[1.0; 10]), Some(&batches(&[1.0])))
            .expect_err("refused")
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    let at_least_1 = "is 0; it must be at least 1";
    refused(Trainer { accumulate_grad_batches: 0, ..trainer(1) }, at_least_1);
    refused(Trainer { check_val_every_n_epoch: 0, ..trainer(1) }, at_least_1);
    refused(Trainer { fast_dev_run: Some(0), ..trainer(1) }, at_least_1);
    refused(
        Trainer { limit_train_batches: Limit::Fraction(0.01), ..trainer(1) },
        "the limit on train batches is the fraction 0.01 of 10 batches, which is none; give at least 0.1",
    );
    refused(Trainer { limit_val_batches: Limit::Fraction(1.5), ..trainer(1) }, "give one from 0 to 1");
    refused(
        Trainer { val_check_interval: ValCheckInterval::Batches(11), ..trainer(1) },
        "val_check_interval is 11 batches, an epoch has 10",
    );
    refused(Trainer { gradient_clip: Some(GradientClip::Norm(-1.0)), ..trainer(1) }, "gradient_clip is -1");
}

#[test]
fn a_misspelt_monitor_ends_the_fit_in_its_first_epoch() {
    struct Watching;
    impl Callback for Watching {
        fn name(&self) -> &str {
            "Watching"
        }
        fn monitor(&self) -> Option<&str> {
            Some("val_los")
        }
    }
    let mut trainer = Trainer { callbacks: vec![Box::new(Watching)], ..trainer(9) };
    let mut module = Slope { log: |cx, x| cx.log("loss", x), ..Slope::default() };
    let error = trainer.fit(&mut module, &batches(&[1.0]), None::<&Vec<Batch>>).expect_err("misspelt");
    assert_eq!(
        error.to_string(),
        "Watching monitors `val_los`, which nobody logged in the first epoch; logged are: loss"
    );
}

#[test]
fn a_wish_to_stop_before_min_epochs_is_dropped_not_kept() {
    struct Once;
    impl Callback for Once {
        fn name(&self) -> &str {
            "Once"
        }
        fn on_train_epoch_end(&mut self, state: &State<'_>) -> CallbackResult {
            if state.progress.epoch == 1 {
                state.stop("it looked bad");
            }
            Ok(())
        }
    }
    let stop = |min_epochs| {
        let mut trainer = Trainer { min_epochs, callbacks: vec![Box::new(Once)], ..trainer(6) };
        let report = fit(&mut trainer, &mut Slope::default(), &[1.0]);
        (report.epochs, report.stop)
    };
    assert_eq!(stop(0), (2, StopReason::Requested("it looked bad".into())));
    assert_eq!(stop(2), (2, StopReason::Requested("it looked bad".into())));
    assert_eq!(stop(3), (6, StopReason::MaxEpochs));
}
