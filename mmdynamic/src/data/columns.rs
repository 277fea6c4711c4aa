//! Which column of a wide table is what.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::DataError;

/// What the columns of a wide table are, by their names in its header.
///
/// A view is a list of columns. A name that ends in `*` stands for all columns that begin with what is before it and that
/// nothing else names, in the order of the table. Every column must be something: what is not for the model stands in `ignore`.
///
/// ```
/// use mmdynamic::data::ColumnMap;
/// let map: ColumnMap = serde_json::from_str(
///     r#"{"label": "subtype", "split": "set", "views": ["mrna_*", ["cg0011", "cg0042"]], "ignore": ["age"]}"#,
/// )?;
/// assert_eq!(map.views, [vec!["mrna_*"], vec!["cg0011", "cg0042"]]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnMap {
    /// The column with the names of the samples; without it the first column, if that is nothing else.
    pub sample: Option<String>,
    /// The column with the classes, as numbers or text.
    pub label: String,
    /// The column that says `train` or `test`.
    pub split: Option<String>,
    /// Instead of such a column: the share of each class that becomes test, between 0 and 1.
    pub test_fraction: Option<f64>,
    /// Seed of that split.
    pub split_seed: u64,
    /// The classes in their order, of which the second is the positive one of two; without it numbers by size, text by
    /// alphabet.
    pub classes: Option<Vec<String>>,
    /// The columns of each view.
    #[serde(deserialize_with = "one_or_many")]
    pub views: Vec<Vec<String>>,
    /// Columns that are not for the model.
    pub ignore: Vec<String>,
}

/// A view of one name need not be a list.
fn one_or_many<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Vec<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a name of columns or a list of them")]
    enum View {
        One(String),
        Many(Vec<String>),
    }
    let names = |view: View| match view {
        View::One(name) => vec![name],
        View::Many(names) => names,
    };
    Ok(Vec::<View>::deserialize(input)?.into_iter().map(names).collect())
}

/// What a column is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Sample,
    Label,
    Split,
    Ignored,
    /// Its place among the columns of all views, one view after the other.
    Feature(usize),
}

/// The columns of a table, in its order, and the features of each view, in the views' order.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) targets: Vec<Target>,
    pub(super) features: Vec<Vec<String>>,
}

impl Layout {
    /// From a header and a map.
    pub(super) fn of(file: &Path, header: &[String], map: &ColumnMap) -> Result<Self, DataError> {
        let table = Header { file, names: header, places: places(file, header)? };
        let mut targets = vec![None; header.len()];
        let give = |targets: &mut [Option<Target>], column: usize, target| match targets[column]
            .replace(target)
        {
            None => Ok(()),
            Some(_) => Err(table.refused(&header[column], "is wanted twice", "each column for one thing")),
        };
        let (label, split, sample) = (Some(&map.label), map.split.as_ref(), map.sample.as_ref());
        for (name, role, target) in [
            (label, "label", Target::Label),
            (split, "split", Target::Split),
            (sample, "sample", Target::Sample),
        ] {
            if let Some(name) = name {
                give(&mut targets, table.find(name, role)?, target)?;
            }
        }
        let named: BTreeSet<&String> = map.views.iter().flatten().chain(&map.ignore).collect();
        let taken: Vec<bool> = targets
            .iter()
            .zip(header)
            .map(|(target, name)| target.is_some() || named.contains(name))
            .collect();
        let mut features = Vec::new();
        let mut next = 0;
        for (view, wanted) in map.views.iter().enumerate() {
            let mut names = Vec::new();
            for name in wanted {
                for column in table.matching(name, &taken, view)? {
                    give(&mut targets, column, Target::Feature(next))?;
                    names.push(header[column].clone());
                    next += 1;
                }
            }
            features.push(names);
        }
        if map.sample.is_none() && targets[0].is_none() {
            targets[0] = Some(Target::Sample);
        }
        let patterns: Vec<&String> = map.ignore.iter().filter(|name| name.ends_with('*')).collect();
        let ignored =
            |name: &String| named.contains(name) || patterns.iter().any(|pattern| matches(pattern, name));
        let targets = targets.into_iter().zip(header).map(|(target, name)| match target {
            Some(target) => Ok(target),
            None if ignored(name) => Ok(Target::Ignored),
            None => Err(table.refused(
                name,
                "belongs to nothing",
                "it in a view or in `ignore` of the column map",
            )),
        });
        Ok(Layout { targets: targets.collect::<Result<_, _>>()?, features })
    }

