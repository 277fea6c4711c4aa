//! A cohort in memory: one matrix per omics view, all with the same samples as rows.

use ndarray::{Array2, Axis};

use super::error::DataError;
use super::scale::{Scaler, ScalingKind};

/// Samples measured in several views, with their classes.
///
/// A plain struct: fill it by hand, by [`read_mogonet`](super::read_mogonet) or by
/// [`generate`](super::generate).
///
/// ```
/// use mmdynamic::data::MultiOmics;
/// let data = MultiOmics {
///     views: vec![ndarray::array![[0.1, 0.2], [0.3, 0.4]], ndarray::array![[1.0], [2.0]]],
///     labels: vec![0, 1],
///     feature_names: vec![vec!["RTN2".into(), "NDRG2".into()], vec!["hsa-let-7b".into()]],
///     class_names: vec!["control".into(), "case".into()],
///     sample_names: vec!["A0FJ".into(), "A13E".into()],
/// };
/// data.check()?;
/// assert_eq!((data.rows(), data.widths(), data.class_counts()), (2, vec![2, 1], vec![1, 1]));
/// # Ok::<(), mmdynamic::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MultiOmics {
    /// One samples × features matrix per view; widths may differ, rows are the same samples in the same
    /// order.
    pub views: Vec<Array2<f32>>,
    /// Class of each sample, below `class_names.len()`.
    pub labels: Vec<usize>,
    /// Names of each view's columns.
    pub feature_names: Vec<Vec<String>>,
    /// Names of the classes; how many there are is the number of classes.
    pub class_names: Vec<String>,
    /// Name of each sample; where the data has none, its row in the file, from `1`.
    pub sample_names: Vec<String>,
}

impl MultiOmics {
    /// Number of samples.
    ///
    /// ```
    /// let made = mmdynamic::data::generate(&Default::default())?;
    /// assert_eq!(made.cohort.train.rows(), 245);
    /// # Ok::<(), mmdynamic::data::DataError>(())
    /// ```
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Number of features of each view.
    ///
    /// ```
    /// let made = mmdynamic::data::generate(&Default::default())?;
    /// assert_eq!(made.cohort.test.widths(), [200, 150, 100]);
    /// # Ok::<(), mmdynamic::data::DataError>(())
    /// ```
    pub fn widths(&self) -> Vec<usize> {
        self.views.iter().map(Array2::ncols).collect()
    }

