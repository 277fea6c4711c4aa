//! Settings as a file that gives them again, and as a hash.

use super::keys::{KEYS, SECTIONS};
use super::layers::Resolved;
use super::section::{Key, TOP};
use crate::failure::one_line;
use crate::provenance::hex;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

impl Resolved {
    /// The file: each value with what it means above it and where it came from behind it.
    pub(crate) fn to_toml(&self) -> String {
        let mut out =
            String::from("# Every setting of `cargo xtask train`; behind each, where its value came from.\n");
        for (section, about) in SECTIONS {
            match *section {
                TOP => out.push('\n'),
                section => {
                    let _ = writeln!(out, "\n# {}\n[{section}]", about.trim());
                }
            }
            for key in KEYS.iter().filter(|key| key.section == *section) {
                let value = (key.get)(&self.settings);
                let origin = one_line(&self.origin(&key.name()).to_string());
                let _ = writeln!(out, "# {}\n{} = {value}  # {origin}", key.doc(), key.short());
            }
        }
        out
    }

    /// SHA-256 of all that decides what is learnt: of the recipe, not of seeds, paths and loggers.
    pub(crate) fn hash(&self) -> String {
        let mut sha = Sha256::new();
        for key in KEYS.iter().filter(|key| decides(key)) {
            sha.update(format!("{} = {}\n", key.name(), (key.get)(&self.settings)));
        }
        hex(&sha.finalize())
    }

    /// The first setting of one run that is another in `other`, with both values.
    pub(crate) fn difference(&self, other: &Resolved) -> Option<(String, String, String)> {
        let differs = |key: &&Key| {
            (decides(key) || matches!(key.name().as_str(), "preset" | "seed"))
                && (key.get)(&self.settings) != (key.get)(&other.settings)
        };
        let key = KEYS.iter().find(differs)?;
        let of = |resolved: &Resolved| (key.get)(&resolved.settings).to_string();
        Some((key.name(), of(self), of(other)))
    }
}

fn decides(key: &Key) -> bool {
    // What lies at the path has a hash of its own, with the map of its columns.
    let decides_nothing = ["data.path", "data.format", "data.columns", "trainer.threads"];
    !matches!(key.section, TOP | "loggers" | "report") && !decides_nothing.contains(&key.name().as_str())
}
