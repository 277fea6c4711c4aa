//! What noise and missing views do to accuracy and confidences, and that the noise is the same whoever asks.

mod trained_support;

use metrics::{accuracy_score, argmax_rows};
use mmdynamic::robustness::{Curve, Disturbance, RobustnessOptions, curves};
use mmdynamic::{Confidence, Config};
use trained_support::{Learnt, learn};

fn curves_of(learnt: &Learnt) -> Vec<Curve> {
    curves(&learnt.model, &learnt.train, &learnt.test, &RobustnessOptions::default()).expect("curves")
}

/// The confidence of the disturbed view at each sigma.
fn by_sigma(curve: &Curve) -> Vec<f64> {
    let view = curve.view.expect("one view");
    let is_noise = |d: &Disturbance| matches!(d, Disturbance::Noise(_));
    curve
        .points
        .iter()
        .filter(|point| is_noise(&point.disturbance))
        .map(|point| point.confidences[view])
        .collect()
}

#[test]
fn curves_begin_at_the_clean_accuracy_and_only_the_disturbed_view_changes_its_confidence() {
    let learnt = learn(Config::default(), 3);
    let tape = lightning_core::Tape::inference();
    let data: Vec<_> = learnt.test.views.iter().map(|view| tape.constant(view.clone())).collect();
    let logits = learnt.model.forward(&data).mm_logit.value().mapv(f64::from);
    let predictions = argmax_rows(logits.into_dimensionality().expect("a matrix").view()).expect("finite");
    let clean = accuracy_score(&learnt.test.labels, &predictions).expect("rows");
    let curves = curves_of(&learnt);
    assert_eq!(curves.iter().map(|curve| curve.view).collect::<Vec<_>>(), [Some(0), Some(1), None]);
    for curve in &curves {
        assert_eq!(curve.points[0].accuracy, clean);
        assert_eq!(curve.points[0].disturbance, Disturbance::Noise(0.0));
    }
    let (first, last) = (&curves[0].points[0], &curves[0].points[4]);
    assert_eq!(first.confidences[1], last.confidences[1]);
    assert_ne!(first.confidences[0], last.confidences[0]);
    assert!(curves[2].points[4].accuracy < clean, "noise on all views costs accuracy");
    let missing: Vec<_> = curves[0].points[5..].iter().map(|point| point.disturbance).collect();
    assert_eq!(missing, [Disturbance::Zeros, Disturbance::Means]);
    assert_eq!(curves[2].points.len(), 5, "with all views missing nothing is left to predict from");
}

#[test]
fn the_linear_confidence_rises_with_noise_and_the_noise_aware_one_falls_between_0_and_1() {
    let linear = curves_of(&learn(Config::default(), 2));
    let aware = curves_of(&learn(Config { confidence: Confidence::NoiseAware, ..Config::default() }, 2));
    for view in 0..2 {
        let rising = by_sigma(&linear[view]);
        assert!(rising[4] > rising[0], "view {view}: {rising:?}");
        let falling = by_sigma(&aware[view]);
        assert!(falling.windows(2).all(|pair| pair[1] < pair[0]), "view {view}: {falling:?}");
        assert!(falling.iter().all(|confidence| (0.0..1.0).contains(confidence)), "{falling:?}");
    }
}

#[test]
fn a_model_without_confidences_trusts_every_view_alike() {
    let learnt = learn(Config { confidence: Confidence::None, gates: false, ..Config::default() }, 2);
    for point in curves_of(&learnt).iter().flat_map(|curve| &curve.points) {
        assert_eq!(point.confidences, [1.0, 1.0]);
    }
}

#[test]
fn noise_is_the_same_for_any_number_of_threads_and_another_for_another_seed() {
    let learnt = learn(Config::default(), 2);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
        pool.install(|| curves_of(&learnt))
    };
    let one = run(1);
    for threads in [2, 7] {
        assert_eq!(run(threads), one, "{threads} threads");
    }
    let options = RobustnessOptions { seed: lightning_core::Seed(1), ..Default::default() };
    assert_ne!(curves(&learnt.model, &learnt.train, &learnt.test, &options).expect("curves"), one);
}
