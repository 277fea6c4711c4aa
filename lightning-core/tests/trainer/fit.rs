//! What a fit logs, skips, refuses and stops at.

use crate::custom::{Custom, Loss, descent, halving};
use crate::{NO_VALIDATION, trainer};
use lightning_core::callbacks::{Callback, CallbackResult};
use lightning_core::nn::{Collector, Layer, Linear, Module};
use lightning_core::optim::{Optimizers, Schedule};
use lightning_core::testing::{GradientDescent, Line, LineBatch, line_batches};
use lightning_core::{
    LightningModule, LogOptions, Seed, State, StepCx, StopReason, Trainer, TrainerError, Var,
};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[test]
fn logged_means_are_weighted_by_batch_size_and_reach_the_report() {
    let mut line = Line::default();
    let batches = line_batches();
    let report = trainer(1).fit(&mut line, &batches, Some(&batches)).expect("a fit");
    let losses: Vec<f64> = {
        let tape = lightning_core::Tape::inference();
        let loss = |(x, y): &LineBatch| {
            f64::from(line.layer.forward(tape.constant(x.clone())).mse_loss(tape.constant(y.clone())).item())
        };
        batches.iter().map(loss).collect()
    };
    let weighted = (5.0 * losses[0] + 4.0 * losses[1]) / 9.0;
    assert!((report.metrics["val_loss"] - weighted).abs() < 1e-12);
    assert!((report.metrics["ptl/val_loss"] - (losses[0] + losses[1]) / 2.0).abs() < 1e-12);
    assert_eq!(report.metrics["loss"], report.metrics["loss_epoch"]);
    assert!(report.metrics.contains_key("loss_step"));
}

#[test]
fn a_batch_whose_step_returns_none_is_skipped_and_counted() {
    let mut module = Custom { returns: |batch_idx| batch_idx == 1, ..Custom::default() };
    let report = trainer(3).fit(&mut module, &line_batches(), NO_VALIDATION).expect("a fit");
    assert_eq!((report.global_step, report.skipped_batches), (3, 3));
}

#[test]
fn a_diverging_run_names_epoch_batch_and_parameter() {
    let mut line = Line { lr: 1e30, ..Line::default() };
    let error =
        trainer(9).fit(&mut line, &line_batches(), NO_VALIDATION).expect_err("it diverges").to_string();
    assert!(
        error.starts_with("diverged in epoch 0, batch 1: ")
            || error.starts_with("diverged in epoch 1, batch 0: "),
        "{error}"
    );
    assert!(error.contains("the loss is") || error.contains("`layer."), "{error}");
}

#[test]
fn misuse_is_an_error_that_names_the_cure() {
    let fit = |module: &mut Custom| {
        trainer(1).fit(module, &line_batches(), NO_VALIDATION).expect_err("misuse").to_string()
    };
    let two = &mut Custom {
        optimizers: |line| descent(line).and(GradientDescent { parameters: vec![], lr: 1.0 }),
        ..Custom::default()
    };
    assert!(fit(two).contains("wants one optimizer, configure_optimizers returned 2"));
    let none = &mut Custom { optimizers: |_| Optimizers::default(), ..Custom::default() };
    assert!(fit(none).contains("configure_optimizers returned 0"));
    let lost = &mut Custom {
        optimizers: |line| descent(line).schedule(Schedule { optimizer: 1, ..Schedule::new(halving()) }),
        ..Custom::default()
    };
    assert_eq!(fit(lost), "a schedule names optimizer 1, but configure_optimizers returned 1");
    let frozen = &mut Custom::default();
    frozen.freeze();
    assert_eq!(fit(frozen), "epoch 0, batch 0: the loss depends on no parameter that requires a gradient");
    let empty: Vec<LineBatch> = Vec::new();
    let error = trainer(1).fit(&mut Line::default(), &empty, NO_VALIDATION).expect_err("no batch");
    assert_eq!(error.to_string(), "the train loader has no batch");
    let mut zero = Trainer { log_every_n_steps: 0, ..trainer(1) };
    let error = zero.fit(&mut Line::default(), &line_batches(), NO_VALIDATION).expect_err("a zero");
    assert_eq!(error.to_string(), "log_every_n_steps is 0; it must be at least 1");
}

