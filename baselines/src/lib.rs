//! What a model has to beat: established classifiers, fitted on the very rows it learnt from, asked about the very
//! rows it is tested on.
//!
//! | name | what it is | settings |
//! |---|---|---|
//! | majority | the share of each class among the training rows | none |
//! | logistic regression | softmax over a linear map, L2 penalty ½‖W‖² (scikit-learn's `C = 1`), by L-BFGS | on each view, and on all |
//! | 3 nearest neighbours | the share of each class among the three nearest rows, Euclidean | on all views |
//! | random forest | the share of 100 trees' votes, √width features a split, Gini | on all views |
//!
//! The methods are linfa's and smartcore's; this crate gives them the same rows and one form of answer. They see the
//! data as the model does, already scaled. Results depend on the rows and the seed alone, not on the number of threads.

#![forbid(unsafe_code)]

mod forest;
mod logistic;
mod neighbours;
mod rows;

pub use rows::Rows;

use ndarray::Array2;
use rayon::prelude::*;

/// What one method says of the test rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Method and views, such as `logistic regression, view 1`.
    pub name: String,
    /// Probability of each class, (test rows, classes).
    pub probabilities: Array2<f64>,
}

/// A method that cannot be fitted to the rows.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{method} cannot be fitted to {rows} rows of {width} features: {reason}")]
#[non_exhaustive]
pub struct BaselineError {
    /// The method.
    pub method: &'static str,
    /// Training rows.
    pub rows: usize,
    /// Features of a row.
    pub width: usize,
    /// What the library behind it said.
    pub reason: String,
}

/// One fit: a method on some views.
enum Method {
    Majority,
    Logistic(Option<usize>),
    Neighbours,
    Forest,
}

/// Fits every method on `train` and asks it about `test`, whose labels are not looked at.
///
/// `seed` decides the samples and features of the forest's trees; nothing else is random. A class without a training
/// row gets the probability 0; where `train` has one class only, every method says that class.
///
/// ```
/// use baselines::{Rows, run};
/// use ndarray::array;
/// let train = Rows { views: &[array![[0.0], [0.1], [0.2], [0.9], [1.0], [1.1]]], labels: &[0, 0, 0, 1, 1, 1] };
/// let test = Rows { views: &[array![[0.05], [0.95]]], labels: &[0, 1] };
/// for method in run(train, test, 2, 7)?.iter().filter(|method| method.name != "majority") {
///     let [sure_of_0, sure_of_1] = [method.probabilities[[0, 0]], method.probabilities[[1, 1]]];
///     assert!(sure_of_0 > 0.5 && sure_of_1 > 0.5, "{}", method.name);
/// }
/// # Ok::<(), baselines::BaselineError>(())
/// ```
///
/// # Errors
/// If a method cannot be fitted, for example to numbers that are not finite.
///
/// # Panics
/// If a label of `train` is not below `classes`, or the two have not the same views.
pub fn run(
    train: Rows<'_>,
    test: Rows<'_>,
    classes: usize,
    seed: u64,
) -> Result<Vec<Prediction>, BaselineError> {
    assert!(
        train.widths() == test.widths(),
        "baselines: train has views of {:?} features, test of {:?}",
        train.widths(),
        test.widths()
    );
    let views = train.views.len();
    let mut methods = vec![Method::Majority];
    // A single view is all views.
    methods.extend((0..views).filter(|_| views > 1).map(|view| Method::Logistic(Some(view))));
    methods.extend([Method::Logistic(None), Method::Neighbours, Method::Forest]);
    methods.par_iter().map(|method| method.run(train, test, classes, seed)).collect()
}

impl Method {
    fn run(
        &self,
        train: Rows<'_>,
        test: Rows<'_>,
        classes: usize,
        seed: u64,
    ) -> Result<Prediction, BaselineError> {
        let view = if let Method::Logistic(view) = self { *view } else { None };
        let learnt = train.present_classes(classes);
        let answer = match self {
            _ if learnt.len() < 2 => train.class_shares(classes, test.len()),
            Method::Majority => train.class_shares(classes, test.len()),
            Method::Logistic(_) => spread(&logistic::run(train, test, view, &learnt)?, &learnt, classes),
            Method::Neighbours => spread(&neighbours::run(train, test, &learnt)?, &learnt, classes),
            Method::Forest => spread(&forest::run(train, test, &learnt, seed)?, &learnt, classes),
        };
        Ok(Prediction { name: self.name(view), probabilities: answer })
    }

    fn name(&self, view: Option<usize>) -> String {
        let on = view.map_or("all views".to_owned(), |view| format!("view {}", view + 1));
        match self {
            Method::Majority => "majority".to_owned(),
            Method::Logistic(_) => format!("logistic regression, {on}"),
            Method::Neighbours => format!("{} nearest neighbours, {on}", neighbours::NEIGHBOURS),
            Method::Forest => format!("random forest, {on}"),
        }
    }
}

/// Columns of the classes that were learnt, into one column for each class.
fn spread(answer: &Array2<f64>, learnt: &[usize], classes: usize) -> Array2<f64> {
    let mut all = Array2::zeros((answer.nrows(), classes));
    for (column, &class) in learnt.iter().enumerate() {
        all.column_mut(class).assign(&answer.column(column));
    }
    all
}
