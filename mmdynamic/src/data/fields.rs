//! The fields of one line: split at commas or tabs, quotes undone.

use std::borrow::Cow;
use std::path::Path;

/// What may stand around a field without being part of it.
pub(super) const BLANK: [char; 2] = [' ', '\t'];

/// What stands between two fields of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    /// `,`
    Comma,
    /// A tab.
    Tab,
}

impl Delimiter {
    /// A tab for `.tsv` and `.tsv.gz`, a comma for all else.
    pub(super) fn of(file: &Path) -> Self {
        let name =
            file.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        if plain.ends_with(".tsv") { Delimiter::Tab } else { Delimiter::Comma }
    }

    /// The delimiter as it stands in a file.
    pub(super) fn byte(self) -> u8 {
        match self {
            Delimiter::Comma => b',',
            Delimiter::Tab => b'\t',
        }
    }

    /// Blanks around a field; between tabs a tab is none.
    fn blank(self) -> &'static [char] {
        match self {
            Delimiter::Comma => &BLANK,
            Delimiter::Tab => &BLANK[..1],
        }
    }
}

/// A piece of a line that is not a field, and what should have been there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadField<'a> {
    pub(super) found: &'a str,
    pub(super) expected: &'static str,
}

/// Splits a line at its delimiters. A field may be quoted, with `""` for a quote in it (RFC 4180); a line end inside
/// quotes is not allowed, because one line is one row here.
pub(super) fn fields(line: &str, delimiter: Delimiter) -> Fields<'_> {
    Fields { rest: Some(line), delimiter }
}

/// Iterator over the fields of a line, ending with the first bad one.
pub(super) struct Fields<'a> {
    rest: Option<&'a str>,
    delimiter: Delimiter,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Cow<'a, str>, BadField<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        let blank = self.delimiter.blank();
        if rest.trim_start_matches(blank).starts_with('"') {
            return Some(self.quoted(rest.trim_start_matches(blank)));
        }
        let end = self.delimiter.byte();
        let field = match rest.as_bytes().iter().position(|b| *b == end) {
            Some(end) => {
                self.rest = Some(&rest[end + 1..]);
                &rest[..end]
            }
            None => rest,
        };
        Some(Ok(Cow::Borrowed(field.trim_matches(blank))))
    }
}

impl<'a> Fields<'a> {
    /// How many fields are left, at most: delimiters in quotes count too.
    pub(super) fn at_most(&self) -> usize {
        let end = self.delimiter.byte();
        self.rest.map_or(0, |rest| 1 + rest.bytes().filter(|b| *b == end).count())
    }

    /// `text` begins with a quote.
    fn quoted(&mut self, text: &'a str) -> Result<Cow<'a, str>, BadField<'a>> {
        let mut field = String::new();
        let mut rest = &text[1..];
        loop {
            let Some(quote) = rest.find('"') else {
                return Err(BadField { found: text, expected: "a closing quote in the same line" });
            };
            field.push_str(&rest[..quote]);
            rest = &rest[quote + 1..];
            match rest.strip_prefix('"') {
                Some(more) => {
                    field.push('"');
                    rest = more;
                }
                None => break,
            }
        }
        rest = rest.trim_start_matches(self.delimiter.blank());
        if !rest.is_empty() {
            let (end, expected) = match self.delimiter {
                Delimiter::Comma => (',', "a comma after the closing quote"),
                Delimiter::Tab => ('\t', "a tab after the closing quote"),
            };
            self.rest = Some(rest.strip_prefix(end).ok_or(BadField { found: text, expected })?);
        }
        Ok(Cow::Owned(field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_at(line: &str, delimiter: Delimiter) -> Result<Vec<String>, BadField<'_>> {
        fields(line, delimiter).map(|field| field.map(Cow::into_owned)).collect()
    }

    #[test]
    fn the_name_tells_the_delimiter() {
        let of = |name: &str| Delimiter::of(Path::new(name));
        assert_eq!([of("a/x.tsv"), of("x.TSV.gz"), of("x.csv"), of("tsv")].map(Delimiter::byte), *b"\t\t,,");
    }

    fn split(line: &str) -> Result<Vec<String>, BadField<'_>> {
        split_at(line, Delimiter::Comma)
    }

    #[test]
    fn between_tabs_a_comma_is_text_and_an_empty_field_a_field() {
        assert_eq!(split_at("a, b\t\t \"c\td\" \t", Delimiter::Tab).unwrap(), ["a, b", "", "c\td", ""]);
        let bad = split_at("1\t\"2\"x", Delimiter::Tab).unwrap_err();
        assert_eq!(bad.expected, "a tab after the closing quote");
    }

    #[test]
    fn every_comma_makes_a_field() {
        assert_eq!(split("1,2").unwrap(), ["1", "2"]);
        assert_eq!(split(",").unwrap(), ["", ""]);
        assert_eq!(split("1,").unwrap(), ["1", ""]);
        assert_eq!(split("").unwrap(), [""]);
    }

    #[test]
    fn quotes_and_blanks_around_a_field_are_undone() {
        assert_eq!(split(r#" 1 , "2" ,"a ""b"", c","" "#).unwrap(), ["1", "2", r#"a "b", c"#, ""]);
        assert_eq!(split(r#""1","#).unwrap(), ["1", ""]);
        assert_eq!(split("\"\"").unwrap(), [""]);
    }

    #[test]
    fn a_quote_must_end_and_end_the_field() {
        assert_eq!(split(r#"1,"2,3"#).unwrap_err().found, r#""2,3"#);
        assert_eq!(split(r#"1,"2"""#).unwrap_err().expected, "a closing quote in the same line");
        assert_eq!(split(r#"1,"2"x,3"#).unwrap_err().expected, "a comma after the closing quote");
    }
}
