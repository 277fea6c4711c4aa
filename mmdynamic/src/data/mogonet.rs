//! A cohort from a folder in MOGONET's layout, the form in which these data sets are passed around.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ndarray::Array2;

use super::cohort::{Cohort, MultiOmics, numbered};
use super::error::DataError;
use super::labels::{check_test, check_train, read_labels};
use super::lines::{Limits, ReadOptions};
use super::matrix::read_matrix_with;
use super::names::read_names;

/// Reads the cohort in folder `dir`.
///
/// | file | holds |
/// |---|---|
/// | `1_tr.csv`, `1_te.csv`, `2_tr.csv`, ... | train and test matrix of view 1, 2, ...: a row a sample, no header |
/// | `labels_tr.csv`, `labels_te.csv` | the class of each row, a whole number from 0, one a line |
/// | `1_featname.csv`, ... (may be left out) | the names of a view's columns, one a line; else `view1_0`, `view1_1`, ... |
/// | `classes.csv` (may be left out) | the names of the classes, one a line; else `0`, `1`, ... |
/// | `samples_tr.csv`, `samples_te.csv` (may be left out) | the names of the samples, one a line; else `1`, `2`, ... |
///
/// Each file may be packed instead (`1_tr.csv.gz`), and matrices and labels may be numpy's (`1_tr.npy`). Other files in the folder are left alone.
///
/// ```
/// use mmdynamic::data::read_mogonet;
/// let dir = tempfile::tempdir()?;
/// for (name, text) in [
///     ("1_tr.csv", "0.1,0.2\n0.3,0.4\n"), ("1_te.csv", "0.5,0.6\n"),
///     ("labels_tr.csv", "0\n1.0\n"), ("labels_te.csv", "1\n"),
/// ] {
///     std::fs::write(dir.path().join(name), text)?;
/// }
/// let cohort = read_mogonet(dir.path())?;
/// assert_eq!(cohort.train.views[0], ndarray::array![[0.1, 0.2], [0.3, 0.4]]);
/// assert_eq!(cohort.test.labels, [1]);
/// assert_eq!(cohort.train.feature_names[0], ["view1_0", "view1_1"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A [`DataError`] naming the file, and row and column where there are any, for what
/// [`read_matrix`](super::read_matrix) refuses in a matrix; for labels that are no whole numbers, leave out a
/// class, are all the same, or show a class in test that train lacks; for views whose numbers have a gap or
/// that have only a train or only a test file; for a table present both plain and packed; and for files whose
/// rows, columns or names differ in number.
pub fn read_mogonet(dir: impl AsRef<Path>) -> Result<Cohort, DataError> {
    read_mogonet_with(dir, &ReadOptions::default())
}

/// [`read_mogonet`] with other limits than the default ones, or with missing values as NaN.
///
/// ```
/// use mmdynamic::data::{Limits, ReadOptions, read_mogonet_with};
/// let limits = Limits { columns: 5_000_000, ..Limits::default() };
/// let refused = read_mogonet_with("no such folder", &ReadOptions { limits, ..ReadOptions::default() });
/// assert!(refused.unwrap_err().to_string().starts_with("no such folder: cannot be read"));
/// ```
///
/// # Errors
/// As [`read_mogonet`].
pub fn read_mogonet_with(dir: impl AsRef<Path>, options: &ReadOptions) -> Result<Cohort, DataError> {
    let limits = &options.limits;
    let tables = Tables::list(dir.as_ref())?;
    let train_labels = Table::labels(tables.needed("labels_tr", PARTS)?, limits)?;
    let test_labels = Table::labels(tables.needed("labels_te", PARTS)?, limits)?;
    let classes = check_train(&train_labels.file, &train_labels.content)?;
    check_test(&test_labels.file, &test_labels.content, classes)?;

    let class_names = match tables.optional("classes")? {
        Some(file) => class_names(&file, limits, &train_labels.file, classes)?,
        None => (0..classes).map(|class| class.to_string()).collect(),
    };
    let part = |name: &str, labels: &Table<Vec<usize>>| -> Result<MultiOmics, DataError> {
        let sample_names = match tables.optional(&format!("samples_{name}"))? {
            Some(file) => sample_names(&file, limits, labels)?,
            None => numbered(labels.content.len()),
        };
        Ok(MultiOmics {
            views: Vec::new(),
            labels: labels.content.clone(),
            feature_names: Vec::new(),
            class_names: class_names.clone(),
            sample_names,
        })
    };
    let mut cohort = Cohort { train: part("tr", &train_labels)?, test: part("te", &test_labels)? };
    for number in tables.views()? {
        let train = Table::matrix(tables.needed(&format!("{number}_tr"), PARTS)?, options)?;
        let test = Table::matrix(tables.needed(&format!("{number}_te"), PARTS)?, options)?;
        train.same_rows(&train_labels)?;
        test.same_rows(&test_labels)?;
        test.same_columns(&train)?;
        let names = match tables.optional(&format!("{number}_featname"))? {
            Some(file) => feature_names(&file, limits, &train)?,
            None => (0..train.content.ncols()).map(|i| format!("view{number}_{i}")).collect(),
        };
        cohort.train.views.push(train.content);
        cohort.test.views.push(test.content);
        cohort.train.feature_names.push(names.clone());
        cohort.test.feature_names.push(names);
    }
    Ok(cohort)
}

