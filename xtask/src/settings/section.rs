//! From the table of settings to structs with fields, and to a list that files, flags and help go through.

use super::Settings;
use super::setting::{Given, Setting};
use toml::Value;

/// One setting, as files, variables, flags and documents see it.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its section; settings of `run` stand at the top of a file, without a section.
    pub(crate) section: &'static str,
    /// Its field.
    pub(super) field: &'static str,
    /// One line for people.
    pub(super) doc: &'static str,
    /// What stands for its value in help.
    pub(crate) value: &'static str,
    /// A short flag.
    pub(crate) alias: Option<&'static str>,
    /// What it may be.
    pub(crate) expected: fn() -> String,
    /// Takes a value over, if it is one that the setting may have.
    pub(crate) set: fn(&mut Settings, Given<'_>) -> bool,
    /// Its value.
    pub(crate) get: fn(&Settings) -> Value,
}

/// The section whose settings have no section in files and flags.
pub(crate) const TOP: &str = "run";

impl Key {
    /// `optimizer.lr`, or `seed`.
    pub(crate) fn name(&self) -> String {
        match self.section {
            TOP => self.short(),
            section => format!("{section}.{}", self.short()),
        }
    }

    /// `max-epochs`, without the section.
    pub(crate) fn short(&self) -> String {
        self.field.replace('_', "-")
    }

    /// `XTASK_TRAINER__MAX_EPOCHS`.
    pub(crate) fn variable(&self) -> String {
        let field = self.field.to_ascii_uppercase();
        match self.section {
            TOP => format!("XTASK_{field}"),
            section => format!("XTASK_{}__{field}", section.to_ascii_uppercase()),
        }
    }

    /// One line for people.
    pub(crate) fn doc(&self) -> &'static str {
        self.doc.trim()
    }

    /// Whether a flag may stand without a value, which means `true`.
    pub(crate) fn is_switch(&self) -> bool {
        self.value == "BOOL"
    }
}

/// The range of a setting.
pub(crate) struct Rule<T> {
    /// In words.
    pub(crate) expected: &'static str,
    /// Whether a value lies in it.
    pub(crate) holds: fn(&T) -> bool,
}

/// Takes a value over if type and range fit.
pub(super) fn set<T: Setting>(place: &mut T, given: Given<'_>, rule: Option<&Rule<T>>) -> bool {
    let read = match given {
        Given::Toml(value) => T::from_toml(value),
        Given::Text(text) => T::from_text(text),
    };
    match read {
        Some(value) if rule.is_none_or(|rule| (rule.holds)(&value)) => {
            *place = value;
            true
        }
        _ => false,
    }
}

/// A struct per section with its defaults, all of them in [`Settings`], and the list `KEYS` of their fields.
macro_rules! sections {
    (@rule) => { None };
    (@rule $rule:expr) => { Some(&$rule) };
    (@alias) => { None };
    (@alias $alias:literal) => { Some($alias) };
    (@expected $type:ty) => { || <$type as $crate::settings::setting::Setting>::expected() };
    (@expected $type:ty, $rule:expr) => { || $rule.expected.to_owned() };
    ($(
        #[doc = $about:literal]
        $section:ident: $Section:ident {
            $(
                #[doc = $doc:literal]
                $field:ident: $type:ty = $default:expr
                    $(, is $rule:expr)?, value $value:literal $(, alias $alias:literal)?;
            )*
        }
    )*) => {
        $(
            #[doc = $about]
            #[derive(Clone, Debug, PartialEq)]
            pub(crate) struct $Section {
                $(
                    #[doc = $doc]
                    pub(crate) $field: $type,
                )*
            }

            impl Default for $Section {
                fn default() -> Self {
                    $Section { $($field: $default,)* }
                }
            }
        )*

        /// Every setting of a training.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub(crate) struct Settings {
            $(
                #[doc = $about]
                pub(crate) $section: $Section,
            )*
        }

        /// Every setting, in the order of the file.
        pub(crate) const KEYS: &[$crate::settings::section::Key] = &[
            $($($crate::settings::section::Key {
                section: stringify!($section),
                field: stringify!($field),
                doc: $doc,
                value: $value,
                alias: sections!(@alias $($alias)?),
                expected: sections!(@expected $type $(, $rule)?),
                set: |settings, given| {
                    $crate::settings::section::set(
                        &mut settings.$section.$field, given, sections!(@rule $($rule)?))
                },
                get: |settings| $crate::settings::setting::Setting::to_toml(&settings.$section.$field),
            },)*)*
        ];

        /// The sections in the order of the file, each with what it is about.
        pub(crate) const SECTIONS: &[(&str, &str)] = &[$((stringify!($section), $about),)*];
    };
}
pub(super) use sections;
