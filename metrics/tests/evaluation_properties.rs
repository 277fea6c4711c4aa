//! What must hold of intervals, calibration and selective prediction for any data.

use metrics::*;
use ndarray::{Array1, Array2, Axis};
use proptest::prelude::*;

/// Labels, predictions and confidences from few enough values that many tie.
fn declinable() -> impl Strategy<Value = Vec<(usize, usize, f64)>> {
    let sample = (0..3_usize, 0..3_usize, 0..5_u8).prop_map(|(y, p, c)| (y, p, f64::from(c) / 4.0));
    prop::collection::vec(sample, 1..40)
}

/// Labels and logits of 2 to 4 classes.
fn logits() -> impl Strategy<Value = (Vec<usize>, Array2<f64>)> {
    (2..5_usize).prop_flat_map(|k| {
        prop::collection::vec((0..k, prop::collection::vec(-8.0..8.0_f64, k)), 1..40).prop_map(move |rows| {
            let (labels, values): (Vec<usize>, Vec<Vec<f64>>) = rows.into_iter().unzip();
            (
                labels.clone(),
                Array2::from_shape_vec((labels.len(), k), values.concat()).expect("rows of length k"),
            )
        })
    })
}

fn curve(samples: &[(usize, usize, f64)]) -> RiskCoverageCurve {
    let (labels, rest): (Vec<_>, Vec<_>) = samples.iter().map(|&(y, p, c)| (y, (p, c))).unzip();
    let (predictions, confidences): (Vec<_>, Vec<_>) = rest.into_iter().unzip();
    risk_coverage_curve(&labels, &predictions, Array1::from(confidences).view()).expect("a curve")
}

/// A generator for tests that need one.
fn below(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |n| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 32) as usize * n) >> 32
    }
}

