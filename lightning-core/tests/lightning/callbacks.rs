//! Callbacks from Lightning's arguments.

use super::number::text;
use lightning_core::State;
use lightning_core::callbacks::{Callback, CallbackResult, Kind};
use lightning_core::checkpoint::Checkpoint;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) fn callback(spec: &Value, folder: &Path) -> Box<dyn Callback<f64>> {
    let args = &spec[1];
    match text(&spec[0]) {
        "ModelCheckpoint" => {
            let every_n_train_steps = args["every_n_train_steps"].as_u64();
            Box::new(Saver { folder: folder.to_owned(), every_n_train_steps, asked: None })
        }
        other => panic!("no callback is called {other}"),
    }
}

/// Keeps every checkpoint under Lightning's name for it.
struct Saver {
    folder: PathBuf,
    every_n_train_steps: Option<u64>,
    asked: Option<String>,
}

impl Saver {
    fn ask(&mut self, state: &State<'_, f64>) -> CallbackResult {
        let (epoch, step) = (state.progress.epoch, state.progress.global_step);
        self.asked = Some(format!("epoch={epoch}-step={step}.ckpt"));
        state.request_checkpoint();
        Ok(())
    }
}

impl Callback<f64> for Saver {
    fn name(&self) -> &str {
        "Saver"
    }

    fn kind(&self) -> Kind {
        Kind::Checkpoint
    }

    fn on_train_batch_end(&mut self, state: &State<'_, f64>) -> CallbackResult {
        match self.every_n_train_steps {
            Some(n) if state.progress.global_step.is_multiple_of(n) => self.ask(state),
            _ => Ok(()),
        }
    }

    fn on_train_epoch_end(&mut self, state: &State<'_, f64>) -> CallbackResult {
        if self.every_n_train_steps.is_none() { self.ask(state) } else { Ok(()) }
    }

    fn on_checkpoint(&mut self, _: &State<'_, f64>, checkpoint: &Arc<Checkpoint<f64>>) -> CallbackResult {
        match self.asked.take() {
            Some(name) => Ok(checkpoint.write(&self.folder.join(name))?),
            None => Ok(()),
        }
    }
}
