//! One model, many threads: each gives the result of a thread that is alone.

use lightning_core::Seed;
use mmdynamic::{Config, Hyperparameters, MmDynamic, MultiViewBatch, Predictor};
use ndarray::{Array2, ArrayView2};
use std::sync::{Arc, Barrier};
use std::thread;

const WIDTHS: [usize; 3] = [150, 90, 60];

/// Rows enough for kernels to be shared out, with other numbers for each seed.
fn batch(seed: usize) -> MultiViewBatch {
    let number = |i: usize, j: usize| ((i * 31 + j * 17 + seed * 53) % 1009) as f32 / 500.0 - 1.0;
    let rows = 40 + 30 * seed;
    let view = |&width: &usize| Array2::from_shape_fn((rows, width), |(i, j)| number(i, j)).into_shared();
    MultiViewBatch { views: WIDTHS.iter().map(view).collect(), labels: vec![0; rows] }
}

fn predict(model: &MmDynamic, batch: &MultiViewBatch) -> [Array2<f32>; 2] {
    let views: Vec<ArrayView2<'_, f32>> = batch.views.iter().map(|view| view.view()).collect();
    let mut predictor = Predictor::new(model);
    let said = predictor.predict(&views);
    [said.probabilities.to_owned(), said.confidences.to_owned()]
}

#[test]
fn threads_that_share_a_model_say_what_each_would_say_alone() {
    let config = Config { hidden_dim: vec![200, 40], ..Config::default() };
    let hparams = Hyperparameters { in_dim: WIDTHS.to_vec(), num_class: 4, binary: false, config };
    let model = Arc::new(MmDynamic::new(hparams, Seed(2)).expect("a model"));
    let alone: Arc<Vec<_>> = Arc::new((0..8).map(|seed| predict(&model, &batch(seed))).collect());
    let start = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let (model, alone, start) = (model.clone(), alone.clone(), start.clone());
            thread::spawn(move || {
                start.wait();
                for round in 0..12 {
                    let seed = (thread + round) % 8;
                    assert_eq!(predict(&model, &batch(seed)), alone[seed], "thread {thread}, batch {seed}");
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("every thread said the same");
    }
}
