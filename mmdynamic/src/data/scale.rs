//! Scaling with the figures of train alone.
//!
//! Scaling is part of the model: a network fitted on scaled data is useless without the scaler, so the scaler
//! can be serialised into a checkpoint, and it refuses data of other widths than it was fitted on.

use std::str::FromStr;

use ndarray::{Array2, ArrayView1, Axis, Zip};
use serde::{Deserialize, Serialize};

use super::cohort::MultiOmics;
use super::error::DataError;

/// Keeps a tiny range from dividing by zero; the value of the published MMDynamics code.
const EPSILON: f64 = 1e-10;

/// How features are brought to a common scale.
///
/// ```
/// use mmdynamic::data::ScalingKind;
/// assert_eq!("z-score".parse(), Ok(ScalingKind::ZScore));
/// assert!("zscore".parse::<ScalingKind>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScalingKind {
    /// To [0, 1] over train, `z = (x - min) / (max - min + 1e-10)`, as the published code does.
    #[default]
    MinMax,
    /// To mean 0 and deviation 1 over train, `z = (x - mean) / sqrt(mean of (x - mean)²)`, as scikit-learn's
    /// `StandardScaler` does.
    ZScore,
    /// Not at all.
    None,
}

impl ScalingKind {
    /// The name in settings and files.
    pub fn name(self) -> &'static str {
        match self {
            ScalingKind::MinMax => "min-max",
            ScalingKind::ZScore => "z-score",
            ScalingKind::None => "none",
        }
    }
}

impl FromStr for ScalingKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kinds = [ScalingKind::MinMax, ScalingKind::ZScore, ScalingKind::None];
        kinds.into_iter().find(|kind| kind.name() == text).ok_or("expected min-max, z-score or none".into())
    }
}

/// Scales each feature of each view: `z = (x - shift) / scale`.
///
/// Other data than train may leave the range of train. Computed in f64 and rounded once, so that features of 1e38 or
/// of 1e-45 stay finite.
///
/// Three differences from the published code and from scikit-learn, none of weight on ordinary data. A feature that is
/// constant in train becomes 0 everywhere: else whatever test adds to the constant would pass at another scale than all
/// else (in the published code, times 1e10). A value beyond f32 becomes the largest f32 instead of infinity. And what is
/// scaled is the f32 that was kept, not the f64 of the text: the results differ by the rounding of the input (on four
/// real cohorts, train and test, min-max, by at most 7.2e-7).
///
/// ```
/// use mmdynamic::data::{Scaler, ScalingKind, generate};
/// let made = generate(&Default::default())?;
/// let scaler = Scaler::fit(ScalingKind::MinMax, &made.cohort.train)?;
/// let test = scaler.transform(&made.cohort.test)?;
/// assert_eq!(test.widths(), made.cohort.test.widths());
/// # Ok::<(), mmdynamic::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "SavedScaler")]
pub struct Scaler {
    /// What the figures are.
    pub kind: ScalingKind,
    /// The figures of each view.
    pub views: Vec<ViewScale>,
}

/// The figures of one view's features, in column order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewScale {
    /// What is taken off: the smallest train value, or the mean.
    pub shift: Vec<f64>,
    /// What is divided by: the range and 1e-10, or the deviation; 0 for a constant feature, which becomes 0.
    pub scale: Vec<f64>,
}

