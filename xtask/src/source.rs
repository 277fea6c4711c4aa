//! Where the samples come from: a folder, a table, or a generated cohort when neither is given.

use crate::column_map::Columns;
use crate::failure::{Exit, Failure};
use crate::settings::{Format, Setting};
use mmdynamic::SavedData;
use mmdynamic::data::{
    Cohort, ColumnMap, Delimiter, Missing, MultiOmics, Preprocessing, ReadOptions, Scaling, ScalingKind,
    SyntheticConfig, ViewDescription, describe, generate, read_mogonet_with, read_wide,
};
use std::path::{Path, PathBuf};

/// How data is read and made ready for the model: the keys of `data`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DataOptions {
    pub(crate) format: Format,
    pub(crate) columns: Columns,
    pub(crate) missing: Missing,
    pub(crate) scaling: ScalingKind,
}

/// What the path alone does not tell.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct TableFlags {
    /// What it is: auto, folder, csv or tsv
    #[arg(long = "data.format", value_name = "NAME", default_value = "auto", hide_default_value = true, value_parser = format)]
    format: Format,
    /// Column map of a csv [default: FILE.toml beside]
    #[arg(long = "data.columns", value_name = "FILE")]
    columns: Option<PathBuf>,
}

fn format(text: &str) -> Result<Format, String> {
    Format::from_text(text).ok_or_else(Format::expected)
}

impl TableFlags {
    pub(crate) fn options(&self) -> DataOptions {
        let columns = self.columns.clone().map_or(Columns::Beside, Columns::File);
        DataOptions { format: self.format, columns, ..DataOptions::default() }
    }

    /// How data for a trained model is read: with the map of its training where no other is named.
    pub(crate) fn options_of(&self, saved: &SavedData) -> DataOptions {
        let Preprocessing { imputer, scaler } = &saved.preprocessing;
        let flags = self.options();
        let columns = match (flags.columns, &saved.columns) {
            (Columns::Beside, Some(map)) => Columns::Map(map.clone()),
            (columns, _) => columns,
        };
        DataOptions { columns, missing: imputer.missing, scaling: scaler.kind, ..flags }
    }
}

/// A cohort with a name for people.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) cohort: Cohort,
    /// What the columns were, where it was one wide table.
    pub(crate) columns: Option<ColumnMap>,
    pub(crate) options: DataOptions,
}

/// Reads folder or table, or generates the default cohort. Its seed is fixed: `--seed` changes the training alone.
pub(crate) fn read(path: Option<&Path>, options: &DataOptions) -> Result<Source, Failure> {
    read_keeping(path, options, options.missing != Missing::Refuse)
}

/// As [`read`], with missing values as NaN whatever `data.missing` says.
pub(crate) fn read_as_it_is(path: Option<&Path>, options: &DataOptions) -> Result<Source, Failure> {
    read_keeping(path, options, true)
}

fn read_keeping(path: Option<&Path>, options: &DataOptions, keep_missing: bool) -> Result<Source, Failure> {
    let source = |name, cohort, columns| Source { name, cohort, columns, options: options.clone() };
    let Some(path) = path else {
        let cohort = generate(&SyntheticConfig::default())?.cohort;
        return Ok(source("generated cohort".into(), cohort, None));
    };
    let name = path.display().to_string();
    let read =
        ReadOptions { keep_missing, delimiter: delimiter(path, options.format)?, ..ReadOptions::default() };
    if read.delimiter.is_some() {
        let map = options.columns.of(path)?;
        return Ok(source(name, read_wide(path, &map, &read)?, Some(map)));
    }
    if let Columns::File(map) = &options.columns {
        let message =
            format!("data.columns is {}, but {name} is a folder, which has no columns", map.display());
        return Err(Failure::new(Exit::Usage, message));
    }
    let cohort = read_mogonet_with(path, &read).map_err(|error| {
        let failure = Failure::from(error);
        if path.exists() {
            return failure;
        }
        failure.with("give --data a folder or a table that is there, or leave it out to use generated data")
    })?;
    Ok(source(name, cohort, None))
}

/// What stands between the fields of a table; none for a folder.
fn delimiter(path: &Path, format: Format) -> Result<Option<Delimiter>, Failure> {
    let name = path.to_string_lossy().to_ascii_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    match format {
        Format::Folder => Ok(None),
        Format::Csv => Ok(Some(Delimiter::Comma)),
        Format::Tsv => Ok(Some(Delimiter::Tab)),
        Format::Auto if path.is_dir() || !path.exists() => Ok(None),
        Format::Auto if plain.ends_with(".csv") => Ok(Some(Delimiter::Comma)),
        Format::Auto if plain.ends_with(".tsv") => Ok(Some(Delimiter::Tab)),
        Format::Auto => {
            let message = format!(
                "{}: is no folder, and its name does not tell what it is; say --data.format csv (commas) or tsv (tabs)",
                path.display()
            );
            Err(Failure::new(Exit::Usage, message))
        }
    }
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

/// What stands against believing scores on this data, a line each.
pub(crate) fn doubts(cohort: &Cohort) -> Vec<String> {
    let found = describe(cohort);
    let mut doubts = Vec::new();
    let leaks = &found.duplicates.across;
    if !leaks.is_empty() {
        let contradictory = leaks.iter().filter(|leak| leak.contradictory).count();
        doubts.push(format!(
            "{} of {} test rows stand in train as well, {contradictory} of them under another class",
            leaks.len(),
            cohort.test.rows()
        ));
    }
    let beyond = |view: &&ViewDescription| view.scaling == Scaling::BeyondTrain;
    let scaled = found.views.iter().filter(beyond).count();
    if scaled > 0 {
        doubts.push(format!(
            "{scaled} of {} views look scaled over train and test together",
            found.views.len()
        ));
    }
    doubts
}
