//! Splits for cross-validation.

use super::sampler::shuffle;
use crate::Seed;
use std::collections::BTreeMap;

/// One of the splits of a cross-validation: indices of samples, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Samples to learn from.
    pub train: Vec<usize>,
    /// Samples that are held out; each sample is so in exactly one fold.
    pub validation: Vec<usize>,
}

/// A number of folds that the samples do not allow.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SplitError {
    /// Fewer than two folds.
    #[error("{0} folds; a cross-validation has at least 2")]
    TooFewFolds(usize),
    /// More folds than samples of even the largest class.
    #[error("{folds} folds, but no class has more than {largest} samples; ask for fewer folds")]
    TooManyFolds {
        /// Folds asked for.
        folds: usize,
        /// Samples of the largest class.
        largest: usize,
    },
}

/// Cuts samples into `folds` parts, each with about the same share of every class: scikit-learn's `StratifiedKFold`.
///
/// Without a seed the folds are scikit-learn's own, sample by sample. With one, which samples of a class go to which
/// fold is drawn from the stream `k_fold`, and how many is scikit-learn's number. A class with fewer samples than
/// folds is missing from some folds.
///
/// ```
/// use lightning_core::data::stratified_k_fold;
/// let labels = [0, 0, 0, 0, 1, 1];
/// let folds = stratified_k_fold(&labels, 2, None)?;
/// assert_eq!(folds[0].validation, [0, 1, 4]);
/// assert_eq!(folds[1].validation, [2, 3, 5]);
/// # Ok::<(), lightning_core::data::SplitError>(())
/// ```
///
/// # Errors
/// If there are fewer than two folds, or more than the largest class has samples.
pub fn stratified_k_fold(
    labels: &[usize],
    folds: usize,
    seed: Option<Seed>,
) -> Result<Vec<Fold>, SplitError> {
    if folds < 2 {
        return Err(SplitError::TooFewFolds(folds));
    }
    // Classes in the order in which they first appear, as scikit-learn numbers them.
    let mut numbers = BTreeMap::new();
    let classes: Vec<usize> = labels
        .iter()
        .map(|label| {
            let next = numbers.len();
            *numbers.entry(label).or_insert(next)
        })
        .collect();
    let sizes: Vec<usize> =
        (0..numbers.len()).map(|c| classes.iter().filter(|&&own| own == c).count()).collect();
    let largest = sizes.iter().copied().max().unwrap_or(0);
    if folds > largest {
        return Err(SplitError::TooManyFolds { folds, largest });
    }
    let mut fold_of = folds_of_classes(&sizes, folds);
    if let Some(seed) = seed {
        for (class, folds) in fold_of.iter_mut().enumerate() {
            shuffle(folds, &mut seed.stream_at("k_fold", class as u64));
        }
    }
    let mut next = vec![0; sizes.len()];
    let assigned: Vec<usize> = classes
        .iter()
        .map(|&class| {
            next[class] += 1;
            fold_of[class][next[class] - 1]
        })
        .collect();
    let part = |held_out: bool, fold| {
        (0..labels.len()).filter(|&i| (assigned[i] == fold) == held_out).collect::<Vec<usize>>()
    };
    Ok((0..folds).map(|fold| Fold { train: part(false, fold), validation: part(true, fold) }).collect())
}

/// For each class the fold of its first sample, its second, and so on. With all samples sorted by class, every
/// `folds`-th one counts for the same fold: so the sizes of the folds differ by at most one, as do those of a class.
fn folds_of_classes(sizes: &[usize], folds: usize) -> Vec<Vec<usize>> {
    let mut start = 0;
    sizes
        .iter()
        .map(|&size| {
            let mut of_class: Vec<usize> = (start..start + size).map(|place| place % folds).collect();
            of_class.sort_unstable();
            start += size;
            of_class
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held_out(folds: &[Fold]) -> Vec<usize> {
        let mut all: Vec<usize> = folds.iter().flat_map(|fold| fold.validation.clone()).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn every_sample_is_held_out_once_and_classes_keep_their_share() {
        let labels: Vec<usize> =
            (0..60).map(|i| usize::from(i % 3 == 0) + usize::from(i % 20 == 0)).collect();
        for seed in [None, Some(Seed(1)), Some(Seed(2))] {
            let folds = stratified_k_fold(&labels, 4, seed).expect("folds");
            assert_eq!(held_out(&folds), (0..60).collect::<Vec<_>>());
            for fold in &folds {
                assert_eq!(fold.train.len() + fold.validation.len(), 60);
                let ones = fold.validation.iter().filter(|&&i| labels[i] > 0).count();
                assert!((5..=6).contains(&ones), "{ones}");
            }
        }
        let with = |seed| stratified_k_fold(&labels, 4, Some(Seed(seed))).expect("folds");
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
    }

    #[test]
    fn numbers_of_folds_that_make_no_sense_are_refused() {
        assert_eq!(stratified_k_fold(&[0, 1], 1, None), Err(SplitError::TooFewFolds(1)));
        let error = stratified_k_fold(&[0, 0, 1], 3, None).expect_err("too many");
        assert_eq!(error, SplitError::TooManyFolds { folds: 3, largest: 2 });
        assert!(stratified_k_fold(&[], 2, None).is_err());
    }
}
