//! A cohort from one wide table: a header, a row a sample, all views side by side.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{Array2, Axis};

use super::classes::Classes;
use super::cohort::{Cohort, MultiOmics, numbered};
use super::columns::{ColumnMap, Layout, Target};
use super::error::{DataError, excerpt};
use super::fields::{Delimiter, fields};
use super::lines::{Limits, Lines, ReadOptions};
use super::numbers::{MissingValues, Numbers, expected_instead, out_of_memory};
use super::rows::read_rows;
use super::split::stratified_split;

/// Reads the cohort in a table with a header: `.csv` (commas) or `.tsv` (tabs), either of them packed (`.gz`).
///
/// ```
/// use mmdynamic::data::{ColumnMap, ReadOptions, read_wide};
/// let dir = tempfile::tempdir()?;
/// let file = dir.path().join("cohort.csv");
/// std::fs::write(&file, "patient,subtype,set,RTN2,NDRG2,cg0011\nA0FJ,Basal,train,1,2,3\nA13E,LumA,train,4,5,6\n\
///                        A0G0,LumA,test,7,8,9\n")?;
/// let map = ColumnMap {
///     label: "subtype".into(),
///     split: Some("set".into()),
///     views: vec![vec!["RTN2".into(), "NDRG2".into()], vec!["cg*".into()]],
///     ..ColumnMap::default()
/// };
/// let cohort = read_wide(&file, &map, &ReadOptions::default())?;
/// assert_eq!(cohort.train.views, [ndarray::array![[1.0, 2.0], [4.0, 5.0]], ndarray::array![[3.0], [6.0]]]);
/// assert_eq!(cohort.train.class_names, ["Basal", "LumA"]);
/// assert_eq!((cohort.test.labels, cohort.test.sample_names), (vec![1], vec!["A0G0".to_owned()]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A [`DataError`] naming file, row and column for what [`read_matrix`](super::read_matrix) refuses in a matrix; for a
/// header with a name twice or missing; for a map with a column that is not there or wanted twice, and for a column that
/// the map does not speak of; for samples without name or class, for a split that says anything but train or test, for
/// classes as in [`read_mogonet`](super::read_mogonet).
pub fn read_wide(
    file: impl AsRef<Path>,
    map: &ColumnMap,
    options: &ReadOptions,
) -> Result<Cohort, DataError> {
    let file = file.as_ref();
    map.check()?;
    let table = Table::read(file, options, |header| Layout::of(file, header, map))?;
    let is_test = table.is_test(map)?;
    let classes = Classes::of(file, map.classes.as_deref(), &table.labels, &is_test)?;
    let part =
        |test: bool| -> Vec<usize> { (0..is_test.len()).filter(|&row| is_test[row] == test).collect() };
    let (train, test) = (part(false), part(true));
    let empty = |rows: &[usize]| MultiOmics {
        views: Vec::new(),
        labels: rows.iter().map(|&row| classes.labels[row]).collect(),
        feature_names: table.features.clone(),
        class_names: classes.names.clone(),
        sample_names: rows.iter().map(|&row| table.samples[row].clone()).collect(),
    };
    let mut cohort = Cohort { train: empty(&train), test: empty(&test) };
    // A view is let go as soon as it is parted: the memory in use stays below twice the data.
    for view in table.views {
        cohort.train.views.push(view.select(Axis(0), &train));
        cohort.test.views.push(view.select(Axis(0), &test));
    }
    Ok(cohort)
}

