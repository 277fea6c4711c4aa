//! Defaults, preset, file, variables, flags: each overrides what comes before it, and is remembered as the origin.

use super::keys::{KEYS, Settings};
use super::section::Key;
use super::setting::Given;
use super::{file, nearest};
use crate::failure::{Exit, Failure};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;
use toml::Value;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    /// Nobody asked for another.
    Default,
    /// This recipe.
    Preset(&'static str),
    /// A line of a file.
    File { file: String, line: usize },
    /// A variable of the environment.
    Variable(String),
    /// A flag, as it was typed.
    Flag(String),
    /// It follows from others.
    Derived(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::Preset(name) => write!(f, "preset {name}"),
            Origin::File { file, line } => write!(f, "{file}:{line}"),
            Origin::Variable(name) => f.write_str(name),
            Origin::Flag(flag) => write!(f, "--{flag}"),
            Origin::Derived(why) => f.write_str(why),
        }
    }
}

/// A value somebody gave.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(super) key: &'static Key,
    pub(super) value: Owned,
    pub(super) origin: Origin,
}

/// [`Given`], kept.
#[derive(Clone, Debug)]
pub(super) enum Owned {
    Toml(Value),
    Text(String),
}

impl Owned {
    fn given(&self) -> Given<'_> {
        match self {
            Owned::Toml(value) => Given::Toml(value),
            Owned::Text(text) => Given::Text(text),
        }
    }
}

/// Settings, and where each came from.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) settings: Settings,
    /// In the order of [`KEYS`].
    origins: Vec<Origin>,
}

impl Resolved {
    /// Puts the layers over one another: `files` in their order, the environment, the flags.
    pub(crate) fn new(files: &[&Path], flags: &[Entry]) -> Result<Self, Failure> {
        let mut entries = Vec::new();
        for path in files {
            entries.extend(file::read(path)?);
        }
        entries.extend(variables(std::env::vars_os())?);
        entries.extend(flags.iter().cloned());
        Self::from_entries(&entries)
    }

    /// The settings of a file alone.
    pub(crate) fn of_file(path: &Path) -> Result<Self, Failure> {
        Self::from_entries(&file::read(path)?)
    }

    pub(super) fn from_entries(entries: &[Entry]) -> Result<Self, Failure> {
        let mut resolved =
            Resolved { settings: Settings::default(), origins: vec![Origin::Default; KEYS.len()] };
        // The recipe lies below all that was given, so that it must be known first.
        for entry in entries.iter().filter(|entry| entry.key.name() == "preset") {
            resolved.apply(entry)?;
        }
        let preset = resolved.settings.run.preset;
        for (name, value) in preset.settings() {
            let key = known(name).expect("a preset names settings");
            let value = Owned::Text((*value).to_owned());
            resolved.apply(&Entry { key, value, origin: Origin::Preset(preset.name()) })?;
        }
        for entry in entries {
            resolved.apply(entry)?;
        }
        resolved.derive();
        resolved.check()?;
        Ok(resolved)
    }

    fn apply(&mut self, Entry { key, value, origin }: &Entry) -> Result<(), Failure> {
        if !(key.set)(&mut self.settings, value.given()) {
            let (name, found, expected) = (key.name(), value.given().shown(), (key.expected)());
            return Err(Failure::new(
                Exit::Usage,
                format!("{origin}: {name} is {found}, expected {expected}"),
            ));
        }
        *self.origin_mut(&key.name()) = origin.clone();
        Ok(())
    }

    /// Where a setting's value came from.
    pub(crate) fn origin(&self, name: &str) -> &Origin {
        &self.origins[position(name)]
    }

    fn origin_mut(&mut self, name: &str) -> &mut Origin {
        &mut self.origins[position(name)]
    }

    /// The settings of one seed alone.
    pub(crate) fn of_seed(&self, seed: u64) -> Self {
        let mut alone = self.clone();
        if self.settings.run.seeds > 1 {
            alone.settings.run.seed = seed;
            alone.settings.run.seeds = 1;
            *alone.origin_mut("seed") = Origin::Derived("one of several seeds");
            *alone.origin_mut("seeds") = Origin::Derived("one of several seeds");
        }
        alone
    }

    /// What nobody asked for follows what somebody asked for.
    fn derive(&mut self) {
        let nobody = matches!(self.origin("callbacks.checkpoint"), Origin::Default | Origin::Preset(_));
        if self.settings.data.validation == 0.0 && nobody {
            let is_last = self.settings.callbacks.checkpoint == super::Choice::Last;
            if !is_last {
                self.settings.callbacks.checkpoint = super::Choice::Last;
                *self.origin_mut("callbacks.checkpoint") = Origin::Derived("no validation rows");
            }
        }
    }
}

fn position(name: &str) -> usize {
    KEYS.iter().position(|key| key.name() == name).expect("a setting of the table")
}

/// The setting of this name.
pub(super) fn known(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name() == name)
}

/// The settings among the variables of the environment: all that begin with `XTASK_`.
fn variables(all: impl Iterator<Item = (OsString, OsString)>) -> Result<Vec<Entry>, Failure> {
    let mut named: Vec<_> = all.filter(|(name, _)| name.as_encoded_bytes().starts_with(b"XTASK_")).collect();
    named.sort();
    named.into_iter().map(|(name, value)| variable(&name, value)).collect()
}

fn variable(name: &OsStr, value: OsString) -> Result<Entry, Failure> {
    let name = name.to_string_lossy();
    let Some(key) = KEYS.iter().find(|key| key.variable() == name) else {
        let given = name.trim_start_matches("XTASK_").replace("__", ".");
        let hint = match nearest::setting(&given) {
            Some(key) => format!("did you mean {}?", key.variable()),
            None => "`cargo xtask train --help` lists the settings; unset it".into(),
        };
        return Err(Failure::new(
            Exit::Usage,
            format!("{name}: the environment names a setting that is not there; {hint}"),
        ));
    };
    let origin = Origin::Variable(name.into_owned());
    Ok(Entry { key, value: Owned::Text(text(value, &origin)?), origin })
}

/// A value must be text, because a configuration is.
pub(super) fn text(value: OsString, origin: &Origin) -> Result<String, Failure> {
    value.into_string().map_err(|value| {
        let shown = value.to_string_lossy();
        let message = format!("{origin}: {shown:?} is not UTF-8, and a configuration cannot hold it");
        Failure::new(Exit::Usage, message).with("give a name in UTF-8, as a link may be")
    })
}
