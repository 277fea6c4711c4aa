//! Names of features and classes, one a line.
//!
//! A name is the whole line: commas, bars and spaces belong to it (`FOXC1|2296`, `carcinoma, invasive`). Only
//! a line that begins with a quote is read as one quoted field.

use std::path::Path;

use super::error::{DataError, excerpt};
use super::fields::{BLANK, Delimiter, fields};
use super::lines::{Limits, Lines};

/// Reads one name a line.
pub(super) fn read_names(file: &Path, limits: &Limits) -> Result<Vec<String>, DataError> {
    let mut lines = Lines::open(file, limits)?;
    let mut names = Vec::new();
    while let Some((row, line)) = lines.next()? {
        names.push(name(line).map_err(|expected| DataError::Malformed {
            file: file.to_owned(),
            row,
            column: 1,
            found: excerpt(line),
            expected,
        })?);
    }
    if names.is_empty() {
        return Err(DataError::Empty { file: file.to_owned() });
    }
    Ok(names)
}

fn name(line: &str) -> Result<String, &'static str> {
    let line = line.trim_matches(BLANK);
    let name = if line.starts_with('"') {
        let mut quoted = fields(line, Delimiter::Comma);
        let name = quoted.next().transpose().map_err(|bad| bad.expected)?.unwrap_or_default().into_owned();
        if quoted.next().is_some() {
            return Err("one name a line, with both its quotes around all of it");
        }
        name
    } else {
        line.to_owned()
    };
    if name.is_empty() {
        return Err("a name");
    }
    if name.contains(char::is_control) {
        return Err("a name without control characters");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_whole_line() {
        for (line, expected) in [
            ("FOXC1|2296", "FOXC1|2296"),
            ("carcinoma, invasive", "carcinoma, invasive"),
            ("  Alzheimer's Disease\t", "Alzheimer's Disease"),
            (r#""a ""b"", c""#, r#"a "b", c"#),
            (r#"5" end"#, r#"5" end"#),
        ] {
            assert_eq!(name(line).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_name_has_an_end_and_can_be_printed() {
        for line in [r#""a"#, r#""a","b""#, r#""""#, "a\0b", "a\tb"] {
            assert!(name(line).is_err(), "{line:?}");
        }
    }
}
