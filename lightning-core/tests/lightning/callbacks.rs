//! Callbacks from Lightning's arguments, and what they tell after the run.

use super::journal::files;
use super::number::{number, text, written};
use lightning_core::callbacks::{
    Callback, CheckpointHandle, EarlyStopping, EarlyStoppingRun, GradientAccumulationScheduler,
    LearningRateMonitor, Mode, ModelCheckpoint, SaveEvery, SaveLast, StoppingReason, TopK,
};
use lightning_core::checkpoint::Checkpoint;
use lightning_core::optim::Interval;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// The callbacks of a run that have something to tell.
#[derive(Default)]
pub(crate) struct Handles {
    checkpoints: Vec<CheckpointHandle>,
    early_stopping: Option<(EarlyStoppingRun, Mode)>,
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
            "EarlyStopping" => {
                let callback = early_stopping(args);
                self.early_stopping = Some((callback.handle(), callback.mode));
                Box::new(callback)
            }
            "LearningRateMonitor" => Box::new(learning_rate_monitor(args)),
            "GradientAccumulationScheduler" => Box::new(accumulation(&args["scheduling"])),
            other => panic!("no callback is called {other}"),
        }
    }

    /// What early stopping decided.
    pub(crate) fn early_stopping(&self) -> Value {
        self.early_stopping.as_ref().map_or(Value::Null, |(run, mode)| decision(run, *mode))
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

fn early_stopping(args: &Map<String, Value>) -> EarlyStopping {
    let mut callback = EarlyStopping::monitoring(text(&args["monitor"]));
    for (key, value) in args {
        match key.as_str() {
            "monitor" => (),
            "mode" => callback.mode = mode(value),
            "min_delta" => callback.min_delta = number(value),
            "patience" => callback.patience = number(value) as u64,
            "strict" => callback.strict = value == true,
            "check_finite" => callback.check_finite = value == true,
            "stopping_threshold" => callback.stopping_threshold = Some(number(value)),
            "divergence_threshold" => callback.divergence_threshold = Some(number(value)),
            "check_on_train_epoch_end" => callback.check_on_train_epoch_end = value.as_bool(),
            other => panic!("no argument of EarlyStopping is called {other}"),
        }
    }
    callback
}

/// Lightning's initial values stand where there is none: epoch 0, the worst number.
fn decision(run: &EarlyStoppingRun, mode: Mode) -> Value {
    let worst = if mode == Mode::Min { f64::INFINITY } else { f64::NEG_INFINITY };
    let reason = match run.reason() {
        None => "not_stopped",
        Some(StoppingReason::PatienceExhausted) => "patience_exhausted",
        Some(StoppingReason::StoppingThreshold) => "stopping_threshold",
        Some(StoppingReason::DivergenceThreshold) => "divergence_threshold",
        Some(StoppingReason::NonFiniteMetric) => "non_finite_metric",
    };
    json!({
        "should_stop": run.reason().is_some(),
        "stopped_epoch": run.stopped_epoch().unwrap_or(0),
        "wait_count": run.wait_count(),
        "best_score": written(run.best_score().unwrap_or(worst)),
        "reason": reason,
    })
}

fn accumulation(scheduling: &Value) -> GradientAccumulationScheduler {
    let epochs = scheduling.as_object().expect("factors by epoch").iter();
    GradientAccumulationScheduler::new(epochs.map(|(epoch, factor)| {
        (epoch.parse().expect("an epoch"), factor.as_u64().expect("a factor") as usize)
    }))
}

fn learning_rate_monitor(args: &Map<String, Value>) -> LearningRateMonitor {
    let mut callback = LearningRateMonitor::default();
    for (key, value) in args {
        match (key.as_str(), value.as_str()) {
            ("logging_interval", Some("step")) => callback.logging_interval = Some(Interval::Step),
            ("logging_interval", Some("epoch")) => callback.logging_interval = Some(Interval::Epoch),
            ("log_momentum", _) => callback.log_momentum = value == true,
            ("log_weight_decay", _) => callback.log_weight_decay = value == true,
            (other, _) => panic!("no argument of LearningRateMonitor is called {other}"),
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
