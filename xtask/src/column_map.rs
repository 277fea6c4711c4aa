//! The file that says what the columns of a wide table are.

use crate::failure::{Exit, Failure};
use mmdynamic::data::ColumnMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A map that is longer is none: a name for each of a million columns takes less.
const MOST_BYTES: u64 = 64 << 20;

const EXAMPLE: &str =
    "for example the lines `label = \"subtype\"`, `split = \"set\"`, `views = [\"mrna_*\", \"cg*\"]`";

/// Where the map of a table is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Columns {
    /// Beside it: `cohort.toml` or `cohort.json` for `cohort.csv`.
    #[default]
    Beside,
    /// In this file.
    File(PathBuf),
    /// Here, as a checkpoint has it.
    Map(ColumnMap),
}

impl Columns {
    /// The map for `table`.
    pub(crate) fn of(&self, table: &Path) -> Result<ColumnMap, Failure> {
        match self {
            Columns::Map(map) => Ok(map.clone()),
            Columns::File(file) => read(file),
            Columns::Beside => {
                let [toml, json] = beside(table);
                match (toml.exists(), json.exists()) {
                    (true, _) => read(&toml),
                    (_, true) => read(&json),
                    _ => Err(Failure::new(
                        Exit::Usage,
                        format!(
                            "{}: a table needs a column map: write {} beside it, or name one by --data.columns; {EXAMPLE}",
                            table.display(),
                            toml.display()
                        ),
                    )),
                }
            }
        }
    }
}

fn beside(table: &Path) -> [PathBuf; 2] {
    let packed = table.extension().is_some_and(|end| end == "gz");
    let plain = if packed { table.with_extension("") } else { table.to_owned() };
    ["toml", "json"].map(|end| plain.with_extension(end))
}

/// Reads a map from TOML, or from JSON where the name says so.
fn read(file: &Path) -> Result<ColumnMap, Failure> {
    let refuse = |why: String| Failure::new(Exit::Usage, format!("{}: {why}", file.display()));
    let unreadable = |error: std::io::Error| refuse(format!("cannot be read: {error}"));
    let found = fs::metadata(file).map_err(unreadable)?;
    if !found.is_file() || found.len() > MOST_BYTES {
        return Err(refuse(format!("is no column map: a plain file of text, {EXAMPLE}")));
    }
    let text = fs::read_to_string(file).map_err(unreadable)?;
    if file.extension().is_some_and(|end| end == "json") {
        return serde_json::from_str(&text).map_err(|error| refuse(format!("is no column map: {error}")));
    }
    toml::from_str(&text).map_err(|error| {
        let line =
            error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
        refuse(format!("is no column map: line {line}: {}", error.message()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_lies_beside_the_table_also_of_a_packed_one() {
        let of = |table: &str| beside(Path::new(table)).map(|path| path.display().to_string());
        assert_eq!(of("a/cohort.csv"), ["a/cohort.toml", "a/cohort.json"]);
        assert_eq!(of("cohort.v2.tsv.gz"), ["cohort.v2.toml", "cohort.v2.json"]);
    }

    #[test]
    fn a_fault_in_a_map_is_told_with_its_line() {
        let dir = tempfile::tempdir().expect("a folder");
        let message = |name: &str, text: &str| {
            let file = dir.path().join(name);
            fs::write(&file, text).expect("a file");
            read(&file).expect_err("a fault").message
        };
        let unknown = message("a.toml", "label = \"x\"\nvews = [\"a\"]\n");
        assert!(unknown.contains("a.toml: is no column map: line 2: unknown field `vews`"), "{unknown}");
        assert!(message("b.toml", "label = 5\n").contains("line 1"), "a number");
        assert!(message("c.json", "{\"label\": \"x\",\n\"views\": 3}").contains("line 2"), "json");
    }
}
