//! Each setting as a flag, for clap.

use super::keys::{KEYS, SECTIONS};
use super::layers::{Entry, Origin, Owned, Resolved, text};
use super::section::{Key, TOP};
use crate::failure::Failure;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

/// A configuration from the command line: a file, and flags over it.
#[derive(Args)]
pub(crate) struct ConfigArgs {
    /// TOML file with settings; flags override it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
}

impl ConfigArgs {
    /// Settings with all layers in their place; `base` lies below the file.
    pub(crate) fn resolve(&self, base: Option<&std::path::Path>) -> Result<Resolved, Failure> {
        let files: Vec<&std::path::Path> = base.into_iter().chain(self.config.as_deref()).collect();
        Resolved::new(&files, &self.flags.entries()?)
    }
}

/// The flags that were given, each with its value.
struct Flags(Vec<(&'static Key, OsString)>);

impl Flags {
    fn entries(&self) -> Result<Vec<Entry>, Failure> {
        let entry = |(key, value): &(&'static Key, OsString)| {
            let origin = Origin::Flag(flag(key));
            let value = Owned::Text(text(value.clone(), &origin)?);
            Ok(Entry { key, value, origin })
        };
        self.0.iter().map(entry).collect()
    }
}

/// The shortest name of a setting's flag.
fn flag(key: &Key) -> String {
    key.alias.map_or_else(|| key.name(), str::to_owned)
}

fn argument(key: &Key) -> Arg {
    let name = key.name();
    let mut arg = Arg::new(name.clone())
        .long(flag(key))
        .value_name(key.value)
        .value_parser(clap::value_parser!(OsString))
        // A number may begin with a minus; a name that does is a flag after a value that was forgotten.
        .allow_hyphen_values(!matches!(key.value, "NAME" | "DIR" | "BOOL"))
        .help(brief(key.doc()))
        .long_help(lines(key.doc(), 68).join("\n"));
    if key.alias.is_some_and(|alias| alias != name) {
        arg = arg.alias(name);
    } else if key.section != TOP {
        // There are many: they stand in a list of their own below the page of `--help`.
        arg = arg.hide(true);
    }
    match key.is_switch() {
        true => arg.num_args(0..=1).default_missing_value("true"),
        false => arg,
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        KEYS.iter().fold(command, |command, key| command.arg(argument(key)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let value = |key: &'static Key| Some((key, matches.get_one::<OsString>(&key.name())?.clone()));
        Ok(Flags(KEYS.iter().filter_map(value).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What stands below the page of `--help`: every setting with its default, and what follows on `-h`, too.
pub(crate) fn long_help(after: &str) -> String {
    let defaults = super::Settings::default();
    let mut out = String::from(
        "All settings, each a flag, a key of --config's file and a variable of the\n\
         environment (XTASK_OPTIMIZER__LR). Flags override variables, variables the\n\
         file, the file the preset. Defaults in brackets:\n",
    );
    for (section, about) in SECTIONS {
        let _ = writeln!(out, "\n{}", about.trim());
        for key in KEYS.iter().filter(|key| key.section == *section) {
            let _ = writeln!(out, "  --{} <{}> [{}]", key.name(), key.value, (key.get)(&defaults));
            lines(key.doc(), 70).iter().for_each(|line| {
                let _ = writeln!(out, "        {line}");
            });
        }
    }
    out + "\n" + after
}

/// What fits behind a flag on the short page: the text, or its first part.
fn brief(text: &str) -> &str {
    match text.find([':', ';', '(']) {
        Some(end) if text.len() > 46 => text[..end].trim(),
        _ => text,
    }
}

/// Words in lines of at most `width` columns.
fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("at least one");
        match line.is_empty() {
            true => line.push_str(word),
            false if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            false => lines.push(word.to_owned()),
        }
    }
    lines
}
