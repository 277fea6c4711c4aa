//! Where the samples come from: a folder, or a generated cohort when none is given.

use crate::failure::{Exit, Failure};
use mmdynamic::data::{Cohort, MultiOmics, SyntheticConfig, generate, read_mogonet};
use std::path::Path;

/// A cohort with a name for people.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) cohort: Cohort,
}

/// Reads the folder, or generates the default cohort. Its seed is fixed: `--seed` changes the training alone.
pub(crate) fn read(folder: Option<&Path>) -> Result<Source, Failure> {
    let Some(folder) = folder else {
        let cohort = generate(&SyntheticConfig::default())?.cohort;
        return Ok(Source { name: "generated cohort".into(), cohort });
    };
    let cohort = read_mogonet(folder).map_err(|error| {
        let hint = match error {
            _ if folder.exists() => None,
            _ => Some("give --data a folder that is there, or leave it out to use generated data"),
        };
        let failure = Failure::from(error);
        match hint {
            Some(hint) => failure.with(hint),
            None => failure,
        }
    })?;
    Ok(Source { name: folder.display().to_string(), cohort })
}

/// Confirms that every metric is defined on the test rows, before hours of training rather than after.
pub(crate) fn check_scorable(test: &MultiOmics) -> Result<(), Failure> {
    let counts = test.class_counts();
    if counts.len() == 2
        && let Some(missing) = counts.iter().position(|&count| count == 0)
    {
        let message = format!(
            "the {} test rows hold no sample of class `{}`: AUC is undefined for one class; add samples of it",
            test.rows(),
            test.class_names[missing]
        );
        return Err(Failure::new(Exit::Data, message));
    }
    Ok(())
}

/// `0 control (122), 1 case (123)`: each class with its number of samples. A name that is the number is not repeated.
pub(crate) fn classes(data: &MultiOmics) -> String {
    let counts = data.class_counts();
    let each = data.class_names.iter().zip(counts).enumerate().map(|(class, (name, count))| {
        let class = class.to_string();
        if class == *name { format!("{name} ({count})") } else { format!("{class} {name} ({count})") }
    });
    each.collect::<Vec<_>>().join(", ")
}