/// A scaler as it stands in files: checkpoints written before there was a choice have the ranges of min-max scaling.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum SavedScaler {
    Now { kind: ScalingKind, views: Vec<ViewScale> },
    MinMax { views: Vec<ViewRange> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewRange {
    min: Vec<f64>,
    range: Vec<f64>,
}

impl From<SavedScaler> for Scaler {
    fn from(saved: SavedScaler) -> Self {
        match saved {
            SavedScaler::Now { kind, views } => Scaler { kind, views },
            SavedScaler::MinMax { views } => {
                let scale = |range: f64| if range == 0.0 { 0.0 } else { range + EPSILON };
                let now = |view: ViewRange| ViewScale {
                    shift: view.min,
                    scale: view.range.into_iter().map(scale).collect(),
                };
                Scaler { kind: ScalingKind::MinMax, views: views.into_iter().map(now).collect() }
            }
        }
    }
}

impl Scaler {
    /// Takes the figures from the samples of `train`.
    ///
    /// ```
    /// use mmdynamic::data::{Scaler, ScalingKind, generate};
    /// let train = generate(&Default::default())?.cohort.train;
    /// assert_eq!(Scaler::fit(ScalingKind::ZScore, &train)?.views.len(), 3);
    /// # Ok::<(), mmdynamic::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// What [`MultiOmics::check`] finds, and [`DataError::Shape`] when there is no sample.
    pub fn fit(kind: ScalingKind, train: &MultiOmics) -> Result<Self, DataError> {
        train.check()?;
        if train.rows() == 0 {
            return Err(DataError::Shape { view: 0, what: "rows", found: 0, expected: 1 });
        }
        Ok(Self { kind, views: train.views.iter().map(|view| ViewScale::fit(kind, view)).collect() })
    }

    /// Scales the views; labels and names stay.
    ///
    /// ```
    /// use mmdynamic::data::{Scaler, ScalingKind, generate};
    /// let cohort = generate(&Default::default())?.cohort;
    /// let scaled = Scaler::fit(ScalingKind::MinMax, &cohort.train)?.transform(&cohort.train)?;
    /// assert_eq!(scaled.views[0].column(5).iter().copied().reduce(f32::min), Some(0.0));
    /// # Ok::<(), mmdynamic::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// As [`transform_views`](Self::transform_views).
    pub fn transform(&self, data: &MultiOmics) -> Result<MultiOmics, DataError> {
        Ok(MultiOmics { views: self.transform_views(&data.views)?, ..data.without_views() })
    }

    /// Scales matrices without labels, such as samples to predict.
    ///
    /// ```
    /// use mmdynamic::data::{Scaler, ScalingKind, ViewScale};
    /// let views = vec![ViewScale { shift: vec![1.0, 5.0], scale: vec![2.0, 0.0] }];
    /// let scaler = Scaler { kind: ScalingKind::MinMax, views };
    /// let scaled = scaler.transform_views(&[ndarray::array![[2.0, 5.0], [5.0, 6.0]]])?;
    /// assert_eq!(scaled, [ndarray::array![[0.5, 0.0], [2.0, 0.0]]]);
    /// assert!(scaler.transform_views(&[ndarray::array![[2.0]]]).is_err());
    /// # Ok::<(), mmdynamic::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::Shape`] for another number of views or features than the scaler was fitted on, and
    /// [`DataError::Setting`] for figures that no fit gives (a damaged or edited checkpoint).
    pub fn transform_views(&self, views: &[Array2<f32>]) -> Result<Vec<Array2<f32>>, DataError> {
        if views.len() != self.views.len() {
            let (found, expected) = (views.len(), self.views.len());
            return Err(DataError::Shape { view: 0, what: "views", found, expected });
        }
        let pairs = self.views.iter().zip(views).enumerate();
        pairs.map(|(view, (scale, values))| scale.transform(view, values)).collect()
    }
}

impl ViewScale {
    fn fit(kind: ScalingKind, values: &Array2<f32>) -> Self {
        let (shift, scale) = values.axis_iter(Axis(1)).map(|column| figures(kind, column)).unzip();
        Self { shift, scale }
    }

    fn transform(&self, view: usize, values: &Array2<f32>) -> Result<Array2<f32>, DataError> {
        self.check()?;
        if values.ncols() != self.shift.len() {
            let (found, expected) = (values.ncols(), self.shift.len());
            return Err(DataError::Shape { view, what: "features", found, expected });
        }
        let mut scaled = Array2::zeros(values.dim());
        for (mut out, row) in scaled.rows_mut().into_iter().zip(values.rows()) {
            Zip::from(&mut out)
                .and(row)
                .and(self.shift.as_slice())
                .and(self.scale.as_slice())
                .for_each(|z, x, shift, scale| *z = scaled_value(*x, *shift, *scale));
        }
        Ok(scaled)
    }

    fn check(&self) -> Result<(), DataError> {
        let sound = self.shift.len() == self.scale.len()
            && self.shift.iter().all(|shift| shift.is_finite())
            && self.scale.iter().all(|scale| scale.is_finite() && *scale >= 0.0);
        let found = || format!("{} shifts, {} scales", self.shift.len(), self.scale.len());
        let expected = "one finite shift and one finite scale, not negative, for each feature";
        sound.then_some(()).ok_or_else(|| DataError::Setting { setting: "scaler", found: found(), expected })
    }
}

/// Shift and scale of a feature.
fn figures(kind: ScalingKind, column: ArrayView1<'_, f32>) -> (f64, f64) {
    let least = f64::from(column.iter().copied().fold(f32::INFINITY, f32::min));
    let range = f64::from(column.iter().copied().fold(f32::NEG_INFINITY, f32::max)) - least;
    match kind {
        ScalingKind::None => (0.0, 1.0),
        ScalingKind::MinMax if range == 0.0 => (least, 0.0),
        ScalingKind::MinMax => (least, range + EPSILON),
        ScalingKind::ZScore if range == 0.0 => (least, 0.0),
        ScalingKind::ZScore => {
            let count = column.len() as f64;
            let mean = column.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
            let variance = column.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / count;
            (mean, variance.sqrt())
        }
    }
}

fn scaled_value(x: f32, shift: f64, scale: f64) -> f32 {
    if scale == 0.0 {
        return 0.0;
    }
    let largest = f64::from(f32::MAX);
    ((f64::from(x) - shift) / scale).clamp(-largest, largest) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn data(view: Array2<f32>) -> MultiOmics {
        MultiOmics {
            labels: vec![0; view.nrows()],
            sample_names: vec![String::new(); view.nrows()],
            feature_names: vec![vec![String::new(); view.ncols()]],
            class_names: vec!["0".to_owned()],
            views: vec![view],
        }
    }

    #[test]
    fn train_fills_the_unit_interval_and_test_may_leave_it() {
        let train = data(array![[1.0, -2.0], [3.0, 2.0], [2.0, 0.0]]);
        let scaler = Scaler::fit(ScalingKind::MinMax, &train).unwrap();
        assert_eq!(
            scaler.views[0],
            ViewScale { shift: vec![1.0, -2.0], scale: vec![2.0 + 1e-10, 4.0 + 1e-10] }
        );
        assert_eq!(scaler.transform(&train).unwrap().views[0], array![[0.0, 0.0], [1.0, 1.0], [0.5, 0.5]]);
        let test = scaler.transform(&data(array![[-1.0, 4.0]])).unwrap();
        assert_eq!(test.views[0], array![[-1.0, 1.5]]);
    }

    #[test]
    fn the_epsilon_is_in_the_denominator() {
        let scaler = Scaler::fit(ScalingKind::MinMax, &data(array![[0.0], [1e-10]])).unwrap();
        assert_eq!(scaler.transform_views(&[array![[1e-10]]]).unwrap()[0], array![[0.5]]);
    }

    #[test]
    fn a_constant_feature_becomes_zero_everywhere() {
        let scaler = Scaler::fit(ScalingKind::MinMax, &data(array![[7.0], [7.0]])).unwrap();
        assert_eq!(scaler.transform_views(&[array![[7.0], [8.0]]]).unwrap()[0], array![[0.0], [0.0]]);
    }

    #[test]
    fn huge_and_subnormal_features_stay_finite() {
        let tiny = f32::from_bits(1);
        let train = data(array![[-1e38, 0.0, f32::MIN], [1e38, tiny, f32::MAX]]);
        let scaler = Scaler::fit(ScalingKind::MinMax, &train).unwrap();
        let scaled = scaler.transform(&train).unwrap();
        assert_eq!(scaled.views[0].row(0), array![0.0, 0.0, 0.0]);
        assert_eq!(scaled.views[0][[1, 0]], 1.0);
        assert_eq!(scaled.views[0][[1, 2]], 1.0);
        assert!((0.0..1e-30).contains(&scaled.views[0][[1, 1]]));
        let test = scaler.transform_views(&[array![[3e38, f32::MAX, 0.0]]]).unwrap();
        assert_eq!(test[0], array![[2.0, f32::MAX, 0.5]]);
    }

    #[test]
    fn data_of_another_shape_is_refused() {
        let scaler = Scaler::fit(ScalingKind::MinMax, &data(array![[1.0, 2.0], [2.0, 1.0]])).unwrap();
        let refused = scaler.transform_views(&[array![[1.0, 2.0, 3.0]]]).unwrap_err();
        assert_eq!(refused.to_string(), "view 0 (from 0): found 3 features, expected 2");
        assert!(matches!(
            scaler.transform_views(&[]),
            Err(DataError::Shape { what: "views", found: 0, expected: 1, .. })
        ));
    }

    #[test]
    fn nan_and_no_samples_are_refused() {
        let nan = Scaler::fit(ScalingKind::MinMax, &data(array![[1.0], [f32::NAN]])).unwrap_err();
        assert!(matches!(nan, DataError::NotFinite { row: 1, column: 0, .. }));
        assert!(Scaler::fit(ScalingKind::MinMax, &data(Array2::zeros((0, 3)))).is_err());
    }

    #[test]
    fn a_scaler_goes_through_json_to_the_bit_and_damage_is_refused() {
        let train = data(array![[0.1, 1e-40], [0.7, 3e38]]);
        for kind in [ScalingKind::MinMax, ScalingKind::ZScore, ScalingKind::None] {
            let scaler = Scaler::fit(kind, &train).unwrap();
            let json = serde_json::to_string(&scaler).unwrap();
            assert_eq!(serde_json::from_str::<Scaler>(&json).unwrap(), scaler);
        }
        for damaged in [
            r#"{"kind":"z-score","views":[{"shift":[0.0],"scale":[1.0,1.0]}]}"#,
            r#"{"kind":"z-score","views":[{"shift":[0.0,0.0],"scale":[-1.0,1.0]}]}"#,
            r#"{"views":[{"min":[0.0],"range":[1.0,1.0]}]}"#,
            r#"{"views":[{"min":[0.0,0.0],"range":[-1.0,1.0]}]}"#,
        ] {
            let scaler: Scaler = serde_json::from_str(damaged).unwrap();
            assert!(matches!(scaler.transform(&train), Err(DataError::Setting { .. })));
        }
    }

    #[test]
    fn the_ranges_of_an_older_checkpoint_mean_what_they_meant() {
        let old = r#"{"views":[{"min":[1.0,7.0],"range":[2.0,0.0]}]}"#;
        let train = data(array![[1.0, 7.0], [3.0, 7.0]]);
        assert_eq!(
            serde_json::from_str::<Scaler>(old).unwrap(),
            Scaler::fit(ScalingKind::MinMax, &train).unwrap()
        );
    }

    #[test]
    fn z_scores_have_mean_0_and_deviation_1_and_none_changes_no_bit() {
        let train = data(array![[1.0, 7.0, 0.1], [3.0, 7.0, 1e-42], [8.0, 7.0, 3e38]]);
        let standard = Scaler::fit(ScalingKind::ZScore, &train).unwrap().transform(&train).unwrap();
        assert!((standard.views[0].column(0).sum()).abs() < 1e-6);
        assert!((standard.views[0].column(0).mapv(|z| z * z).sum() - 3.0).abs() < 1e-6);
        assert_eq!(standard.views[0].column(1), array![0.0, 0.0, 0.0]);
        let same = Scaler::fit(ScalingKind::None, &train).unwrap().transform(&train).unwrap();
        assert_eq!(same.views[0].mapv(f32::to_bits), train.views[0].mapv(f32::to_bits));
    }
}