/// Reads samples without classes from a table with a header: the `features` of each view are found by name wherever they
/// stand, other columns are left alone. Names of samples stand in the column `sample`, or in the first one.
///
/// ```
/// use mmdynamic::data::{ReadOptions, read_wide_samples};
/// let dir = tempfile::tempdir()?;
/// let file = dir.path().join("new.csv");
/// std::fs::write(&file, "id,cg0011,age,RTN2\nA0FJ,3,50,1\n")?;
/// let features = [vec!["RTN2".to_owned()], vec!["cg0011".to_owned()]];
/// let (samples, views) = read_wide_samples(&file, None, &features, &ReadOptions::default())?;
/// assert_eq!((samples, views), (vec!["A0FJ".to_owned()], vec![ndarray::array![[1.0]], ndarray::array![[3.0]]]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`read_wide`].
pub fn read_wide_samples(
    file: impl AsRef<Path>,
    sample: Option<&str>,
    features: &[Vec<String>],
    options: &ReadOptions,
) -> Result<(Vec<String>, Vec<Array2<f32>>), DataError> {
    let file = file.as_ref();
    let layout = |header: &[String]| Layout::of_features(file, header, sample, features);
    let table = Table::read(file, options, layout)?;
    Ok((table.samples, table.views))
}

/// A whole table.
struct Table {
    /// `train` or `test`, where there is such a column.
    split: Vec<bool>,
    labels: Vec<String>,
    samples: Vec<String>,
    features: Vec<Vec<String>>,
    views: Vec<Array2<f32>>,
}

impl Table {
    fn read(
        file: &Path,
        options: &ReadOptions,
        layout: impl FnOnce(&[String]) -> Result<Layout, DataError>,
    ) -> Result<Self, DataError> {
        let mut lines = Lines::open_delimited(file, &options.limits, options.delimiter)?;
        let header = header(file, &mut lines, &options.limits)?;
        let Layout { targets, features } = layout(&header)?;
        drop(header);
        let reader = RowReader { file, delimiter: lines.delimiter(), targets: &targets };
        let mut table = Table { split: vec![], labels: vec![], samples: vec![], features, views: vec![] };
        let mut cells = vec![Vec::new(); table.features.len()];
        let (mut rows, mut missing) = (0, MissingValues::default());
        read_rows(
            &mut lines,
            |row, line| reader.read(row, line),
            |row, mut read| {
                missing.add(row, &mut read.numbers);
                rows += 1;
                table.split.extend(read.test);
                table.labels.extend(read.label);
                table.samples.extend(read.sample);
                append(file, row, &mut cells, &read.numbers.cells, &table.features, &options.limits)
            },
        )?;
        if rows == 0 {
            return Err(DataError::Empty { file: file.to_owned() });
        }
        if !options.keep_missing {
            missing.refuse(file)?;
        }
        if table.samples.is_empty() {
            table.samples = numbered(rows);
        }
        let matrix = |(cells, names): (Vec<f32>, &Vec<String>)| {
            Array2::from_shape_vec((rows, names.len()), cells).expect("every row added a cell for each name")
        };
        table.views = cells.into_iter().zip(&table.features).map(matrix).collect();
        Ok(table)
    }

    /// Which rows are for the test.
    fn is_test(&self, map: &ColumnMap) -> Result<Vec<bool>, DataError> {
        let Some(fraction) = map.test_fraction else { return Ok(self.split.clone()) };
        let mut seen: BTreeMap<&str, usize> = self.labels.iter().map(|label| (label.as_str(), 0)).collect();
        seen.values_mut().enumerate().for_each(|(rank, class)| *class = rank);
        let numbers: Vec<usize> = self.labels.iter().map(|label| seen[label.as_str()]).collect();
        let (_, test) = stratified_split(&numbers, fraction, map.split_seed)?;
        let mut is_test = vec![false; self.labels.len()];
        test.into_iter().for_each(|row| is_test[row] = true);
        Ok(is_test)
    }
}

fn header(file: &Path, lines: &mut Lines, limits: &Limits) -> Result<Vec<String>, DataError> {
    let delimiter = lines.delimiter();
    let Some((row, line)) = lines.next()? else { return Err(DataError::Empty { file: file.to_owned() }) };
    let mut names = Vec::new();
    for name in fields(line, delimiter) {
        let column = names.len() + 1;
        if column > limits.columns {
            let limit = limits.columns as u64;
            return Err(DataError::TooLarge { file: file.to_owned(), row, what: "columns", limit });
        }
        let malformed = |found: &str, expected| DataError::Malformed {
            file: file.to_owned(),
            row,
            column,
            found: excerpt(found),
            expected,
        };
        let name = name.map_err(|bad| malformed(bad.found, bad.expected))?;
        if name.contains(char::is_control) {
            return Err(malformed(&name, "a name without control characters"));
        }
        names.push(name.into_owned());
    }
    Ok(names)
}

