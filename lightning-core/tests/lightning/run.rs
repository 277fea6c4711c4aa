//! Runs a scenario with our trainer and gives what it did, in the fixtures' words.

use super::callbacks::{Handles, contents};
use super::journal::{Journal, Recorder, Rows, metrics};
use super::knobs;
use super::number::{array, list, text, written};
use super::scripted::{Batch, Scripted};
use lightning_core::data::Loader;
use lightning_core::trainer::{Compat, FitReport, Resume, Several};
use lightning_core::{Trainer, TrainerError};
use serde_json::{Map, Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// The outcome of each run of the scenario.
pub(crate) fn ours(scenario: &Value, compat: Compat) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    list(&scenario["runs"]).iter().map(|one| run(scenario, one, compat, folder.path())).collect()
}

fn run(scenario: &Value, one: &Value, compat: Compat, folder: &Path) -> Value {
    // A refusal is an error; for what only a program can get wrong, such as a log in the wrong hook, a panic.
    let attempt = catch_unwind(AssertUnwindSafe(|| try_run(scenario, one, compat, folder)));
    let says = match attempt {
        Ok(Ok(outcome)) if one["refused"] == true => return json!({ "refused": false, "outcome": outcome }),
        Ok(Ok(outcome)) => return outcome,
        Ok(Err(says)) => says,
        Err(panic) => panic.downcast_ref::<String>().cloned().unwrap_or_default(),
    };
    json!({ "refused": true, "says": says })
}

fn try_run(scenario: &Value, one: &Value, compat: Compat, folder: &Path) -> Result<Value, String> {
    let mut args = scenario["trainer"].as_object().expect("arguments").clone();
    args.extend(one["trainer"].as_object().cloned().unwrap_or_default());
    let journal = Journal::default();
    let mut module = Scripted::new(&scenario["module"], &journal);
    let mut trainer = Trainer { compat, ..knobs::trainer(&args)? };
    trainer.loggers.push(Box::new(Rows(journal.clone())));
    let looks = list(&scenario["compare"]).iter().any(|part| part == "disk");
    let watched = looks.then(|| folder.to_owned());
    trainer.callbacks.push(Box::new(Recorder { journal: journal.clone(), folder: watched }));
    let mut handles = Handles::default();
    let given = one.get("callbacks").unwrap_or(&scenario["callbacks"]);
    trainer.callbacks.extend(list(given).iter().map(|each| handles.callback(each, folder)));
    let (report, returned) = execute(&mut trainer, &mut module, &scenario["loaders"], one, folder)
        .map_err(|error| error.to_string())?;
    // The files are complete when the callbacks are gone.
    drop(trainer);
    let mut whole = outcome(&journal, &module, report.as_ref(), returned);
    whole.insert("early_stopping".to_owned(), handles.early_stopping());
    whole.insert("checkpoints".to_owned(), json!(handles.checkpoints(folder)));
    whole.insert("files".to_owned(), json!(contents(folder)));
    Ok(list(&scenario["compare"])
        .iter()
        .map(|part| (text(part).to_owned(), whole.get(text(part)).cloned().unwrap_or(Value::Null)))
        .collect())
}

fn loader(batches: &Value) -> Vec<Batch> {
    list(batches).iter().map(|batch| Batch(array(batch))).collect()
}

fn execute(
    trainer: &mut Trainer<f64>,
    module: &mut Scripted,
    loaders: &Value,
    one: &Value,
    folder: &Path,
) -> Result<(Option<FitReport>, Value), TrainerError> {
    let action = text(&one["do"]);
    let several = list(&loaders[if action == "fit" || action == "validate" { "val" } else { action }]);
    let several: Vec<Vec<Batch>> = several.iter().map(loader).collect();
    let several = Several(several.iter().map(|each| each as &dyn Loader<Batch = Batch>).collect());
    let from = one["from"].as_str().map(|name| folder.join(name));
    trainer.resume = from.clone().map(Resume::Path);
    Ok(match (action, from) {
        ("fit", _) => (Some(trainer.fit(module, &loader(&loaders["train"]), several)?), Value::Null),
        ("validate", Some(path)) => (None, metrics(&trainer.validate_checkpoint(module, several, &path)?)),
        ("validate", None) => (None, metrics(&trainer.validate(module, several)?)),
        ("test", None) => (None, metrics(&trainer.test(module, several)?)),
        ("predict", None) => (None, json!(trainer.predict(module, several)?)),
        (other, _) => panic!("no run is called {other}"),
    })
}

fn outcome(
    journal: &Journal,
    module: &Scripted,
    report: Option<&FitReport>,
    returned: Value,
) -> Map<String, Value> {
    let notes = journal.borrow_mut();
    let whole = json!({
        "hooks": notes.hooks,
        "epochs": report.map(|report| report.epochs),
        "global_step": report.map(|report| report.global_step),
        "steps": notes.steps,
        "lrs": notes.lrs,
        "final_lr": notes.final_lr,
        "w": written(module.w.value()[[0]]),
        "seen": notes.seen.join(" | "),
        "rows": notes.rows,
        "rates": notes.rows,
        "callback_metrics": notes.callback_metrics,
        "progress_bar_metrics": notes.progress_bar_metrics,
        "returned": returned,
        "disk": notes.disk,
    });
    whole.as_object().expect("an object").clone()
}
