//! numpy's own files: a matrix of f32 or f64, or labels.
//!
//! Read by hand, with the file's size compared before anything is allocated. The crate for it (ndarray-npy) trusts the
//! shape in the header, of which twenty bytes can ask for all the memory there is, keeps file and matrix in memory side by
//! side, and brings a parser generator along; what is left to do without it is this page.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use ndarray::Array2;

use super::error::{DataError, excerpt};
use super::lines::{Limits, ReadOptions, open_plain};
use super::npy_header::{Header, Number};
use super::numbers::{MissingValues, out_of_memory};

/// Whether the name says that numpy wrote it.
pub(super) fn is_npy(file: &Path) -> bool {
    file.extension().is_some_and(|end| end.eq_ignore_ascii_case("npy"))
}

/// A samples × features matrix of f32 or f64, in C or Fortran order. NaN is a missing value.
pub(super) fn read_npy_matrix(file: &Path, options: &ReadOptions) -> Result<Array2<f32>, DataError> {
    let mut npy = Npy::open(file)?;
    let Header { number, fortran, ref shape } = npy.header;
    let [rows, columns] = shape[..] else {
        return Err(npy.refused(format!("shape {shape:?}"), "two axes, samples and features"));
    };
    if !matches!(number, Number::F32 | Number::F64) {
        let expected = "'<f4' or '<f8'; save the array with .astype('<f4')";
        return Err(npy.refused(format!("numbers of type {}", number.name()), expected));
    }
    if rows == 0 || columns == 0 {
        return Err(DataError::Empty { file: file.to_owned() });
    }
    npy.within(&options.limits, rows, columns)?;
    // Where element `i` of the file stands in the matrix, from 1.
    let place =
        |i: usize| if fortran { (i % rows + 1, i / rows + 1) } else { (i / columns + 1, i % columns + 1) };
    let mut cells = Vec::new();
    cells.try_reserve_exact(rows * columns).map_err(|_| out_of_memory(file))?;
    let mut missing = MissingValues::default();
    npy.each(rows * columns, |i, value| {
        let cell = value as f32;
        if !cell.is_finite() && !value.is_nan() {
            let expected =
                if value.is_finite() { "a number that fits in 32 bits" } else { "a finite number" };
            let ((row, column), found) = (place(i), excerpt(&format!("{value:e}")));
            return Err(DataError::Malformed { file: file.to_owned(), row, column, found, expected });
        }
        if value.is_nan() {
            missing.add_nan(place(i));
        }
        cells.push(cell);
        Ok(())
    })?;
    if !options.keep_missing {
        missing.refuse(file)?;
    }
    let matrix = if fortran {
        let transposed = Array2::from_shape_vec((columns, rows), cells).expect("rows times columns cells");
        transposed.reversed_axes().as_standard_layout().into_owned()
    } else {
        Array2::from_shape_vec((rows, columns), cells).expect("rows times columns cells")
    };
    Ok(matrix)
}

/// One label for each sample, whole numbers of any type.
pub(super) fn read_npy_labels(file: &Path, limits: &Limits) -> Result<Vec<usize>, DataError> {
    let mut npy = Npy::open(file)?;
    let [rows] = npy.header.shape[..] else {
        let shape = &npy.header.shape;
        return Err(npy.refused(format!("shape {shape:?}"), "one axis, a label for each sample"));
    };
    if rows == 0 {
        return Err(DataError::Empty { file: file.to_owned() });
    }
    npy.within(limits, rows, 1)?;
    let mut labels = Vec::new();
    labels.try_reserve_exact(rows).map_err(|_| out_of_memory(file))?;
    npy.each(rows, |i, value| {
        if value.fract() != 0.0 || !(0.0..4_294_967_296.0).contains(&value) {
            let (row, found) = (i + 1, value.to_string());
            let expected = "a class: a whole number from 0";
            return Err(DataError::Malformed { file: file.to_owned(), row, column: 1, found, expected });
        }
        labels.push(value as usize);
        Ok(())
    })?;
    Ok(labels)
}

/// An open file behind its header.
struct Npy<'a> {
    file: &'a Path,
    input: BufReader<File>,
    header: Header,
}

impl<'a> Npy<'a> {
    /// Reads the header and compares what it promises with the size of the file.
    fn open(file: &'a Path) -> Result<Self, DataError> {
        let failed = |source| DataError::Io { file: file.to_owned(), source };
        let opened = open_plain(file)?;
        let size = opened.metadata().map_err(failed)?.len();
        let mut input = BufReader::with_capacity(1 << 17, opened);
        let refused = |found: String, expected| DataError::Npy { file: file.to_owned(), found, expected };
        let (header, length) =
            Header::read(&mut input).map_err(|(found, expected)| refused(found, expected))?;
        let promised = header.shape.iter().try_fold(header.number.size() as u64, |product, axis| {
            product.checked_mul(u64::try_from(*axis).ok()?)
        });
        let there = size.saturating_sub(length);
        if promised != Some(there) {
            let found = format!(
                "{there} bytes behind a header for shape {:?} of {}",
                header.shape,
                header.number.name()
            );
            return Err(refused(found, "a whole file, as numpy.save writes it"));
        }
        Ok(Npy { file, input, header })
    }

    fn refused(&self, found: String, expected: &'static str) -> DataError {
        DataError::Npy { file: self.file.to_owned(), found, expected }
    }

    fn within(&self, limits: &Limits, rows: usize, columns: usize) -> Result<(), DataError> {
        let values = rows.saturating_mul(columns);
        let all = [
            ("rows", rows, limits.rows),
            ("columns", columns, limits.columns),
            ("values", values, limits.values),
        ];
        match all.into_iter().find(|(_, found, limit)| found > limit) {
            Some((what, _, limit)) => {
                Err(DataError::TooLarge { file: self.file.to_owned(), row: 1, what, limit: limit as u64 })
            }
            None => Ok(()),
        }
    }

    /// Hands over `count` numbers in the order of the file.
    fn each(
        &mut self,
        count: usize,
        mut take: impl FnMut(usize, f64) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let number = self.header.number;
        let mut block = vec![0; number.size() << 13];
        let mut read = 0;
        while read < count {
            let some = (count - read).min(1 << 13);
            let bytes = &mut block[..some * number.size()];
            self.input
                .read_exact(bytes)
                .map_err(|source| DataError::Io { file: self.file.to_owned(), source })?;
            for (i, bytes) in bytes.chunks_exact(number.size()).enumerate() {
                take(read + i, number.value(bytes))?;
            }
            read += some;
        }
        Ok(())
    }
}
