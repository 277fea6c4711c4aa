//! How far ROC and precision–recall curves might have come out otherwise: bootstrap over the test rows.

use lightning_core::Seed;
use rand_chacha::rand_core::RngCore;

/// Places along the axis at which a band is known.
const PLACES: usize = 50;
/// Work for all classes together: fewer samples are drawn of many rows, whose bands are narrow.
const WORK: usize = 20_000_000;

/// Counts of how often each row was drawn, one list a sample.
pub(crate) struct Resamples(Vec<Vec<u32>>);

impl Resamples {
    /// 1000 samples of `rows` rows, fewer where rows and classes are many; the same for the same seed.
    pub(crate) fn draw(rows: usize, classes: usize, seed: u64) -> Self {
        let samples = (WORK / (rows * classes).max(1)).clamp(100, 1000);
        let mut rng = Seed(seed).stream("curve bands");
        let mut draw = || {
            let mut counts = vec![0; rows];
            for _ in 0..rows {
                counts[((u64::from(rng.next_u32()) * rows as u64) >> 32) as usize] += 1;
            }
            counts
        };
        Resamples((0..samples).map(|_| draw()).collect())
    }
}

/// Lower and upper ends of the pointwise 95 % interval, and intervals of the areas.
#[derive(Default)]
pub(crate) struct Bands {
    /// Of the true positive rate by the false positive rate.
    pub(crate) roc: [Vec<(f64, f64)>; 2],
    /// Of the precision by the recall.
    pub(crate) precision: [Vec<(f64, f64)>; 2],
    pub(crate) auc: Option<[f64; 2]>,
    pub(crate) average_precision: Option<[f64; 2]>,
}

/// Of the class whose rows are `positive`, ranked by `scores`.
pub(crate) fn bands(positive: &[bool], scores: &[f64], resamples: &Resamples) -> Bands {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    let (mut roc, mut precision) = (vec![Vec::new(); PLACES + 1], vec![Vec::new(); PLACES + 1]);
    let (mut auc, mut average) = (Vec::new(), Vec::new());
    for counts in &resamples.0 {
        let steps = steps(&order, positive, scores, counts);
        let (positives, negatives) = *steps.last().unwrap_or(&(0.0, 0.0));
        if positives == 0.0 || negatives == 0.0 {
            continue;
        }
        auc.push(along_roc(&steps, &mut roc));
        average.push(along_precision(&steps, &mut precision));
    }
    // As for the scores: with too few samples that have both, there is no telling.
    if auc.len() * 2 < resamples.0.len() {
        return Bands::default();
    }
    Bands {
        roc: ends(&mut roc),
        precision: ends(&mut precision),
        auc: Some(middle_95(&mut auc)),
        average_precision: Some(middle_95(&mut average)),
    }
}

/// After each distinct score, how many positives and negatives are selected.
fn steps(order: &[usize], positive: &[bool], scores: &[f64], counts: &[u32]) -> Vec<(f64, f64)> {
    let mut steps = vec![(0.0, 0.0)];
    let (mut hits, mut false_alarms) = (0.0, 0.0);
    for (i, &row) in order.iter().enumerate() {
        *(if positive[row] { &mut hits } else { &mut false_alarms }) += f64::from(counts[row]);
        if order.get(i + 1).is_none_or(|&next| scores[next] != scores[row]) {
            steps.push((hits, false_alarms));
        }
    }
    steps
}

/// Notes the true positive rate at each place and gives the area.
fn along_roc(steps: &[(f64, f64)], at: &mut [Vec<f64>]) -> f64 {
    let (positives, negatives) = steps[steps.len() - 1];
    let mut area = 0.0;
    let mut place = 0;
    for pair in steps.windows(2) {
        let ((from_y, from_x), (to_y, to_x)) = (pair[0], pair[1]);
        area += (to_x - from_x) * (to_y + from_y) / 2.0;
        while place < PLACES && place as f64 / PLACES as f64 * negatives < to_x {
            let part = (place as f64 / PLACES as f64 * negatives - from_x) / (to_x - from_x);
            at[place].push((from_y + part * (to_y - from_y)) / positives);
            place += 1;
        }
    }
    at[PLACES].push(1.0);
    area / positives / negatives
}

