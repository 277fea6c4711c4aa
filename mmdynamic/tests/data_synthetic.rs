//! The generated cohort holds what it promises: a known signal, known noise, known bits.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use mmdynamic::data::{DataError, MultiOmics, SyntheticCohort, SyntheticConfig, generate};

/// Nearest class centroid over the (view, column) pairs `features`: whether each test sample is classified
/// rightly.
fn nearest_centroid(train: &MultiOmics, test: &MultiOmics, features: &[(usize, usize)]) -> Vec<bool> {
    weighted_centroid(train, test, features, |_, _| 1.0)
}

/// The same with a weight for each measurement, given its sample and view.
fn weighted_centroid(
    train: &MultiOmics,
    test: &MultiOmics,
    features: &[(usize, usize)],
    weight: impl Fn(usize, usize) -> f64,
) -> Vec<bool> {
    let counts = train.class_counts();
    let mut centroids = vec![vec![0.0; features.len()]; train.classes()];
    for (i, label) in train.labels.iter().enumerate() {
        for (sum, (view, column)) in centroids[*label].iter_mut().zip(features) {
            *sum += f64::from(train.views[*view][[i, *column]]) / counts[*label] as f64;
        }
    }
    let distance = |i: usize, centroid: &[f64]| -> f64 {
        let pairs = centroid.iter().zip(features);
        pairs
            .map(|(mean, (view, column))| {
                weight(i, *view) * (f64::from(test.views[*view][[i, *column]]) - mean).powi(2)
            })
            .sum()
    };
    let nearest = |i| {
        let classes = 0..train.classes();
        classes.min_by(|a, b| distance(i, &centroids[*a]).total_cmp(&distance(i, &centroids[*b]))).unwrap()
    };
    (0..test.rows()).map(|i| nearest(i) == test.labels[i]).collect()
}

fn share(hits: impl IntoIterator<Item = bool>) -> f64 {
    let hits: Vec<bool> = hits.into_iter().collect();
    hits.iter().filter(|hit| **hit).count() as f64 / hits.len() as f64
}

fn accuracy(made: &SyntheticCohort, features: &[(usize, usize)]) -> f64 {
    share(nearest_centroid(&made.cohort.train, &made.cohort.test, features))
}

fn informative(made: &SyntheticCohort) -> Vec<(usize, usize)> {
    made.informative
        .iter()
        .enumerate()
        .flat_map(|(v, columns)| columns.iter().map(move |c| (v, *c)))
        .collect()
}

fn uninformative(made: &SyntheticCohort) -> Vec<(usize, usize)> {
    let all = made
        .cohort
        .train
        .widths()
        .into_iter()
        .enumerate()
        .flat_map(|(v, width)| (0..width).map(move |c| (v, c)));
    all.filter(|(v, c)| !made.informative[*v].contains(c)).collect()
}

fn large(seed: u64) -> SyntheticCohort {
    generate(&SyntheticConfig { samples_test: 2000, seed, ..Default::default() }).unwrap()
}

#[test]
fn the_default_has_rosmaps_size() {
    let made = generate(&SyntheticConfig::default()).unwrap();
    let (train, test) = (&made.cohort.train, &made.cohort.test);
    train.check().unwrap();
    test.check().unwrap();
    assert_eq!((train.rows(), test.rows(), train.widths()), (245, 105, vec![200, 150, 100]));
    assert_eq!((train.class_counts(), test.class_counts()), (vec![123, 122], vec![53, 52]));
    let names: Vec<&str> = train.feature_names.iter().map(|names| names[12].as_str()).collect();
    assert_eq!(names, ["mrna_012", "meth_012", "mirna_012"]);
    assert_eq!(train.feature_names, test.feature_names);
    assert_eq!(made.informative.iter().map(Vec::len).collect::<Vec<_>>(), [20, 15, 10]);
    assert!(made.informative.iter().all(|columns| columns.is_sorted()));
}

