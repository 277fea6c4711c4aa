//! A run folder, read and checked: what every page is made of.

use super::curves::Curves;
use super::words::tidy;
use crate::failure::{Exit, Failure};
use crate::results::RunResults;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The layout of `results.json` that this program reads.
const FORMAT: u32 = 1;

/// All that a run folder says. Names are harmless to show.
pub(crate) struct Run {
    pub(crate) folder: PathBuf,
    /// The folder's own name.
    pub(crate) name: String,
    pub(crate) results: RunResults,
    pub(crate) curves: Curves,
    /// Keys of the configuration with their values, in the order of the file.
    pub(crate) config: Vec<(String, String)>,
}

impl Run {
    pub(crate) fn read(folder: &Path) -> Result<Self, Failure> {
        let results = results(folder)?;
        let name = folder
            .canonicalize()
            .ok()
            .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        Ok(Run {
            folder: folder.to_owned(),
            name: tidy(&name.unwrap_or_else(|| folder.display().to_string())),
            results,
            curves: Curves::read(&folder.join("metrics.csv"))?,
            config: super::config::read(folder)?,
        })
    }

    /// The last part of the data's path: what people call it.
    pub(crate) fn data_name(&self) -> &str {
        let path = self.results.facts.data.trim_end_matches(['/', '\\']);
        path.rsplit(['/', '\\']).next().unwrap_or(path)
    }

    /// The class with the largest probability, for each test row.
    pub(crate) fn predictions(&self) -> Vec<usize> {
        self.results.test.probabilities.iter().map(|row| largest(row)).collect()
    }

    /// Whether each test row is right.
    pub(crate) fn hits(&self) -> Vec<bool> {
        self.predictions()
            .iter()
            .zip(&self.results.test.labels)
            .map(|(found, label)| found == label)
            .collect()
    }
}

/// The first of the largest.
pub(crate) fn largest(values: &[f64]) -> usize {
    let better = |best: usize, i: usize| if values[i] > values[best] { i } else { best };
    (1..values.len()).fold(0, better)
}

fn results(folder: &Path) -> Result<RunResults, Failure> {
    let path = folder.join("results.json");
    let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => no_results(folder),
        _ => Failure::new(Exit::Data, format!("{}: cannot be read: {error}", path.display())),
    })?;
    let damaged = |reason: String| {
        let cure = "restore the file, or train the run again";
        Failure::new(Exit::Data, format!("{}: not usable: {reason}; {cure}", path.display()))
    };
    let format = serde_json::from_str::<Format>(&text).map_err(|error| damaged(error.to_string()))?.format;
    if format != FORMAT {
        let found = format!("{}: has format {format}, this program reads {FORMAT}", path.display());
        return Err(Failure::new(Exit::Data, found).with("use the program that wrote it"));
    }
    let mut results: RunResults = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
    super::check::check(&results).map_err(damaged)?;
    make_harmless(&mut results);
    Ok(results)
}

#[derive(serde::Deserialize)]
struct Format {
    format: u32,
}

/// Why a path holds no results, and what to give instead.
fn no_results(path: &Path) -> Failure {
    let shown = path.display();
    let refuse = |message: String| Failure::new(Exit::Data, message);
    if path.is_file() {
        let is_checkpoint = path.extension().is_some_and(|extension| extension == "ckpt");
        let exit = if is_checkpoint { Exit::Checkpoint } else { Exit::Data };
        let what = if is_checkpoint { "a checkpoint" } else { "a file" };
        let folder = path.ancestors().find(|folder| folder.join("results.json").is_file());
        let cure = folder.map_or("lightning_logs/version_0".into(), |folder| folder.display().to_string());
        return Failure::new(exit, format!("{shown}: is {what}, not a run folder; give for example {cure}"));
    }
    if !path.is_dir() {
        return refuse(format!("{shown}: no such run folder; `cargo xtask train` makes one"));
    }
    if let Some(run) = newest_run(path) {
        return refuse(format!("{shown}: holds runs and is none; give one, for example {}", run.display()));
    }
    if path.join("hparams.yaml").is_file() || path.join("metrics.csv").is_file() {
        let why = "the run is not finished, or an older version of this program made it";
        return refuse(format!("{shown}: has no results.json: {why}; train it to its end"));
    }
    refuse(format!("{shown}: not a run folder: it has no results.json"))
}

fn newest_run(folder: &Path) -> Option<PathBuf> {
    let number = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix("version_")?.parse::<u64>().ok();
    [folder.to_owned(), folder.join("lightning_logs")]
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flat_map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())))
        .filter(|path| path.join("results.json").is_file())
        .max_by_key(number)
}

/// Names come from files that anybody may have written.
fn make_harmless(results: &mut RunResults) {
    let facts = &mut results.facts;
    let single = [&mut facts.data, &mut facts.preset, &mut facts.checkpoint, &mut facts.program];
    let samples = results.test.samples.iter_mut();
    let scores = results.scores.iter_mut().map(|score| &mut score.label);
    let views = results.views.iter_mut().flat_map(|view| {
        std::iter::once(&mut view.name).chain(view.features.iter_mut().map(|feature| &mut feature.name))
    });
    let robustness = results.robustness.iter_mut().map(|curve| &mut curve.view);
    let baselines = results.baselines.iter_mut().flat_map(|baseline| {
        std::iter::once(&mut baseline.name).chain(baseline.scores.iter_mut().map(|score| &mut score.label))
    });
    let listed = facts.classes.iter_mut().chain(facts.warnings.iter_mut()).chain(samples);
    let all = single.into_iter().chain(listed).chain(scores).chain(views).chain(robustness).chain(baselines);
    all.for_each(|name| *name = tidy(name));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_largest_is_the_prediction() {
        assert_eq!(largest(&[0.2, 0.4, 0.4]), 1);
    }

    #[test]
    fn what_is_no_run_is_refused_with_what_to_give() {
        let dir = tempfile::tempdir().unwrap();
        let message = |path: &Path| no_results(path).message;
        assert!(message(&dir.path().join("none")).contains("no such run folder"));
        assert!(message(dir.path()).contains("not a run folder"));
        fs::create_dir_all(dir.path().join("lightning_logs/version_3")).unwrap();
        fs::write(dir.path().join("lightning_logs/version_3/metrics.csv"), "").unwrap();
        assert!(message(&dir.path().join("lightning_logs/version_3")).contains("has no results.json"));
        fs::write(dir.path().join("lightning_logs/version_3/results.json"), "{}").unwrap();
        assert!(message(dir.path()).contains("version_3"));
        let checkpoint = dir.path().join("lightning_logs/version_3/last.ckpt");
        fs::write(&checkpoint, "").unwrap();
        assert_eq!(no_results(&checkpoint).exit, Exit::Checkpoint);
    }
}
