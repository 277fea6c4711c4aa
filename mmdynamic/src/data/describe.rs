//! What a person should know of a cohort before believing a score on it: sizes, constant features, rows that stand
//! there twice, and whether somebody scaled train and test together.
//!
//! A public benchmark of this field has 42 of its 263 test rows in train, 32 of them under another class; another was
//! scaled over train and test. No score tells of either.

use std::collections::BTreeMap;
use std::ops::Range;

use ndarray::{Array2, ArrayView1, Axis};
use serde::Serialize;

use super::cohort::{Cohort, MultiOmics, numbered};

/// What [`describe`] finds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// Names of the classes.
    pub class_names: Vec<String>,
    /// Training rows of each class.
    pub train_counts: Vec<usize>,
    /// Test rows of each class.
    pub test_counts: Vec<usize>,
    /// One entry per view.
    pub views: Vec<ViewDescription>,
    /// Equal rows.
    pub duplicates: Duplicates,
    /// Names of samples that stand there more than once.
    pub repeated_names: RepeatedNames,
}

/// What is to be known of one view.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ViewDescription {
    /// Number of features.
    pub features: usize,
    /// The smallest value of train and test.
    pub smallest: f32,
    /// The largest value of train and test.
    pub largest: f32,
    /// Names of the features with one value in all training rows that have one: a model learns nothing from them.
    pub constant: Vec<String>,
    /// Missing values of train and test together.
    pub missing: usize,
    /// The features with missing values.
    pub missing_columns: Vec<MissingColumn>,
    /// Whether and by what it was scaled before it came here.
    pub scaling: Scaling,
}

/// A feature with missing values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingColumn {
    /// Its name.
    pub name: String,
    /// Training rows without a value; if that is all of them, nothing can be imputed.
    pub train: usize,
    /// Test rows without a value.
    pub test: usize,
}

/// Names of samples that stand there more than once: one sample measured twice, or mixed-up tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RepeatedNames {
    /// Within train.
    pub within_train: Vec<String>,
    /// Within test.
    pub within_test: Vec<String>,
    /// In both.
    pub across: Vec<String>,
}

/// Signs that somebody scaled a view before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// No sign of it.
    Unseen,
    /// Every training feature spans exactly 0 to 1, or has mean 0 and deviation 1: fitted on the training rows alone.
    TrainAlone,
    /// All values of train and test lie within 0 and 1 and reach an end of it, or all features have mean 0 and deviation 1 over both, and the
    /// training rows by themselves do not reach that: other rows, as those of the test, took part in the scaling.
    BeyondTrain,
}

/// Rows that are equal in every value of every view. Rows count from 0 within their part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// Groups of equal rows within train.
    pub within_train: Vec<Group>,
    /// Groups of equal rows within test.
    pub within_test: Vec<Group>,
    /// Test rows that stand in train too.
    pub across: Vec<Leak>,
}

/// Equal rows of one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The rows, ascending.
    pub rows: Vec<usize>,
    /// Whether they have more than one class among them.
    pub contradictory: bool,
}

/// A test row that stands in train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leak {
    /// The test row.
    pub test_row: usize,
    /// The equal training rows, ascending.
    pub train_rows: Vec<usize>,
    /// Whether a training row has another class than the test row.
    pub contradictory: bool,
}

/// Looks at a whole cohort, as it was read: missing values are NaN.
///
/// ```
/// use mmdynamic::data::{Scaling, describe, generate};
/// let made = generate(&Default::default())?;
/// let found = describe(&made.cohort);
/// assert_eq!(found.train_counts, [123, 122]);
/// assert_eq!(found.views[0].scaling, Scaling::Unseen);
/// assert!(found.duplicates.across.is_empty());
/// # Ok::<(), mmdynamic::data::DataError>(())
/// ```
pub fn describe(cohort: &Cohort) -> Description {
    let Cohort { train, test } = cohort;
    let views = train.views.iter().zip(&test.views).zip(&train.feature_names);
    Description {
        class_names: train.class_names.clone(),
        train_counts: train.class_counts(),
        test_counts: test.class_counts(),
        views: views.map(|((train, test), names)| describe_view(train, test, names)).collect(),
        duplicates: duplicates(train, test),
        repeated_names: repeated_names(&train.sample_names, &test.sample_names),
    }
}