    /// Number of classes, whether or not each has a sample here.
    ///
    /// ```
    /// let made = mmdynamic::data::generate(&Default::default())?;
    /// assert_eq!(made.cohort.test.classes(), 2);
    /// # Ok::<(), mmdynamic::data::DataError>(())
    /// ```
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// Number of samples of each class. A label beyond the class names, which [`check`](Self::check) reports,
    /// is not counted.
    ///
    /// ```
    /// let made = mmdynamic::data::generate(&Default::default())?;
    /// assert_eq!(made.cohort.train.class_counts(), [123, 122]);
    /// # Ok::<(), mmdynamic::data::DataError>(())
    /// ```
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes()];
        for label in &self.labels {
            if let Some(count) = counts.get_mut(*label) {
                *count += 1;
            }
        }
        counts
    }

    /// The samples at `indices`, in that order; an index may come twice. The classes stay the same, even one
    /// that no chosen sample has.
    ///
    /// ```
    /// let made = mmdynamic::data::generate(&Default::default())?;
    /// let few = made.cohort.train.subset(&[4, 0])?;
    /// assert_eq!(few.views[1].row(0), made.cohort.train.views[1].row(4));
    /// assert!(made.cohort.train.subset(&[245]).is_err());
    /// # Ok::<(), mmdynamic::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::Index`] for an index that is not below [`rows`](Self::rows), and what [`check`](Self::check) finds in
    /// the number of rows.
    pub fn subset(&self, indices: &[usize]) -> Result<Self, DataError> {
        self.check_rows()?;
        let rows = self.rows();
        if let Some(found) = indices.iter().copied().find(|index| *index >= rows) {
            return Err(DataError::Index { found, rows });
        }
        Ok(Self {
            views: self.views.iter().map(|view| view.select(Axis(0), indices)).collect(),
            labels: indices.iter().map(|index| self.labels[*index]).collect(),
            feature_names: self.feature_names.clone(),
            class_names: self.class_names.clone(),
            sample_names: indices.iter().map(|index| self.sample_names[*index].clone()).collect(),
        })
    }

    /// Labels and names alone.
    pub(super) fn without_views(&self) -> Self {
        Self {
            views: Vec::new(),
            labels: self.labels.clone(),
            feature_names: self.feature_names.clone(),
            class_names: self.class_names.clone(),
            sample_names: self.sample_names.clone(),
        }
    }

    /// Confirms that matrices, labels and names fit together and all values are finite. What this module
    /// reads or makes passes, unless missing values were kept; call it for data that was put together by hand.
    ///
    /// ```
    /// let mut made = mmdynamic::data::generate(&Default::default())?;
    /// made.cohort.train.views[2][[7, 1]] = f32::NAN;
    /// let refused = made.cohort.train.check().unwrap_err().to_string();
    /// assert_eq!(refused, "view 2, row 7, column 1 (from 0): found NaN, expected a finite number");
    /// # Ok::<(), mmdynamic::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::Shape`] or [`DataError::NotFinite`] for the first thing that is wrong.
    pub fn check(&self) -> Result<(), DataError> {
        let shape = |view, what, found, expected| Err(DataError::Shape { view, what, found, expected });
        self.check_rows()?;
        if self.feature_names.len() != self.views.len() {
            return shape(0, "lists of feature names", self.feature_names.len(), self.views.len());
        }
        for (view, (values, names)) in self.views.iter().zip(&self.feature_names).enumerate() {
            if names.len() != values.ncols() {
                return shape(view, "feature names", names.len(), values.ncols());
            }
            if let Some(((row, column), found)) = values.indexed_iter().find(|(_, value)| !value.is_finite())
            {
                return Err(DataError::NotFinite { view, row, column, found: *found });
            }
        }
        match self.labels.iter().max() {
            Some(largest) if *largest >= self.classes() => {
                shape(0, "class names", self.classes(), largest.saturating_add(1))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn check_rows(&self) -> Result<(), DataError> {
        if self.sample_names.len() != self.rows() {
            let (found, expected) = (self.sample_names.len(), self.rows());
            return Err(DataError::Shape { view: 0, what: "names of samples", found, expected });
        }
        for (view, values) in self.views.iter().enumerate() {
            if values.nrows() != self.rows() {
                let (found, expected) = (values.nrows(), self.rows());
                return Err(DataError::Shape { view, what: "rows", found, expected });
            }
        }
        Ok(())
    }
}

/// Names for samples that have none: the rows of their file.
pub(super) fn numbered(rows: usize) -> Vec<String> {
    (1..=rows).map(|row| row.to_string()).collect()
}

/// A cohort with the split it was published with (or generated with).
#[derive(Clone, Debug, PartialEq)]
pub struct Cohort {
    /// The samples to learn from.
    pub train: MultiOmics,
    /// The samples to report on, once.
    pub test: MultiOmics,
}

impl Cohort {
    /// Both parts scaled to 0 to 1 by the figures of train alone, and the scaler for data still to come.
    ///
    /// ```
    /// let made = mmdynamic::data::generate(&Default::default())?;
    /// let (scaled, scaler) = made.cohort.scaled()?;
    /// assert!(scaled.train.views[0].iter().all(|x| (0.0..=1.0).contains(x)));
    /// assert_eq!(scaled.test, scaler.transform(&made.cohort.test)?);
    /// # Ok::<(), mmdynamic::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Scaler::fit`] and [`Scaler::transform`].
    pub fn scaled(&self) -> Result<(Self, Scaler), DataError> {
        let scaler = Scaler::fit(ScalingKind::MinMax, &self.train)?;
        let scaled = Self { train: scaler.transform(&self.train)?, test: scaler.transform(&self.test)? };
        Ok((scaled, scaler))
    }
}
