//! What `ModelCheckpoint` keeps, when, and under which names. Names and choices in common with PyTorch Lightning are
//! held to recorded runs in `lightning_scenarios.rs`; here is what differs and what Lightning cannot be asked.

use lightning_core::callbacks::{
    Callback, CallbackResult, CheckpointHandle, Mode, ModelCheckpoint, SaveEvery, SaveLast, TopK,
};
use lightning_core::checkpoint::{Checkpoint, CheckpointError};
use lightning_core::nn::Module;
use lightning_core::testing::{Line, LineBatch, line_batches};
use lightning_core::trainer::Resume;
use lightning_core::{FitReport, LogOptions, State, Trainer, TrainerError};
use std::path::Path;

/// Logs these values, one after each validation, under `v`.
struct Scores(&'static [f64]);

impl Callback for Scores {
    fn name(&self) -> &str {
        "Scores"
    }
    fn on_validation_epoch_end(&mut self, state: &State<'_>) -> CallbackResult {
        state.log("v", self.0[state.progress.epoch.min(self.0.len() - 1)]);
        Ok(())
    }
}

/// Lists the folder at the end of each epoch, before this epoch's checkpoint.
#[derive(Default)]
struct Lists(std::path::PathBuf, std::sync::Arc<std::sync::Mutex<Vec<Vec<String>>>>);

impl Callback for Lists {
    fn name(&self) -> &str {
        "Lists"
    }
    fn on_train_epoch_start(&mut self, _: &State<'_>) -> CallbackResult {
        // What was handed over before is durable soon, not at once.
        for _ in 0..200 {
            if self.0.join("last.ckpt").exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        self.1.lock().expect("no panic").push(names(&self.0));
        Ok(())
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

fn fit(
    epochs: usize,
    scores: &'static [f64],
    checkpoints: ModelCheckpoint,
) -> (Result<FitReport, TrainerError>, CheckpointHandle, Line) {
    let handle = checkpoints.handle();
    let mut trainer = trainer(epochs);
    trainer.callbacks = vec![Box::new(Scores(scores)), Box::new(checkpoints)];
    let mut line = Line::default();
    let report = trainer.fit(&mut line, &line_batches(), Some(&line_batches()));
    (report, handle, line)
}

fn trainer(epochs: usize) -> Trainer {
    Trainer { max_epochs: epochs, num_sanity_val_steps: 0, ..Trainer::default() }
}

fn read(path: &Path) -> Checkpoint {
    Checkpoint::read(path).expect("a checkpoint")
}

#[test]
fn last_is_the_newest_state_even_if_no_best_one_was_written() {
    for save_last in [SaveLast::Yes, SaveLast::Link] {
        let dir = tempfile::tempdir().expect("a folder");
        let checkpoints = ModelCheckpoint { save_last, ..ModelCheckpoint::monitoring(dir.path(), "v") };
        let (report, kept, line) = fit(4, &[0.3, 0.2, 0.4, 0.5], checkpoints);
        report.expect("a fit");
        assert_eq!(names(dir.path()), ["epoch=1-step=4.ckpt", "last.ckpt"]);
        assert_eq!(kept.best_model_score(), Some((0.2, 1)));
        let last = read(&kept.last_model_path().expect("a last one"));
        assert_eq!((last.position.epoch, last.position.global_step), (4, 8));
        assert_eq!(last.state_dict, line.state_dict());
    }
}

#[test]
fn a_linked_last_stays_whole_when_its_file_is_removed() {
    let dir = tempfile::tempdir().expect("a folder");
    let checkpoints =
        ModelCheckpoint { save_last: SaveLast::Link, ..ModelCheckpoint::monitoring(dir.path(), "v") };
    let (report, kept, _) = fit(3, &[0.3, 0.2, 0.1], checkpoints);
    report.expect("a fit");
    assert_eq!(names(dir.path()), ["epoch=2-step=6.ckpt", "last.ckpt"]);
    std::fs::remove_file(kept.best_model_path().expect("a best one")).expect("removed");
    assert_eq!(read(&dir.path().join("last.ckpt")).position.epoch, 3);
}

#[test]
fn last_alone_is_there_after_every_epoch() {
    let dir = tempfile::tempdir().expect("a folder");
    let checkpoints = ModelCheckpoint {
        save_top_k: TopK::Best(0),
        save_last: SaveLast::Yes,
        ..ModelCheckpoint::new(dir.path())
    };
    let lists = Lists(dir.path().to_owned(), Default::default());
    let seen = lists.1.clone();
    let mut trainer = trainer(3);
    trainer.callbacks = vec![Box::new(lists), Box::new(checkpoints)];
    trainer.fit(&mut Line::default(), &line_batches(), None::<&Vec<LineBatch>>).expect("a fit");
    assert_eq!(
        *seen.lock().expect("no panic"),
        [vec![], vec!["last.ckpt".to_owned()], vec!["last.ckpt".into()]]
    );
}

#[test]
fn a_checkpoint_between_validations_waits_for_its_own_score() {
    let dir = tempfile::tempdir().expect("a folder");
    let checkpoints = ModelCheckpoint {
        every: SaveEvery::TrainSteps(2),
        save_top_k: TopK::All,
        ..ModelCheckpoint::monitoring(dir.path(), "v")
    };
    let kept = checkpoints.handle();
    let mut trainer = trainer(3);
    trainer.callbacks = vec![Box::new(Scores(&[0.9, 0.5, 0.7])), Box::new(checkpoints)];
    let four = [line_batches(), line_batches()].concat();
    trainer.fit(&mut Line::default(), &four, Some(&line_batches())).expect("a fit");
    let scores: Vec<(String, f64)> = kept
        .best_k_models()
        .iter()
        .map(|(path, score)| (path.file_name().expect("a name").to_string_lossy().into_owned(), *score))
        .collect();
    let expected =
        [("epoch=0-step=4.ckpt", 0.9), ("epoch=1-step=8.ckpt", 0.5), ("epoch=2-step=12.ckpt", 0.7)];
    assert_eq!(scores, expected.map(|(name, score)| (name.to_owned(), score)));
}

#[test]
fn a_value_of_training_scores_the_very_step() {
    struct Loss;
    impl Callback for Loss {
        fn name(&self) -> &str {
            "Loss"
        }
        fn on_train_batch_start(&mut self, state: &State<'_>) -> CallbackResult {
            let step = state.progress.global_step;
            state.log_with("l", [4.0, 2.0, 3.0, 5.0][step as usize], LogOptions::default());
            Ok(())
        }
    }
    let dir = tempfile::tempdir().expect("a folder");
    let checkpoints = ModelCheckpoint {
        every: SaveEvery::TrainSteps(1),
        save_top_k: TopK::Best(2),
        ..ModelCheckpoint::monitoring(dir.path(), "l")
    };
    let mut trainer = trainer(2);
    trainer.callbacks = vec![Box::new(Loss), Box::new(checkpoints)];
    trainer.fit(&mut Line::default(), &line_batches(), None::<&Vec<LineBatch>>).expect("a fit");
    assert_eq!(names(dir.path()), ["epoch=0-step=2.ckpt", "epoch=1-step=3.ckpt"]);
}

#[test]
fn what_was_never_a_number_is_never_best() {
    let dir = tempfile::tempdir().expect("a folder");
    let (report, kept, _) = fit(2, &[f64::NAN, f64::NAN], ModelCheckpoint::monitoring(dir.path(), "v"));
    report.expect("a fit");
    assert_eq!((kept.best_model_path(), kept.best_model_score()), (None, None));
    assert_eq!(kept.best_k_models()[0].1, f64::INFINITY);
}

#[test]
fn weights_alone_load_but_do_not_resume() {
    let dir = tempfile::tempdir().expect("a folder");
    let checkpoints = ModelCheckpoint { save_weights_only: true, ..ModelCheckpoint::new(dir.path()) };
    let (report, kept, line) = fit(2, &[1.0], checkpoints);
    report.expect("a fit");
    let path = kept.best_model_path().expect("the newest");
    assert_eq!(read(&path).state_dict, line.state_dict());
    let mut again = Trainer { resume: Some(Resume::Path(path)), ..trainer(4) };
    let error =
        again.fit(&mut Line::default(), &line_batches(), None::<&Vec<LineBatch>>).expect_err("refused");
    assert!(error.to_string().contains("weights alone"), "{error}");
}

#[test]
fn a_resumed_fit_goes_on_choosing_and_removes_what_it_wrote_before() {
    let whole = tempfile::tempdir().expect("a folder");
    let make = |folder: &Path| ModelCheckpoint {
        save_top_k: TopK::Best(2),
        save_last: SaveLast::Yes,
        ..ModelCheckpoint::monitoring(folder, "v")
    };
    const SCORES: &[f64] = &[0.5, 0.4, 0.45, 0.3];
    fit(4, SCORES, make(whole.path())).0.expect("a fit");

    let halves = tempfile::tempdir().expect("a folder");
    fit(2, SCORES, make(halves.path())).0.expect("the first half");
    assert_eq!(names(halves.path()), ["epoch=0-step=2.ckpt", "epoch=1-step=4.ckpt", "last.ckpt"]);
    let checkpoints = make(halves.path());
    let kept = checkpoints.handle();
    let mut second = Trainer { resume: Some(Resume::Last(halves.path().to_owned())), ..trainer(4) };
    second.callbacks = vec![Box::new(Scores(SCORES)), Box::new(checkpoints)];
    second.fit(&mut Line::default(), &line_batches(), Some(&line_batches())).expect("the second half");
    assert_eq!(names(halves.path()), names(whole.path()));
    assert_eq!(kept.best_model_score(), Some((0.3, 3)));
}

#[test]
fn settings_that_make_no_sense_are_refused_before_training() {
    let dir = tempfile::tempdir().expect("a folder");
    let new = || ModelCheckpoint::new(dir.path());
    let monitoring = || ModelCheckpoint::monitoring(dir.path(), "v");
    for (checkpoints, message) in [
        (ModelCheckpoint { save_top_k: TopK::Best(2), ..new() }, "save_top_k is 2 without a monitor"),
        (ModelCheckpoint { every: SaveEvery::Epochs(0), ..new() }, "`every` is 0"),
        (ModelCheckpoint { filename: Some("{epoch".into()), ..monitoring() }, "a brace is not closed"),
        (ModelCheckpoint { filename: Some("{v:d}".into()), ..monitoring() }, "cannot write `v` as `d`"),
    ] {
        let (report, _, _) = fit(1, &[1.0], checkpoints);
        let error = report.expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    }
    let (report, _, _) = fit(
        1,
        &[1.0],
        ModelCheckpoint { mode: Mode::Max, ..ModelCheckpoint::monitoring(dir.path(), "typo") },
    );
    assert!(report.expect_err("a name that nobody logs").to_string().contains("typo"));
    assert!(names(dir.path()).is_empty());
}

#[test]
fn a_save_that_fails_ends_the_fit_with_the_path() {
    let dir = tempfile::tempdir().expect("a folder");
    let taken = dir.path().join("checkpoints");
    std::fs::write(&taken, "a file where the folder should be").expect("a file");
    let (report, _, _) = fit(2, &[1.0], ModelCheckpoint::new(&taken));
    match report.expect_err("not silent") {
        TrainerError::Callback { callback, source } => {
            assert_eq!(callback, "ModelCheckpoint");
            assert!(matches!(source.downcast_ref(), Some(CheckpointError::Write { .. })), "{source}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_file_that_a_killed_run_did_not_come_to_is_written_when_it_resumes() {
    let dir = tempfile::tempdir().expect("a folder");
    let make = || -> Vec<Box<dyn Callback>> {
        let last =
            ModelCheckpoint { save_last: SaveLast::Yes, ..ModelCheckpoint::new(dir.path().join("newest")) };
        let best = ModelCheckpoint::monitoring(dir.path().join("best"), "v");
        vec![Box::new(Scores(&[0.5, 0.4, 0.3])), Box::new(last), Box::new(best)]
    };
    let mut first = trainer(2);
    first.callbacks = make();
    first.fit(&mut Line::default(), &line_batches(), Some(&line_batches())).expect("a fit");
    let lost = dir.path().join("best/epoch=1-step=4.ckpt");
    let bytes = std::fs::read(&lost).expect("the best");
    std::fs::remove_file(&lost).expect("removed");
    let newest = dir.path().join("newest/epoch=1-step=4.ckpt");
    let mut again = Trainer { resume: Some(Resume::Path(newest)), ..trainer(2) };
    again.callbacks = make();
    again.fit(&mut Line::default(), &line_batches(), Some(&line_batches())).expect("nothing to do");
    assert_eq!(std::fs::read(&lost).expect("written again"), bytes);
}

#[test]
fn a_validation_of_a_checkpoint_ranks_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let checkpoints =
        ModelCheckpoint { save_top_k: TopK::All, ..ModelCheckpoint::monitoring(dir.path(), "v") };
    let handle = checkpoints.handle();
    let mut trainer = trainer(2);
    trainer.callbacks = vec![Box::new(Scores(&[0.7, 0.5])), Box::new(checkpoints)];
    let mut line = Line::default();
    trainer.fit(&mut line, &line_batches(), Some(&line_batches())).expect("a fit");
    let kept = handle.best_k_models();
    trainer.validate_checkpoint(&mut line, &line_batches(), &kept[0].0).expect("a pass");
    assert_eq!(handle.best_k_models(), kept);
}
