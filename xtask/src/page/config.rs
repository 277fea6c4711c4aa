//! The configuration of a run, as keys with dots and values: from the run folder's `hparams.yaml`.

use crate::failure::{Exit, Failure};
use crate::page::words::tidy;
use std::io::ErrorKind;
use std::path::Path;

/// Of no file: none.
pub(crate) fn read(folder: &Path) -> Result<Vec<(String, String)>, Failure> {
    let path = folder.join("hparams.yaml");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(flatten(&text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Failure::new(Exit::Data, format!("{}: cannot be read: {error}", path.display()))),
    }
}

/// Of YAML only what the csv logger writes: maps by indentation, lists of plain values, a value a line.
fn flatten(text: &str) -> Vec<(String, String)> {
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut all: Vec<(String, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim();
        if let Some(item) = line.strip_prefix("- ") {
            match all.last_mut() {
                Some((_, value)) if value.is_empty() => *value = plain(item),
                Some((_, value)) => *value += &format!(", {}", plain(item)),
                None => {}
            }
            continue;
        }
        let Some((key, value)) = line.split_once(':') else { continue };
        path.retain(|(outer, _)| *outer < indent);
        path.push((indent, plain(key)));
        let name: Vec<&str> = path.iter().map(|(_, key)| key.as_str()).collect();
        all.push((name.join("."), plain(value)));
    }
    // Keys that only hold others have no value of their own.
    all.retain(|(_, value)| !value.is_empty());
    all
}

fn plain(text: &str) -> String {
    tidy(text.trim().trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_carry_the_names_of_what_they_stand_in() {
        let text =
            "binary: true\nconfig:\n  lr: 0.001\n  hidden_dim:\n  - 500\n  - 200\nrun:\n  data: \"a: b\"\n";
        let expected = [
            ("binary", "true"),
            ("config.lr", "0.001"),
            ("config.hidden_dim", "500, 200"),
            ("run.data", "a: b"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(flatten(text), expected);
    }
}
