//! Several seeds on the same split: how much of a score is luck of the seed.

use super::{FORMAT, LEVEL, Outcome, methods, undefined};
use crate::failure::{Exit, Failure};
use crate::results::{RunResults, SeedsResults};
use lightning_core::checkpoint::write_atomically;
use metrics::mean_interval;

/// What the seeds so far have in common, with Student's interval of each mean. Of at least one.
pub(crate) fn of(outcomes: &[Outcome]) -> Result<SeedsResults, Failure> {
    let runs: Vec<&RunResults> = outcomes.iter().map(|outcome| &outcome.results).collect();
    let Some(facts) = runs.first().map(|run| &run.facts) else {
        return Err(Failure::new(Exit::Usage, "no seed was trained: give --seeds 1 or more"));
    };
    let folder =
        |outcome: &Outcome| outcome.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(SeedsResults {
        format: FORMAT,
        data: facts.data.clone(),
        data_hash: facts.data_hash.clone(),
        config_hash: facts.config_hash.clone(),
        program: facts.program.clone(),
        seeds: runs.iter().map(|run| run.facts.seed).collect(),
        folders: outcomes.iter().map(folder).collect(),
        methods: methods::methods(&runs, |values| mean_interval(values, LEVEL)).map_err(undefined)?,
    })
}

/// Writes `seeds.json` into the folder of the first seed; what is there of fewer seeds is replaced.
pub(crate) fn write(outcomes: &[Outcome]) -> Result<(), Failure> {
    let found = of(outcomes)?;
    let json = serde_json::to_string(&found)
        .map_err(|error| Failure::new(Exit::Writing, format!("seeds.json: {error}")))?;
    let path = outcomes[0].folder.join("seeds.json");
    write_atomically(&path, (json + "\n").as_bytes()).map_err(|error| Failure::writing(&path, &error))
}
