//! What the smaller callbacks do to a fit.

use lightning_core::callbacks::{
    Annealing, Callback, EarlyStopping, ExponentialMovingAverage, FreezeSchedule,
    GradientAccumulationScheduler, LambdaCallback, ModelCheckpoint, ModelSummary, NormMonitor, ProgressBar,
    SaveEvery, StochasticWeightAveraging, Timer, TopK, WeightHistograms,
};
use lightning_core::checkpoint::Checkpoint;
use lightning_core::loggers::JsonLinesLogger;
use lightning_core::nn::Module;
use lightning_core::testing::{Line, LineBatch, line_batches};
use lightning_core::trainer::Resume;
use lightning_core::{FitReport, Hook, Stage, StopReason, Trainer, TrainerError};
use ndarray::ArrayD;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

type Weights = BTreeMap<String, ArrayD<f32>>;

const NO_VALIDATION: Option<&Vec<LineBatch>> = None;

fn fit(epochs: usize, callbacks: Vec<Box<dyn Callback>>) -> (Result<FitReport, TrainerError>, Line) {
    let mut line = Line::default();
    let mut trainer = trainer(epochs, callbacks);
    (trainer.fit(&mut line, &line_batches(), Some(&line_batches())), line)
}

fn trainer(epochs: usize, callbacks: Vec<Box<dyn Callback>>) -> Trainer {
    Trainer { max_epochs: epochs, num_sanity_val_steps: 0, callbacks, ..Trainer::default() }
}

/// The weights at each of these moments.
fn watch(hook: Hook) -> (Box<dyn Callback>, Receiver<Weights>) {
    let (say, hear) = channel();
    let callback = LambdaCallback::new().on(hook, move |state| {
        let weights =
            state.parameters.iter().map(|(name, p)| (name.clone(), p.value().into_owned())).collect();
        Ok(say.send(weights)?)
    });
    (Box::new(callback), hear)
}

fn close(a: &Weights, b: &Weights) -> bool {
    a.iter()
        .zip(b)
        .all(|((_, a), (_, b))| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs().max(1.0)))
}

#[test]
fn the_accumulation_changes_with_the_epoch() {
    let schedule = GradientAccumulationScheduler::new([(1, 2)]);
    let (report, _) = fit(3, vec![Box::new(schedule)]);
    // Two batches an epoch: two steps, then one and one.
    assert_eq!(report.expect("a fit").global_step, 4);
    let mut twice = trainer(1, vec![Box::new(GradientAccumulationScheduler::new([(0, 2)]))]);
    twice.accumulate_grad_batches = 2;
    let error = twice.fit(&mut Line::default(), &line_batches(), NO_VALIDATION).expect_err("two masters");
    assert!(error.to_string().contains("leave it at 1"), "{error}");
    let (report, _) = fit(1, vec![Box::new(GradientAccumulationScheduler::new([(0, 0)]))]);
    assert!(report.expect_err("a factor of 0").to_string().contains("give at least 1"));
}

#[test]
fn a_timer_ends_the_fit_and_knows_how_long_it_took() {
    let timer = Timer::new(Some(Duration::ZERO));
    let (report, _) = fit(9, vec![Box::new(timer)]);
    let report = report.expect("a fit");
    assert!(matches!(&report.stop, StopReason::Requested(reason) if reason.contains("the time is over")));
    assert_eq!(report.global_step, 0);

    let timer = Timer::new(None);
    let clock = timer.handle();
    let pause = LambdaCallback::new().on(Hook::OnValidationBatchEnd, |_| {
        std::thread::sleep(Duration::from_millis(5));
        Ok(())
    });
    fit(2, vec![Box::new(timer), Box::new(pause)]).0.expect("a fit");
    let [train, val] = [Stage::Train, Stage::Validate].map(|stage| clock.time_elapsed(stage));
    assert!(val >= Duration::from_millis(20) && train >= val, "{train:?} {val:?}");
    assert_eq!(clock.time_elapsed(Stage::Test), Duration::ZERO);
}

#[test]
fn a_frozen_parameter_learns_from_its_epoch_on() {
    let (watcher, seen) = watch(Hook::OnTrainEpochEnd);
    fit(3, vec![Box::new(FreezeSchedule::new([("layer.bias", 2)])), watcher]).0.expect("a fit");
    let seen: Vec<Weights> = seen.try_iter().collect();
    let start = Line::<f32>::default().state_dict();
    assert_eq!(seen[1]["layer.bias"], start["layer.bias"]);
    assert_ne!(seen[1]["layer.weight"], start["layer.weight"]);
    assert_ne!(seen[2]["layer.bias"], start["layer.bias"]);
    let (report, _) = fit(1, vec![Box::new(FreezeSchedule::new([("encoder.", 2)]))]);
    assert!(
        report
            .expect_err("no such name")
            .to_string()
            .contains("`encoder.`; there are layer.weight, layer.bias")
    );
}