/// Adds a row's cells to those of each view.
fn append(
    file: &Path,
    row: usize,
    views: &mut [Vec<f32>],
    mut cells: &[f32],
    features: &[Vec<String>],
    limits: &Limits,
) -> Result<(), DataError> {
    for (view, names) in views.iter_mut().zip(features) {
        if view.len() + names.len() > limits.values {
            let limit = limits.values as u64;
            return Err(DataError::TooLarge { file: file.to_owned(), row, what: "values", limit });
        }
        let (these, rest) = cells.split_at(names.len());
        view.try_reserve(these.len()).map_err(|_| out_of_memory(file))?;
        view.extend_from_slice(these);
        cells = rest;
    }
    Ok(())
}

/// What a line holds.
#[derive(Default)]
struct Row {
    test: Option<bool>,
    label: Option<String>,
    sample: Option<String>,
    /// The features of all views, one view after the other.
    numbers: Numbers,
}

struct RowReader<'a> {
    file: &'a Path,
    delimiter: Delimiter,
    targets: &'a [Target],
}

impl RowReader<'_> {
    fn read(&self, row: usize, line: &str) -> Result<Row, DataError> {
        let features = self.targets.iter().filter(|target| matches!(target, Target::Feature(_))).count();
        let mut read = Row { numbers: Numbers::with_capacity(self.file, features)?, ..Row::default() };
        read.numbers.cells.resize(features, 0.0);
        let (mut found, mut fault) = (0, None);
        for field in fields(line, self.delimiter) {
            let column = found + 1;
            let field = field.map_err(|bad| self.malformed(row, column, bad.found, bad.expected))?;
            if let (Some(target), None) = (self.targets.get(found), &fault) {
                fault = self.take(&mut read, *target, &field, row, column).err();
            }
            found += 1;
        }
        let expected = self.targets.len();
        if found != expected {
            // A field too many shifts all behind it: that they make no sense is not what is wrong.
            return Err(DataError::Ragged { file: self.file.to_owned(), row, found, expected });
        }
        fault.map_or(Ok(read), Err)
    }

    fn take(
        &self,
        read: &mut Row,
        target: Target,
        field: &str,
        row: usize,
        column: usize,
    ) -> Result<(), DataError> {
        let malformed = |expected| self.malformed(row, column, field, expected);
        match target {
            Target::Ignored => {}
            Target::Feature(place) => {
                let value = read.numbers.read(field, column);
                read.numbers.cells[place] =
                    // Row and column 1 are those of a file without header, which this is not.
                    value.ok_or_else(|| malformed(expected_instead(field, 2, 2)))?;
            }
            Target::Sample if field.is_empty() => return Err(malformed("the name of the sample")),
            Target::Sample if field.contains(char::is_control) => {
                return Err(malformed("a name without control characters"));
            }
            Target::Sample => read.sample = Some(field.to_owned()),
            Target::Label if field.is_empty() || field.contains(char::is_control) => {
                return Err(malformed("a class; leave out rows without one"));
            }
            Target::Label => read.label = Some(field.to_owned()),
            Target::Split if field.eq_ignore_ascii_case("train") => read.test = Some(false),
            Target::Split if field.eq_ignore_ascii_case("test") => read.test = Some(true),
            Target::Split => return Err(malformed("train or test")),
        }
        Ok(())
    }

    fn malformed(&self, row: usize, column: usize, found: &str, expected: &'static str) -> DataError {
        DataError::Malformed { file: self.file.to_owned(), row, column, found: excerpt(found), expected }
    }
}
