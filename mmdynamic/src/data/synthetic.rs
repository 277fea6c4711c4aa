//! A multi-omics cohort whose truth is known, for tests, examples and benches.
//!
//! Real cohorts never say which features matter nor which measurement of which patient went wrong. This one
//! does: the gates of the model can be compared with [`SyntheticCohort::informative`], its confidences with
//! [`SyntheticCohort::train_quality`].

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::cohort::{Cohort, MultiOmics, numbered};
use super::error::DataError;
use super::stream::{Purpose, normal, shuffle, stream, uniform};

/// What cohort to generate. The default is about ROSMAP's size.
///
/// ```
/// use mmdynamic::data::SyntheticConfig;
/// let config = SyntheticConfig { widths: vec![30, 20], informative: vec![5, 0], classes: 4, ..Default::default() };
/// assert_eq!(config.samples_train, 245);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyntheticConfig {
    /// Train samples, at least one a class. Default 245.
    pub samples_train: usize,
    /// Test samples, at least 1. Default 105.
    pub samples_test: usize,
    /// Features of each view. Default 200, 150, 100.
    pub widths: Vec<usize>,
    /// Classes, 2 to 10,000, in equal parts. Default 2.
    pub classes: usize,
    /// Features of each view that depend on the class. Default 20, 15, 10.
    pub informative: Vec<usize>,
    /// How far apart the classes are in an informative feature, in standard deviations of the latent factors.
    /// Default 0.6.
    pub effect: f64,
    /// Standard deviation of the measurement noise at full quality. Default 0.5.
    pub noise: f64,
    /// Share of the measurements (one view of one sample) that are poor. Default 0.3.
    pub poor_share: f64,
    /// Seed; with the other fields it decides every bit. Default 0.
    pub seed: u64,
}

impl Default for SyntheticConfig {
    fn default() -> Self {
        Self {
            samples_train: 245,
            samples_test: 105,
            widths: vec![200, 150, 100],
            classes: 2,
            informative: vec![20, 15, 10],
            effect: 0.6,
            noise: 0.5,
            poor_share: 0.3,
            seed: 0,
        }
    }
}

/// A generated cohort and what only its maker knows.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntheticCohort {
    /// The data as a reader would deliver it.
    pub cohort: Cohort,
    /// For each view the sorted columns that depend on the class.
    pub informative: Vec<Vec<usize>>,
    /// Quality of each measurement, train samples × views: 0.8 to 1 when good, 0 to 0.2 when poor.
    pub train_quality: Array2<f32>,
    /// The same for the test samples.
    pub test_quality: Array2<f32>,
}

/// Generates a cohort.
///
/// Feature `j` of sample `i` with class `c`, quality `q` of this view and six latent factors `f` per sample
/// and view:
///
/// ```text
/// x = 0.5 + 0.1 * ( q * (effect * level[j][c] + load[j] . f[i]) + (noise + 1.5 * (1 - q)) * e )
/// ```
///
/// `level[j]` holds numbers spread evenly over -1 to 1, in an order of its own for each informative feature
/// (0 for the others); `load[j]` is random with variance 1/6 per factor, so that features are correlated; `f`
/// and `e` are nearly normal. Values lie around 0.5, most of them in 0 to 1. Where quality is poor, class and
/// factors all but vanish under noise: whoever can tell which view to trust does better than whoever
/// averages.
///
/// The bits depend on the configuration alone, on every machine: only additions, multiplications and
/// divisions by constants take part, none of the system's mathematics library.
///
/// ```
/// use mmdynamic::data::{generate, SyntheticConfig};
/// let made = generate(&SyntheticConfig { seed: 7, ..Default::default() })?;
/// assert_eq!(made.cohort.train.widths(), [200, 150, 100]);
/// assert_eq!(made.cohort.test.rows(), 105);
/// assert_eq!(made.cohort.train.feature_names[2][12], "mirna_012");
/// assert_eq!(made.informative[0].len(), 20);
/// assert_eq!(made.train_quality.dim(), (245, 3));
/// # Ok::<(), mmdynamic::data::DataError>(())
/// ```
///
/// # Errors
/// [`DataError::Setting`] naming the field that is out of range, or that asks for more than 2^28 values in all (1 GiB).
pub fn generate(config: &SyntheticConfig) -> Result<SyntheticCohort, DataError> {
    check(config)?;
    let views: Vec<View> = (0..config.widths.len()).map(|v| View::draw(config, v)).collect();
    let (train, train_quality) = part(config, &views, 0, config.samples_train);
    let (test, test_quality) = part(config, &views, 1, config.samples_test);
    let informative = views.into_iter().map(|view| view.informative).collect();
    Ok(SyntheticCohort { cohort: Cohort { train, test }, informative, train_quality, test_quality })
}

const FACTORS: usize = 6;
/// sqrt(1 / FACTORS), written out: the load of a feature on one factor.
const LOAD: f64 = 0.408_248_290_463_863;
/// Keeps a mistyped width from asking for all the memory there is: 2^28 values are 1 GiB.
const MOST_VALUES: usize = 1 << 28;
const ASSAYS: [&str; 3] = ["mrna", "meth", "mirna"];