#[test]
fn informative_features_tell_the_class_and_the_others_do_not() {
    for seed in 0..3 {
        let made = large(seed);
        let (with, without) = (accuracy(&made, &informative(&made)), accuracy(&made, &uninformative(&made)));
        eprintln!("seed {seed}: informative {with:.3}, the others {without:.3}");
        assert!(with > 0.75, "{with}");
        assert!((without - 0.5).abs() < 0.06, "{without}");
    }
}

#[test]
fn several_views_know_more_than_one() {
    let made = large(0);
    let all = accuracy(&made, &informative(&made));
    for view in 0..3 {
        let one: Vec<_> = informative(&made).into_iter().filter(|(v, _)| *v == view).collect();
        let one = accuracy(&made, &one);
        eprintln!("view {view}: {one:.3} of {all:.3}");
        assert!(one < all - 0.03 && one > 0.6, "{one} {all}");
    }
}

#[test]
fn fusion_that_knows_the_quality_does_better() {
    let made = large(3);
    let (train, test) = (&made.cohort.train, &made.cohort.test);
    let quality = |i: usize, view: usize| f64::from(made.test_quality[[i, view]]);
    let (plain, knowing) = (
        accuracy(&made, &informative(&made)),
        share(weighted_centroid(train, test, &informative(&made), quality)),
    );
    eprintln!("plain {plain:.3}, knowing the quality {knowing:.3}");
    assert!(knowing > plain + 0.02, "{knowing} {plain}");
}

#[test]
fn a_poor_measurement_is_harder_to_classify() {
    let made = large(1);
    for view in 0..3 {
        let features: Vec<_> = informative(&made).into_iter().filter(|(v, _)| *v == view).collect();
        let hits = nearest_centroid(&made.cohort.train, &made.cohort.test, &features);
        let quality = made.test_quality.column(view);
        let among = |poor: bool| {
            share(hits.iter().zip(quality).filter(|(_, q)| (**q < 0.5) == poor).map(|(hit, _)| *hit))
        };
        eprintln!("view {view}: good {:.3}, poor {:.3}", among(false), among(true));
        assert!(among(false) > among(true) + 0.1, "{} {}", among(false), among(true));
    }
}

#[test]
fn quality_is_good_or_poor_in_the_asked_share() {
    let made = large(2);
    let quality = &made.test_quality;
    assert!(quality.iter().all(|q| (0.0..=0.2).contains(q) || (0.8..=1.0).contains(q)));
    let poor = quality.iter().filter(|q| **q < 0.5).count() as f64 / quality.len() as f64;
    assert!((poor - 0.3).abs() < 0.03, "{poor}");
    let all_good = generate(&SyntheticConfig { poor_share: 0.0, ..Default::default() }).unwrap();
    assert!(all_good.train_quality.iter().all(|q| *q >= 0.8));
}

#[test]
fn features_of_a_view_are_correlated_and_those_of_two_views_are_not() {
    let made = generate(&SyntheticConfig {
        samples_train: 2000,
        effect: 0.0,
        poor_share: 0.0,
        ..Default::default()
    });
    let train = made.unwrap().cohort.train;
    let strong = |a: usize, b: usize| {
        let pairs = (0..40).flat_map(|i| (40..80).map(move |j| (i, j)));
        let r = |(i, j)| correlation(&train.views[a].column(i).to_vec(), &train.views[b].column(j).to_vec());
        share(pairs.map(|pair| r(pair).abs() > 0.2))
    };
    assert!(strong(0, 0) > 0.3, "{}", strong(0, 0));
    assert!(strong(0, 1) < 0.01, "{}", strong(0, 1));
}

fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let mean = |x: &[f32]| x.iter().map(|x| f64::from(*x)).sum::<f64>() / x.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let dot = |x: &[f32], mx, y: &[f32], my| -> f64 {
        x.iter().zip(y).map(|(x, y)| (f64::from(*x) - mx) * (f64::from(*y) - my)).sum()
    };
    dot(a, ma, b, mb) / (dot(a, ma, a, ma) * dot(b, mb, b, mb)).sqrt()
}

