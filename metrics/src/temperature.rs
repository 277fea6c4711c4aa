//! Temperature scaling: one number that makes a model as sure as it is right.

use ndarray::{Array2, ArrayView2, Axis};

use crate::{MetricError, check};

/// The temperature `T` that minimises the negative log-likelihood of the labels under `softmax(logits / T)`
/// (Guo et al. 2017, section 4.2).
///
/// Above 1: the model was too sure. Fit it on samples that neither trained nor test the model. A constant
/// added to a row of logits changes nothing, so logarithms of softmax probabilities serve as logits.
///
/// In `β = 1/T` the loss is convex, and its slope is the mean over samples of `E_p[z] - z_y`: the root is
/// found by Newton's method, with bisection wherever that would leave the bracket.
///
/// ```
/// use metrics::fit_temperature;
/// use ndarray::array;
///
/// // Odds of e² for class 0 are claimed; 3 of 4 are of class 0, odds of 3.
/// let logits = array![[2.0, 0.0], [2.0, 0.0], [2.0, 0.0], [2.0, 0.0]];
/// let temperature = fit_temperature(&[0, 0, 0, 1], logits.view())?;
/// assert!((temperature - 2.0 / 3f64.ln()).abs() < 1e-12);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// [`MetricError::NoTemperature`] where the loss has no minimum: when no sample has a logit above that of its
/// class (the loss falls as `T` goes to 0), and when the labels are no likelier than by chance (it falls as
/// `T` grows). Empty input, different lengths, fewer than two columns, a label without a column, a value that
/// is not finite.
pub fn fit_temperature(labels: &[usize], logits: ArrayView2<'_, f64>) -> Result<f64, MetricError> {
    check::same_length(labels.len(), "rows of logits", logits.nrows())?;
    if logits.ncols() < 2 {
        return Err(MetricError::ClassCount { found: logits.ncols(), expected: "2 or more" });
    }
    check::labels_below(labels, logits.ncols())?;
    check::finite(logits)?;
    let gaps = gaps(labels, logits);
    // The difference of two finite numbers may overflow.
    check::finite(gaps.view())?;
    if gaps.iter().all(|&gap| gap <= 0.0) {
        return Err(MetricError::NoTemperature { limit: "0, for every sample is classified right" });
    }
    if slopes(gaps.view(), 0.0).0 >= 0.0 {
        return Err(MetricError::NoTemperature {
            limit: "infinity, for the labels are no likelier than by chance",
        });
    }
    Ok(1.0 / root(gaps.view()))
}

/// `softmax(logits / temperature)`, row by row.
///
/// ```
/// use ndarray::array;
///
/// let hot = metrics::softmax_at(array![[1.0, 0.0]].view(), 1e9)?;
/// assert!((hot[[0, 0]] - 0.5).abs() < 1e-9);
/// # Ok::<(), metrics::MetricError>(())
/// ```
///
/// # Errors
/// [`MetricError::Setting`] unless the temperature is positive and finite; a logit that is not finite.
pub fn softmax_at(logits: ArrayView2<'_, f64>, temperature: f64) -> Result<Array2<f64>, MetricError> {
    if !(temperature > 0.0 && temperature.is_finite()) {
        let expected = "a positive number, 1 for no change";
        return Err(MetricError::Setting { what: "temperature", found: temperature, expected });
    }
    check::finite(logits)?;
    let mut probabilities = logits.to_owned();
    for mut row in probabilities.rows_mut() {
        let most = row.fold(f64::NEG_INFINITY, |most, &logit| most.max(logit));
        row.mapv_inplace(|logit| ((logit - most) / temperature).exp());
        let sum = row.sum();
        row.mapv_inplace(|part| part / sum);
    }
    Ok(probabilities)
}

/// Each logit less that of the row's class.
fn gaps(labels: &[usize], logits: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut gaps = logits.to_owned();
    for (mut row, &label) in gaps.axis_iter_mut(Axis(0)).zip(labels) {
        let own = row[label];
        row -= own;
    }
    gaps
}

/// First and second derivative by `beta` of the mean of `ln Σ_c exp(beta · gap_c)`: mean and variance of the
/// gaps under the softmax, averaged over the rows.
fn slopes(gaps: ArrayView2<'_, f64>, beta: f64) -> (f64, f64) {
    let (mut first, mut second) = (0.0, 0.0);
    for row in gaps.rows() {
        let most = row.fold(f64::NEG_INFINITY, |most, &gap| most.max(gap));
        let (mut sum, mut mean) = (0.0, 0.0);
        for &gap in row {
            let weight = (beta * (gap - most)).exp();
            sum += weight;
            mean += weight * gap;
        }
        mean /= sum;
        let spread = |&gap: &f64| (beta * (gap - most)).exp() * (gap - mean).powi(2);
        first += mean;
        second += row.iter().map(spread).sum::<f64>() / sum;
    }
    (first / gaps.nrows() as f64, second / gaps.nrows() as f64)
}

/// Where the first derivative is 0; it is negative at 0 and positive far out.
fn root(gaps: ArrayView2<'_, f64>) -> f64 {
    let mut upper = 1.0;
    while slopes(gaps, upper).0 < 0.0 && upper < 1e300 {
        upper *= 2.0;
    }
    let (mut lower, mut beta) = (0.0, upper);
    for _ in 0..200 {
        let (slope, curvature) = slopes(gaps, beta);
        if slope < 0.0 {
            lower = beta;
        } else {
            upper = beta;
        }
        let newton = beta - slope / curvature;
        let next = if newton > lower && newton < upper { newton } else { lower + (upper - lower) / 2.0 };
        if (next - beta).abs() <= 1e-15 * beta {
            return next;
        }
        beta = next;
    }
    beta
}
