//! A validation part cut from train, with the classes in proportion.

use std::collections::BTreeMap;

use super::error::DataError;
use super::stream::{Purpose, shuffle, stream};

/// Splits samples into (train, validation) so that each class has about the share `fraction` in validation.
/// Both lists are sorted; the same labels, fraction and seed give the same lists on every machine.
///
/// How many of a class go to validation: `fraction` times its size, rounded down, and the rows then missing
/// from `fraction` times all samples (rounded) go to the classes with the largest remainders, the smaller
/// label first among equals. A class with two samples or more is in both parts, a class with one stays in
/// train. Where small classes get their one sample by that rule, validation may be some samples larger than
/// `fraction` says.
///
/// Unlike scikit-learn's `train_test_split(stratify=...)`, which refuses a class with one sample and may
/// leave a small class out of a part.
///
/// ```
/// use mmdynamic::data::stratified_split;
/// let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2];
/// let (train, validation) = stratified_split(&labels, 0.3, 42)?;
/// assert_eq!((train.len(), validation.len()), (7, 3));
/// assert_eq!(validation.iter().filter(|i| labels[**i] == 0).count(), 2);
/// assert!(train.contains(&9));
/// # Ok::<(), mmdynamic::data::DataError>(())
/// ```
///
/// # Errors
/// [`DataError::Setting`] when `fraction` is not between 0 and 1 (both excluded), or when no class has two samples.
pub fn stratified_split(
    labels: &[usize],
    fraction: f64,
    seed: u64,
) -> Result<(Vec<usize>, Vec<usize>), DataError> {
    if !(fraction > 0.0 && fraction < 1.0) {
        let expected = "a number between 0 and 1, such as 0.15";
        return Err(DataError::Setting { setting: "fraction", found: fraction.to_string(), expected });
    }
    let mut members = BTreeMap::<usize, Vec<usize>>::new();
    for (index, label) in labels.iter().enumerate() {
        members.entry(*label).or_default().push(index);
    }
    let sizes: Vec<usize> = members.values().map(Vec::len).collect();
    let taken = allocate(&sizes, fraction);
    if taken.iter().all(|taken| *taken == 0) {
        let expected = "at least one class with two samples";
        return Err(DataError::Setting {
            setting: "labels",
            found: format!("{} samples", labels.len()),
            expected,
        });
    }

    let mut rng = stream(seed, Purpose::Split, 0);
    let (mut train, mut validation) = (Vec::new(), Vec::new());
    for (mut class, taken) in members.into_values().zip(taken) {
        shuffle(&mut rng, &mut class);
        validation.extend_from_slice(&class[..taken]);
        train.extend_from_slice(&class[taken..]);
    }
    train.sort_unstable();
    validation.sort_unstable();
    Ok((train, validation))
}

/// Validation samples of each class, by largest remainder within 1 and size - 1 (0 for a single sample).
fn allocate(sizes: &[usize], fraction: f64) -> Vec<usize> {
    let quota: Vec<f64> = sizes.iter().map(|size| fraction * *size as f64).collect();
    let bounds = |size: usize| (usize::from(size > 1), size.saturating_sub(1));
    let mut taken: Vec<usize> = quota
        .iter()
        .zip(sizes)
        .map(|(quota, size)| {
            let (least, most) = bounds(*size);
            (*quota as usize).clamp(least, most)
        })
        .collect();
    let all: usize = sizes.iter().sum();
    let wanted = (fraction * all as f64).round() as usize;
    // Rounding down leaves out less than one sample a class, so each class is asked at most once.
    let mut order: Vec<usize> = (0..sizes.len()).filter(|i| taken[*i] < bounds(sizes[*i]).1).collect();
    order.sort_by(|a, b| (quota[*b] - taken[*b] as f64).total_cmp(&(quota[*a] - taken[*a] as f64)));
    let missing = wanted.saturating_sub(taken.iter().sum());
    for class in order.into_iter().take(missing) {
        taken[class] += 1;
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_are_given_to_the_largest_first() {
        // Quotas 1.5, 1.2, 0.3 of 10 samples: 3 wanted, 1 + 1 by rounding down, the third class has one
        // sample.
        assert_eq!(allocate(&[5, 4, 1], 0.3), [2, 1, 0]);
        assert_eq!(allocate(&[6, 3, 1], 0.3), [2, 1, 0]);
        // ROSMAP's train: quotas 17.7 and 19.05 of 36.75, that is 37.
        assert_eq!(allocate(&[118, 127], 0.15), [18, 19]);
        // BRCA263's train, 23.55 wanted: 3.45, 3.3, 1.35, 11.7, 3.75.
        assert_eq!(allocate(&[23, 22, 9, 78, 25], 0.15), [4, 3, 1, 12, 4]);
        assert_eq!(allocate(&[3, 3], 0.5), [2, 1]);
    }

    #[test]
    fn classes_of_two_are_in_both_parts_and_singles_in_train() {
        assert_eq!(allocate(&[2, 2, 2, 1], 0.01), [1, 1, 1, 0]);
        assert_eq!(allocate(&[2, 2, 100, 1], 0.99), [1, 1, 99, 0]);
    }

    #[test]
    fn the_parts_are_sorted_disjoint_and_complete() {
        let labels: Vec<usize> = (0..97).map(|i| i % 5 * 10).collect();
        let (train, validation) = stratified_split(&labels, 0.25, 3).unwrap();
        let mut all = [train.clone(), validation.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..97).collect::<Vec<_>>());
        assert!(train.is_sorted() && validation.is_sorted());
        assert_eq!(validation.len(), 24);
    }

    #[test]
    fn the_seed_alone_decides_and_its_split_is_pinned() {
        let labels: Vec<usize> = (0..20).map(|i| i % 2).collect();
        let split = |seed| stratified_split(&labels, 0.3, seed).unwrap().1;
        assert_eq!(split(1), split(1));
        assert_ne!(split(1), split(2));
        assert_eq!(split(1), [3, 8, 10, 13, 15, 16]);
    }

    #[test]
    fn every_sample_is_chosen_about_equally_often() {
        let labels = [0; 10];
        let mut counts = [0; 10];
        for seed in 0..2000 {
            for index in stratified_split(&labels, 0.3, seed).unwrap().1 {
                counts[index] += 1;
            }
        }
        assert!(counts.iter().all(|n| (520..680).contains(n)), "{counts:?}");
    }

    #[test]
    fn fractions_and_labels_without_a_split_are_refused() {
        for fraction in [0.0, 1.0, -0.1, 2.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(stratified_split(&[0, 0, 1, 1], fraction, 0), Err(DataError::Setting { .. })));
        }
        assert!(stratified_split(&[], 0.5, 0).is_err());
        assert!(stratified_split(&[0, 1, usize::MAX], 0.5, 0).is_err());
    }
}