    /// The columns of a trained model, found by name wherever they stand; all others but the samples' are ignored.
    pub(super) fn of_features(
        file: &Path,
        header: &[String],
        sample: Option<&str>,
        features: &[Vec<String>],
    ) -> Result<Self, DataError> {
        let table = Header { file, names: header, places: places(file, header)? };
        let mut targets = vec![Target::Ignored; header.len()];
        for (place, name) in features.iter().flatten().enumerate() {
            let column = table.find(name, "a feature of the model")?;
            if targets[column] != Target::Ignored {
                return Err(table.refused(
                    name,
                    "is a feature of two views",
                    "names that tell the views apart",
                ));
            }
            targets[column] = Target::Feature(place);
        }
        let named = sample.and_then(|sample| table.places.get(sample).copied()).unwrap_or(0);
        if targets[named] == Target::Ignored {
            targets[named] = Target::Sample;
        }
        Ok(Layout { targets, features: features.to_vec() })
    }
}

/// The names of a table's columns.
struct Header<'a> {
    file: &'a Path,
    names: &'a [String],
    places: BTreeMap<&'a str, usize>,
}

impl Header<'_> {
    fn find(&self, name: &str, role: &str) -> Result<usize, DataError> {
        self.places.get(name).copied().ok_or_else(|| self.absent(name, role))
    }

    /// The columns that a name of a view stands for, in the order of the table, but for those that are taken.
    fn matching(&self, pattern: &str, taken: &[bool], view: usize) -> Result<Vec<usize>, DataError> {
        let Some(prefix) = pattern.strip_suffix('*') else {
            return Ok(vec![self.find(pattern, &format!("view {}", view + 1))?]);
        };
        let columns = self.names.iter().enumerate().filter(|(_, name)| name.starts_with(prefix));
        let columns: Vec<usize> = columns.map(|(column, _)| column).filter(|&c| !taken[c]).collect();
        if columns.is_empty() {
            return Err(self.absent(pattern, &format!("view {}", view + 1)));
        }
        Ok(columns)
    }

    fn refused(&self, name: &str, what: &'static str, expected: &'static str) -> DataError {
        DataError::Column { file: self.file.to_owned(), column: name.to_owned(), what, expected }
    }

    fn absent(&self, name: &str, role: &str) -> DataError {
        let some: Vec<&str> = self.names.iter().take(5).map(String::as_str).collect();
        let more = if self.names.len() > some.len() { ", ..." } else { "" };
        let found = format!("{}{more}", some.join(", "));
        DataError::NoColumn {
            file: self.file.to_owned(),
            column: name.to_owned(),
            role: role.to_owned(),
            found,
        }
    }
}

/// The place of each name.
fn places<'a>(file: &Path, header: &'a [String]) -> Result<BTreeMap<&'a str, usize>, DataError> {
    let mut places = BTreeMap::new();
    for (column, name) in header.iter().enumerate() {
        let twice = places.insert(name.as_str(), column).is_some();
        // Programs that write names of rows leave the first name of the header empty.
        if twice || (name.is_empty() && column > 0) {
            let expected = if twice { "a name that no other column has" } else { "a name for each column" };
            return Err(DataError::Malformed {
                file: file.to_owned(),
                row: 1,
                column: column + 1,
                found: name.clone(),
                expected,
            });
        }
    }
    Ok(places)
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').is_some_and(|prefix| name.starts_with(prefix))
}

impl ColumnMap {
    /// Confirms what can be seen without a table.
    pub(super) fn check(&self) -> Result<(), DataError> {
        let refuse = |setting, found: String, expected| Err(DataError::Setting { setting, found, expected });
        if self.label.is_empty() {
            return refuse("label", String::new(), "the name of the column with the classes");
        }
        if self.views.is_empty() || self.views.iter().any(Vec::is_empty) {
            return refuse(
                "views",
                format!("{:?}", self.views),
                "for each view its columns, such as [\"mrna_*\"]",
            );
        }
        match (&self.split, self.test_fraction) {
            (None, None) => {
                refuse("split", String::new(), "a column that says train or test, or a test_fraction")
            }
            (Some(split), Some(_)) => refuse("split", split.clone(), "either it or a test_fraction"),
            (None, Some(share)) if !(share > 0.0 && share < 1.0) => {
                refuse("test_fraction", share.to_string(), "a number between 0 and 1, such as 0.3")
            }
            _ => Ok(()),
        }
    }
}