#[test]
fn a_moving_average_validates_and_ends_in_the_place_of_the_weights() {
    let decay = 0.75;
    let ema = ExponentialMovingAverage { decay, ..ExponentialMovingAverage::default() };
    let (steps, each_step) = watch(Hook::OnTrainBatchEnd);
    let (validations, each_validation) = watch(Hook::OnValidationBatchStart);
    let (_, line) = fit(3, vec![steps, Box::new(ema), validations]);
    let mut average: Option<Weights> = None;
    for weights in each_step.try_iter() {
        average = Some(match average {
            None => weights,
            Some(mut average) => {
                average
                    .iter_mut()
                    .for_each(|(n, a)| a.zip_mut_with(&weights[n], |a, w| *a = *a * 0.75 + w * 0.25));
                average
            }
        });
    }
    let average = average.expect("six steps");
    let seen = each_validation.try_iter().last().expect("a validation");
    assert!(close(&seen, &average), "{seen:?} {average:?}");
    assert!(close(&line.state_dict(), &average));
}

#[test]
fn weights_of_the_last_epochs_are_averaged_at_a_rate_of_their_own() {
    let swa = StochasticWeightAveraging {
        swa_epoch_start: 2,
        annealing_epochs: 2,
        annealing_strategy: Annealing::Linear,
        ..StochasticWeightAveraging::new(0.02)
    };
    let (epochs, each_epoch) = watch(Hook::OnTrainEpochEnd);
    let (say, rates) = channel();
    let rate = LambdaCallback::new()
        .on(Hook::OnBeforeOptimizerStep, move |state| Ok(say.send(state.optimizer(0).lr())?));
    let (_, line) = fit(5, vec![Box::new(swa), epochs, Box::new(rate)]);
    let ends: Vec<Weights> = each_epoch.try_iter().collect();
    let mean: Weights = ends[2]
        .keys()
        .map(|name| (name.clone(), (&ends[2][name] + &ends[3][name] + &ends[4][name]) / 3.0))
        .collect();
    assert!(close(&line.state_dict(), &mean));
    let rates: Vec<f64> = rates.try_iter().collect();
    for (rate, expected) in rates.iter().step_by(2).zip([0.1, 0.1, 0.1, 0.06, 0.02]) {
        assert!((rate - expected).abs() < 1e-12, "{rates:?}");
    }
}

/// Every checkpoint of a fit with an average; a fit that goes on from each of them ends in the same bits.
fn resumes_exactly(average: impl Fn() -> Box<dyn Callback>) {
    let keep = |folder: &Path| ModelCheckpoint {
        save_top_k: TopK::All,
        every: SaveEvery::TrainSteps(1),
        ..ModelCheckpoint::new(folder)
    };
    let dir = tempfile::tempdir().expect("a folder");
    let (report, whole) = fit(4, vec![average(), Box::new(keep(dir.path()))]);
    report.expect("a fit");
    for step in 1..8 {
        let epoch = (step - 1) / 2;
        let path = dir.path().join(format!("epoch={epoch}-step={step}.ckpt"));
        let mut line = Line::default();
        let mut again = trainer(4, vec![average()]);
        again.resume = Some(Resume::Path(path));
        again.fit(&mut line, &line_batches(), Some(&line_batches())).expect("the rest");
        assert_eq!(line.state_dict(), whole.state_dict(), "from step {step}");
    }
}

#[test]
fn fits_with_averages_resume_exactly() {
    resumes_exactly(|| {
        Box::new(ExponentialMovingAverage { decay: 0.9, ..ExponentialMovingAverage::default() })
    });
    resumes_exactly(|| {
        Box::new(StochasticWeightAveraging { swa_epoch_start: 1, ..StochasticWeightAveraging::new(0.05) })
    });
}

#[test]
fn a_checkpoint_holds_the_average_as_its_weights() {
    let dir = tempfile::tempdir().expect("a folder");
    let checkpoints = ModelCheckpoint::new(dir.path());
    let kept = checkpoints.handle();
    let ema = ExponentialMovingAverage { decay: 0.9, ..ExponentialMovingAverage::default() };
    let (_, line) = fit(3, vec![Box::new(ema), Box::new(checkpoints)]);
    let saved: Checkpoint = Checkpoint::read(&kept.best_model_path().expect("a file")).expect("a checkpoint");
    assert_eq!(saved.state_dict, line.state_dict());
    assert_ne!(saved.arrays["trained.layer.weight"], saved.state_dict["layer.weight"]);
}

