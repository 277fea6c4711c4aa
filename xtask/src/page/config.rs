//! The configuration of a run, as keys with dots and values: `config.toml` of the run folder.

use crate::failure::{Exit, Failure};
use crate::page::words::tidy;
use std::io::ErrorKind;
use std::path::Path;
use toml::{Table, Value};

/// Of no file: none.
pub(crate) fn read(folder: &Path) -> Result<Vec<(String, String)>, Failure> {
    let path = folder.join("config.toml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Failure::new(Exit::Data, format!("{}: cannot be read: {error}", path.display())));
        }
    };
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let cure = "restore the file, or remove it to have the page without the configuration";
        Failure::new(Exit::Data, format!("{}: damaged: {}; {cure}", path.display(), error.message()))
    })?;
    let mut all = Vec::new();
    flatten("", &table, &mut all);
    Ok(all)
}

fn flatten(outer: &str, table: &Table, all: &mut Vec<(String, String)>) {
    for (key, value) in table {
        let name = if outer.is_empty() { key.clone() } else { format!("{outer}.{key}") };
        match value {
            Value::Table(inner) => flatten(&name, inner, all),
            value => all.push((tidy(&name), tidy(&shown(value)))),
        }
    }
}

/// Text without its quotes, lists with commas.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_carry_the_names_of_what_they_stand_in() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path()).unwrap().is_empty());
        let text = "binary = true\n[model]\nhidden_dim = [500, 200]\nlr = 0.001\n[run]\ndata = \"a: b\"\n";
        std::fs::write(dir.path().join("config.toml"), text).unwrap();
        let found = read(dir.path()).unwrap();
        let expected = [
            ("binary", "true"),
            ("model.hidden_dim", "500, 200"),
            ("model.lr", "0.001"),
            ("run.data", "a: b"),
        ];
        assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        std::fs::write(dir.path().join("config.toml"), "= 3").unwrap();
        assert_eq!(read(dir.path()).unwrap_err().exit, Exit::Data);
    }
}
