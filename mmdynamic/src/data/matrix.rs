//! A matrix of numbers from a csv, tsv or npy file without names.

use std::path::Path;

use ndarray::Array2;

use super::error::{DataError, excerpt};
use super::fields::{Fields, fields};
use super::lines::{Limits, Lines, ReadOptions};
use super::npy::{is_npy, read_npy_matrix};
use super::numbers::{MissingValues, Numbers, expected_instead, out_of_memory};
use super::rows::read_rows;

/// Reads a samples × features matrix from a csv file, or one that ends in `.tsv` (tabs) or `.npy` (f32 or f64, little
/// endian, C or Fortran order); csv and tsv that end in `.gz` are unpacked on the way.
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
    read_matrix_with(file, &ReadOptions::default())
}

/// [`read_matrix`] with other limits than the default ones, or with missing values as NaN.
///
/// ```
/// use mmdynamic::data::{Limits, ReadOptions, read_matrix_with};
/// let folder = tempfile::tempdir()?;
/// let file = folder.path().join("1_tr.csv");
/// std::fs::write(&file, "1,NA,3\n")?;
/// let narrow = ReadOptions { limits: Limits { columns: 2, ..Limits::default() }, ..ReadOptions::default() };
/// assert!(read_matrix_with(&file, &narrow).is_err());
/// let matrix = read_matrix_with(&file, &ReadOptions { keep_missing: true, ..ReadOptions::default() })?;
/// assert!(matrix[[0, 1]].is_nan());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`read_matrix`].
pub fn read_matrix_with(file: impl AsRef<Path>, options: &ReadOptions) -> Result<Array2<f32>, DataError> {
    let file = file.as_ref();
    if is_npy(file) {
        return read_npy_matrix(file, options);
    }
    let limits = &options.limits;
    let mut lines = Lines::open_delimited(file, limits, options.delimiter)?;
    let delimiter = lines.delimiter();
    let mut reading = Reading { file, limits, cells: Vec::new(), rows: 0, width: 0 };
    let mut missing = MissingValues::default();
    read_rows(
        &mut lines,
        |row, line| read_row(file, row, fields(line, delimiter), limits),
        |row, mut numbers| {
            missing.add(row, &mut numbers);
            reading.append(row, &numbers.cells)
        },
    )?;
    if !options.keep_missing {
        missing.refuse(file)?;
    }
    reading.finish()
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

/// The numbers of one line.
fn read_row(file: &Path, row: usize, fields: Fields<'_>, limits: &Limits) -> Result<Numbers, DataError> {
    let mut numbers = Numbers::with_capacity(file, fields.at_most().min(limits.columns))?;
    for field in fields {
        let column = numbers.cells.len() + 1;
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
        let value = numbers.read(&field, column);
        numbers.cells.push(value.ok_or_else(|| malformed(&field, expected_instead(&field, row, column)))?);
    }
    Ok(numbers)
}
