//! A matrix of numbers from a comma-separated file without header.
//!
//! Each cell is parsed as f64, correctly rounded, and then rounded to f32. That is what numpy does with
//! `np.loadtxt(file, delimiter=",").astype(np.float32)`, and not the same as parsing f32 at once: rounding
//! twice differs in the last bit for about one cell in a billion, and a model compared with Python deserves
//! the same input.

use std::ops::Range;
use std::path::Path;

use ndarray::Array2;
use rayon::prelude::*;

use super::error::{DataError, excerpt};
use super::fields::fields;
use super::lines::{Limits, Lines};

/// Reads a samples × features matrix; a file that ends in `.gz` is unpacked on the way.
///
/// A UTF-8 byte order mark, Windows line ends, quoted fields, blanks around fields, a missing last line end
/// and blank lines at the end are allowed. Lines are parsed in parallel; the order of the rows and of
/// the faults does not depend on it. While reading, the memory in use is at most about twice that of the matrix and a
/// few megabytes of text.
///
/// ```
/// use mmdynamic::data::read_matrix;
/// let folder = tempfile::tempdir()?;
/// let file = folder.path().join("1_tr.csv");
///
/// std::fs::write(&file, "0.5,1e-3\n2,-4\n")?;
/// assert_eq!(read_matrix(&file)?, ndarray::array![[0.5, 0.001], [2.0, -4.0]]);
///
/// std::fs::write(&file, "0.5,1e-3\n2,NA\n")?;
/// assert!(read_matrix(&file).unwrap_err().to_string().contains("row 2, column 2: found \"NA\""));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Anything else is a [`DataError`] that names file, row and column: rows of different length, text, a
/// header, missing values (empty, NA, NaN), infinities, numbers beyond f32 (3.4e38), decimal commas,
/// hexadecimal numbers, a quote without an end, UTF-16, NUL bytes, an empty file, something that is not a
/// file, and sizes beyond [`Limits`].
///
/// A decimal comma without quotes cannot be seen (`0,5` is a row of two numbers); it shows as a wrong number
/// of columns.
pub fn read_matrix(file: impl AsRef<Path>) -> Result<Array2<f32>, DataError> {
    read_matrix_within(file, &Limits::default())
}

/// [`read_matrix`] with other limits than the default ones.
///
/// ```
/// use mmdynamic::data::{read_matrix_within, Limits};
/// let folder = tempfile::tempdir()?;
/// let file = folder.path().join("1_tr.csv");
/// std::fs::write(&file, "1,2,3\n")?;
/// assert!(read_matrix_within(&file, &Limits { columns: 2, ..Limits::default() }).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`read_matrix`].
pub fn read_matrix_within(file: impl AsRef<Path>, limits: &Limits) -> Result<Array2<f32>, DataError> {
    let file = file.as_ref();
    let mut lines = Lines::open(file, limits)?;
    let mut reading = Reading { file, limits, cells: Vec::new(), rows: 0, width: 0 };
    let mut block = Block::default();
    loop {
        let next = lines.next();
        // What is wrong in an earlier line is said first.
        if let Ok(Some((row, line))) = next {
            block.push(row, line);
            if block.text.len() < BLOCK_BYTES {
                continue;
            }
        }
        reading.take(&block)?;
        block.clear();
        if next?.is_none() {
            return reading.finish();
        }
    }
}

/// Text that is turned into numbers at a time, its lines in parallel.
const BLOCK_BYTES: usize = 4 << 20;

/// Some lines of a file, each with its row.
#[derive(Default)]
struct Block {
    text: String,
    lines: Vec<(usize, Range<usize>)>,
}

impl Block {
    fn push(&mut self, row: usize, line: &str) {
        let start = self.text.len();
        self.text.push_str(line);
        self.lines.push((row, start..self.text.len()));
    }

    fn clear(&mut self) {
        self.text.clear();
        self.lines.clear();
    }
}

/// The matrix as far as it is read.
struct Reading<'a> {
    file: &'a Path,
    limits: &'a Limits,
    cells: Vec<f32>,
    rows: usize,
    width: usize,
}

impl Reading<'_> {
    /// Appends the rows of a block; of several faults the first is reported.
    fn take(&mut self, block: &Block) -> Result<(), DataError> {
        let (file, limits) = (self.file, self.limits);
        let read =
            |(row, range): &(usize, Range<usize>)| read_row(file, *row, &block.text[range.clone()], limits);
        let read: Vec<_> = block.lines.par_iter().map(read).collect();
        for ((row, _), cells) in block.lines.iter().zip(read) {
            self.append(*row, &cells?)?;
        }
        Ok(())
    }

    fn append(&mut self, row: usize, cells: &[f32]) -> Result<(), DataError> {
        let file = || self.file.to_owned();
        if self.rows == 0 {
            self.width = cells.len();
        } else if cells.len() != self.width {
            return Err(DataError::Ragged { file: file(), row, found: cells.len(), expected: self.width });
        }
        if self.cells.len() + cells.len() > self.limits.values {
            return Err(DataError::TooLarge {
                file: file(),
                row,
                what: "values",
                limit: self.limits.values as u64,
            });
        }
        self.cells.try_reserve(cells.len()).map_err(|_| out_of_memory(self.file))?;
        self.cells.extend_from_slice(cells);
        self.rows += 1;
        Ok(())
    }

    fn finish(mut self) -> Result<Array2<f32>, DataError> {
        if self.rows == 0 {
            return Err(DataError::Empty { file: self.file.to_owned() });
        }
        self.cells.shrink_to_fit();
        Ok(Array2::from_shape_vec((self.rows, self.width), self.cells)
            .expect("every row added `width` cells"))
    }
}

fn out_of_memory(file: &Path) -> DataError {
    DataError::Io { file: file.to_owned(), source: std::io::ErrorKind::OutOfMemory.into() }
}

/// The numbers of one line.
fn read_row(file: &Path, row: usize, line: &str, limits: &Limits) -> Result<Vec<f32>, DataError> {
    let mut cells = Vec::new();
    // A failed allocation aborts the program unless it is asked for in this way.
    let commas = line.bytes().filter(|b| *b == b',').count();
    cells.try_reserve_exact(commas.min(limits.columns) + 1).map_err(|_| out_of_memory(file))?;
    for field in fields(line) {
        let column = cells.len() + 1;
        if column > limits.columns {
            let limit = limits.columns as u64;
            return Err(DataError::TooLarge { file: file.to_owned(), row, what: "columns", limit });
        }
        let malformed = |found: &str, expected| DataError::Malformed {
            file: file.to_owned(),
            row,
            column,
            found: excerpt(found),
            expected,
        };
        let field = field.map_err(|bad| malformed(bad.found, bad.expected))?;
        cells.push(number(&field).ok_or_else(|| malformed(&field, expected_instead(&field, row, column)))?);
    }
    Ok(cells)
}

/// A finite number, `None` for everything else.
fn number(field: &str) -> Option<f32> {
    let value = field.parse::<f64>().ok()? as f32;
    value.is_finite().then_some(value)
}

/// The cure for a field that [`number`] refuses.
fn expected_instead(field: &str, row: usize, column: usize) -> &'static str {
    let missing = ["", "na", "n/a", "#n/a", "nan", "-nan", "+nan", "null", "none", "nil", "?", "-", "."];
    let infinite = ["inf", "infinity"];
    let lower = field.to_ascii_lowercase();
    if missing.contains(&lower.as_str()) {
        "a number: fill in missing values, or leave their rows out, before reading"
    } else if infinite.contains(&lower.trim_start_matches(['+', '-'])) {
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
        "a number: the file has no column of sample names, remove it"
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
