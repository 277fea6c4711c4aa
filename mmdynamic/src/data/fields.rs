//! The fields of one line: split at commas, quotes undone.

use std::borrow::Cow;

/// What may stand around a field without being part of it.
pub(super) const BLANK: [char; 2] = [' ', '\t'];

/// A piece of a line that is not a field, and what should have been there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadField<'a> {
    pub(super) found: &'a str,
    pub(super) expected: &'static str,
}

/// Splits a line at commas. A field may be quoted, with `""` for a quote in it (RFC 4180); a line end inside
/// quotes is not allowed, because one line is one row here.
pub(super) fn fields(line: &str) -> Fields<'_> {
    Fields { rest: Some(line) }
}

/// Iterator over the fields of a line, ending with the first bad one.
pub(super) struct Fields<'a> {
    rest: Option<&'a str>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Cow<'a, str>, BadField<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        if rest.trim_start_matches(BLANK).starts_with('"') {
            return Some(self.quoted(rest.trim_start_matches(BLANK)));
        }
        let field = match rest.as_bytes().iter().position(|b| *b == b',') {
            Some(comma) => {
                self.rest = Some(&rest[comma + 1..]);
                &rest[..comma]
            }
            None => rest,
        };
        Some(Ok(Cow::Borrowed(field.trim_matches(BLANK))))
    }
}

impl<'a> Fields<'a> {
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
        rest = rest.trim_start_matches(BLANK);
        if !rest.is_empty() {
            let next = rest.strip_prefix(',');
            self.rest =
                Some(next.ok_or(BadField { found: text, expected: "a comma after the closing quote" })?);
        }
        Ok(Cow::Owned(field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Result<Vec<String>, BadField<'_>> {
        fields(line).map(|field| field.map(Cow::into_owned)).collect()
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
