//! Missing values, filled in with figures of train alone.

use std::str::FromStr;

use ndarray::{Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use super::cohort::MultiOmics;
use super::error::DataError;

/// What becomes of missing values.
///
/// ```
/// use mmdynamic::data::Missing;
/// assert_eq!("median".parse(), Ok(Missing::Median));
/// assert_eq!(Missing::default(), Missing::Refuse);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// They are refused.
    #[default]
    Refuse,
    /// Filled with the mean of the feature's train values.
    Mean,
    /// Filled with their median; of an even number, the mean of the two in the middle.
    Median,
    /// Filled with 0.
    Zero,
}

impl Missing {
    /// The name in settings and files.
    pub fn name(self) -> &'static str {
        match self {
            Missing::Refuse => "refuse",
            Missing::Mean => "mean",
            Missing::Median => "median",
            Missing::Zero => "zero",
        }
    }
}

impl FromStr for Missing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Missing::Refuse, Missing::Mean, Missing::Median, Missing::Zero];
        all.into_iter()
            .find(|missing| missing.name() == text)
            .ok_or("expected refuse, mean, median or zero".into())
    }
}

/// Fills missing values (NaN) with a figure of their feature, as scikit-learn's `SimpleImputer` does.
///
/// ```
/// use mmdynamic::data::{Imputer, Missing, generate};
/// let mut cohort = generate(&Default::default())?.cohort;
/// cohort.test.views[0][[3, 5]] = f32::NAN;
/// let imputer = Imputer::fit(Missing::Mean, &cohort.train)?;
/// imputer.fill(&mut cohort.test.views)?;
/// let mean = cohort.train.views[0].column(5).mean().expect("rows");
/// assert!((cohort.test.views[0][[3, 5]] - mean).abs() < 1e-6);
/// # Ok::<(), mmdynamic::data::DataError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imputer {
    /// What the figures are.
    pub missing: Missing,
    /// For each view the figure of each feature; empty where missing values are refused.
    pub views: Vec<Vec<f64>>,
}

impl Imputer {
    /// Takes the figures from the samples of `train`.
    ///
    /// ```
    /// use mmdynamic::data::{Imputer, Missing, generate};
    /// let mut train = generate(&Default::default())?.cohort.train;
    /// train.views[1].column_mut(7).fill(f32::NAN);
    /// let refused = Imputer::fit(Missing::Mean, &train).unwrap_err().to_string();
    /// assert!(refused.starts_with("view 2 has no value of `meth_007` in any of the 245 training rows"));
    /// # Ok::<(), mmdynamic::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::AllMissing`] for a feature without a value, even where it would be filled with 0; and for
    /// [`Missing::Refuse`] what [`fill`](Self::fill) refuses.
    pub fn fit(missing: Missing, train: &MultiOmics) -> Result<Self, DataError> {
        train.check_rows()?;
        if missing == Missing::Refuse {
            refuse(&train.views)?;
            return Ok(Self::default());
        }
        let views = train.views.iter().enumerate().map(|(view, values)| {
            let figures = values.axis_iter(Axis(1)).enumerate().map(|(column, values)| {
                let present: Vec<f64> = present(values).collect();
                figure(missing, present).ok_or_else(|| DataError::AllMissing {
                    view,
                    feature: train.feature_names[view].get(column).cloned().unwrap_or_default(),
                    rows: train.rows(),
                })
            });
            figures.collect()
        });
        Ok(Self { missing, views: views.collect::<Result<_, _>>()? })
    }

    /// Fills the missing values of matrices that have the features of train.
    ///
    /// # Errors
    /// [`DataError::NotFinite`] for the first missing value where they are refused, [`DataError::Shape`] for another
    /// number of views or features than were fitted.
    pub fn fill(&self, views: &mut [Array2<f32>]) -> Result<(), DataError> {
        if self.missing == Missing::Refuse {
            return refuse(views);
        }
        if views.len() != self.views.len() {
            let (found, expected) = (views.len(), self.views.len());
            return Err(DataError::Shape { view: 0, what: "views", found, expected });
        }
        for (view, (values, figures)) in views.iter_mut().zip(&self.views).enumerate() {
            if values.ncols() != figures.len() {
                let (found, expected) = (values.ncols(), figures.len());
                return Err(DataError::Shape { view, what: "features", found, expected });
            }
            for mut row in values.rows_mut() {
                let cells = row.iter_mut().zip(figures);
                cells.filter(|(x, _)| x.is_nan()).for_each(|(x, figure)| *x = *figure as f32);
            }
        }
        Ok(())
    }
}

/// The values of a column that are there.
fn present(column: ArrayView1<'_, f32>) -> impl Iterator<Item = f64> {
    column.into_iter().filter(|x| !x.is_nan()).map(|x| f64::from(*x))
}

fn figure(missing: Missing, mut values: Vec<f64>) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let count = values.len();
    Some(match missing {
        Missing::Mean => values.iter().sum::<f64>() / count as f64,
        Missing::Median => {
            values.sort_unstable_by(f64::total_cmp);
            (values[(count - 1) / 2] + values[count / 2]) / 2.0
        }
        Missing::Zero | Missing::Refuse => 0.0,
    })
}

fn refuse(views: &[Array2<f32>]) -> Result<(), DataError> {
    for (view, values) in views.iter().enumerate() {
        if let Some(((row, column), found)) = values.indexed_iter().find(|(_, x)| x.is_nan()) {
            return Err(DataError::NotFinite { view, row, column, found: *found });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::generate;

    const NAN: f32 = f32::NAN;

    fn train() -> MultiOmics {
        let mut train = generate(&Default::default()).unwrap().cohort.train.subset(&[0, 1, 2, 3]).unwrap();
        for (i, value) in [1.0, NAN, 4.0, 10.0].into_iter().enumerate() {
            train.views[0][[i, 2]] = value;
        }
        train
    }

    #[test]
    fn a_missing_value_becomes_the_figure_of_its_feature_and_no_other_value_changes() {
        for (missing, expected) in [(Missing::Mean, 5.0), (Missing::Median, 4.0), (Missing::Zero, 0.0)] {
            let mut filled = train();
            Imputer::fit(missing, &filled).unwrap().fill(&mut filled.views).unwrap();
            let mut expect = train();
            expect.views[0][[1, 2]] = expected;
            assert_eq!(filled, expect, "{missing:?}");
        }
    }

    #[test]
    fn the_figures_are_those_of_train_whatever_test_holds() {
        let imputer = Imputer::fit(Missing::Median, &train()).unwrap();
        let mut test = train().subset(&[1, 1]).unwrap();
        test.views[0][[0, 2]] = 1e6;
        imputer.fill(&mut test.views).unwrap();
        assert_eq!(test.views[0][[1, 2]], 4.0);
    }

    #[test]
    fn refusal_names_the_first_place_in_train_and_in_data_to_come() {
        let place = |error: DataError| error.to_string();
        let expected = "view 0, row 1, column 2 (from 0): found NaN, expected a finite number";
        assert_eq!(place(Imputer::fit(Missing::Refuse, &train()).unwrap_err()), expected);
        assert_eq!(place(Imputer::default().fill(&mut train().views).unwrap_err()), expected);
    }

    #[test]
    fn another_width_is_refused() {
        let imputer = Imputer::fit(Missing::Zero, &train()).unwrap();
        let mut other = train();
        other.views.swap(0, 1);
        assert!(matches!(imputer.fill(&mut other.views), Err(DataError::Shape { what: "features", .. })));
    }
}
