//! `docs/configuration.md` has the table of settings; here is what it must say.

use super::Settings;
use super::keys::{KEYS, SECTIONS};
use super::section::TOP;
use std::fmt::Write as _;
use std::{fs, path::Path};

/// The table, a section after the other.
fn table() -> String {
    let defaults = Settings::default();
    let mut out = String::new();
    for (section, about) in SECTIONS {
        let title = if *section == TOP { "At the top" } else { section };
        let _ = writeln!(
            out,
            "\n### {title}\n\n{}\n\n| key | default | may be | meaning |\n|---|---|---|---|",
            about.trim()
        );
        for key in KEYS.iter().filter(|key| key.section == *section) {
            let short = key.alias.filter(|alias| *alias != key.name());
            let short = short.map_or_else(String::new, |alias| format!(", `--{alias}`"));
            let (value, expected) = ((key.get)(&defaults), (key.expected)());
            let _ = writeln!(out, "| `{}`{short} | `{value}` | {expected} | {} |", key.name(), key.doc());
        }
    }
    out
}

const BEGIN: &str =
    "<!-- the table of settings; `UPDATE_DOCS=1 cargo test -p xtask document` writes it -->\n";

#[test]
fn the_document_has_every_setting_as_the_table_has_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let text = fs::read_to_string(&path).expect("the document");
    let (before, after) = text.split_once(BEGIN).expect("the place of the table");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{}", table())).expect("written");
        return;
    }
    assert!(after == table(), "docs/configuration.md is old: UPDATE_DOCS=1 cargo test -p xtask document");
}

#[test]
fn no_setting_is_named_twice_and_each_preset_names_settings_that_are_there() {
    let mut flags: Vec<String> = KEYS.iter().map(|key| key.name()).collect();
    flags.extend(
        KEYS.iter().filter_map(|key| key.alias.filter(|alias| *alias != key.name())).map(str::to_owned),
    );
    flags.sort();
    assert!(flags.windows(2).all(|pair| pair[0] != pair[1]), "{flags:?}");
    use super::values::Preset;
    for preset in [Preset::Post, Preset::PaperRosmap, Preset::PaperBrca, Preset::Quick] {
        for (name, value) in preset.settings() {
            let key = KEYS.iter().find(|key| key.name() == *name).expect(name);
            assert!(
                (key.set)(&mut Settings::default(), super::setting::Given::Text(value)),
                "{name} {value}"
            );
        }
    }
}
