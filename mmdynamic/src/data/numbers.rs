//! Cells as numbers, and the cells that are none.

use std::path::Path;

use super::error::{DataError, excerpt};

/// A finite number, `None` for everything else.
///
/// Parsed as f64, correctly rounded, and then rounded to f32. That is what numpy does with
/// `np.loadtxt(file, delimiter=",").astype(np.float32)`, and not the same as parsing f32 at once: rounding
/// twice differs in the last bit for about one cell in a billion, and a model compared with Python deserves
/// the same input.
pub(super) fn number(field: &str) -> Option<f32> {
    let value = field.parse::<f64>().ok()? as f32;
    value.is_finite().then_some(value)
}

/// What programs write where they have no value.
pub(super) fn is_missing(field: &str) -> bool {
    let missing = ["", "na", "n/a", "#n/a", "nan", "-nan", "+nan", "null", "none", "nil", "?", "-", "."];
    missing.iter().any(|text| field.eq_ignore_ascii_case(text))
}

/// The numbers of one line; NaN where a value is missing.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) cells: Vec<f32>,
    missing: usize,
    /// Column and text of the first missing value.
    first: Option<(usize, String)>,
}

impl Numbers {
    /// With room for so many cells. A failed allocation aborts the program unless it is asked for in this way.
    pub(super) fn with_capacity(file: &Path, cells: usize) -> Result<Self, DataError> {
        let mut numbers = Numbers::default();
        numbers.cells.try_reserve_exact(cells).map_err(|_| out_of_memory(file))?;
        Ok(numbers)
    }

    /// The value of a field, NaN for one that is missing, which is counted.
    pub(super) fn read(&mut self, field: &str, column: usize) -> Option<f32> {
        if let Some(value) = number(field) {
            return Some(value);
        }
        if !is_missing(field) {
            return None;
        }
        self.missing += 1;
        self.first.get_or_insert_with(|| (column, excerpt(field)));
        Some(f32::NAN)
    }
}

pub(super) fn out_of_memory(file: &Path) -> DataError {
    DataError::Io { file: file.to_owned(), source: std::io::ErrorKind::OutOfMemory.into() }
}

/// The missing values of a file.
#[derive(Debug, Default)]
pub(super) struct MissingValues {
    count: usize,
    /// Row, column and text of the first.
    first: Option<(usize, usize, String)>,
}

impl MissingValues {
    /// Counts those of a row.
    pub(super) fn add(&mut self, row: usize, numbers: &mut Numbers) {
        self.count += numbers.missing;
        if let Some((column, found)) = numbers.first.take() {
            self.first.get_or_insert((row, column, found));
        }
    }

    /// Counts a NaN at this row and column.
    pub(super) fn add_nan(&mut self, (row, column): (usize, usize)) {
        self.count += 1;
        self.first.get_or_insert_with(|| (row, column, "nan".to_owned()));
    }

    /// Refuses a file that has any, with the first place.
    pub(super) fn refuse(self, file: &Path) -> Result<(), DataError> {
        match self.first {
            None => Ok(()),
            Some((row, column, found)) => {
                let file = file.to_owned();
                Err(DataError::MissingValues { file, row, column, found, count: self.count })
            }
        }
    }
}

/// The cure for a field that is no number and not missing.
pub(super) fn expected_instead(field: &str, row: usize, column: usize) -> &'static str {
    let infinite = ["inf", "infinity"];
    let lower = field.to_ascii_lowercase();
    if infinite.contains(&lower.trim_start_matches(['+', '-'])) {
        "a finite number"
    } else if field.parse::<f64>().is_ok() {
        "a number that fits in 32 bits, at most 3.4e38 in size"
    } else if field.contains('\0') {
        "text without NUL bytes: save the file as utf-8"
    } else if field.contains(',') {
        "a number written with a decimal point"
    } else if field.contains([';', '\t']) {
        "numbers separated by commas"
    } else if row == 1 {
        "a number: the file has no header line, remove it (names of features go to N_featname.csv)"
    } else if column == 1 {
        "a number: the file has no column of sample names, remove it (they go to samples_tr.csv, samples_te.csv)"
    } else {
        "a number"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_numpy_to_the_bit() {
        // numpy 2.4.6: np.float32(np.float64(text)).view(np.uint32)
        let table = [
            ("0", 0x0000_0000),
            ("-0.0", 0x8000_0000),
            ("0.1", 0x3dcc_cccd),
            ("1.813813162555837355e-01", 0x3e39_bc06),
            ("1.000000000000000000e+00", 0x3f80_0000),
            // Just above the middle of two f32: rounds up at once, but down by way of f64.
            ("1.00000005960464477539062500001", 0x3f80_0000),
            ("16777217", 0x4b80_0000),
            ("3.4028235e38", 0x7f7f_ffff),
            ("-3.40282356e38", 0xff7f_ffff),
            ("1e-45", 0x0000_0001),
            ("1.1754942e-38", 0x007f_ffff),
            ("1e-400", 0x0000_0000),
            ("+.5", 0x3f00_0000),
            ("5.", 0x40a0_0000),
            ("1E2", 0x42c8_0000),
        ];
        for (text, bits) in table {
            assert_eq!(number(text).map(f32::to_bits), Some(bits), "{text}");
        }
        assert_eq!("1.00000005960464477539062500001".parse::<f32>().unwrap().to_bits(), 0x3f80_0001);
    }

    #[test]
    fn what_python_or_c_would_take_but_is_no_plain_number_is_refused() {
        for text in ["0x10", "1_000", "1e", "1d3", "--1", "1 2", "infinity", "NaN", "1e400", "1e39", "３"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
