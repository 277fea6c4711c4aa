//! What can be wrong with data, as values a program can match on and lines a person can act on.
//!
//! Text that came from a file is shown with care: cut after 40 characters and with control characters
//! escaped, so that a message stays one line of the terminal whatever the file holds.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why data was refused.
///
/// Rows and columns that stand beside a `file` count from 1, as editors do; those of matrices in memory count
/// from 0, as code does.
///
/// ```
/// use mmdynamic::data::DataError;
/// let refused = DataError::Malformed {
///     file: "set/1_tr.csv".into(), row: 3, column: 7, found: "NA".into(), expected: "a number",
/// };
/// assert_eq!(refused.to_string(), "set/1_tr.csv, row 3, column 7: found \"NA\", expected a number");
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The operating system refused to give the bytes.
    #[error("{}: cannot be read: {source}", shown_path(.file))]
    Io {
        /// The file or folder.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A folder, a pipe or a device stands where a file should be.
    #[error("{}: is {found}, expected a plain file", shown_path(.file))]
    NotAFile {
        /// What was to be opened.
        file: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// A file of the layout is not there.
    #[error("{}: is missing (also as .csv.gz or .npy); {expected}", shown_path(.file))]
    Missing {
        /// The file that was looked for.
        file: PathBuf,
        /// The rule that asks for it.
        expected: &'static str,
    },
    /// A file whose name looks like a view but cannot be one.
    #[error("{}: is no name of a view, expected 1, 2, 3, ... before the underscore", shown_path(.file))]
    ViewNumber {
        /// The file.
        file: PathBuf,
    },
    /// The same table lies there plain and packed, and they may differ.
    #[error("{} and {} both exist: keep one of them", shown_path(.file), shown_path(.other))]
    Ambiguous {
        /// The plain file.
        file: PathBuf,
        /// The packed file.
        other: PathBuf,
    },
    /// A `.gz` file that does not unpack.
    #[error(
        "{}, row {row}: cannot be unpacked: {source}; expected a whole gzip file, copy it again or unpack it to .csv",
        shown_path(.file)
    )]
    Gzip {
        /// The packed file.
        file: PathBuf,
        /// The row that was being read.
        row: usize,
        /// What the decoder said.
        source: io::Error,
    },
    /// A cell that is not what the file should hold.
    #[error("{}, row {row}, column {column}: found {}, expected {expected}", shown_path(.file), shown(.found))]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Line of the file, from 1.
        row: usize,
        /// Field of the line, from 1.
        column: usize,
        /// The cell's text, or its beginning.
        found: String,
        /// What should stand there, and the cure where there is one.
        expected: &'static str,
    },
    /// Missing values that nobody asked to fill in.
    #[error(
        "{}, row {row}, column {column}: found {}, expected a number; the file has {count} missing {}: fill in or leave \
         out, or impute by data.missing = mean, median or zero",
        shown_path(.file), shown(.found), if *.count == 1 { "value" } else { "values" }
    )]
    MissingValues {
        /// The file.
        file: PathBuf,
        /// Line of the first of them, from 1.
        row: usize,
        /// Field of the first of them, from 1.
        column: usize,
        /// What stands there.
        found: String,
        /// How many there are in the file.
        count: usize,
    },
    /// A npy file of another kind, or a cut one.
    #[error("{}: found {}, expected {expected}", shown_path(.file), escaped(.found))]
    Npy {
        /// The file.
        file: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold, and the cure where there is one.
        expected: &'static str,
    },
    /// A column that is asked for and not there.
    #[error(
        "{}, row 1: has no column {} for {}; its columns are {}", shown_path(.file), shown(.column), escaped(.role),
        escaped(.found)
    )]
    NoColumn {
        /// The file.
        file: PathBuf,
        /// The name, or its beginning and a star.
        column: String,
        /// What it was to be.
        role: String,
        /// The first names that are there.
        found: String,
    },
    /// A column that cannot be what it is asked to be.
    #[error("{}: column {} {what}; expected {expected}", shown_path(.file), shown(.column))]
    Column {
        /// The file.
        file: PathBuf,
        /// Its name.
        column: String,
        /// What is wrong with it.
        what: &'static str,
        /// The cure.
        expected: &'static str,
    },
    /// A feature without a single value to fit on.
    #[error(
        "view {} has no value of `{}` in any of the {rows} training rows: there is nothing to impute it from, leave the \
         feature out", view + 1, escaped(.feature)
    )]
    AllMissing {
        /// The view, from 0.
        view: usize,
        /// Name of the feature.
        feature: String,
        /// Number of training rows.
        rows: usize,
    },
    /// A row with more or fewer fields than the first.
    #[error("{}, row {row}: found {found} columns, expected {expected} as in row 1", shown_path(.file))]
    Ragged {
        /// The file.
        file: PathBuf,
        /// Line of the file, from 1.
        row: usize,
        /// Fields in this line.
        found: usize,
        /// Fields in the first line.
        expected: usize,
    },
    /// A file without a single row.
    #[error("{}: found no rows, expected at least one", shown_path(.file))]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// A file beyond one of the [`Limits`](super::Limits).
    #[error(
        "{}, row {row}: more than {limit} {what}; is this a table of numbers? if so, read it with wider `Limits`",
        shown_path(.file)
    )]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// The row at which the limit was passed.
        row: usize,
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// Two files that belong together do not fit together.
    #[error("{}: has {found} {what} but {} has {expected}; {cure}", shown_path(.file), shown_path(.other))]
    Counts {
        /// The file that does not fit.
        file: PathBuf,
        /// The file it was compared with.
        other: PathBuf,
        /// Count in `file`.
        found: usize,
        /// Count in `other`.
        expected: usize,
        /// What was counted.
        what: &'static str,
        /// Why they must agree.
        cure: &'static str,
    },
    /// The train labels leave out a class.
    #[error(
        "{}: class {missing} has no row though class {largest} has; expected classes 0, 1, 2, ... without gaps",
        shown_path(.file)
    )]
    ClassGap {
        /// The train labels.
        file: PathBuf,
        /// The smallest class without a row.
        missing: usize,
        /// The largest class with a row.
        largest: usize,
    },
    /// All train labels are the same.
    #[error("{}: all rows are of one class, expected at least two classes", shown_path(.file))]
    OneClass {
        /// The train labels.
        file: PathBuf,
    },
    /// A test label that no train row has.
    #[error("{}, row {row}: class {found} does not occur in train, expected 0 to {}", shown_path(.file), classes - 1)]
    UnseenClass {
        /// The test labels.
        file: PathBuf,
        /// Line of the file, from 1.
        row: usize,
        /// The label.
        found: usize,
        /// Number of classes in train.
        classes: usize,
    },
    /// A class in text that is none of those of the training rows, or of those asked for.
    #[error("{}, row {row}: class {} does not occur in train, expected {}", shown_path(.file), shown(.found), escaped(.expected))]
    UnknownClass {
        /// The file.
        file: PathBuf,
        /// Line of the file, from 1.
        row: usize,
        /// The class.
        found: String,
        /// The classes there are.
        expected: String,
    },
    /// Matrices in memory that do not fit together, or not to what was fitted on others.
    #[error("view {view} (from 0): found {found} {what}, expected {expected}")]
    Shape {
        /// The view, from 0.
        view: usize,
        /// What was counted.
        what: &'static str,
        /// Count found.
        found: usize,
        /// Count expected.
        expected: usize,
    },
    /// NaN or an infinity in a matrix in memory.
    #[error("view {view}, row {row}, column {column} (from 0): found {found}, expected a finite number")]
    NotFinite {
        /// The view, from 0.
        view: usize,
        /// The sample, from 0.
        row: usize,
        /// The feature, from 0.
        column: usize,
        /// The value.
        found: f32,
    },
    /// A sample that does not exist was asked for.
    #[error("index {found} is out of range, expected less than {rows}, the number of samples")]
    Index {
        /// The index.
        found: usize,
        /// Number of samples.
        rows: usize,
    },
    /// A setting outside its range.
    #[error("{setting} is {}, expected {expected}", shown(.found))]
    Setting {
        /// Name of the field or argument.
        setting: &'static str,
        /// Its value.
        found: String,
        /// The range.
        expected: &'static str,
    },
}

