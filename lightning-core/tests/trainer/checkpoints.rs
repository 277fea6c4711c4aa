//! What callbacks keep of a fit.

use crate::custom::Custom;
use crate::{NO_VALIDATION, trainer};
use lightning_core::callbacks::{Callback, CallbackResult, Mode, ModelCheckpoint, SaveLast};
use lightning_core::checkpoint::Checkpoint;
use lightning_core::loggers::CsvLogger;
use lightning_core::nn::Module;
use lightning_core::testing::{Line, LineBatch, line_batches};
use lightning_core::{LightningModule, State, Trainer};

#[test]
fn a_failing_callback_ends_the_fit_with_its_name() {
    struct Failing;
    impl Callback for Failing {
        fn name(&self) -> &str {
            "Failing"
        }
        fn on_train_epoch_end(&mut self, _: &State<'_>) -> CallbackResult {
            Err("the disk is full".into())
        }
    }
    let mut trainer = Trainer { callbacks: vec![Box::new(Failing)], ..trainer(9) };
    let error = trainer.fit(&mut Line::default(), &line_batches(), NO_VALIDATION).expect_err("it fails");
    assert_eq!(error.to_string(), "Failing: the disk is full");
}

#[test]
fn the_best_and_the_last_weights_are_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    let checkpoints = dir.path().join("checkpoints");
    let callback = ModelCheckpoint {
        mode: Mode::Max,
        save_last: SaveLast::Yes,
        ..ModelCheckpoint::monitoring(&checkpoints, "ptl/val_loss")
    };
    let kept = callback.handle();
    let mut trainer = Trainer {
        callbacks: vec![Box::new(callback)],
        loggers: vec![Box::new(CsvLogger::new(dir.path()))],
        ..trainer(3)
    };
    let mut module = Custom::default();
    let batches = line_batches();
    trainer.fit(&mut module, &batches, Some(&batches)).expect("a fit");
    assert_eq!(kept.best_model_score(), Some((2.0, 2)));
    let mut files: Vec<String> = std::fs::read_dir(&checkpoints)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(files, ["epoch=2-step=6.ckpt", "last.ckpt"]);
    let last: Checkpoint = Checkpoint::read(&kept.last_model_path().expect("a path")).expect("a checkpoint");
    assert_eq!(last.state_dict, module.state_dict());
    let csv = std::fs::read_to_string(dir.path().join("metrics.csv")).expect("the metrics");
    assert_eq!(csv.lines().next(), Some("stage,epoch,step,batches,ptl/val_loss,val_rows"));
    assert_eq!(csv.lines().nth(1), Some("val,0,2,2,0,4.555555555555555"));
}

#[test]
fn a_module_behind_dyn_can_be_trained() {
    let mut line = Line::default();
    let module: &mut dyn LightningModule<
        f32,
        Batch = LineBatch,
        ValOutput = f64,
        TestOutput = (),
        Prediction = ndarray::Array2<f32>,
    > = &mut line;
    trainer(2).fit(module, &line_batches(), NO_VALIDATION).expect("a fit");
}

#[test]
fn a_checkpoint_that_somebody_removed_does_not_end_the_fit() {
    struct Sweep(std::path::PathBuf);
    impl Callback for Sweep {
        fn name(&self) -> &str {
            "Sweep"
        }
        fn on_train_epoch_end(&mut self, _: &State<'_>) -> CallbackResult {
            // Files under their own names only: the writer may be at work on the next one.
            for entry in std::fs::read_dir(&self.0).into_iter().flatten() {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "ckpt") {
                    std::fs::remove_file(path)?;
                }
            }
            Ok(())
        }
    }
    let dir = tempfile::tempdir().expect("a folder");
    let checkpoints = dir.path().join("checkpoints");
    let callback = ModelCheckpoint {
        mode: Mode::Max,
        save_last: SaveLast::Yes,
        ..ModelCheckpoint::monitoring(&checkpoints, "ptl/val_loss")
    };
    let kept = callback.handle();
    let mut trainer =
        Trainer { callbacks: vec![Box::new(callback), Box::new(Sweep(checkpoints))], ..trainer(3) };
    let batches = line_batches();
    trainer.fit(&mut Custom::default(), &batches, Some(&batches)).expect("a fit");
    assert!(kept.last_model_path().expect("a path").is_file());
}
