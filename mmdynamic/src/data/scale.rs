//! Min-max scaling with the figures of train alone.
//!
//! Scaling is part of the model: a network fitted on scaled data is useless without the scaler, so the scaler
//! can be serialised into a checkpoint, and it refuses data of other widths than it was fitted on.

use ndarray::{Array2, Axis, Zip};
use serde::{Deserialize, Serialize};

use super::cohort::MultiOmics;
use super::error::DataError;

/// Keeps a tiny range from dividing by zero; the value of the published MMDynamics code.
const EPSILON: f64 = 1e-10;

/// Scales each feature of each view to [0, 1] over train:
///
/// ```text
/// z = (x - min) / (max - min + 1e-10)        min, max over the train samples
/// ```
///
/// Other data may leave [0, 1]. Computed in f64 and rounded once, so that features of 1e38 or of 1e-45 stay
/// finite.
///
/// Three differences from the published code, none of weight on ordinary data. A feature that is constant in
/// train becomes 0 everywhere: the formula would multiply whatever test adds to the constant by 1e10. A value
/// beyond f32 becomes the largest f32 instead of infinity. And the published code scales the f64 of the text,
/// ours the f32 that was kept: the results differ by the rounding of the input (on four real cohorts, train
/// and test, by at most 7.2e-7).
///
/// ```
/// use mmdynamic::data::{generate, MinMaxScaler};
/// let made = generate(&Default::default())?;
/// let scaler = MinMaxScaler::fit(&made.cohort.train)?;
/// let test = scaler.transform(&made.cohort.test)?;
/// assert_eq!(test.widths(), made.cohort.test.widths());
/// # Ok::<(), mmdynamic::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinMaxScaler {
    /// The figures of each view.
    pub views: Vec<ViewScale>,
}

/// The figures of one view's features, in column order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewScale {
    /// Smallest train value of each feature.
    pub min: Vec<f64>,
    /// Largest minus smallest train value; 0 for a constant feature.
    pub range: Vec<f64>,
}

impl MinMaxScaler {
    /// Takes the figures from the samples of `train`.
    ///
    /// ```
    /// use mmdynamic::data::{generate, MinMaxScaler};
    /// let train = generate(&Default::default())?.cohort.train;
    /// assert_eq!(MinMaxScaler::fit(&train)?.views.len(), 3);
    /// # Ok::<(), mmdynamic::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// What [`MultiOmics::check`] finds, and [`DataError::Shape`] when there is no sample.
    pub fn fit(train: &MultiOmics) -> Result<Self, DataError> {
        train.check()?;
        if train.rows() == 0 {
            return Err(DataError::Shape { view: 0, what: "rows", found: 0, expected: 1 });
        }
        Ok(Self { views: train.views.iter().map(ViewScale::fit).collect() })
    }

    /// Scales the views; labels and names stay.
    ///
    /// ```
    /// use mmdynamic::data::{generate, MinMaxScaler};
    /// let cohort = generate(&Default::default())?.cohort;
    /// let scaled = MinMaxScaler::fit(&cohort.train)?.transform(&cohort.train)?;
    /// assert_eq!(scaled.views[0].column(5).iter().copied().reduce(f32::min), Some(0.0));
    /// # Ok::<(), mmdynamic::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// As [`transform_views`](Self::transform_views).
    pub fn transform(&self, data: &MultiOmics) -> Result<MultiOmics, DataError> {
        Ok(MultiOmics {
            views: self.transform_views(&data.views)?,
            labels: data.labels.clone(),
            feature_names: data.feature_names.clone(),
            class_names: data.class_names.clone(),
        })
    }

    /// Scales matrices without labels, such as samples to predict.
    ///
    /// ```
    /// use mmdynamic::data::{MinMaxScaler, ViewScale};
    /// let scaler = MinMaxScaler { views: vec![ViewScale { min: vec![1.0, 5.0], range: vec![2.0, 0.0] }] };
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
    fn fit(values: &Array2<f32>) -> Self {
        let columns = values.axis_iter(Axis(1)).map(|column| {
            let least = column.iter().copied().fold(f32::INFINITY, f32::min);
            let most = column.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            (f64::from(least), f64::from(most) - f64::from(least))
        });
        let (min, range) = columns.unzip();
        Self { min, range }
    }

    fn transform(&self, view: usize, values: &Array2<f32>) -> Result<Array2<f32>, DataError> {
        self.check()?;
        if values.ncols() != self.min.len() {
            let (found, expected) = (values.ncols(), self.min.len());
            return Err(DataError::Shape { view, what: "features", found, expected });
        }
        let mut scaled = Array2::zeros(values.dim());
        for (mut out, row) in scaled.rows_mut().into_iter().zip(values.rows()) {
            Zip::from(&mut out)
                .and(row)
                .and(self.min.as_slice())
                .and(self.range.as_slice())
                .for_each(|z, x, min, range| *z = scaled_value(*x, *min, *range));
        }
        Ok(scaled)
    }

