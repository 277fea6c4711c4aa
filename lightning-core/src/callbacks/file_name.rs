//! Names of checkpoint files, made from a template as Lightning makes them.
//!
//! `{epoch:02d}-{val_loss:.2f}` becomes `epoch=07-val_loss=0.31`: the parts in braces are filled with values, behind
//! their names unless these are switched off. A value that was not logged counts as 0.

use crate::Metrics;

/// What a template can name besides logged values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    pub(super) epoch: usize,
    pub(super) step: u64,
    pub(super) metrics: &'a Metrics,
}

enum Value {
    Whole(u64),
    Real(f64),
}

impl Moment<'_> {
    fn value(&self, name: &str) -> Value {
        match name {
            "epoch" => Value::Whole(self.epoch as u64),
            "step" => Value::Whole(self.step),
            _ => self.metrics.get(name).map_or(Value::Whole(0), |&value| Value::Real(value)),
        }
    }

    /// Fills a template.
    ///
    /// # Errors
    /// If a brace is not closed or a format is not one of `d`, `f`, `e` with width and precision.
    pub(super) fn fill(&self, template: &str, insert_names: bool) -> Result<String, String> {
        let mut name = String::new();
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            name.push_str(&rest[..open]);
            let close = rest[open..].find('}').map(|close| open + close);
            let close = close.ok_or_else(|| format!("filename `{template}`: a brace is not closed"))?;
            let (key, format) = rest[open + 1..close].split_once(':').unwrap_or((&rest[open + 1..close], ""));
            if insert_names {
                name.push_str(key);
                name.push('=');
            }
            let shown = Format::parse(format).and_then(|format| format.show(&self.value(key)));
            name.push_str(&shown.ok_or_else(|| {
                format!("filename `{template}`: cannot write `{key}` as `{format}`; use a format like 02d, .2f or .1e")
            })?);
            rest = &rest[close + 1..];
        }
        Ok(name + rest)
    }
}

/// The part of Python's format language that names of files need: `[0][width][.precision][d|f|e]`.
struct Format {
    zeros: bool,
    width: usize,
    precision: Option<usize>,
    kind: Option<char>,
}

impl Format {
    fn parse(text: &str) -> Option<Self> {
        let kind = text.chars().last().filter(char::is_ascii_alphabetic);
        let digits = kind.map_or(text, |kind| &text[..text.len() - kind.len_utf8()]);
        let (width, precision) = match digits.split_once('.') {
            Some((width, precision)) => (width, Some(precision.parse().ok()?)),
            None => (digits, None),
        };
        let zeros = width.starts_with('0');
        let width = if width.is_empty() { 0 } else { width.parse().ok()? };
        (width <= 64 && precision.is_none_or(|p| p <= 64)).then_some(Format { zeros, width, precision, kind })
    }

    fn show(&self, value: &Value) -> Option<String> {
        let text = match (self.kind, value) {
            (None | Some('d'), Value::Whole(n)) if self.precision.is_none() => n.to_string(),
            // The shortest text that reads as the same number.
            (None, Value::Real(x)) if self.precision.is_none() => format!("{x:?}"),
            (Some('f'), value) => format!("{:.*}", self.precision.unwrap_or(6), value.real()),
            (Some('e'), value) => exponent(value.real(), self.precision.unwrap_or(6)),
            _ => return None,
        };
        let text = text.replace("NaN", "nan");
        let (sign, digits) = text.split_at(usize::from(text.starts_with('-')));
        let missing = self.width.saturating_sub(text.len());
        Some(if self.zeros {
            format!("{sign}{}{digits}", "0".repeat(missing))
        } else {
            " ".repeat(missing) + &text
        })
    }
}

impl Value {
    fn real(&self) -> f64 {
        match *self {
            Value::Whole(n) => n as f64,
            Value::Real(x) => x,
        }
    }
}

/// As in C: a sign and at least two digits in the exponent.
fn exponent(x: f64, precision: usize) -> String {
    let text = format!("{x:.precision$e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) =
                exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, insert_names: bool) -> Result<String, String> {
        let metrics = [("v".to_owned(), 0.3125), ("val/loss".to_owned(), 2e-7)].into_iter().collect();
        Moment { epoch: 7, step: 123, metrics: &metrics }.fill(template, insert_names)
    }

    #[test]
    fn values_stand_in_their_formats_behind_their_names() {
        for (template, with_names, without) in [
            ("{epoch}-{step}", "epoch=7-step=123", "7-123"),
            ("e{epoch:02d}_{step:05d}", "eepoch=07_step=00123", "e07_00123"),
            ("{v:.2f} {v}", "v=0.31 v=0.3125", "0.31 0.3125"),
            ("{val/loss:.1e}", "val/loss=2.0e-07", "2.0e-07"),
            ("{other:.2f}{other}", "other=0.00other=0", "0.000"),
            ("best", "best", "best"),
        ] {
            assert_eq!(filled(template, true).as_deref(), Ok(with_names));
            assert_eq!(filled(template, false).as_deref(), Ok(without));
        }
    }

    #[test]
    fn signs_stand_before_zeros_and_nan_is_in_small_letters() {
        let metrics = [("v".to_owned(), -0.5), ("w".to_owned(), f64::NAN)].into_iter().collect();
        let moment = Moment { epoch: 0, step: 0, metrics: &metrics };
        // Python: f"{-0.5:08.2f} {-0.5:6.1f} {float('nan'):.2f} {float('nan')}"
        let name = moment.fill("{v:08.2f} {v:6.1f} {w:.2f} {w}", false);
        assert_eq!(name.as_deref(), Ok("-0000.50   -0.5 nan nan"));
    }

    #[test]
    fn a_template_that_cannot_be_filled_says_why() {
        assert!(filled("{epoch", true).expect_err("open").contains("a brace is not closed"));
        for bad in ["{v:d}", "{v:.2g}", "{epoch:x}", "{v:.f}", "{v:999999999999f}", "{epoch:.2d}"] {
            assert!(filled(bad, true).expect_err(bad).contains("use a format like"), "{bad}");
        }
    }
}
