//! Our own side of each job, and the machine's limit as one more contestant.

use super::job::{Fit, Job, Layout, Model, Pass, Product};
use super::serve::Run;
use lightning_core::data::{DataLoader, Dataset};
use lightning_core::kernels::{Accum, apply1, gemm, log_softmax_lanes, peak, softmax_lanes, sum, sum_axis};
use lightning_core::nn::{Dropout, Layer, Module, init};
use lightning_core::optim::Optimizer;
use lightning_core::{Float, Seed, Tape, Trainer};
use lightning_optim::{Adam, AdamOptions};
use mmdynamic::{Config, Hyperparameters, MmDynamic, MultiViewBatch, Predictor};
use ndarray::{Array2, ArrayD, Ix2};
use std::hint::black_box;

/// A job of ours, ready to be run.
pub(crate) fn prepare(job: &Job) -> Result<Run, String> {
    match job {
        Job::Product(job) if job.double => Ok(product::<f64>(job)),
        Job::Product(job) => Ok(product::<f32>(job)),
        Job::Step(model) => step(model),
        Job::Inference(model) => inference(model),
        Job::Update(model) => update(model),
        Job::Pass(job) => pass(job),
        Job::Fit(job) => fit(job),
    }
}

/// The machine's limit for a job, ready to be run: what no program can be faster than.
pub(crate) fn prepare_limit(job: &Job) -> Result<Run, String> {
    let Job::Update(model) = job else {
        return Err("only Adam's pass over memory has a limit to run".into());
    };
    let count = model.parameters();
    // No array is zeros, which would all be one page of memory. Arrays of this size start at the same place of a page,
    // where they would push each other out of the nearest cache.
    let apart = |nth: usize| nth * 272;
    let array = |nth, value: f32| vec![value; apart(nth) + count];
    let (mut p, g, mut m, mut v) = (array(0, 0.5), array(1, 1e-9), array(2, 0.5), array(3, 0.5));
    Ok(Box::new(move || {
        peak::update(&mut p, black_box(&g[apart(1)..]), &mut m[apart(2)..], &mut v[apart(3)..]);
    }))
}

fn random<F: Float>(rows: usize, cols: usize) -> Array2<F> {
    let values: ArrayD<F> = init::uniform(&[rows, cols], -1.0, 1.0, &mut Seed(1).stream("bench"));
    values.into_dimensionality::<Ix2>().expect("a matrix")
}

fn product<F: Float>(&Product { layout, m, n, k, .. }: &Product) -> Run {
    let a = if layout == Layout::Tn { random::<F>(k, m).reversed_axes() } else { random(m, k) };
    let b = if layout == Layout::Nt { random::<F>(n, k).reversed_axes() } else { random(k, n) };
    let mut c = Array2::zeros((m, n));
    Box::new(move || gemm(F::one(), black_box(a.view()), black_box(b.view()), F::zero(), c.view_mut()))
}

fn model_and_batch(shape: &Model) -> Result<(MmDynamic, MultiViewBatch), String> {
    let config = Config { hidden_dim: vec![shape.hidden], ..Config::default() };
    let hparams =
        Hyperparameters { in_dim: shape.widths.clone(), num_class: shape.classes, binary: false, config };
    let model = MmDynamic::new(hparams, Seed(1)).map_err(|error| error.to_string())?;
    let views = shape.widths.iter().map(|&width| random(shape.rows, width).into_shared()).collect();
    let labels = (0..shape.rows).map(|row| row % shape.classes).collect();
    Ok((model, MultiViewBatch { views, labels }))
}

fn adam(model: &MmDynamic) -> Adam {
    let options = AdamOptions { lr: 1e-4, weight_decay: 1e-4, ..AdamOptions::default() };
    Adam::new(model.parameters(), options).expect("sound options")
}

fn backward(tape: &Tape, model: &MmDynamic, batch: &MultiViewBatch) {
    let data: Vec<_> = batch.views.iter().map(|view| tape.constant(view.clone())).collect();
    model.loss_terms(&model.forward(&data), &batch.labels).total().backward();
}

