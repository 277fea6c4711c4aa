//! What becomes of accuracy and confidences when views get noisy or go missing.

use crate::batch::MultiViewBatch;
use crate::model::MmDynamic;
use lightning_core::nn::init::normal;
use lightning_core::{Float, Seed, Tape, Var};
use metrics::{MetricError, accuracy_score, argmax_rows};
use ndarray::{ArcArray2, Array2, Axis, Ix2, Zip};

/// What is done to a view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Disturbance {
    /// Independent Gaussian noise of this standard deviation on every feature, in units of the scaled data.
    Noise(f64),
    /// The view is missing, and zeros stand in its place: the smallest training value of each min-max scaled feature.
    Zeros,
    /// The view is missing, and the mean of the training rows stands in its place.
    Means,
}

/// How [`curves`] disturbs.
#[derive(Clone, Debug, PartialEq)]
pub struct RobustnessOptions {
    /// Standard deviations of the noise.
    pub sigmas: Vec<f64>,
    /// How often noise is drawn; what is reported is the mean.
    pub draws: usize,
    /// Seed of the noise.
    pub seed: Seed,
}

impl Default for RobustnessOptions {
    fn default() -> Self {
        RobustnessOptions { sigmas: vec![0.0, 0.25, 0.5, 1.0, 2.0], draws: 5, seed: Seed(0) }
    }
}

/// What happens as one view, or all of them, are disturbed.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// The disturbed view; none for all of them.
    pub view: Option<usize>,
    /// In the order of the options' sigmas, then [`Zeros`](Disturbance::Zeros) and [`Means`](Disturbance::Means), which a
    /// curve of all views does not have: nothing would be left to predict from.
    pub points: Vec<Point>,
}

/// Accuracy and confidences under one disturbance.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// What was done.
    pub disturbance: Disturbance,
    /// Share of rows whose class is right.
    pub accuracy: f64,
    /// Mean confidence of each view; 1 without confidences.
    pub confidences: Vec<f64>,
}

/// One curve per view, then one for all views together.
///
/// `test` is disturbed, `train` tells what the mean of a view is; both are scaled. The same noise is scaled by each sigma,
/// and every view has noise of its own. It follows from the seed, the draw and the view alone, so that two models
/// are compared under the same noise, with any number of threads. The model is to be in evaluation mode, as a loaded one
/// is.
///
/// ```
/// use lightning_core::{Seed, nn::Module};
/// use mmdynamic::data::{SyntheticConfig, generate};
/// use mmdynamic::robustness::{RobustnessOptions, curves};
/// use mmdynamic::{Config, Hyperparameters, MmDynamic, MultiViewDataset};
///
/// let cohort = generate(&SyntheticConfig::default())?.cohort.scaled()?.0;
/// let (in_dim, num_class) = (cohort.train.widths(), cohort.train.classes());
/// let hparams = Hyperparameters { in_dim, num_class, binary: true, config: Config::default() };
/// let model: MmDynamic = MmDynamic::new(hparams, Seed(1))?;
/// model.eval();
/// let (train, test) = (MultiViewDataset::from(&cohort.train), MultiViewDataset::from(&cohort.test));
/// let curves = curves(&model, train.all(), test.all(), &RobustnessOptions::default())?;
/// assert_eq!(curves.len(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// No rows, or a model that gives no finite numbers.
///
/// # Panics
/// If the rows do not fit the model.
#[track_caller]
pub fn curves<F: Float>(
    model: &MmDynamic<F>,
    train: &MultiViewBatch<F>,
    test: &MultiViewBatch<F>,
    options: &RobustnessOptions,
) -> Result<Vec<Curve>, MetricError> {
    let clean = encode(model, &test.views);
    let targets: Vec<Option<usize>> = (0..test.views.len()).map(Some).chain([None]).collect();
    let mut curves: Vec<Curve> = targets.iter().map(|&view| Curve { view, points: Vec::new() }).collect();
    for &sigma in &options.sigmas {
        let draws = if sigma == 0.0 { 1 } else { options.draws.max(1) };
        let mut sums: Vec<Option<Point>> = vec![None; targets.len()];
        for draw in 0..draws {
            let noisy = encode(model, &with_noise(&test.views, sigma, options.seed, draw));
            for (&target, sum) in targets.iter().zip(&mut sums) {
                let point = point(model, &clean, &noisy, target, &test.labels, Disturbance::Noise(sigma))?;
                add(sum, point);
            }
        }
        for (curve, sum) in curves.iter_mut().zip(sums) {
            curve.points.extend(sum.map(|sum| sum.over(draws as f64)));
        }
    }
    for (disturbance, replaced) in
        [(Disturbance::Zeros, zeros(test)), (Disturbance::Means, means(train, test))]
    {
        let replaced = encode(model, &replaced);
        for curve in curves.iter_mut().filter(|curve| curve.view.is_some()) {
            curve.points.push(point(model, &clean, &replaced, curve.view, &test.labels, disturbance)?);
        }
    }
    Ok(curves)
}

