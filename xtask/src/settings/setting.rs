//! The types a setting may have: how each is read from a file's value and from a flag's text.

use toml::Value;

/// A value as it came.
#[derive(Clone, Copy)]
pub(crate) enum Given<'a> {
    /// From a file.
    Toml(&'a Value),
    /// From a flag or a variable.
    Text(&'a str),
}

impl Given<'_> {
    /// How a message shows it, at most so long that it fits a line.
    pub(crate) fn shown(&self) -> String {
        let text = match self {
            Given::Toml(Value::Table(_)) => "a table".to_owned(),
            Given::Toml(value) => value.to_string(),
            Given::Text(text) => match text.parse::<f64>() {
                Ok(number) if number.is_nan() => "NaN".into(),
                Ok(_) => (*text).to_owned(),
                Err(_) => format!("{text:?}"),
            },
        };
        match text.char_indices().nth(60) {
            Some((end, _)) => format!("{} …", &text[..end]),
            None => text,
        }
    }
}

/// A type of settings.
pub(crate) trait Setting: Sized {
    /// What it may be, in words.
    fn expected() -> String;
    /// From a file's value.
    fn from_toml(value: &Value) -> Option<Self>;
    /// From a flag's text.
    fn from_text(text: &str) -> Option<Self>;
    /// As a file has it.
    fn to_toml(&self) -> Value;
}

impl Setting for bool {
    fn expected() -> String {
        "true or false".into()
    }
    fn from_toml(value: &Value) -> Option<Self> {
        value.as_bool()
    }
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
    fn to_toml(&self) -> Value {
        Value::Boolean(*self)
    }
}

impl Setting for u64 {
    fn expected() -> String {
        "a whole number from 0 up".into()
    }
    fn from_toml(value: &Value) -> Option<Self> {
        match value {
            // TOML's numbers end at 2^63 - 1; a seed may be larger.
            Value::String(text) => text.parse().ok(),
            _ => value.as_integer()?.try_into().ok(),
        }
    }
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
    fn to_toml(&self) -> Value {
        i64::try_from(*self).map_or_else(|_| Value::String(self.to_string()), Value::Integer)
    }
}

impl Setting for usize {
    fn expected() -> String {
        u64::expected()
    }
    fn from_toml(value: &Value) -> Option<Self> {
        u64::from_toml(value)?.try_into().ok()
    }
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
    fn to_toml(&self) -> Value {
        (*self as u64).to_toml()
    }
}

impl Setting for f64 {
    fn expected() -> String {
        "a number".into()
    }
    fn from_toml(value: &Value) -> Option<Self> {
        value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
    }
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
    fn to_toml(&self) -> Value {
        Value::Float(*self)
    }
}

impl Setting for String {
    fn expected() -> String {
        "text".into()
    }
    fn from_toml(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
    fn to_toml(&self) -> Value {
        Value::String(self.clone())
    }
}

/// A list; on the command line its items stand between commas.
impl<T: Setting> Setting for Vec<T> {
    fn expected() -> String {
        format!("a list, each item {}", T::expected())
    }
    fn from_toml(value: &Value) -> Option<Self> {
        match value {
            Value::Array(items) => items.iter().map(T::from_toml).collect(),
            one => Some(vec![T::from_toml(one)?]),
        }
    }
    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('[').trim_end_matches(']');
        match text.trim() {
            "" => Some(Vec::new()),
            items => items.split(',').map(|item| T::from_text(item.trim())).collect(),
        }
    }
    fn to_toml(&self) -> Value {
        Value::Array(self.iter().map(T::to_toml).collect())
    }
}

/// `none`, because TOML has no word for it, or a value.
impl<T: Setting> Setting for Option<T> {
    fn expected() -> String {
        format!("{}, or \"none\"", T::expected())
    }
    fn from_toml(value: &Value) -> Option<Self> {
        match value.as_str() {
            Some("none") => Some(None),
            _ => T::from_toml(value).map(Some),
        }
    }
    fn from_text(text: &str) -> Option<Self> {
        match text {
            "none" => Some(None),
            _ => T::from_text(text).map(Some),
        }
    }
    fn to_toml(&self) -> Value {
        self.as_ref().map_or_else(|| Value::String("none".into()), T::to_toml)
    }
}

/// An enum of names. The first name of a variant is the one that is written; others are read, too.
macro_rules! names {
    ($(#[$about:meta])* $Enum:ident { $($(#[$doc:meta])* $Variant:ident = $name:literal $(| $other:literal)*),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $Enum { $($(#[$doc])* $Variant,)* }

        impl $Enum {
            /// Its name in files.
            pub(crate) fn name(self) -> &'static str {
                match self { $($Enum::$Variant => $name,)* }
            }
        }

        impl $crate::settings::setting::Setting for $Enum {
            fn expected() -> String {
                format!("one of {}", [$($name),*].join(", "))
            }
            fn from_toml(value: &toml::Value) -> Option<Self> {
                Self::from_text(value.as_str()?)
            }
            fn from_text(text: &str) -> Option<Self> {
                match text {
                    $($name $(| $other)* => Some($Enum::$Variant),)*
                    _ => None,
                }
            }
            fn to_toml(&self) -> toml::Value {
                toml::Value::String(self.name().to_owned())
            }
        }
    };
}
pub(crate) use names;
