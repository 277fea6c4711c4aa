//! From the body of a request to the body of its answer.

use metrics::argmax_rows;
use mmdynamic::{Prediction, Trained};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// The body of a request: per view a list of rows, the same samples in each.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// `null` is a missing value.
    views: Vec<Vec<Vec<Option<f64>>>>,
}

/// What the model says of one sample.
#[derive(Serialize)]
struct Row<'a> {
    /// The most probable class.
    class: &'a str,
    /// Its number, from 0.
    index: usize,
    /// Of all classes.
    probabilities: Vec<f32>,
    /// Of all views.
    confidences: Vec<f32>,
}

#[derive(Serialize)]
struct Answer<'a> {
    predictions: Vec<Row<'a>>,
}

/// The answer to a request's body, as JSON. Numbers are printed so that an f32 comes back bit for bit.
///
/// # Errors
/// A sentence for whoever sent the body: no JSON, other views or columns than the model has, rows of different
/// number, a number beyond f32.
pub fn answer(trained: &Trained, body: &[u8]) -> Result<Vec<u8>, String> {
    let request: Request = serde_json::from_slice(body).map_err(|error| {
        format!("{error}; expected {{\"views\": [[[number, ...], ...], ...]}}: for each view its rows")
    })?;
    let prediction = trained.predict(&matrices(&request.views, &trained.model.hparams().in_dim)?);
    let prediction = prediction.map_err(|error| error.to_string())?;
    let predictions = rows(&prediction, &trained.data.class_names)?;
    serde_json::to_vec(&Answer { predictions }).map_err(|error| error.to_string())
}

/// The views as matrices of the model's widths.
fn matrices(views: &[Vec<Vec<Option<f64>>>], widths: &[usize]) -> Result<Vec<Array2<f32>>, String> {
    if views.len() != widths.len() {
        return Err(format!("found {} views, expected {}", views.len(), widths.len()));
    }
    let rows = views[0].len();
    if rows == 0 {
        return Err("view 1: found no row, expected at least one".into());
    }
    let pairs = views.iter().zip(widths).enumerate();
    pairs.map(|(view, (values, &width))| matrix(view + 1, values, (rows, width))).collect()
}

fn matrix(
    view: usize,
    values: &[Vec<Option<f64>>],
    (rows, width): (usize, usize),
) -> Result<Array2<f32>, String> {
    if values.len() != rows {
        return Err(format!("view {view}: found {} rows, view 1 has {rows}", values.len()));
    }
    let mut cells = Vec::with_capacity(rows * width);
    for (row, numbers) in values.iter().enumerate() {
        let row = row + 1;
        if numbers.len() != width {
            return Err(format!("view {view}, row {row}: found {} numbers, expected {width}", numbers.len()));
        }
        for (column, &number) in numbers.iter().enumerate() {
            if let Some(found) = number.filter(|&number| !(number as f32).is_finite()) {
                let column = column + 1;
                return Err(format!(
                    "view {view}, row {row}, column {column}: found {found:e}, expected a number that fits in 32 bits"
                ));
            }
            cells.push(number.map_or(f32::NAN, |number| number as f32));
        }
    }
    Ok(Array2::from_shape_vec((rows, width), cells).expect("every row has `width` numbers"))
}

fn rows<'a>(prediction: &Prediction, class_names: &'a [String]) -> Result<Vec<Row<'a>>, String> {
    let Prediction { probabilities, confidences, .. } = prediction;
    let chosen = argmax_rows(probabilities.view()).map_err(|error| format!("no prediction: {error}"))?;
    let singles = |row: ndarray::ArrayView1<'_, f64>| row.iter().map(|&x| x as f32).collect();
    let row = |(row, index): (usize, usize)| Row {
        class: &class_names[index],
        index,
        probabilities: singles(probabilities.row(row)),
        confidences: singles(confidences.row(row)),
    };
    Ok(chosen.into_iter().enumerate().map(row).collect())
}
