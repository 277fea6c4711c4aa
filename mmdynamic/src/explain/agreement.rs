//! How far two rankings agree, and how stable a ranking is from run to run.

use std::cmp::Ordering;

/// The indices of the `top` largest values, the largest first; equal ones in their order, NaN last.
///
/// ```
/// assert_eq!(mmdynamic::explain::top_features(&[0.1, 0.7, 0.3, 0.7], 3), [1, 3, 2]);
/// ```
pub fn top_features(values: &[f64], top: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| descending(values[a], values[b]));
    order.truncate(top);
    order
}

fn descending(a: f64, b: f64) -> Ordering {
    a.is_nan().cmp(&b.is_nan()).then(b.partial_cmp(&a).unwrap_or(Ordering::Equal))
}

/// Spearman's rank correlation: Pearson's of the ranks, equal values sharing the mean of theirs, as
/// `scipy.stats.spearmanr`. None where one side has no two different values.
///
/// ```
/// use mmdynamic::explain::spearman;
/// assert_eq!(spearman(&[1.0, 2.0, 3.0], &[10.0, 30.0, 20.0]), Some(0.5));
/// assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), None);
/// ```
///
/// # Panics
/// If there are not as many values on both sides.
#[track_caller]
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "spearman: both sides have a value for each feature");
    let (a, b) = (ranks(a), ranks(b));
    // Ranks lie symmetrically about this, with ties and without.
    let mean = (a.len() as f64 + 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let spread = product(&a, &a) * product(&b, &b);
    (spread > 0.0).then(|| product(&a, &b) / spread.sqrt())
}

/// From 1 for the largest value down; equal values get the mean of the ranks they take.
fn ranks(values: &[f64]) -> Vec<f64> {
    let order = top_features(values, values.len());
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for run in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = start as f64 + (run.len() as f64 + 1.0) / 2.0;
        run.iter().for_each(|&i| ranks[i] = rank);
        start += run.len();
    }
    ranks
}

/// How far two ways of ranking features agree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// [`spearman`] over all features.
    pub spearman: Option<f64>,
    /// Share of the top `k` of one ranking that is in the top `k` of the other.
    pub overlap: f64,
}

/// How far two values per feature order the features alike; `top` is cut to the number of features.
///
/// # Panics
/// If there are not as many values on both sides.
#[track_caller]
pub fn agreement(a: &[f64], b: &[f64], top: usize) -> Agreement {
    let (top_a, top_b) = (top_features(a, top), top_features(b, top));
    let shared = top_a.iter().filter(|feature| top_b.contains(feature)).count();
    Agreement { spearman: spearman(a, b), overlap: shared as f64 / top_a.len().max(1) as f64 }
}

/// How alike rankings of the same features by several runs are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stability {
    /// Mean of [`spearman`] over all pairs of runs.
    pub spearman: Option<f64>,
    /// Mean over all pairs of the top `k`'s Jaccard index, `|A ∩ B| / |A ∪ B|`.
    pub jaccard: Option<f64>,
    /// The top `k`'s stability of Nogueira, Sechidis and Brown (*On the Stability of Feature Selection Algorithms*, JMLR 18,
    /// 2018), which for sets of equal size is Kuncheva's index: 1 for the same set in every run, 0 for what chance gives.
    pub nogueira: Option<f64>,
}

/// The stability of a ranking over runs, each a value per feature. None where it is not defined: fewer than two runs, or
/// a top that holds every feature.
///
/// ```
/// use mmdynamic::explain::stability;
/// let (one, other) = ([3.0, 2.0, 1.0, 0.0], [3.0, 0.0, 1.0, 2.0]);
/// let found = stability(&[&one, &other], 2);
/// assert_eq!(found.jaccard, Some(1.0 / 3.0));
/// assert_eq!(found.nogueira, Some(0.0)); // one of two shared: what two draws of 2 out of 4 share on average
/// ```
///
/// # Panics
/// If the runs have not all as many values.
#[track_caller]
pub fn stability(runs: &[&[f64]], top: usize) -> Stability {
    let tops: Vec<Vec<usize>> = runs.iter().map(|run| top_features(run, top)).collect();
    let pairs = |i: usize| (0..i).map(move |j| (i, j));
    let pairs: Vec<(usize, usize)> = (0..runs.len()).flat_map(pairs).collect();
    Stability {
        spearman: mean(pairs.iter().map(|&(i, j)| spearman(runs[i], runs[j]))),
        jaccard: mean(pairs.iter().map(|&(i, j)| jaccard(&tops[i], &tops[j]))),
        nogueira: nogueira(&tops, runs.first().map_or(0, |run| run.len())),
    }
}

fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let values: Vec<f64> = values.collect::<Option<_>>()?;
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn jaccard(a: &[usize], b: &[usize]) -> Option<f64> {
    let shared = a.iter().filter(|feature| b.contains(feature)).count();
    let either = a.len() + b.len() - shared;
    (either > 0).then(|| shared as f64 / either as f64)
}

/// `1 − mean over features of s² / (k/d · (1 − k/d))`, with `s²` the unbiased variance over runs of being selected.
fn nogueira(tops: &[Vec<usize>], features: usize) -> Option<f64> {
    let (runs, d) = (tops.len() as f64, features as f64);
    let mut selected = vec![0.0; features];
    tops.iter().flatten().for_each(|&feature| selected[feature] += 1.0);
    let share = selected.iter().sum::<f64>() / (runs * d);
    let variance = |count: &f64| {
        let share = count / runs;
        share * (1.0 - share) * runs / (runs - 1.0)
    };
    let mean_variance = selected.iter().map(variance).sum::<f64>() / d;
    (tops.len() > 1 && share > 0.0 && share < 1.0).then(|| 1.0 - mean_variance / (share * (1.0 - share)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spearman_shares_ranks_among_equal_values_as_scipy_does() {
        // scipy.stats.spearmanr([1, 2, 2, 4, 5, 5, 5], [3, 1, 4, 1, 5, 9, 2])
        let found = spearman(&[1.0, 2.0, 2.0, 4.0, 5.0, 5.0, 5.0], &[3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0]);
        assert!((found.expect("two different values") - 0.3870681424252975).abs() < 1e-15, "{found:?}");
    }

    #[test]
    fn the_same_ranking_in_every_run_is_stable_and_the_reverse_is_not() {
        let (up, down) = ([1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]);
        let same = stability(&[&up, &up, &up], 2);
        assert_eq!((same.spearman, same.jaccard, same.nogueira), (Some(1.0), Some(1.0), Some(1.0)));
        let turned = stability(&[&up, &down], 2);
        assert_eq!((turned.spearman, turned.jaccard, turned.nogueira), (Some(-1.0), Some(0.0), Some(-1.0)));
    }

    #[test]
    fn nogueiras_index_of_equal_sizes_is_kunchevas() {
        // Kuncheva: (r·d − k²) / (k·(d − k)) for two sets of k that share r.
        let runs: [Vec<f64>; 2] =
            [vec![9., 8., 7., 1., 0., 0., 0., 0., 0., 0.], vec![9., 0., 8., 0., 7., 0., 0., 0., 0., 0.]];
        let (r, d, k) = (2.0, 10.0, 3.0);
        let found = stability(&[&runs[0], &runs[1]], 3).nogueira.expect("defined");
        assert!((found - (r * d - k * k) / (k * (d - k))).abs() < 1e-15);
    }

    #[test]
    fn what_is_not_defined_is_none() {
        let run = [1.0, 2.0];
        assert_eq!(stability(&[&run], 1), Stability { spearman: None, jaccard: None, nogueira: None });
        assert_eq!(stability(&[&run, &run], 5).nogueira, None);
        assert_eq!(agreement(&[], &[], 3), Agreement { spearman: None, overlap: 0.0 });
        assert_eq!(top_features(&[f64::NAN, 1.0, 2.0], 3), [2, 1, 0]);
    }
}