/// Longest piece of a file that a message repeats.
const SHOWN: usize = 40;

/// The beginning of a text, long enough for a message: a cell may be megabytes.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(SHOWN + 1).collect()
}

fn shown(text: &str) -> String {
    if text.is_empty() {
        return "nothing".to_owned();
    }
    let cut: String = text.chars().take(SHOWN).collect();
    let rest = if text.chars().nth(SHOWN).is_some() { "..." } else { "" };
    format!("\"{}{rest}\"", escaped(&cut))
}

fn shown_path(path: &Path) -> String {
    escaped(&path.to_string_lossy())
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => out.push(c),
            _ => out.extend(c.escape_debug()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn malformed(file: &str, found: &str) -> String {
        DataError::Malformed {
            file: file.into(),
            row: 1,
            column: 2,
            found: found.to_owned(),
            expected: "a number",
        }
        .to_string()
    }

    #[test]
    fn a_message_is_one_line_whatever_the_cell_holds() {
        assert_eq!(
            malformed("a.csv", "x\r\n\0\u{1b}[2J\u{202e}é"),
            "a.csv, row 1, column 2: found \"x\\r\\n\\0\\u{1b}[2J\\u{202e}é\", expected a number"
        );
    }

    #[test]
    fn a_message_is_one_line_whatever_the_path_holds() {
        assert!(malformed("a\nb.csv", "x").starts_with("a\\nb.csv, row 1"));
    }

    #[test]
    fn long_cells_are_cut_after_forty_characters() {
        let forty = "ä".repeat(40);
        assert!(malformed("a.csv", &forty).contains(&format!("found \"{forty}\", expected")));
        let more = excerpt(&"ä".repeat(5000));
        assert!(malformed("a.csv", &more).contains(&format!("found \"{forty}...\", expected")));
    }

    #[test]
    fn an_empty_cell_is_called_nothing() {
        assert!(malformed("a.csv", "").contains("found nothing, expected"));
    }

    #[test]
    fn the_error_fits_in_a_result_without_a_box() {
        assert!(size_of::<DataError>() < 128);
    }
}