    fn check(&self) -> Result<(), DataError> {
        let sound = self.min.len() == self.range.len()
            && self.min.iter().all(|min| min.is_finite())
            && self.range.iter().all(|range| range.is_finite() && *range >= 0.0);
        let found = || format!("{} minima, {} ranges", self.min.len(), self.range.len());
        let expected = "one finite minimum and one finite range, not negative, for each feature";
        sound.then_some(()).ok_or_else(|| DataError::Setting { setting: "scaler", found: found(), expected })
    }
}

fn scaled_value(x: f32, min: f64, range: f64) -> f32 {
    if range == 0.0 {
        return 0.0;
    }
    let largest = f64::from(f32::MAX);
    ((f64::from(x) - min) / (range + EPSILON)).clamp(-largest, largest) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn data(view: Array2<f32>) -> MultiOmics {
        MultiOmics {
            labels: vec![0; view.nrows()],
            feature_names: vec![vec![String::new(); view.ncols()]],
            class_names: vec!["0".to_owned()],
            views: vec![view],
        }
    }

    #[test]
    fn train_fills_the_unit_interval_and_test_may_leave_it() {
        let train = data(array![[1.0, -2.0], [3.0, 2.0], [2.0, 0.0]]);
        let scaler = MinMaxScaler::fit(&train).unwrap();
        assert_eq!(scaler.views[0], ViewScale { min: vec![1.0, -2.0], range: vec![2.0, 4.0] });
        assert_eq!(scaler.transform(&train).unwrap().views[0], array![[0.0, 0.0], [1.0, 1.0], [0.5, 0.5]]);
        let test = scaler.transform(&data(array![[-1.0, 4.0]])).unwrap();
        assert_eq!(test.views[0], array![[-1.0, 1.5]]);
    }

    #[test]
    fn the_epsilon_is_in_the_denominator() {
        let scaler = MinMaxScaler::fit(&data(array![[0.0], [1e-10]])).unwrap();
        assert_eq!(scaler.transform_views(&[array![[1e-10]]]).unwrap()[0], array![[0.5]]);
    }

    #[test]
    fn a_constant_feature_becomes_zero_everywhere() {
        let scaler = MinMaxScaler::fit(&data(array![[7.0], [7.0]])).unwrap();
        assert_eq!(scaler.transform_views(&[array![[7.0], [8.0]]]).unwrap()[0], array![[0.0], [0.0]]);
    }

    #[test]
    fn huge_and_subnormal_features_stay_finite() {
        let tiny = f32::from_bits(1);
        let train = data(array![[-1e38, 0.0, f32::MIN], [1e38, tiny, f32::MAX]]);
        let scaler = MinMaxScaler::fit(&train).unwrap();
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
        let scaler = MinMaxScaler::fit(&data(array![[1.0, 2.0], [2.0, 1.0]])).unwrap();
        let refused = scaler.transform_views(&[array![[1.0, 2.0, 3.0]]]).unwrap_err();
        assert_eq!(refused.to_string(), "view 0 (from 0): found 3 features, expected 2");
        assert!(matches!(
            scaler.transform_views(&[]),
            Err(DataError::Shape { what: "views", found: 0, expected: 1, .. })
        ));
    }

    #[test]
    fn nan_and_no_samples_are_refused() {
        let nan = MinMaxScaler::fit(&data(array![[1.0], [f32::NAN]])).unwrap_err();
        assert!(matches!(nan, DataError::NotFinite { row: 1, column: 0, .. }));
        assert!(MinMaxScaler::fit(&data(Array2::zeros((0, 3)))).is_err());
    }

    #[test]
    fn a_scaler_goes_through_json_to_the_bit_and_damage_is_refused() {
        let train = data(array![[0.1, 1e-40], [0.7, 3e38]]);
        let scaler = MinMaxScaler::fit(&train).unwrap();
        let json = serde_json::to_string(&scaler).unwrap();
        assert_eq!(serde_json::from_str::<MinMaxScaler>(&json).unwrap(), scaler);
        for damaged in [
            r#"{"views":[{"min":[0.0],"range":[1.0,1.0]}]}"#,
            r#"{"views":[{"min":[0.0,0.0],"range":[-1.0,1.0]}]}"#,
        ] {
            let scaler: MinMaxScaler = serde_json::from_str(damaged).unwrap();
            assert!(matches!(scaler.transform(&train), Err(DataError::Setting { .. })));
        }
    }
}