proptest! {
    #[test]
    fn the_order_of_samples_does_not_matter_to_risk_and_coverage(samples in declinable(), cut in 0..40_usize) {
        let mut others = samples.clone();
        others.rotate_left(cut % samples.len());
        others.reverse();
        prop_assert_eq!(curve(&samples), curve(&others));
    }

    #[test]
    fn full_coverage_has_the_risk_of_all_samples(samples in declinable()) {
        let found = curve(&samples);
        let wrong = samples.iter().filter(|(y, p, _)| y != p).count() as f64 / samples.len() as f64;
        prop_assert_eq!(found.coverage.last(), Some(&1.0));
        prop_assert_eq!(found.risk.last(), Some(&wrong));
        prop_assert!(found.coverage.is_sorted() && (0.0..=1.0).contains(&found.aurc));
    }

    #[test]
    fn a_confidence_that_says_nothing_leaves_the_risk_of_all_samples(samples in declinable()) {
        let even: Vec<_> = samples.iter().map(|&(y, p, _)| (y, p, 0.5)).collect();
        let found = curve(&even);
        prop_assert!((found.aurc - found.risk[0]).abs() < 1e-12);
    }

    #[test]
    fn a_fitted_temperature_is_no_worse_than_any_other((labels, logits) in logits(), other in 0.05..20.0_f64) {
        let loss = |temperature: f64| {
            let scaled = softmax_at(logits.view(), temperature)?;
            let own = labels.iter().enumerate().map(|(row, &label)| -scaled[[row, label]].ln());
            Ok::<f64, MetricError>(own.sum::<f64>() / labels.len() as f64)
        };
        match fit_temperature(&labels, logits.view()) {
            Ok(temperature) => prop_assert!(loss(temperature)? <= loss(other)? + 1e-9, "{temperature}"),
            Err(MetricError::NoTemperature { limit }) => {
                let limit = if limit.starts_with('0') { 1e-3 } else { 1e3 };
                prop_assert!(loss(limit)? <= loss(other)? + 1e-2);
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn a_temperature_scales_with_its_logits_and_ignores_a_constant((labels, logits) in logits(), shift in -3.0..3.0_f64) {
        if let Ok(temperature) = fit_temperature(&labels, logits.view()) {
            let moved = logits.mapv(|logit| 2.0 * logit + shift);
            let other = fit_temperature(&labels, moved.view())?;
            prop_assert!((other - 2.0 * temperature).abs() <= 1e-8 * other, "{temperature} {other}");
        }
    }

    #[test]
    fn probabilities_of_a_temperature_keep_their_order_and_sum_to_one((_, logits) in logits(), t in 0.1..10.0_f64) {
        let scaled = softmax_at(logits.view(), t)?;
        prop_assert!(scaled.sum_axis(Axis(1)).iter().all(|sum| (sum - 1.0).abs() < 1e-12));
        prop_assert_eq!(argmax_rows(scaled.view())?, argmax_rows(logits.view())?);
    }

    #[test]
    fn bins_hold_every_sample_once_and_add_up_to_the_calibration_error(
        (labels, logits) in logits(), bins in 1..20_usize
    ) {
        let probabilities = softmax_at(logits.view(), 1.0)?;
        for binning in [Binning::EqualWidth, Binning::EqualMass] {
            let curve = reliability_curve(&labels, &probabilities, bins, binning)?;
            prop_assert_eq!(curve.iter().map(|bin| bin.count).sum::<usize>(), labels.len());
            prop_assert!(curve.len() <= bins);
            for bin in &curve {
                prop_assert!((bin.lower..=bin.upper).contains(&bin.confidence) || bin.count > 1);
            }
        }
        let gap = |bin: &ReliabilityBin| bin.count as f64 * (bin.accuracy - bin.confidence).abs();
        let curve = reliability_curve(&labels, &probabilities, bins, Binning::EqualWidth)?;
        let error = curve.iter().map(gap).sum::<f64>() / labels.len() as f64;
        prop_assert!((error - expected_calibration_error(&labels, &probabilities, bins)?).abs() < 1e-12);
    }

    #[test]
    fn a_stratified_resample_keeps_the_size_of_each_class(labels in prop::collection::vec(0..4_usize, 1..30)) {
        let counts = |labels: &[usize]| {
            let mut counts = [0; 4];
            labels.iter().for_each(|&label| counts[label] += 1);
            counts
        };
        let size = Bootstrap { resamples: 5, ..Bootstrap::default() };
        bootstrap_interval(Resampling::Stratified(&labels), size, below(1), |rows| {
            let drawn: Vec<usize> = rows.iter().map(|&row| labels[row]).collect();
            assert_eq!(counts(&drawn), counts(&labels));
            Ok(0.5)
        })?;
    }

    #[test]
    fn an_interval_grows_with_its_level_and_lies_within_the_values(values in prop::collection::vec(0.0..1.0_f64, 2..30)) {
        let mean = |rows: &[usize]| Ok(rows.iter().map(|&row| values[row]).sum::<f64>() / rows.len() as f64);
        let at = |level| {
            let size = Bootstrap { resamples: 200, level };
            bootstrap_interval(Resampling::Plain(values.len()), size, below(9), mean)
        };
        let (narrow, wide) = (at(0.5)?, at(0.95)?);
        prop_assert!(wide.lower <= narrow.lower && narrow.upper <= wide.upper);
        let (least, most) = values.iter().fold((1.0_f64, 0.0_f64), |(a, b), &v| (a.min(v), b.max(v)));
        prop_assert!(wide.lower >= least - 1e-12 && wide.upper <= most + 1e-12);
    }

    #[test]
    fn quantiles_of_student_t_are_symmetric_and_grow(p in 0.001..0.499_f64, freedom in 0.5..500.0_f64) {
        let t = student_t_quantile(1.0 - p, freedom)?;
        prop_assert!((student_t_quantile(p, freedom)? + t).abs() < 1e-9 * t.max(1.0));
        prop_assert!(student_t_quantile(1.0 - p / 2.0, freedom)? > t);
        prop_assert!(student_t_quantile(1.0 - p, freedom + 1.0)? < t);
    }
}

#[test]
fn about_95_of_100_intervals_of_a_mean_hold_it() {
    let mut draw = below(3);
    let mut normal = || (0..12).map(|_| draw(1 << 20) as f64 / f64::from(1 << 20)).sum::<f64>() - 6.0;
    let held = (0..4000).filter(|_| {
        let values: Vec<f64> = (0..5).map(|_| normal()).collect();
        let [lower, upper] = mean_interval(&values, 0.95).expect("a mean").interval.expect("five values");
        lower <= 0.0 && 0.0 <= upper
    });
    let share = held.count() as f64 / 4000.0;
    assert!((0.94..0.96).contains(&share), "{share}");
}

#[test]
fn resamples_without_a_score_are_counted_and_left_out() {
    // One positive of three: drawn at least once, and not alone, in 18 of 27 resamples.
    let (labels, scores) = ([0, 0, 1], [0.1, 0.6, 0.5]);
    let found = bootstrap_interval(Resampling::Plain(3), Bootstrap::default(), below(5), |rows| {
        let labels: Vec<usize> = rows.iter().map(|&row| labels[row]).collect();
        let scores: Array1<f64> = rows.iter().map(|&row| scores[row]).collect();
        roc_auc_score(&labels, scores.view())
    });
    let found = found.expect("an interval");
    assert!((550..790).contains(&found.undefined), "{found:?}");
    assert_eq!(found.defined + found.undefined, 2000);
    assert_eq!((found.lower, found.upper), (0.0, 1.0));
}

#[test]
fn a_single_value_has_a_mean_and_no_interval() {
    let expected = MeanInterval { mean: 0.5, sd: None, interval: None };
    assert_eq!(mean_interval(&[0.5], 0.95), Ok(expected));
}

#[test]
fn what_makes_no_sense_is_refused_with_what_would() {
    let setting = |result: Result<(), MetricError>, what: &str| match result {
        Err(error @ MetricError::Setting { .. }) => assert!(error.to_string().starts_with(what), "{error}"),
        other => panic!("{other:?}"),
    };
    for level in [0.0, 1.0, -1.0, f64::NAN, 95.0] {
        setting(mean_interval(&[0.5], level).map(drop), "level is");
        let size = Bootstrap { level, ..Bootstrap::default() };
        setting(bootstrap_interval(Resampling::Plain(3), size, |_| 0, |_| Ok(0.0)).map(drop), "level is");
    }
    for ratio in [-0.1, f64::NAN, f64::INFINITY] {
        setting(
            corrected_resampled_interval(&[0.5, 0.6], 0.95, ratio).map(drop),
            "ratio of test to training",
        );
    }
    for p in [0.0, 1.0, f64::NAN] {
        setting(student_t_quantile(p, 3.0).map(drop), "probability is");
    }
    for freedom in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        setting(student_t_quantile(0.9, freedom).map(drop), "degrees of freedom is");
    }
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        setting(softmax_at(Array2::zeros((1, 2)).view(), temperature).map(drop), "temperature is");
    }
    assert_eq!(mean_interval(&[], 0.95), Err(MetricError::Empty));
    let nan = Err(MetricError::NotFinite { row: 1, column: 0, value: f64::INFINITY });
    assert_eq!(mean_interval(&[0.5, f64::INFINITY], 0.95), nan);
    assert_eq!(
        bootstrap_interval(Resampling::Plain(0), Bootstrap::default(), |_| 0, |_| Ok(0.0)),
        Err(MetricError::Empty)
    );
    let never = bootstrap_interval(Resampling::Plain(2), Bootstrap::default(), |_| 0, |_| Ok(f64::NAN));
    assert_eq!(never, Err(MetricError::UndefinedInResamples { resamples: 2000, defined: 0 }));
}

#[test]
fn a_temperature_without_a_minimum_is_an_error_that_names_the_limit() {
    let logits = ndarray::array![[2.0, 0.0], [0.0, 1.0]];
    let limit = |labels: &[usize]| match fit_temperature(labels, logits.view()) {
        Err(MetricError::NoTemperature { limit }) => limit.to_owned(),
        other => panic!("{other:?}"),
    };
    assert!(limit(&[0, 1]).starts_with("0,"));
    assert!(limit(&[1, 0]).starts_with("infinity,"));
    let huge = ndarray::array![[f64::MAX, -f64::MAX], [0.0, 1.0]];
    assert!(matches!(fit_temperature(&[1, 0], huge.view()), Err(MetricError::NotFinite { .. })));
}

#[test]
fn equal_confidences_stay_in_one_bin_whatever_their_number() {
    let probabilities =
        Array2::from_shape_fn((30, 2), |(i, j)| if (i < 25) == (j == 0) { 0.75 } else { 0.25 });
    let bins = reliability_curve(&[0; 30], &probabilities, 7, Binning::EqualMass).expect("a curve");
    assert_eq!((bins.len(), bins[0].count), (1, 30));
}
