//! Callbacks from Lightning's arguments, and what they tell after the run.

use super::journal::files;
use super::number::{number, text, written};
use lightning_core::callbacks::{
    Callback, CheckpointHandle, Mode, ModelCheckpoint, SaveEvery, SaveLast, TopK,
};
use lightning_core::checkpoint::Checkpoint;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// The callbacks of a run that have something to tell.
#[derive(Default)]
pub(crate) struct Handles {
    checkpoints: Vec<CheckpointHandle>,
}

impl Handles {
    /// The callback that a scenario describes.
    pub(crate) fn callback(&mut self, spec: &Value, folder: &Path) -> Box<dyn Callback<f64>> {
        let args = spec[1].as_object().expect("arguments");
        match text(&spec[0]) {
            "ModelCheckpoint" => {
                let callback = model_checkpoint(args, folder);
                self.checkpoints.push(callback.handle());
                Box::new(callback)
            }
            other => panic!("no callback is called {other}"),
        }
    }

    /// What every checkpoint callback thinks is best.
    pub(crate) fn checkpoints(&self, folder: &Path) -> Vec<Value> {
        self.checkpoints.iter().map(|handle| checkpoint(handle, folder)).collect()
    }
}

fn model_checkpoint(args: &Map<String, Value>, folder: &Path) -> ModelCheckpoint {
    let mut callback = ModelCheckpoint::new(folder);
    for (key, value) in args {
        match key.as_str() {
            "monitor" => callback.monitor = Some(text(value).to_owned()),
            "mode" => callback.mode = mode(value),
            "filename" => callback.filename = Some(text(value).to_owned()),
            "auto_insert_metric_name" => callback.auto_insert_metric_name = value == true,
            "save_top_k" if value == -1 => callback.save_top_k = TopK::All,
            "save_top_k" => callback.save_top_k = TopK::Best(number(value) as usize),
            "save_last" => callback.save_last = SaveLast::Yes,
            "every_n_epochs" => callback.every = SaveEvery::Epochs(number(value) as usize),
            "every_n_train_steps" => callback.every = SaveEvery::TrainSteps(number(value) as u64),
            "save_on_train_epoch_end" => callback.save_on_train_epoch_end = value.as_bool(),
            other => panic!("no argument of ModelCheckpoint is called {other}"),
        }
    }
    callback
}

fn mode(value: &Value) -> Mode {
    match text(value) {
        "min" => Mode::Min,
        "max" => Mode::Max,
        other => panic!("no mode is called {other}"),
    }
}

fn checkpoint(handle: &CheckpointHandle, folder: &Path) -> Value {
    let name =
        |path: PathBuf| path.strip_prefix(folder).expect("below the folder").to_string_lossy().into_owned();
    let best_k = handle.best_k_models().into_iter().map(|(path, score)| (name(path), written(score)));
    json!({
        "best_model_path": handle.best_model_path().map(name),
        "best_model_score": handle.best_model_score().map(|(score, _)| written(score)),
        "last_model_path": handle.last_model_path().map(name),
        "kth_best_model_path": handle.kth_best_model_path().map(name),
        "best_k": best_k.collect::<Map<_, _>>(),
    })
}

/// What is in the files of a folder.
pub(crate) fn contents(folder: &Path) -> Vec<Value> {
    let content = |name: &String| {
        let saved = Checkpoint::<f64>::read(&folder.join(name)).expect("a checkpoint");
        json!({ "name": name, "global_step": saved.position.global_step, "w": saved.state_dict["w"][[0]] })
    };
    files(folder).iter().map(content).collect()
}
