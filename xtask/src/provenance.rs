//! What a run was made from: its settings with their origins (`config.toml`), and hashes of settings and data (`run.json`).

use crate::failure::{Exit, Failure};
use crate::settings::Resolved;
use crate::source::Source;
use lightning_core::checkpoint::write_atomically;
use mmdynamic::data::{Cohort, MultiOmics};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The run folder's `run.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Provenance {
    /// Version of this program.
    pub(crate) program: String,
    /// [`data_hash`], or that of the generated cohort.
    pub(crate) data_hash: String,
    /// [`config_hash`].
    pub(crate) config_hash: String,
    pub(crate) seed: u64,
}

impl Provenance {
    /// Reads the `run.json` of a run folder.
    pub(crate) fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("run.json");
        let refuse = |reason: String| Failure::new(Exit::Usage, format!("{}: {reason}", path.display()));
        let text = fs::read(&path).map_err(|error| refuse(format!("cannot be read: {error}")))?;
        serde_json::from_slice(&text).map_err(|error| {
            refuse(format!("is not as `train` wrote it: {error}")).with("begin another run without --resume")
        })
    }

    /// Writes `config.toml` and `run.json` into a run folder.
    pub(crate) fn write(&self, folder: &Path, config: &Resolved) -> Result<(), Failure> {
        let json = serde_json::to_string_pretty(self).expect("plain text and a number") + "\n";
        for (name, text) in [("config.toml", config.to_toml()), ("run.json", json)] {
            let path = folder.join(name);
            write_atomically(&path, text.as_bytes()).map_err(|error| Failure::writing(&path, &error))?;
        }
        Ok(())
    }
}

/// SHA-256 of the settings that decide what is learnt; seeds, paths and loggers do not count.
pub(crate) fn config_hash(config: &Resolved) -> String {
    config.hash()
}

/// The hash of the data in `path`, with the map of a table's columns, or of the generated cohort where none was given.
pub(crate) fn data_hash(path: Option<&Path>, source: &Source) -> Result<String, Failure> {
    let Some(path) = path else { return Ok(cohort_hash(&source.cohort)) };
    let hash = files_hash(path)?;
    let Some(map) = &source.columns else { return Ok(hash) };
    let map = serde_json::to_string(map).expect("plain text and numbers");
    Ok(hex(&Sha256::digest(hash + &map)))
}

fn files_hash(path: &Path) -> Result<String, Failure> {
    data_files(path).and_then(|files| hash_of_files(&files)).map_err(|error| {
        Failure::new(Exit::Data, format!("{}: its hash cannot be computed: {error}", path.display()))
    })
}

/// The files that data consists of: `path` itself, or those of its layout in the folder.
fn data_files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        if file.file_name().and_then(|name| name.to_str()).is_some_and(is_of_layout) && file.is_file() {
            files.push(file);
        }
    }
    Ok(files)
}

fn is_of_layout(name: &str) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let Some((stem, "csv" | "tsv" | "npy")) = name.rsplit_once('.') else { return false };
    let (first, part) = stem.split_once('_').unwrap_or((stem, ""));
    match part {
        "" => first == "classes",
        "tr" | "te" => first == "labels" || first == "samples" || first.bytes().all(|b| b.is_ascii_digit()),
        _ => part == "featname" && first.bytes().all(|b| b.is_ascii_digit()),
    }
}

/// SHA-256 of files: of each its name, its length and its bytes, in the order of the names.
fn hash_of_files(files: &[PathBuf]) -> io::Result<String> {
    let mut files: Vec<&PathBuf> = files.iter().collect();
    files.sort_by_key(|path| path.file_name());
    let mut sha = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    for path in files {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let mut file = File::open(path)?;
        sha.update((name.len() as u64).to_le_bytes());
        sha.update(name);
        sha.update(file.metadata()?.len().to_le_bytes());
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => sha.update(&buffer[..read]),
            }
        }
    }
    Ok(hex(&sha.finalize()))
}

/// SHA-256 of a cohort that comes from no file: of its labels and the bits of its numbers.
fn cohort_hash(cohort: &Cohort) -> String {
    let mut sha = Sha256::new();
    for MultiOmics { views, labels, .. } in [&cohort.train, &cohort.test] {
        labels.iter().for_each(|label| sha.update((*label as u64).to_le_bytes()));
        for view in views {
            sha.update((view.ncols() as u64).to_le_bytes());
            view.iter().for_each(|number| sha.update(number.to_le_bytes()));
        }
    }
    hex(&sha.finalize())
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_layout_count_and_what_a_run_may_leave_beside_them_does_not() {
        for name in ["1_tr.csv", "12_te.csv.gz", "labels_tr.csv", "1_featname.csv", "classes.csv", "2_tr.npy"]
        {
            assert!(is_of_layout(name), "{name}");
        }
        for name in ["predictions.csv", "1_tr.csv.tmp", "README.md", "x_tr.csv", "labels.txt"] {
            assert!(!is_of_layout(name), "{name}");
        }
    }

    #[test]
    fn the_hash_of_files_depends_on_names_and_bytes_and_not_on_where_they_lie() {
        let dirs = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
        let files = |dir: &tempfile::TempDir, names: [&str; 2]| -> Vec<PathBuf> {
            names.iter().map(|name| dir.path().join(name)).collect()
        };
        for dir in &dirs {
            fs::write(dir.path().join("a"), "12").expect("a file");
            fs::write(dir.path().join("b"), "3").expect("a file");
            fs::write(dir.path().join("c"), "123").expect("a file");
        }
        let hash = |files: &[PathBuf]| hash_of_files(files).expect("a hash");
        let first = hash(&files(&dirs[0], ["a", "b"]));
        assert_eq!(first, hash(&files(&dirs[1], ["b", "a"])));
        assert_ne!(first, hash(&files(&dirs[0], ["a", "c"])));
        fs::write(dirs[0].path().join("a"), "1").expect("a file");
        fs::write(dirs[0].path().join("b"), "23").expect("a file");
        assert_ne!(first, hash(&files(&dirs[0], ["a", "b"])));
        assert_eq!(first.len(), 64);
        assert_eq!(hash(&[]), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert!(hash_of_files(&[dirs[0].path().join("none")]).is_err());
    }
}
