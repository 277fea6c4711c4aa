//! Class labels: whole numbers `0..C`, one a line, however they were written.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::{DataError, excerpt};
use super::fields::{Delimiter, fields};
use super::lines::{Limits, Lines};
use super::npy::{is_npy, read_npy_labels};

const WHOLE: &str = "a class: a whole number from 0 (0, 1, 2.0, 3e+00)";

/// Reads one label a line, or those of a npy file.
pub(super) fn read_labels(file: &Path, limits: &Limits) -> Result<Vec<usize>, DataError> {
    if is_npy(file) {
        return read_npy_labels(file, limits);
    }
    let mut lines = Lines::open(file, limits)?;
    let mut labels = Vec::new();
    while let Some((row, line)) = lines.next()? {
        let malformed = |column, found: &str, expected| DataError::Malformed {
            file: file.to_owned(),
            row,
            column,
            found: excerpt(found),
            expected,
        };
        let mut cells = fields(line, Delimiter::Comma);
        if let Some(cell) = cells.next() {
            let cell = cell.map_err(|bad| malformed(1, bad.found, bad.expected))?;
            labels.push(label(&cell).ok_or_else(|| malformed(1, &cell, expected_instead(&cell, row)))?);
        }
        if cells.next().is_some() {
            return Err(malformed(2, line, "one label a line"));
        }
    }
    if labels.is_empty() {
        return Err(DataError::Empty { file: file.to_owned() });
    }
    Ok(labels)
}

/// Number of classes, when train has all of `0..C` and C is at least 2.
pub(super) fn check_train(file: &Path, labels: &[usize]) -> Result<usize, DataError> {
    let seen: BTreeSet<usize> = labels.iter().copied().collect();
    let largest = seen.last().copied().unwrap_or(0);
    if let Some(missing) = (0..largest).find(|class| !seen.contains(class)) {
        return Err(DataError::ClassGap { file: file.to_owned(), missing, largest });
    }
    if seen.len() < 2 {
        return Err(DataError::OneClass { file: file.to_owned() });
    }
    Ok(seen.len())
}

/// Test may lack a class, but not bring one that train never saw.
pub(super) fn check_test(file: &Path, labels: &[usize], classes: usize) -> Result<(), DataError> {
    match labels.iter().position(|label| *label >= classes) {
        Some(at) => {
            Err(DataError::UnseenClass { file: file.to_owned(), row: at + 1, found: labels[at], classes })
        }
        None => Ok(()),
    }
}

/// The class that a cell says.
pub(super) fn label(cell: &str) -> Option<usize> {
    let value = cell.parse::<f64>().ok()?;
    // Below 2^32 every whole number is exact in f64 and fits in a usize.
    let whole = value.fract() == 0.0 && (0.0..4_294_967_296.0).contains(&value);
    whole.then_some(value as usize)
}

fn expected_instead(cell: &str, row: usize) -> &'static str {
    if row == 1 && cell.parse::<f64>().is_err() {
        "a class: a whole number from 0; the file has no header line (names of classes go to classes.csv)"
    } else {
        WHOLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_may_be_written_in_any_way() {
        for (cell, class) in [("0", 0), ("-0", 0), ("1.000000000000000000e+00", 1), ("3.0", 3), ("1e1", 10)] {
            assert_eq!(label(cell), Some(class), "{cell}");
        }
    }

    #[test]
    fn all_else_is_no_label() {
        for cell in ["1.5", "-1", "x", "", "NaN", "inf", "1e300", "0x1", "4294967296"] {
            assert_eq!(label(cell), None, "{cell}");
        }
    }

    #[test]
    fn the_smallest_missing_class_is_named() {
        let gap = check_train(Path::new("l"), &[0, 5, 2, 4_000_000_000]).unwrap_err();
        assert!(matches!(gap, DataError::ClassGap { missing: 1, largest: 4_000_000_000, .. }));
        assert_eq!(check_train(Path::new("l"), &[2, 0, 1, 1]).unwrap(), 3);
    }
}
