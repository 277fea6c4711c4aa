//! Explanations of a trained model: they equal what the definition says, and find what is there.

mod trained_support;

use lightning_core::{Seed, Tape};
use metrics::{accuracy_score, argmax_rows, log_loss};
use mmdynamic::explain::{PermutationOptions, gates, mean_gates, permutation_importance, top_features};
use mmdynamic::{Confidence, Config, MultiViewBatch};
use ndarray::{Array2, Axis};
use trained_support::{Learnt, learn};

fn probabilities(learnt: &Learnt, batch: &MultiViewBatch) -> Array2<f64> {
    let tape = Tape::inference();
    let data: Vec<_> = batch.views.iter().map(|view| tape.constant(view.clone())).collect();
    let probabilities = learnt.model.forward(&data).mm_logit.softmax(1).value().mapv(f64::from);
    probabilities.into_dimensionality().expect("a matrix")
}

/// Two rows have two orders, so a shuffle either leaves a feature as it is or exchanges its two values, and what it must
/// cost can be computed with the whole network.
#[test]
fn a_shuffled_feature_changes_the_answers_as_the_whole_network_says() {
    let configs = [
        Config::default(),
        Config { gates: false, ..Config::default() },
        Config { confidence: Confidence::NoiseAware, ..Config::default() },
        Config { confidence: Confidence::None, ..Config::default() },
    ];
    for config in configs {
        let learnt = learn(config.clone(), 3);
        let rows =
            [0, learnt.test.labels.iter().position(|&l| l != learnt.test.labels[0]).expect("another class")];
        let batch = MultiViewBatch {
            views: learnt.test.views.iter().map(|view| view.select(Axis(0), &rows).into_shared()).collect(),
            labels: rows.map(|row| learnt.test.labels[row]).to_vec(),
        };
        let scores = |batch: &MultiViewBatch| {
            let p = probabilities(&learnt, batch);
            let predictions = argmax_rows(p.view()).expect("finite");
            let accuracy = accuracy_score(&batch.labels, &predictions).expect("rows");
            (accuracy, log_loss(&batch.labels, &p).expect("probabilities"))
        };
        let before = scores(&batch);
        let options = PermutationOptions { repeats: 1, seed: Seed(4) };
        let found = permutation_importance(&learnt.model, &batch, options).expect("importances");
        let mut shuffled_features = 0;
        for (view, importance) in found.iter().enumerate() {
            for feature in 0..batch.views[view].ncols() {
                let mut swapped = batch.clone();
                let column = swapped.views[view].column(feature).to_owned();
                swapped.views[view][[0, feature]] = column[1];
                swapped.views[view][[1, feature]] = column[0];
                let after = scores(&swapped);
                let loss = importance.log_loss[feature];
                let is_swapped = (loss - (after.1 - before.1)).abs() < 2e-6;
                assert!(
                    is_swapped || loss.abs() < 2e-6,
                    "{config:?}, view {view}, feature {feature}: {loss}"
                );
                if is_swapped && (after.1 - before.1).abs() > 1e-5 {
                    shuffled_features += 1;
                    assert_eq!(importance.accuracy[feature], before.0 - after.0);
                }
            }
        }
        assert!(shuffled_features > 10, "{config:?}: {shuffled_features}");
    }
}

#[test]
fn importance_is_the_same_for_any_number_of_threads() {
    let learnt = learn(Config::default(), 2);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
        pool.install(|| permutation_importance(&learnt.model, &learnt.test, PermutationOptions::default()))
    };
    let one = run(1).expect("importances");
    for threads in [2, 7] {
        assert_eq!(run(threads).expect("importances"), one, "{threads} threads");
    }
}

#[test]
fn features_that_tell_the_class_rank_above_those_that_do_not() {
    let learnt = learn(Config::default(), 2);
    let importance = permutation_importance(&learnt.model, &learnt.test, PermutationOptions::default())
        .expect("importances");
    for (view, informative) in learnt.informative.iter().enumerate() {
        let width = learnt.test.views[view].ncols();
        let top = top_features(&importance[view].log_loss, informative.len());
        let hits = top.iter().filter(|feature| informative.contains(feature)).count();
        // By chance one of 30 · 5/30 or 20 · 3/20 features would be hit.
        assert!(
            3 * hits >= 2 * informative.len(),
            "view {view}: {top:?} of {width}, informative {informative:?}"
        );
    }
}

#[test]
fn gates_are_those_of_the_forward_pass_and_their_means_join_the_classes() {
    let learnt = learn(Config::default(), 3);
    let batch = &learnt.train;
    let tape = Tape::inference();
    let data: Vec<_> = batch.views.iter().map(|view| tape.constant(view.clone())).collect();
    let forward = learnt.model.forward(&data);
    let (gates, means) = (gates(&learnt.model, batch), mean_gates(&learnt.model, batch));
    for view in 0..2 {
        assert_eq!(gates[view].clone().into_dyn(), forward.feature_info[view].value().mapv(f64::from));
        for feature in 0..gates[view].ncols() {
            let of = |class: usize| batch.labels.iter().filter(|&&label| label == class).count() as f64;
            let joined: f64 = (0..3).map(|class| of(class) * means[view].by_class[class][feature]).sum();
            let mean = means[view].mean[feature];
            assert!(
                (joined / batch.labels.len() as f64 - mean).abs() < 1e-12,
                "view {view}, feature {feature}"
            );
        }
    }
    let none = learn(Config { gates: false, ..Config::default() }, 2);
    assert!(mean_gates(&none.model, &none.train).iter().flat_map(|view| &view.mean).all(|&gate| gate == 1.0));
}