fn step(shape: &Model) -> Result<Run, String> {
    let (model, batch) = model_and_batch(shape)?;
    let (mut adam, mut tape, mut count) = (adam(&model), Tape::new(), 0);
    Ok(Box::new(move || {
        tape.reset();
        tape.set_rng(Seed(1).step(count));
        count += 1;
        adam.zero_grad();
        backward(&tape, &model, &batch);
        tape.reset();
        adam.step();
    }))
}

fn inference(shape: &Model) -> Result<Run, String> {
    let (model, batch) = model_and_batch(shape)?;
    // A job lasts as long as its process: what it borrows may be there for good.
    let (model, batch) = (&*Box::leak(Box::new(model)), &*Box::leak(Box::new(batch)));
    let views: Vec<_> = batch.views.iter().map(|view| view.view()).collect();
    let mut predictor = Predictor::new(model);
    Ok(Box::new(move || {
        black_box(predictor.predict(black_box(&views)).probabilities);
    }))
}

fn update(shape: &Model) -> Result<Run, String> {
    let (model, batch) = model_and_batch(shape)?;
    let (mut adam, mut tape) = (adam(&model), Tape::new());
    backward(&tape, &model, &batch);
    tape.reset();
    Ok(Box::new(move || adam.step()))
}

/// Rows that are made when they are asked for: any number of them, and none in memory.
struct Streamed {
    model: Model,
    rows: usize,
}

impl Dataset for Streamed {
    type Batch = MultiViewBatch;

    fn len(&self) -> usize {
        self.rows
    }

    fn batch(&self, indices: &[usize]) -> MultiViewBatch {
        // A number for each place, from a multiplication and the top bits: no generator could be cheaper.
        let number = |row: usize, col: usize| {
            let bits = ((row as u64) << 20 | col as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            bits as f32 / (1 << 23) as f32 - 1.0
        };
        let view = |&width: &usize| {
            Array2::from_shape_fn((indices.len(), width), |(i, col)| number(indices[i], col)).into_shared()
        };
        let labels = indices.iter().map(|row| row % self.model.classes).collect();
        MultiViewBatch { views: self.model.widths.iter().map(view).collect(), labels }
    }
}

fn fit(&Fit { model: ref shape, rows, epochs: max_epochs }: &Fit) -> Result<Run, String> {
    let (mut model, _) = model_and_batch(shape)?;
    let loader = DataLoader::new(Streamed { model: shape.clone(), rows }, shape.rows);
    Ok(Box::new(move || {
        let mut trainer = Trainer { max_epochs, ..Trainer::default() };
        let report = trainer.fit(&mut model, &loader, None::<&Vec<MultiViewBatch>>);
        black_box(report.expect("numbers between -1 and 1 do not diverge").epochs);
    }))
}

fn pass(Pass { name, rows, cols }: &Pass) -> Result<Run, String> {
    let x = random::<f32>(*rows, *cols).into_dyn();
    let mut y = x.clone();
    let mut row = ArrayD::zeros(vec![1, *cols]);
    Ok(match name.as_str() {
        "exp" => Box::new(move || apply1(y.view_mut(), black_box(x.view()), |d, x| *d = x.exp_())),
        "sigmoid" => Box::new(move || apply1(y.view_mut(), black_box(x.view()), |d, x| *d = x.sigmoid_())),
        "tanh" => Box::new(move || apply1(y.view_mut(), black_box(x.view()), |d, x| *d = x.tanh_())),
        "relu" => Box::new(move || apply1(y.view_mut(), black_box(x.view()), |d, x| *d = x.max(0.0))),
        "softmax" => Box::new(move || softmax_lanes(y.view_mut(), black_box(x.view()), 1)),
        "log_softmax" => Box::new(move || log_softmax_lanes(y.view_mut(), black_box(x.view()), 1)),
        "sum" => Box::new(move || {
            black_box(sum(black_box(x.view())));
        }),
        "sum_columns" => Box::new(move || sum_axis(row.view_mut(), Accum::Set, black_box(x.view()), 0)),
        "dropout" => {
            let (dropout, x, mut tape) = (Dropout::new(0.5), x.into_shared(), Tape::new());
            Box::new(move || {
                tape.reset();
                black_box(dropout.forward(tape.constant(x.clone())).value());
            })
        }
        _ => return Err(format!("no pass is called {name}")),
    })
}
