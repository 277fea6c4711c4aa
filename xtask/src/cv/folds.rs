//! Which rows each training of a cross-validation learns from, and which it is tested on.

use crate::failure::{Exit, Failure};
use crate::report;
use crate::source::{Source, classes};
use lightning_core::Seed;
use lightning_core::data::{Fold, stratified_k_fold};
use mmdynamic::data::{Cohort, MultiOmics};
use ndarray::{Array2, Axis, concatenate};

/// All rows, and how they are cut.
pub(super) struct Folds<'a> {
    source: &'a Source,
    all: MultiOmics,
    /// For each repeat its folds.
    repeats: Vec<Vec<Fold>>,
    seed: u64,
}

/// One training of a cross-validation; all numbers from 0.
pub(super) struct FoldRows<'a> {
    pub(super) repeat: usize,
    pub(super) fold: usize,
    /// Of the training.
    pub(super) seed: u64,
    /// Into all rows: those of train first, then those of test.
    pub(super) rows: &'a Fold,
}

impl<'a> Folds<'a> {
    pub(super) fn new(source: &'a Source, folds: usize, repeats: usize, seed: u64) -> Result<Self, Failure> {
        let all = pooled(&source.cohort)?;
        let counts = all.class_counts();
        if let Some((class, count)) = counts.iter().enumerate().find(|(_, count)| **count < folds) {
            let name = &all.class_names[class];
            let message = format!(
                "class `{name}` has {count} rows, fewer than the {folds} folds: a fold without it has no scores to compare"
            );
            return Err(Failure::new(Exit::Data, message).with("give --folds that number or less"));
        }
        let cut = |repeat: usize| stratified_k_fold(&all.labels, folds, Some(Seed(seed + repeat as u64)));
        let repeats: Result<Vec<_>, _> = (0..repeats).map(cut).collect();
        let repeats = repeats.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        Ok(Folds { source, all, repeats, seed })
    }

    /// One after another, repeat by repeat.
    pub(super) fn rows(&self) -> impl Iterator<Item = FoldRows<'_>> {
        let numbered = self.repeats.iter().enumerate().flat_map(|(repeat, folds)| {
            folds.iter().enumerate().map(move |(fold, rows)| (repeat, fold, rows))
        });
        numbered.zip(self.seed..).map(|((repeat, fold, rows), seed)| FoldRows { repeat, fold, seed, rows })
    }

    /// The data of one training: the fold is its test part.
    pub(super) fn source(&self, rows: &FoldRows<'_>) -> Result<Source, Failure> {
        let folds = self.repeats[rows.repeat].len();
        Ok(Source {
            name: format!(
                "{}, fold {} of {folds}, repeat {}",
                self.source.name,
                rows.fold + 1,
                rows.repeat + 1
            ),
            cohort: Cohort {
                train: self.all.subset(&rows.rows.train)?,
                test: self.all.subset(&rows.rows.validation)?,
            },
            columns: self.source.columns.clone(),
            options: self.source.options.clone(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.source.name
    }

    pub(super) fn all(&self) -> &MultiOmics {
        &self.all
    }

    /// Folds of a repeat, and repeats.
    pub(super) fn shape(&self) -> (usize, usize) {
        (self.repeats.first().map_or(0, Vec::len), self.repeats.len())
    }

    /// Of all repeats.
    pub(super) fn count(&self) -> usize {
        self.repeats.iter().map(Vec::len).sum()
    }

    /// What is cut, and how, for people.
    pub(super) fn describe(&self) -> String {
        let (folds, repeats) = self.shape();
        let rows = format!("{}, each tested once in each repeat", self.all.rows());
        report::field("Data", &self.source.name)
            + &report::field("Rows", &rows)
            + &report::field("Folds", &format!("{folds}, repeats {repeats}"))
            + &report::field("Classes", &format!("{}: {}", self.all.classes(), classes(&self.all)))
            + "\n"
    }
}

/// The rows of train, then those of test.
fn pooled(cohort: &Cohort) -> Result<MultiOmics, Failure> {
    let (train, test) = (&cohort.train, &cohort.test);
    let view = |(a, b): (&Array2<f32>, &Array2<f32>)| {
        concatenate(Axis(0), &[a.view(), b.view()])
            .map_err(|error| Failure::new(Exit::Data, format!("train and test do not go together: {error}")))
    };
    Ok(MultiOmics {
        views: train.views.iter().zip(&test.views).map(view).collect::<Result<_, _>>()?,
        labels: [train.labels.as_slice(), &test.labels].concat(),
        sample_names: [train.sample_names.as_slice(), &test.sample_names].concat(),
        feature_names: train.feature_names.clone(),
        class_names: train.class_names.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::Prepared;
    use crate::source::{self, DataOptions};
    use mmdynamic::data::Preprocessing;

    fn generated() -> Source {
        source::read(None, &DataOptions::default()).expect("a cohort")
    }

    #[test]
    fn every_row_is_tested_once_in_each_repeat_and_never_learnt_from_there() {
        let source = generated();
        let folds = Folds::new(&source, 4, 3, 7).expect("folds");
        let mut tested = vec![0; folds.all().rows()];
        for rows in folds.rows() {
            rows.rows.validation.iter().for_each(|&row| tested[row] += 1);
            assert!(rows.rows.validation.iter().all(|row| !rows.rows.train.contains(row)));
            assert_eq!(rows.rows.train.len() + rows.rows.validation.len(), tested.len());
        }
        assert!(tested.iter().all(|times| *times == 3), "{tested:?}");
        let cuts: Vec<_> = folds.rows().map(|rows| rows.rows.validation.clone()).collect();
        assert_ne!(cuts[..4], cuts[4..8], "another repeat is cut otherwise");
        let seeds: Vec<u64> = folds.rows().map(|rows| rows.seed).collect();
        assert_eq!(seeds, (7..19).collect::<Vec<_>>());
    }

    #[test]
    fn scaling_is_fitted_on_the_rows_that_the_fold_learns_from() {
        let mut source = generated();
        // One row far out: the fold that tests it must not know of it.
        source.cohort.train.views[0][[0, 0]] = 1e6;
        let folds = Folds::new(&source, 5, 1, 0).expect("folds");
        let fit = |rows: &MultiOmics| {
            Preprocessing::fit(rows, source.options.missing, source.options.scaling).expect("figures")
        };
        let everything = fit(folds.all());
        for rows in folds.rows() {
            let fold = folds.source(&rows).expect("its data");
            let prepared = Prepared::new(&fold, None, rows.seed).expect("its parts");
            assert_eq!(prepared.preprocessing, fit(&fold.cohort.train));
            if let Some(row) = rows.rows.validation.iter().position(|row| *row == 0) {
                assert_ne!(prepared.preprocessing, everything);
                assert!(prepared.test.views[0][[row, 0]] > 1e3, "a test row may leave 0 to 1");
            }
        }
    }

    #[test]
    fn a_class_of_fewer_rows_than_folds_is_refused_by_name() {
        let source = generated();
        let error = Folds::new(&source, 200, 1, 0).map(drop).expect_err("too many");
        assert_eq!(error.exit, Exit::Data);
        assert!(error.message.contains("fewer than the 200 folds"), "{}", error.message);
    }
}