#[test]
#[should_panic(expected = "manual_backward in automatic optimization")]
fn manual_backward_in_automatic_optimization_is_refused() {
    let mut module = Custom { step: |_, Loss { cx, loss }| cx.manual_backward(loss), ..Custom::default() };
    let _ = trainer(1).fit(&mut module, &line_batches(), NO_VALIDATION);
}

#[test]
fn a_missing_step_is_named() {
    let error =
        trainer(1).test(&mut Line::<f32>::default(), &line_batches()).expect_err("there is no test_step");
    assert_eq!(error.to_string(), "the module has no test_step; override it");
    let error =
        trainer(1).predict(&mut Custom::default(), &line_batches()).expect_err("there is no predict_step");
    assert!(matches!(error, TrainerError::MissingStep("predict")));
}

#[test]
fn test_and_predict_see_every_batch_in_order() {
    let metrics = trainer(1).test(&mut Custom::default(), &line_batches()).expect("a test");
    assert_eq!((metrics["outputs"], metrics["rows"]), (2.0, 1.0));
    let predictions = trainer(1).predict(&mut Line::<f32>::default(), &line_batches()).expect("predictions");
    assert_eq!(predictions.iter().map(|p| p.nrows()).collect::<Vec<_>>(), [5, 4]);
}

#[test]
fn a_parameter_that_gets_no_gradient_is_warned_of_by_name() {
    struct Unused(Line, Linear);
    impl Module for Unused {
        fn collect<'a>(&'a self, into: &mut Collector<'a>) {
            self.0.collect(into);
            into.child("head", &self.1);
        }
    }
    impl LightningModule for Unused {
        type Batch = LineBatch;
        type ValOutput = ();
        type TestOutput = ();
        type Prediction = ();
        fn training_step<'s>(&mut self, cx: &StepCx<'s>, batch: &LineBatch, i: usize) -> Option<Var<'s>> {
            cx.log_with("shown", 1.0, LogOptions { prog_bar: true, ..Default::default() });
            self.0.training_step(cx, batch, i)
        }
        fn configure_optimizers(&self) -> Optimizers {
            Optimizers::new(GradientDescent { parameters: self.parameters(), lr: 0.1 })
        }
    }
    let mut module = Unused(Line::default(), Linear::new(1, 1, &mut Seed(0).stream("init")));
    let report = trainer(2).fit(&mut module, &line_batches(), NO_VALIDATION).expect("a fit");
    assert_eq!(
        report.warnings,
        ["no gradient reached these parameters in the first step: head.weight, head.bias"]
    );
}

#[test]
fn a_callback_and_an_interrupt_end_the_fit_after_the_running_batch() {
    struct Stop;
    impl Callback for Stop {
        fn name(&self) -> &str {
            "Stop"
        }
        fn on_train_batch_end(&mut self, state: &State<'_>) -> CallbackResult {
            state.stop("enough");
            Ok(())
        }
    }
    let mut stopping = Trainer { callbacks: vec![Box::new(Stop)], ..trainer(9) };
    let report = stopping.fit(&mut Line::default(), &line_batches(), NO_VALIDATION).expect("a fit");
    assert_eq!(
        (report.stop, report.epochs, report.global_step),
        (StopReason::Requested("enough".into()), 1, 1)
    );

    let flag = Arc::new(AtomicBool::new(true));
    let mut interrupted = Trainer { interrupt: Some(flag), ..trainer(9) };
    let report = interrupted.fit(&mut Line::default(), &line_batches(), NO_VALIDATION).expect("a fit");
    assert_eq!(report.stop, StopReason::Interrupted);
    assert!(report.global_step <= 1);
}