#[test]
fn values_lie_around_one_half() {
    let made = generate(&SyntheticConfig::default()).unwrap();
    let values: Vec<f32> = made.cohort.train.views.iter().flatten().copied().collect();
    assert!(share(values.iter().map(|x| (0.0..=1.0).contains(x))) > 0.99);
}

/// Fowler, Noll and Vo's hash over the bits of everything that was generated.
fn digest(made: &SyntheticCohort) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bits: u64| hash = (hash ^ bits).wrapping_mul(0x0100_0000_01b3);
    for part in [&made.cohort.train, &made.cohort.test] {
        part.labels.iter().for_each(|label| add(*label as u64));
        part.views.iter().flatten().for_each(|x| add(u64::from(x.to_bits())));
    }
    made.informative.iter().flatten().for_each(|column| add(*column as u64));
    [&made.train_quality, &made.test_quality].into_iter().flatten().for_each(|q| add(u64::from(q.to_bits())));
    hash
}

#[test]
fn the_bits_are_pinned_and_depend_on_the_seed() {
    let with = |seed| digest(&generate(&SyntheticConfig { seed, ..Default::default() }).unwrap());
    assert_eq!(with(0), with(0));
    assert_ne!(with(0), with(1));
    assert_eq!(format!("{:016x}", with(0)), "fd44c2df4436b467");
}

#[test]
fn more_test_samples_leave_train_as_it_is() {
    let train = |samples_test| {
        generate(&SyntheticConfig { samples_test, ..Default::default() }).unwrap().cohort.train
    };
    assert_eq!(train(10), train(500));
}

#[test]
fn many_classes_and_views_work_down_to_the_smallest() {
    let config = SyntheticConfig {
        samples_train: 7,
        samples_test: 1,
        widths: vec![1, 3, 2, 5],
        informative: vec![1, 0, 2, 5],
        classes: 7,
        ..Default::default()
    };
    let made = generate(&config).unwrap();
    made.cohort.train.check().unwrap();
    assert_eq!(made.cohort.train.class_counts(), [1; 7]);
    assert_eq!(made.cohort.train.feature_names[3][4], "view4_004");
}

#[test]
fn settings_out_of_range_are_named() {
    let default = SyntheticConfig::default;
    for (config, name) in [
        (SyntheticConfig { classes: 1, ..default() }, "classes"),
        (SyntheticConfig { classes: usize::MAX, ..default() }, "classes"),
        (SyntheticConfig { samples_train: 1, ..default() }, "samples_train"),
        (SyntheticConfig { samples_test: 0, ..default() }, "samples_test"),
        (SyntheticConfig { widths: vec![], informative: vec![], ..default() }, "widths"),
        (SyntheticConfig { widths: vec![200, 0, 100], ..default() }, "widths"),
        (SyntheticConfig { informative: vec![1, 1], ..default() }, "informative"),
        (SyntheticConfig { informative: vec![201, 1, 1], ..default() }, "informative"),
        (SyntheticConfig { effect: f64::NAN, ..default() }, "effect"),
        (SyntheticConfig { noise: -1.0, ..default() }, "noise"),
        (SyntheticConfig { noise: f64::INFINITY, ..default() }, "noise"),
        (SyntheticConfig { poor_share: 1.1, ..default() }, "poor_share"),
        (SyntheticConfig { samples_test: usize::MAX, ..default() }, "samples times widths"),
        (SyntheticConfig { widths: vec![usize::MAX; 3], ..default() }, "samples times widths"),
        (SyntheticConfig { samples_test: 10_000_000, ..default() }, "samples times widths"),
    ] {
        match generate(&config) {
            Err(DataError::Setting { setting, .. }) => assert_eq!(setting, name),
            other => panic!("{name}: {:?}", other.map(|_| ())),
        }
    }
}
