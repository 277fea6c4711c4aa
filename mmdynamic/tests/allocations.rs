//! What training steps and predictions ask of the system's allocator. The counter counts on the calling thread, so kernels
//! stay on it.

use allocation_counter::{AllocationInfo, measure};
use lightning_core::nn::Module;
use lightning_core::{Parameter, Seed, Trainer};
use mmdynamic::{Config, Hyperparameters, MmDynamic, MultiViewBatch, Predictor};
use ndarray::Array2;

/// A data set's shape: widths of the views, classes, rows and hidden width.
struct Shape(&'static [usize], usize, usize, usize);

const BRCA: Shape = Shape(&[1000, 1000, 503], 5, 612, 500);
const ROSMAP: Shape = Shape(&[200, 200, 200], 2, 245, 300);

fn on_one_thread<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread").install(f)
}

fn model(Shape(widths, classes, _, hidden): &Shape) -> MmDynamic {
    let config = Config { hidden_dim: vec![*hidden], ..Config::default() };
    let hparams =
        Hyperparameters { in_dim: widths.to_vec(), num_class: *classes, binary: *classes == 2, config };
    MmDynamic::new(hparams, Seed(1)).expect("a model")
}

fn batch(Shape(widths, classes, rows, _): &Shape) -> MultiViewBatch {
    let number = |i: usize, j: usize| ((i * 31 + j * 17) % 101) as f32 / 101.0;
    let view = |&width: &usize| Array2::from_shape_fn((*rows, width), |(i, j)| number(i, j)).into_shared();
    MultiViewBatch {
        views: widths.iter().map(view).collect(),
        labels: (0..*rows).map(|i| i % classes).collect(),
    }
}

/// What a fit of this many steps asks for, in automatic optimization with everything that the trainer does.
fn fit(shape: &Shape, steps: usize) -> AllocationInfo {
    let (mut model, batches) = (model(shape), vec![batch(shape); steps]);
    let mut trainer = Trainer { max_epochs: 1, ..Trainer::default() };
    measure(|| {
        trainer.fit(&mut model, &batches, None::<&Vec<MultiViewBatch>>).expect("a fit");
    })
}

#[test]
fn nothing_large_is_allocated_after_the_first_step() {
    for (name, shape) in [("BRCA", BRCA), ("ROSMAP", ROSMAP)] {
        let (one, five) = on_one_thread(|| {
            // Products keep memory of their own from one fit to the next.
            fit(&shape, 1);
            (fit(&shape, 1).bytes_total, fit(&shape, 5).bytes_total)
        });
        let (later, activation) = ((five - one) / 4, (4 * shape.2 * shape.3) as u64);
        assert!(
            later < activation,
            "{name}: {later} bytes a step in all; the smallest activation of an encoder has {activation}"
        );
    }
}

#[test]
fn a_fit_holds_gates_and_features_and_their_gradients_one_view_after_the_other() {
    for (name, shape) in [("BRCA", BRCA), ("ROSMAP", ROSMAP)] {
        let Shape(widths, _, rows, hidden) = &shape;
        let peak = on_one_thread(|| {
            fit(&shape, 1);
            fit(&shape, 3).bytes_max
        });
        let parameters: usize = model(&shape).parameters().iter().map(Parameter::len).sum();
        let (gates, features) = (rows * widths.iter().sum::<usize>(), rows * hidden * widths.len());
        // Gradients of the parameters and two moments; gradients of features; what the widest gate lets through.
        let large = 4 * (3 * parameters + gates + 2 * features + rows * widths[0]) as u64;
        assert!(peak < large + large / 50, "{name}: {peak} bytes, the large arrays have {large}");
    }
}

#[test]
fn a_prediction_of_one_row_allocates_nothing_when_it_is_warm() {
    for (name, shape) in [("BRCA", BRCA), ("ROSMAP", ROSMAP)] {
        let (model, batch) = (model(&shape), batch(&Shape(shape.0, shape.1, 1, shape.3)));
        let allocations = on_one_thread(|| {
            let views: Vec<_> = batch.views.iter().map(|view| view.view()).collect();
            let mut predictor = Predictor::new(&model);
            // Products pass their buffers on in turns: each must have grown to the largest.
            let mut sum: f32 = (0..3).map(|_| predictor.predict(&views).probabilities.sum()).sum();
            let info =
                measure(|| (0..100).for_each(|_| sum += predictor.predict(&views).probabilities.sum()));
            assert!((sum - 103.0).abs() < 1e-3, "a hundred and three rows of probabilities");
            info.count_total
        });
        assert_eq!(allocations, 0, "{name}");
    }
}

#[test]
fn a_million_rows_stream_through_the_memory_of_a_block() {
    let shape = Shape(&[6, 4], 3, 1_000_000, 8);
    let (model, batch) = (model(&shape), batch(&shape));
    let (rows, peak) = on_one_thread(|| {
        let views: Vec<_> = batch.views.iter().map(|view| view.view()).collect();
        let mut rows = 0;
        let info = measure(|| {
            let mut predictor = Predictor::new(&model);
            predictor.predict_blocks(&views, 1000, |first, block| {
                assert_eq!(first, rows);
                rows += block.probabilities.nrows();
            });
        });
        (rows, info.bytes_max)
    });
    assert_eq!(rows, 1_000_000);
    let numbers_of_a_block = 1000 * (6 + 6 + 8 + 1 + 2 + 16 + 16 + 3) as u64;
    assert!(peak < 2 * 4 * numbers_of_a_block, "{peak} bytes for blocks of {numbers_of_a_block} numbers");
}