#[test]
fn histograms_and_norms_reach_the_loggers() {
    let dir = tempfile::tempdir().expect("a folder");
    let callbacks: Vec<Box<dyn Callback>> =
        vec![Box::new(WeightHistograms { every_n_epochs: 2, gradients: true }), Box::new(NormMonitor)];
    let mut trainer = trainer(3, callbacks);
    trainer.log_every_n_steps = 1;
    trainer.loggers = vec![Box::new(JsonLinesLogger::new(dir.path()))];
    trainer.fit(&mut Line::default(), &line_batches(), NO_VALIDATION).expect("a fit");
    let text = std::fs::read_to_string(dir.path().join("metrics.jsonl")).expect("the log");
    for tag in
        ["weights/layer.weight", "weights/layer.bias", "gradients/layer.weight", "gradients/layer.bias"]
    {
        assert_eq!(text.matches(tag).count(), 1, "{tag}\n{text}");
    }
    assert_eq!(text.matches("grad_norm").count(), 6, "{text}");
}

#[test]
fn a_summary_and_a_bar_change_nothing() {
    let (_, plain) = fit(2, vec![]);
    let (_, shown) = fit(2, vec![Box::new(ModelSummary::default()), Box::new(ProgressBar::default())]);
    assert_eq!(shown.state_dict(), plain.state_dict());
}

#[test]
fn a_validation_after_the_fit_leaves_the_averaged_weights_in_place() {
    let ema = ExponentialMovingAverage { decay: 0.9, ..ExponentialMovingAverage::default() };
    let mut trainer = trainer(3, vec![Box::new(ema)]);
    let mut line = Line::default();
    trainer.fit(&mut line, &line_batches(), Some(&line_batches())).expect("a fit");
    let average = line.state_dict();
    trainer.validate(&mut line, &line_batches()).expect("a pass");
    assert_eq!(line.state_dict(), average);
    let mut other = Line::default();
    let own = other.state_dict();
    trainer.validate(&mut other, &line_batches()).expect("a pass");
    assert_eq!(other.state_dict(), own);
}

#[test]
fn a_validation_after_the_fit_is_no_check_of_early_stopping() {
    let stopping = EarlyStopping { patience: 1, ..EarlyStopping::monitoring("val_loss") };
    let seen = stopping.handle();
    let mut trainer = trainer(3, vec![Box::new(stopping)]);
    let mut line = Line::default();
    trainer.fit(&mut line, &line_batches(), Some(&line_batches())).expect("a fit");
    let best = seen.best_score();
    trainer.validate(&mut line, &line_batches()).expect("a pass");
    trainer.validate(&mut line, &line_batches()).expect("a pass");
    assert_eq!((seen.wait_count(), seen.stopped_epoch(), seen.best_score()), (0, None, best));
}

#[test]
fn two_averages_of_one_run_are_refused() {
    let ema: ExponentialMovingAverage = ExponentialMovingAverage::default();
    let swa = StochasticWeightAveraging { swa_epoch_start: 1, ..StochasticWeightAveraging::new(0.05) };
    let (result, _) = fit(3, vec![Box::new(ema), Box::new(swa)]);
    assert!(matches!(result, Err(TrainerError::StateKey(_))), "{result:?}");
}

/// What a fit with a bar writes to stderr, from a process of its own.
#[test]
fn the_last_line_of_a_bar_tells_of_the_last_batch_also_of_a_fit_that_stops_early() {
    if std::env::var_os("BAR_CHILD").is_some() {
        let stop = LambdaCallback::new().on(Hook::OnTrainBatchEnd, |state| {
            if state.progress.global_step == 3 {
                state.stop("enough");
            }
            Ok(())
        });
        fit(9, vec![Box::new(ProgressBar::default()), Box::new(stop)]).0.expect("a fit");
        return;
    }
    let this = std::env::current_exe().expect("this program");
    let name = "the_last_line_of_a_bar_tells_of_the_last_batch_also_of_a_fit_that_stops_early";
    let mut child = std::process::Command::new(this);
    let ended = child.args(["--exact", name, "--nocapture"]).env("BAR_CHILD", "1").output().expect("its end");
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    let last = text.lines().rfind(|line| line.starts_with("Epoch")).unwrap_or_default();
    assert!(last.starts_with("Epoch 2/9  1/2 [50%]") && last.contains("loss="), "{text}");
}
