//! The lines of a file, plain or packed, with every size bounded while reading.
//!
//! A reader that trusts its file can be made to hang (a pipe), to fill the memory (a line without an end, a
//! packed file that unpacks to a terabyte) or to read nonsense (UTF-16). All of that is stopped here, once,
//! for matrices, labels and names alike. One line is one row: the row of a message is the line an editor
//! shows.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::error::{DataError, excerpt};
use super::fields::Delimiter;

/// How files are read; the default refuses missing values.
///
/// ```
/// use mmdynamic::data::ReadOptions;
/// let options = ReadOptions { keep_missing: true, ..ReadOptions::default() };
/// assert_eq!(options.limits.rows, 1_000_000);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// How large a file may be.
    pub limits: Limits,
    /// Whether a missing value (empty, NA, NaN and the like) is read as NaN, for an [`Imputer`](super::Imputer) to
    /// fill, instead of being refused.
    pub keep_missing: bool,
    /// What stands between the fields of a table, where its name does not tell (`.tsv`: tabs, all else: commas).
    pub delimiter: Option<Delimiter>,
}

/// How large a file may be before it is taken for damage or malice.
///
/// The defaults let through every data set that this model could be trained on: its gates hold a square
/// matrix per view, so 50,000 features would already need 10 GB of weights. Read with wider limits by
/// [`read_mogonet_with`](super::read_mogonet_with).
///
/// ```
/// use mmdynamic::data::Limits;
/// let wide = Limits { columns: 5_000_000, ..Limits::default() };
/// assert_eq!(wide.rows, 1_000_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text, counted after unpacking. Default 16 GiB: a gzip file can unpack to a thousand times its
    /// size, and this bounds the time it can take. (What bounds the memory is `values`.)
    pub text_bytes: u64,
    /// Bytes of one line. Default 64 MiB: a million columns of numbers written with 18 decimals are 25 MB.
    pub line_bytes: u64,
    /// Lines of a file. Default 1,000,000: ten times the largest biobank cohorts with several omics.
    pub rows: usize,
    /// Fields of a line. Default 1,000,000: the largest methylation arrays measure 930,000 sites.
    pub columns: usize,
    /// Cells of a matrix. Default 500,000,000, which take 2 GB.
    pub values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_bytes: 16 << 30,
            line_bytes: 64 << 20,
            rows: 1_000_000,
            columns: 1_000_000,
            values: 500_000_000,
        }
    }
}

/// Opens a file that is a file.
pub(super) fn open_plain(file: &Path) -> Result<File, DataError> {
    let failed = |source| DataError::Io { file: file.to_owned(), source };
    // Opening a pipe waits for its writer: look before opening.
    let kind = fs::metadata(file).map_err(failed)?.file_type();
    if !kind.is_file() {
        let found = if kind.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(DataError::NotAFile { file: file.to_owned(), found });
    }
    File::open(file).map_err(failed)
}

/// Reads a file line by line; see the top of the file for what it refuses.
pub(super) struct Lines {
    file: PathBuf,
    packed: bool,
    input: Box<dyn BufRead>,
    limits: Limits,
    delimiter: Delimiter,
    line: Vec<u8>,
    row: usize,
    text_bytes: u64,
}

impl Lines {
    /// Opens a plain file; one whose name ends in `.gz` is unpacked on the way.
    pub(super) fn open(file: &Path, limits: &Limits) -> Result<Self, DataError> {
        Self::open_delimited(file, limits, None)
    }

    /// As [`open`](Self::open), with a delimiter that the name does not tell.
    pub(super) fn open_delimited(
        file: &Path,
        limits: &Limits,
        delimiter: Option<Delimiter>,
    ) -> Result<Self, DataError> {
        let plain = BufReader::with_capacity(1 << 17, open_plain(file)?);
        let packed = file.extension().is_some_and(|end| end == "gz");
        let input: Box<dyn BufRead> = if packed {
            Box::new(BufReader::with_capacity(1 << 17, MultiGzDecoder::new(plain)))
        } else {
            Box::new(plain)
        };
        Ok(Self {
            file: file.to_owned(),
            packed,
            input,
            limits: *limits,
            delimiter: delimiter.unwrap_or_else(|| Delimiter::of(file)),
            line: Vec::new(),
            row: 0,
            text_bytes: 0,
        })
    }

    /// What stands between the fields of a line.
    pub(super) fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    /// The next line with its row, without line end; `None` when only blank lines are left.
    pub(super) fn next(&mut self) -> Result<Option<(usize, &str)>, DataError> {
        let mut first_blank = None;
        while self.advance()? {
            if self.line.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r')) {
                first_blank.get_or_insert(self.row);
            } else if let Some(row) = first_blank {
                let expected = "no blank line before the last row";
                return Err(self.malformed(row, 1, String::new(), expected));
            } else {
                return self.text().map(Some);
            }
        }
        Ok(None)
    }

    /// Reads the next line into `self.line`; false at the end of the file.
    fn advance(&mut self) -> Result<bool, DataError> {
        self.line.clear();
        let limit = self.limits.line_bytes;
        let read = (&mut self.input).take(limit.saturating_add(1)).read_until(b'\n', &mut self.line);
        let read = read.map_err(|source| self.failed(source))?;
        if read == 0 {
            return Ok(false);
        }
        self.row += 1;
        self.text_bytes += read as u64;
        if self.row > self.limits.rows {
            return Err(self.too_large("lines", self.limits.rows as u64));
        }
        if self.text_bytes > self.limits.text_bytes {
            return Err(self.too_large("bytes of text", self.limits.text_bytes));
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        }
        if self.line.len() as u64 > limit {
            return Err(self.too_large("bytes in one line", limit));
        }
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        if self.row == 1 {
            self.first_line()?;
        }
        Ok(true)
    }

    /// The first bytes tell what kind of file this is.
    fn first_line(&mut self) -> Result<(), DataError> {
        if self.line.starts_with(b"\xef\xbb\xbf") {
            self.line.drain(..3);
        }
        let (found, expected) = match self.line.as_slice() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => ("utf-16", "utf-8: save the file as utf-8"),
            [0x1f, 0x8b, ..] => ("a gzip file", "text: let the name end in .csv.gz"),
            _ => return Ok(()),
        };
        Err(self.malformed(1, 1, found.to_owned(), expected))
    }

    fn text(&self) -> Result<(usize, &str), DataError> {
        std::str::from_utf8(&self.line).map(|text| (self.row, text)).map_err(|error| {
            let good = &self.line[..error.valid_up_to()];
            let end = self.delimiter.byte();
            let column = 1 + good.iter().filter(|b| **b == end).count();
            let start = good.iter().rposition(|b| *b == end).map_or(0, |i| i + 1);
            let found = String::from_utf8_lossy(&self.line[start..self.line.len().min(start + 200)]);
            let expected = "utf-8 text: save the file as utf-8";
            self.malformed(self.row, column, excerpt(&found), expected)
        })
    }

    fn malformed(&self, row: usize, column: usize, found: String, expected: &'static str) -> DataError {
        DataError::Malformed { file: self.file.clone(), row, column, found, expected }
    }

    fn too_large(&self, what: &'static str, limit: u64) -> DataError {
        DataError::TooLarge { file: self.file.clone(), row: self.row, what, limit }
    }

    fn failed(&self, source: io::Error) -> DataError {
        let file = self.file.clone();
        if self.packed {
            DataError::Gzip { file, row: self.row + 1, source }
        } else {
            DataError::Io { file, source }
        }
    }
}