const PARTS: &str = "train (_tr) and test (_te) are both needed, for the labels and for each view";

/// What was read, with the file it came from: a message about two tables names both.
struct Table<T> {
    file: PathBuf,
    content: T,
}

impl Table<Vec<usize>> {
    fn labels(file: PathBuf, limits: &Limits) -> Result<Self, DataError> {
        Ok(Self { content: read_labels(&file, limits)?, file })
    }
}

impl Table<Array2<f32>> {
    fn matrix(file: PathBuf, options: &ReadOptions) -> Result<Self, DataError> {
        Ok(Self { content: read_matrix_with(&file, options)?, file })
    }

    fn same_rows(&self, labels: &Table<Vec<usize>>) -> Result<(), DataError> {
        let (found, expected) = (self.content.nrows(), labels.content.len());
        let cure = "a row is one sample, the same one in every file of a part";
        same(found, expected, || (&self.file, &labels.file, "rows", cure))
    }

    fn same_columns(&self, train: &Self) -> Result<(), DataError> {
        let (found, expected) = (self.content.ncols(), train.content.ncols());
        same(found, expected, || {
            (&self.file, &train.file, "columns", "train and test have the same features")
        })
    }
}

fn feature_names(file: &Path, limits: &Limits, train: &Table<Array2<f32>>) -> Result<Vec<String>, DataError> {
    let names = read_names(file, limits)?;
    let cure = "each line names one column";
    same(names.len(), train.content.ncols(), || (file, &train.file, "names, that is columns,", cure))?;
    Ok(names)
}

fn sample_names(file: &Path, limits: &Limits, labels: &Table<Vec<usize>>) -> Result<Vec<String>, DataError> {
    let names = read_names(file, limits)?;
    let cure = "each line names one row";
    same(names.len(), labels.content.len(), || (file, &labels.file, "names, that is rows,", cure))?;
    Ok(names)
}

fn class_names(
    file: &Path,
    limits: &Limits,
    labels: &Path,
    classes: usize,
) -> Result<Vec<String>, DataError> {
    let names = read_names(file, limits)?;
    let cure = "each line names one class of the labels";
    same(names.len(), classes, || (file, labels, "names, that is classes,", cure))?;
    Ok(names)
}

fn same<'a>(
    found: usize,
    expected: usize,
    between: impl FnOnce() -> (&'a Path, &'a Path, &'static str, &'static str),
) -> Result<(), DataError> {
    if found == expected {
        return Ok(());
    }
    let (file, other, what, cure) = between();
    Err(DataError::Counts { file: file.to_owned(), other: other.to_owned(), found, expected, what, cure })
}

/// The tables of a folder by their name without `.csv`, `.csv.gz` or `.npy`.
struct Tables {
    dir: PathBuf,
    by_stem: BTreeMap<String, Vec<PathBuf>>,
}

impl Tables {
    fn list(dir: &Path) -> Result<Self, DataError> {
        let failed = |source| DataError::Io { file: dir.to_owned(), source };
        let mut by_stem = BTreeMap::<String, Vec<PathBuf>>::new();
        for entry in fs::read_dir(dir).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            // All names of the layout are ASCII: one that is not even UTF-8 is some other file.
            let Some(name) = name.to_str() else { continue };
            let plain = name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".csv");
            if let Some(stem) = plain.or(name.strip_suffix(".npy")) {
                by_stem.entry(stem.to_owned()).or_default().push(dir.join(name));
            }
        }
        for files in by_stem.values_mut() {
            files.sort();
        }
        Ok(Self { dir: dir.to_owned(), by_stem })
    }

    fn optional(&self, stem: &str) -> Result<Option<PathBuf>, DataError> {
        match self.by_stem.get(stem).map(Vec::as_slice) {
            Some([file, other, ..]) => Err(DataError::Ambiguous { file: file.clone(), other: other.clone() }),
            Some([file]) => Ok(Some(file.clone())),
            _ => Ok(None),
        }
    }

    fn needed(&self, stem: &str, expected: &'static str) -> Result<PathBuf, DataError> {
        let file = self.dir.join(format!("{stem}.csv"));
        self.optional(stem)?.ok_or(DataError::Missing { file, expected })
    }

    /// The numbers of the views: 1, 2, ... without a gap. Names of features alone count too, because they
    /// tell of a view whose matrices were lost.
    fn views(&self) -> Result<std::ops::RangeInclusive<usize>, DataError> {
        let mut numbers = BTreeSet::new();
        for (stem, files) in &self.by_stem {
            let Some((number, "tr" | "te" | "featname")) = stem.split_once('_') else { continue };
            if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
                continue;
            }
            let plain = !number.starts_with('0');
            let number = number.parse().ok().filter(|_| plain);
            numbers.insert(number.ok_or_else(|| DataError::ViewNumber { file: files[0].clone() })?);
        }
        let last = numbers.last().copied().unwrap_or(1);
        if let Some(gap) = (1..=last).find(|number| !numbers.contains(number)) {
            let file = self.dir.join(format!("{gap}_tr.csv"));
            let expected = "views are numbered 1, 2, 3, ... without gaps";
            return Err(DataError::Missing { file, expected });
        }
        Ok(1..=last)
    }
}
