//! From what a user names, a run's folder or a checkpoint, to models.

use crate::failure::{Exit, Failure};
use crate::saved::{self, Loaded};
use crate::source::{self, Source, TableFlags};
use mmdynamic::data::MultiOmics;
use std::fs;
use std::path::{Path, PathBuf};

/// Models that know the same data, and that data.
pub(crate) struct Runs {
    pub(crate) source: Source,
    /// One per name, in order.
    pub(crate) runs: Vec<Run>,
}

/// A trained model.
pub(crate) struct Run {
    /// As the user named it.
    pub(crate) name: String,
    pub(crate) loaded: Loaded,
}

impl Runs {
    /// Reads every checkpoint, and the data as the first one's training did.
    pub(crate) fn read(names: &[PathBuf], data: Option<&Path>, table: &TableFlags) -> Result<Self, Failure> {
        let run = |path: &PathBuf| {
            let loaded = saved::load(&checkpoint(path)?)?;
            Ok(Run { name: path.display().to_string(), loaded })
        };
        let runs = names.iter().map(run).collect::<Result<Vec<Run>, Failure>>()?;
        let options = runs.first().map_or_else(|| table.options(), |run| table.options_of(&run.loaded.data));
        let source = source::read(data, &options)?;
        for run in &runs {
            run.loaded
                .check_fits(&source.cohort.test)
                .map_err(|error| Failure::from(error).with(format!("the checkpoint is {}", run.name)))?;
        }
        Ok(Runs { source, runs })
    }
}

impl Run {
    /// The test rows as the model takes them.
    pub(crate) fn test(&self, source: &Source) -> Result<MultiOmics, Failure> {
        Ok(self.loaded.data.preprocessing.transform(&source.cohort.test)?)
    }
}

/// The checkpoint of a run's folder that was tested: the best one, if `results.json` says so, or the last.
pub(crate) fn checkpoint(path: &Path) -> Result<PathBuf, Failure> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let folder = path.join("checkpoints");
    let last = folder.join("last.ckpt");
    let chosen = if tested_best(path) { best(&folder) } else { None };
    match chosen.or_else(|| last.is_file().then_some(last)) {
        Some(found) => Ok(found),
        None => Err(Failure::new(
            Exit::Checkpoint,
            format!(
                "{}: holds no checkpoints/*.ckpt; name the folder of a run, as lightning_logs/version_0, or a checkpoint",
                path.display()
            ),
        )),
    }
}

fn tested_best(run: &Path) -> bool {
    let results = fs::read_to_string(run.join("results.json")).ok();
    let results = results.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    results.is_some_and(|results| results["facts"]["checkpoint"] == "best")
}

/// The only checkpoint beside the last one is that of the best epoch.
fn best(folder: &Path) -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    found.sort();
    let is_best = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("epoch=") && name.ends_with(".ckpt"))
    };
    found.into_iter().find(is_best)
}