/// Notes the precision at each place of the recall and gives the average precision.
fn along_precision(steps: &[(f64, f64)], at: &mut [Vec<f64>]) -> f64 {
    let positives = steps[steps.len() - 1].0;
    let mut sum = 0.0;
    let mut place = 0;
    for pair in steps.windows(2).filter(|pair| pair[0] != pair[1]) {
        let precision = pair[1].0 / (pair[1].0 + pair[1].1).max(1.0);
        sum += (pair[1].0 - pair[0].0) * precision;
        while place <= PLACES && place as f64 / PLACES as f64 * positives <= pair[1].0 + 1e-9 {
            at[place].push(precision);
            place += 1;
        }
    }
    sum / positives
}

fn ends(at: &mut [Vec<f64>]) -> [Vec<(f64, f64)>; 2] {
    let both: Vec<[f64; 2]> = at.iter_mut().map(|values| middle_95(values)).collect();
    [0, 1].map(|end| {
        both.iter().enumerate().map(|(place, pair)| (place as f64 / PLACES as f64, pair[end])).collect()
    })
}

/// Percentiles 2.5 and 97.5, interpolated.
pub(crate) fn middle_95(values: &mut [f64]) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    [0.025, 0.975].map(|share| percentile(values, share))
}

/// Of sorted values, interpolated between neighbours; NaN of none.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> f64 {
    if sorted.is_empty() {
        return f64::NAN;
    }
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayView1;

    fn sample() -> (Vec<bool>, Vec<f64>) {
        let positive: Vec<bool> = (0..60).map(|i| i * 7 % 5 < 2).collect();
        let scores =
            (0..60).map(|i| f64::from(i * 37 % 20) / 20.0 + if positive[i as usize] { 0.3 } else { 0.0 });
        let scores = scores.collect();
        (positive, scores)
    }

    #[test]
    fn a_sample_of_each_row_once_gives_the_areas_of_the_metrics_crate() {
        let (positive, scores) = sample();
        let labels: Vec<usize> = positive.iter().map(|&positive| usize::from(positive)).collect();
        let once = bands(&positive, &scores, &Resamples(vec![vec![1; 60]]));
        let area = metrics::roc_auc_score(&labels, ArrayView1::from(&scores)).unwrap();
        let average = metrics::average_precision_score(&labels, ArrayView1::from(&scores)).unwrap();
        assert!((once.auc.unwrap()[0] - area).abs() < 1e-12);
        assert!((once.average_precision.unwrap()[0] - average).abs() < 1e-12);
    }

    #[test]
    fn a_row_drawn_twice_counts_twice() {
        let (positive, scores) = sample();
        let counts: Vec<u32> = (0..60).map(|i| i % 3).collect();
        let repeat = |i: usize| vec![i; counts[i] as usize];
        let rows: Vec<usize> = (0..60).flat_map(repeat).collect();
        let labels: Vec<usize> = rows.iter().map(|&row| usize::from(positive[row])).collect();
        let drawn: Vec<f64> = rows.iter().map(|&row| scores[row]).collect();
        let area = metrics::roc_auc_score(&labels, ArrayView1::from(&drawn)).unwrap();
        let band = bands(&positive, &scores, &Resamples(vec![counts]));
        assert!((band.auc.unwrap()[0] - area).abs() < 1e-12, "{area}");
    }

    #[test]
    fn the_curve_lies_within_its_band_and_few_rows_make_it_wide() {
        let (positive, scores) = sample();
        let band = bands(&positive, &scores, &Resamples::draw(60, 1, 0));
        let [low, high] = &band.roc;
        assert_eq!(low.len(), PLACES + 1);
        assert!(low.iter().zip(high).all(|(low, high)| low.1 <= high.1));
        let [low, high] = band.auc.unwrap();
        assert!(0.1 < high - low && high - low < 0.4, "{low} {high}");
    }

    #[test]
    fn one_class_alone_has_no_band() {
        let band = bands(&[true; 5], &[0.1, 0.2, 0.3, 0.4, 0.5], &Resamples::draw(5, 1, 0));
        assert!(band.auc.is_none() && band.roc[0].is_empty());
    }
}
