//! Whether the parts of a `results.json` fit each other, so that no page is drawn of half a file.

use crate::results::RunResults;

/// The first thing that is wrong.
pub(crate) fn check(results: &RunResults) -> Result<(), String> {
    let (classes, views, test) = (results.facts.classes.len(), results.views.len(), &results.test);
    let rows = test.labels.len();
    equal("classes", classes.min(2), 2)?;
    equal("rows of `test.labels`", rows, results.facts.test_rows)?;
    equal("rows of `test.samples`", test.samples.len(), rows)?;
    table("test.probabilities", &test.probabilities, rows, classes)?;
    table("test.confidences", &test.confidences, rows, views)?;
    if rows == 0 || views == 0 {
        return Err("no test rows or no views".into());
    }
    if let Some(label) = test.labels.iter().find(|&&label| label >= classes) {
        return Err(format!("a label of {label} among {classes} classes"));
    }
    let outside = |share: &&f64| !(-1e-6..=1.0 + 1e-6).contains(*share);
    if let Some(share) = test.probabilities.iter().flatten().find(outside) {
        return Err(format!("{share} stands among `test.probabilities`"));
    }
    for view in &results.views {
        let bad = |feature: &&crate::results::FeatureResult| {
            !feature.gate.is_finite() || ![0, classes].contains(&feature.gate_by_class.len())
        };
        if let Some(feature) = view.features.iter().find(bad) {
            return Err(format!("the gates of feature `{}` do not fit", feature.name.escape_debug()));
        }
    }
    let mut points = results.robustness.iter().flat_map(|curve| &curve.points);
    points.try_for_each(|point| equal("confidences of a noise level", point.confidences.len(), views))
}

fn table(name: &str, values: &[Vec<f64>], rows: usize, columns: usize) -> Result<(), String> {
    equal(&format!("rows of `{name}`"), values.len(), rows)?;
    values.iter().try_for_each(|row| equal(&format!("columns of `{name}`"), row.len(), columns))
}

fn equal(what: &str, found: usize, expected: usize) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{found} {what}, expected {expected}")) }
}
