//! A configuration file: TOML, each value with the line it stands on.

use super::keys::{KEYS, SECTIONS};
use super::layers::{Entry, Origin, Owned, known};
use super::nearest;
use super::section::TOP;
use crate::failure::{Exit, Failure};
use serde::Deserialize;
use std::fs;
use std::path::Path;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use toml::{Spanned, Value};

/// A larger file is taken for another kind of file.
const LIMIT: u64 = 1 << 20;

/// Reads the settings of a file.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, Failure> {
    let name = path.display().to_string();
    let refuse = |reason: String| Failure::new(Exit::Usage, format!("{name}: {reason}"));
    let cannot = |error: std::io::Error| refuse(format!("the configuration cannot be read: {error}"));
    let about = fs::metadata(path).map_err(cannot)?;
    if !about.is_file() {
        return Err(refuse("the configuration is not a regular file; give a TOML file".into()));
    }
    if about.len() > LIMIT {
        return Err(refuse(format!(
            "{} bytes is too long for a configuration; give a TOML file",
            about.len()
        )));
    }
    let bytes = fs::read(path).map_err(cannot)?;
    let text = String::from_utf8(bytes).map_err(|_| refuse("the configuration is not UTF-8 text".into()))?;
    parse(&name, &text)
}

/// The settings in the text of a file.
pub(super) fn parse(file: &str, text: &str) -> Result<Vec<Entry>, Failure> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let reader = Reader { file, text };
    let document = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        reader.refuse(at, &format!("no TOML: {}", error.message().replace('\n', ", ")))
    })?;
    let mut entries = Vec::new();
    for (key, value) in document.into_inner() {
        let (at, name) = (key.span().start, key.into_inner());
        match value.get_ref() {
            DeValue::Table(_) => {
                let DeValue::Table(table) = value.into_inner() else { continue };
                reader.section(at, &name, table, &mut entries)?;
            }
            _ => entries.push(reader.entry(at, &name, value)?),
        }
    }
    Ok(entries)
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
}

impl Reader<'_> {
    fn section(
        &self,
        at: usize,
        name: &str,
        table: DeTable<'_>,
        into: &mut Vec<Entry>,
    ) -> Result<(), Failure> {
        let sections = || SECTIONS.iter().map(|(section, _)| *section).filter(|section| *section != TOP);
        if !sections().any(|section| section == name) {
            if known(name).is_some() {
                return Err(self.refuse(at, &format!("{name} is a table, expected {}", expected(name))));
            }
            let hint = match nearest::name(name, sections()) {
                Some(near) => format!("did you mean [{near}]?"),
                None => format!("the sections are {}", sections().collect::<Vec<_>>().join(", ")),
            };
            return Err(self.refuse(at, &format!("there is no section [{name}]; {hint}")));
        }
        for (key, value) in table {
            let full = format!("{name}.{}", key.get_ref());
            into.push(self.entry(key.span().start, &full, value)?);
        }
        Ok(())
    }

    fn entry(&self, at: usize, name: &str, value: Spanned<DeValue<'_>>) -> Result<Entry, Failure> {
        let Some(key) = known(name) else {
            let hint = match nearest::setting(name) {
                Some(key) => format!("did you mean {}?", key.name()),
                None => "`cargo xtask print-config` shows all settings".into(),
            };
            return Err(self.refuse(at, &format!("there is no setting {name}; {hint}")));
        };
        let value = Value::deserialize(ValueDeserializer::from(value))
            .map_err(|error| self.refuse(at, &format!("{name}: {}", error.message())))?;
        let origin = Origin::File { file: self.file.to_owned(), line: self.line(at) };
        Ok(Entry { key, value: Owned::Toml(value), origin })
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|&byte| byte == b'\n').count()
    }

    fn refuse(&self, at: usize, reason: &str) -> Failure {
        Failure::new(Exit::Usage, format!("{}:{}: {reason}", self.file, self.line(at)))
    }
}

fn expected(name: &str) -> String {
    KEYS.iter().find(|key| key.name() == name).map_or_else(String::new, |key| (key.expected)())
}
