//! Where the samples come from: a folder, or a generated cohort when none is given.

use crate::failure::{Exit, Failure};
use mmdynamic::SavedData;
use mmdynamic::data::{
    Cohort, Missing, MultiOmics, Preprocessing, ReadOptions, ScalingKind, SyntheticConfig, generate,
    read_mogonet_with,
};
use std::path::Path;

/// How data is read and made ready for the model: the keys of `data`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DataOptions {
    pub(crate) missing: Missing,
    pub(crate) scaling: ScalingKind,
}

impl DataOptions {
    /// How data for a trained model is read.
    pub(crate) fn of(saved: &SavedData) -> Self {
        let Preprocessing { imputer, scaler } = &saved.preprocessing;
        DataOptions { missing: imputer.missing, scaling: scaler.kind }
    }
}

/// A cohort with a name for people.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) cohort: Cohort,
    pub(crate) options: DataOptions,
}

/// Reads the folder, or generates the default cohort. Its seed is fixed: `--seed` changes the training alone.
pub(crate) fn read(folder: Option<&Path>, options: &DataOptions) -> Result<Source, Failure> {
    let Some(folder) = folder else {
        let cohort = generate(&SyntheticConfig::default())?.cohort;
        return Ok(Source { name: "generated cohort".into(), cohort, options: options.clone() });
    };
    let keep = ReadOptions { keep_missing: options.missing != Missing::Refuse, ..ReadOptions::default() };
    let cohort = read_mogonet_with(folder, &keep).map_err(|error| {
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
    Ok(Source { name: folder.display().to_string(), cohort, options: options.clone() })
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