/// How the features of a view depend on class and factors.
struct View {
    informative: Vec<usize>,
    /// Features × classes.
    level: Array2<f64>,
    /// Features × factors.
    load: Array2<f64>,
    names: Vec<String>,
}

impl View {
    fn draw(config: &SyntheticConfig, v: usize) -> Self {
        let rng = &mut stream(config.seed, Purpose::Structure, v as u32);
        let width = config.widths[v];
        let mut informative: Vec<usize> = (0..width).collect();
        shuffle(rng, &mut informative);
        informative.truncate(config.informative[v]);
        informative.sort_unstable();

        let mut level = Array2::zeros((width, config.classes));
        let top = (config.classes - 1) as f64;
        for feature in &informative {
            let mut levels: Vec<f64> = (0..config.classes).map(|c| 2.0 * c as f64 / top - 1.0).collect();
            shuffle(rng, &mut levels);
            level.row_mut(*feature).iter_mut().zip(levels).for_each(|(to, from)| *to = from);
        }
        let load = Array2::from_shape_simple_fn((width, FACTORS), || LOAD * normal(rng));
        let assay = ASSAYS.get(v).map_or_else(|| format!("view{}", v + 1), |name| (*name).to_owned());
        let names = (0..width).map(|feature| format!("{assay}_{feature:03}")).collect();
        Self { informative, level, load, names }
    }
}

/// The samples of one part (0 train, 1 test) and their quality per view.
fn part(config: &SyntheticConfig, views: &[View], part: u32, samples: usize) -> (MultiOmics, Array2<f32>) {
    let mut labels: Vec<usize> = (0..samples).map(|i| i % config.classes).collect();
    shuffle(&mut stream(config.seed, Purpose::Labels, part), &mut labels);

    let mut quality = Array2::zeros((samples, views.len()));
    let mut matrices = Vec::with_capacity(views.len());
    for (v, view) in views.iter().enumerate() {
        let rng = &mut stream(config.seed, Purpose::Samples, 2 * v as u32 + part);
        let mut matrix = Array2::zeros((samples, view.names.len()));
        for (i, mut row) in matrix.rows_mut().into_iter().enumerate() {
            let poor = uniform(rng) < config.poor_share;
            let q = 0.2 * uniform(rng) + if poor { 0.0 } else { 0.8 };
            let factors: [f64; FACTORS] = std::array::from_fn(|_| normal(rng));
            let noise = config.noise + 1.5 * (1.0 - q);
            for (j, x) in row.iter_mut().enumerate() {
                let shared: f64 =
                    view.load.row(j).iter().zip(factors).map(|(load, factor)| load * factor).sum();
                let signal = config.effect * view.level[[j, labels[i]]] + shared;
                *x = (0.5 + 0.1 * (q * signal + noise * normal(rng))) as f32;
            }
            quality[[i, v]] = q as f32;
        }
        matrices.push(matrix);
    }
    let data = MultiOmics {
        views: matrices,
        labels,
        feature_names: views.iter().map(|view| view.names.clone()).collect(),
        class_names: (0..config.classes).map(|class| class.to_string()).collect(),
        sample_names: numbered(samples),
    };
    (data, quality)
}

fn check(config: &SyntheticConfig) -> Result<(), DataError> {
    let refuse = |setting, found: String, expected| Err(DataError::Setting { setting, found, expected });
    if !(2..=10_000).contains(&config.classes) {
        return refuse("classes", config.classes.to_string(), "2 to 10,000");
    }
    if config.samples_train < config.classes {
        return refuse("samples_train", config.samples_train.to_string(), "at least one sample a class");
    }
    if config.samples_test == 0 {
        return refuse("samples_test", "0".to_owned(), "at least 1");
    }
    if config.widths.is_empty() || config.widths.contains(&0) {
        return refuse("widths", format!("{:?}", config.widths), "at least one view, each with a feature");
    }
    let fits = config.informative.iter().zip(&config.widths).all(|(some, all)| some <= all);
    if config.informative.len() != config.widths.len() || !fits {
        let expected = "one number a view, at most its width";
        return refuse("informative", format!("{:?}", config.informative), expected);
    }
    for (setting, value, most) in
        [("effect", config.effect, 1e6), ("noise", config.noise, 1e6), ("poor_share", config.poor_share, 1.0)]
    {
        if !(0.0..=most).contains(&value) {
            let expected = if most == 1.0 { "0 to 1" } else { "0 to 1e6" };
            return refuse(setting, value.to_string(), expected);
        }
    }
    // A view holds its samples, and per feature a level for each class, its factors and a name.
    let rows = config.samples_train.checked_add(config.samples_test);
    let rows =
        rows.and_then(|rows| rows.checked_add(config.classes)).and_then(|rows| rows.checked_add(FACTORS));
    let columns = config.widths.iter().try_fold(0usize, |sum, width| sum.checked_add(*width));
    let values = rows.zip(columns).and_then(|(rows, columns)| rows.checked_mul(columns));
    if values.is_none_or(|values| values > MOST_VALUES) {
        let found = format!("{} + {} by {:?}", config.samples_train, config.samples_test, config.widths);
        return refuse("samples times widths", found, "at most 2^28 values");
    }
    Ok(())
}