/// A view behind its encoder.
struct Encoded<F> {
    feature: ArcArray2<F>,
    confidence: Option<ArcArray2<F>>,
    mean_confidence: f64,
}

fn encode<F: Float>(model: &MmDynamic<F>, views: &[ArcArray2<F>]) -> Vec<Encoded<F>> {
    let one = |(view, x): (usize, &ArcArray2<F>)| {
        let tape = Tape::inference();
        let encoded = model.encode(view, tape.constant(x.clone()));
        let matrix =
            |value: Var<'_, F>| value.value().into_dimensionality::<Ix2>().expect("a row for each sample");
        let mean = |confidence: Var<'_, F>| confidence.mean().item().as_f64();
        Encoded {
            feature: matrix(encoded.feature),
            confidence: encoded.tcp_confidence.map(matrix),
            mean_confidence: encoded.tcp_confidence.map_or(1.0, mean),
        }
    };
    views.iter().enumerate().map(one).collect()
}

/// The prediction from the disturbed views of the target and the clean ones of the rest.
fn point<F: Float>(
    model: &MmDynamic<F>,
    clean: &[Encoded<F>],
    disturbed: &[Encoded<F>],
    target: Option<usize>,
    labels: &[usize],
    disturbance: Disturbance,
) -> Result<Point, MetricError> {
    let is_disturbed = |view: usize| target.is_none_or(|target| target == view);
    let views: Vec<&Encoded<F>> = (0..clean.len())
        .map(|view| if is_disturbed(view) { &disturbed[view] } else { &clean[view] })
        .collect();
    let tape = Tape::inference();
    let constant = |value: &ArcArray2<F>| tape.constant(value.clone());
    let features: Vec<_> =
        views.iter().map(|view| (constant(&view.feature), view.confidence.as_ref().map(constant))).collect();
    let logits = model.fuse(&features).value().mapv(F::as_f64);
    let logits = logits.into_dimensionality::<Ix2>().expect("samples by classes");
    Ok(Point {
        disturbance,
        accuracy: accuracy_score(labels, &argmax_rows(logits.view())?)?,
        confidences: views.iter().map(|view| view.mean_confidence).collect(),
    })
}

fn add(sum: &mut Option<Point>, point: Point) {
    match sum {
        None => *sum = Some(point),
        Some(sum) => {
            sum.accuracy += point.accuracy;
            sum.confidences.iter_mut().zip(&point.confidences).for_each(|(sum, new)| *sum += new);
        }
    }
}

impl Point {
    fn over(mut self, draws: f64) -> Self {
        self.accuracy /= draws;
        self.confidences.iter_mut().for_each(|confidence| *confidence /= draws);
        self
    }
}

fn with_noise<F: Float>(views: &[ArcArray2<F>], sigma: f64, seed: Seed, draw: usize) -> Vec<ArcArray2<F>> {
    let one = |(view, x): (usize, &ArcArray2<F>)| {
        if sigma == 0.0 {
            return x.clone();
        }
        let mut rng = seed.stream_at("robustness noise", (draw * views.len() + view) as u64);
        let noise =
            normal::<F>(x.shape(), 0.0, 1.0, &mut rng).into_dimensionality::<Ix2>().expect("two axes");
        let mut noisy = x.to_owned();
        Zip::from(&mut noisy).and(&noise).for_each(|x, &noise| *x += F::of(sigma) * noise);
        noisy.into_shared()
    };
    views.iter().enumerate().map(one).collect()
}

fn zeros<F: Float>(test: &MultiViewBatch<F>) -> Vec<ArcArray2<F>> {
    test.views.iter().map(|view| Array2::zeros(view.raw_dim()).into_shared()).collect()
}

fn means<F: Float>(train: &MultiViewBatch<F>, test: &MultiViewBatch<F>) -> Vec<ArcArray2<F>> {
    let mean = |(train, test): (&ArcArray2<F>, &ArcArray2<F>)| {
        let mean =
            train.mapv(F::as_f64).mean_axis(Axis(0)).unwrap_or_else(|| ndarray::Array1::zeros(test.ncols()));
        let mean = mean.mapv(F::of);
        mean.broadcast(test.raw_dim()).expect("a row for each sample").to_owned().into_shared()
    };
    train.views.iter().zip(&test.views).map(mean).collect()
}