fn describe_view(train: &Array2<f32>, test: &Array2<f32>, names: &[String]) -> ViewDescription {
    let both = || train.iter().chain(test).copied();
    let named = || train.axis_iter(Axis(1)).zip(names);
    let constant = named().filter(|(column, _)| is_constant(*column)).map(|(_, name)| name.clone());
    let absent = |column: ArrayView1<'_, f32>| column.iter().filter(|x| x.is_nan()).count();
    let gaps = named().zip(test.axis_iter(Axis(1))).map(|((train, name), test)| MissingColumn {
        name: name.clone(),
        train: absent(train),
        test: absent(test),
    });
    ViewDescription {
        features: train.ncols(),
        smallest: both().fold(f32::INFINITY, f32::min),
        largest: both().fold(f32::NEG_INFINITY, f32::max),
        constant: constant.collect(),
        missing: both().filter(|x| x.is_nan()).count(),
        missing_columns: gaps.filter(|gap| gap.train + gap.test > 0).collect(),
        scaling: scaling(train, test),
    }
}

/// One value wherever there is one.
fn is_constant(column: ArrayView1<'_, f32>) -> bool {
    let mut values = column.iter().filter(|x| !x.is_nan());
    values.next().is_some_and(|first| values.all(|x| x == first))
}

/// How far mean and deviation of a standardised column may be off: f32 and a text of some digits.
const NEAR: f64 = 1e-3;

fn scaling(train: &Array2<f32>, test: &Array2<f32>) -> Scaling {
    let values = |column: ArrayView1<'_, f32>| -> Vec<f32> {
        column.iter().copied().filter(|x| !x.is_nan()).collect()
    };
    // A constant column tells nothing: scaling leaves it at one value.
    let columns: Vec<_> = (0..train.ncols())
        .map(|j| (values(train.column(j)), values(test.column(j))))
        .filter(|(train, test)| train.iter().chain(test).any(|x| *x != train.first().copied().unwrap_or(*x)))
        .collect();
    let by_train = |sign: fn(&[&[f32]]) -> bool| columns.iter().all(|(train, _)| sign(&[train]));
    let by_both = |sign: fn(&[&[f32]]) -> bool| columns.iter().all(|(tr, te)| sign(&[tr, te]));
    if columns.is_empty() {
        Scaling::Unseen
    } else if by_train(spans_unit) || by_train(is_standard) {
        Scaling::TrainAlone
    } else if (by_both(within_unit) && touches_unit(train, test)) || by_both(is_standard) {
        Scaling::BeyondTrain
    } else {
        Scaling::Unseen
    }
}

fn within_unit(parts: &[&[f32]]) -> bool {
    parts.iter().copied().flatten().all(|x| (0.0..=1.0).contains(x))
}

/// Scaling to a range leaves a value exactly at its end; numbers that are shares by nature seldom have one.
fn touches_unit(train: &Array2<f32>, test: &Array2<f32>) -> bool {
    train.iter().chain(test).any(|x| *x == 0.0 || *x == 1.0)
}

/// The largest may be a rounding below 1, where the range was shifted by 1e-10 against division by zero.
fn spans_unit(parts: &[&[f32]]) -> bool {
    let extremes = parts
        .iter()
        .copied()
        .flatten()
        .fold((f32::MAX, f32::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
    extremes.0 == 0.0 && (extremes.1 - 1.0).abs() < 1e-6
}

fn is_standard(parts: &[&[f32]]) -> bool {
    let values = || parts.iter().copied().flatten().map(|x| f64::from(*x));
    let count = values().count() as f64;
    let mean = values().sum::<f64>() / count;
    let variance = values().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    // Divided by n or by n - 1: both are in use.
    let deviations = [variance.sqrt(), (variance * count / (count - 1.0)).sqrt()];
    mean.abs() < NEAR && deviations.iter().any(|deviation| (deviation - 1.0).abs() < NEAR)
}

fn repeated_names(train: &[String], test: &[String]) -> RepeatedNames {
    // Rows without names are numbered, in both parts from 1.
    let named = |names: &[String]| names != numbered(names.len());
    if !named(train) && !named(test) {
        return RepeatedNames::default();
    }
    let counts = |names: &[String]| {
        let mut counts = BTreeMap::<String, usize>::new();
        names.iter().for_each(|name| *counts.entry(name.clone()).or_default() += 1);
        counts
    };
    let (train, test) = (counts(train), counts(test));
    let twice = |counts: &BTreeMap<String, usize>| {
        counts.iter().filter(|(_, count)| **count > 1).map(|(name, _)| name.clone()).collect()
    };
    RepeatedNames {
        within_train: twice(&train),
        within_test: twice(&test),
        across: train.keys().filter(|name| test.contains_key(*name)).cloned().collect(),
    }
}

/// The bits of a row over all views; 0 and −0 are one number.
fn key(data: &MultiOmics, row: usize) -> Vec<u32> {
    data.views.iter().flat_map(|view| view.row(row).to_vec()).map(|x| (x + 0.0).to_bits()).collect()
}

/// The rows of a part by their values.
fn by_value(data: &MultiOmics) -> BTreeMap<Vec<u32>, Vec<usize>> {
    let mut rows = BTreeMap::<_, Vec<usize>>::new();
    for row in 0..data.rows() {
        rows.entry(key(data, row)).or_default().push(row);
    }
    rows
}

fn duplicates(train: &MultiOmics, test: &MultiOmics) -> Duplicates {
    let in_train = by_value(train);
    let leak = |test_row: usize| {
        let train_rows = in_train.get(&key(test, test_row))?.clone();
        let contradictory = train_rows.iter().any(|&row| train.labels[row] != test.labels[test_row]);
        Some(Leak { test_row, train_rows, contradictory })
    };
    let rows: Range<usize> = 0..test.rows();
    Duplicates {
        across: rows.filter_map(leak).collect(),
        within_train: groups(in_train, &train.labels),
        within_test: groups(by_value(test), &test.labels),
    }
}

fn groups(rows: BTreeMap<Vec<u32>, Vec<usize>>, labels: &[usize]) -> Vec<Group> {
    let repeated = rows.into_values().filter(|rows| rows.len() > 1);
    let group = |rows: Vec<usize>| {
        let contradictory = rows.iter().any(|&row| labels[row] != labels[rows[0]]);
        Group { rows, contradictory }
    };
    let mut groups: Vec<Group> = repeated.map(group).collect();
    groups.sort_by_key(|group| group.rows[0]);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array, concatenate};

    fn part(view: Array2<f32>, labels: &[usize]) -> MultiOmics {
        let names = (0..view.ncols()).map(|j| format!("gene{j}")).collect();
        let second = Array2::from_elem((view.nrows(), 1), 0.5);
        MultiOmics {
            views: vec![view, second],
            labels: labels.to_vec(),
            feature_names: vec![names, vec!["site".into()]],
            class_names: vec!["control".into(), "case".into()],
            sample_names: numbered(labels.len()),
        }
    }

    #[test]
    fn equal_rows_are_found_within_and_across_the_parts_with_their_contradictions() {
        let train =
            part(array![[0.0, 1.0], [2.0, 3.0], [-0.0, 1.0], [2.0, 3.0], [7.0, 7.0]], &[0, 1, 1, 1, 0]);
        let test = part(array![[2.0, 3.0], [9.0, 9.0], [7.0, 7.0]], &[1, 0, 1]);
        let found = describe(&Cohort { train, test }).duplicates;
        let group = |rows: &[usize], contradictory| Group { rows: rows.to_vec(), contradictory };
        assert_eq!(found.within_train, [group(&[0, 2], true), group(&[1, 3], false)]);
        assert!(found.within_test.is_empty());
        let leak = |test_row, train_rows: &[usize], contradictory| Leak {
            test_row,
            train_rows: train_rows.to_vec(),
            contradictory,
        };
        assert_eq!(found.across, [leak(0, &[1, 3], false), leak(2, &[4], true)]);
    }

    #[test]
    fn rows_that_differ_in_another_view_are_no_duplicates() {
        let mut train = part(array![[1.0, 2.0], [1.0, 2.0]], &[0, 1]);
        train.views[1][[1, 0]] = 0.25;
        let test = part(array![[5.0, 5.0]], &[0]);
        assert_eq!(describe(&Cohort { train, test }).duplicates, Duplicates::default());
    }

    #[test]
    fn constant_features_are_named() {
        let train = part(array![[1.0, 4.0], [2.0, 4.0]], &[0, 1]);
        let test = part(array![[1.0, 5.0]], &[0]);
        let found = describe(&Cohort { train, test });
        assert_eq!(found.views[0].constant, ["gene1"]);
        assert_eq!(found.views[1].constant, ["site"]);
        assert_eq!((found.views[0].smallest, found.views[0].largest), (1.0, 5.0));
    }

    #[test]
    fn missing_values_are_counted_by_feature_and_hide_nothing_else() {
        let nan = f32::NAN;
        let train = part(array![[nan, 4.0], [nan, 4.0], [nan, nan]], &[0, 1, 1]);
        let test = part(array![[1.0, nan], [nan, nan]], &[0, 1]);
        let found = describe(&Cohort { train, test });
        let column = |name: &str, train, test| MissingColumn { name: name.into(), train, test };
        assert_eq!(found.views[0].missing_columns, [column("gene0", 3, 1), column("gene1", 1, 2)]);
        assert_eq!((found.views[0].missing, found.views[1].missing), (7, 0));
        assert_eq!((found.views[0].smallest, found.views[0].largest), (1.0, 4.0));
        assert_eq!(found.views[0].constant, ["gene1"]);
        let group = |rows: &[usize], contradictory| Group { rows: rows.to_vec(), contradictory };
        assert_eq!(found.duplicates.within_train, [group(&[0, 1], true)]);
    }

    #[test]
    fn names_that_stand_there_twice_are_told_and_numbers_of_rows_are_none() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(repeated_names(&numbered(3), &numbered(2)), RepeatedNames::default());
        let found = repeated_names(&names(&["a", "b", "a"]), &names(&["b", "c"]));
        assert_eq!(
            (found.within_train, found.within_test, found.across),
            (names(&["a"]), vec![], names(&["b"]))
        );
    }

    fn unit(columns: &Array2<f32>) -> Array2<f32> {
        let low = columns.fold_axis(Axis(0), f32::MAX, |a, b| a.min(*b));
        let high = columns.fold_axis(Axis(0), f32::MIN, |a, b| a.max(*b));
        (columns - &low) / (high - low)
    }

    #[test]
    fn scaling_over_train_and_test_shows() {
        let (train, test) =
            (array![[1.0, 40.0], [2.0, 10.0], [4.0, 30.0]], array![[0.5, 20.0], [5.0, 50.0f32]]);
        assert_eq!(scaling(&train, &test), Scaling::Unseen);
        assert_eq!(scaling(&unit(&train), &test), Scaling::TrainAlone);
        let both = unit(&concatenate![Axis(0), train, test]);
        let parts = both.view().split_at(Axis(0), 3);
        assert_eq!(scaling(&parts.0.to_owned(), &parts.1.to_owned()), Scaling::BeyondTrain);
    }

    #[test]
    fn shares_that_never_reach_an_end_are_no_sign() {
        let (train, test) = (array![[0.2, 0.3], [0.4, 0.1]], array![[0.1, 0.9f32]]);
        assert_eq!(scaling(&train, &test), Scaling::Unseen);
    }

    #[test]
    fn standardised_features_are_scaled_features() {
        let standard = |columns: &Array2<f32>, deviation: f32| {
            let mean = columns.mean_axis(Axis(0)).expect("rows");
            (columns - &mean) / columns.std_axis(Axis(0), deviation)
        };
        let (train, test) =
            (array![[1.0, 40.0], [2.0, 10.0], [4.0, 30.0]], array![[0.5, 20.0], [5.0, 50.0f32]]);
        assert_eq!(scaling(&standard(&train, 0.0), &test), Scaling::TrainAlone);
        let both = standard(&concatenate![Axis(0), train, test], 1.0);
        let parts = both.view().split_at(Axis(0), 3);
        assert_eq!(scaling(&parts.0.to_owned(), &parts.1.to_owned()), Scaling::BeyondTrain);
    }
}
