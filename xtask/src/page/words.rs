//! Numbers and names as people read them.

use super::svg::minus;
use crate::results::Score;

/// The most letters of a name that are shown anywhere.
const LONGEST: usize = 200;

/// To a whole percent: `80 %`.
pub(crate) fn percent(share: f64) -> String {
    minus(format!("{:.0}\u{a0}%", 100.0 * share))
}

/// To two decimals.
pub(crate) fn two(value: f64) -> String {
    minus(format!("{value:.2}"))
}

/// To three decimals.
pub(crate) fn three(value: f64) -> String {
    minus(format!("{value:.3}"))
}

/// `0.81 to 0.93`, or that there is none.
pub(crate) fn interval(interval: Option<[f64; 2]>) -> String {
    match interval {
        Some([low, high]) => format!("{} to {}", two(low), two(high)),
        None => "not known".into(),
    }
}

/// `0.87 (0.81 to 0.93)`.
pub(crate) fn with_interval(score: &Score) -> String {
    match score.interval {
        Some(_) => format!("{} ({})", two(score.value), interval(score.interval)),
        None => two(score.value),
    }
}

/// `12,345`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 row`, `2 rows`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let many = if number == 1 { "" } else { "s" };
    format!("{} {noun}{many}", grouped(number as u64))
}

/// `a`, `a and b`, `a, b and c`; of more than `most` only the first, and how many are left.
pub(crate) fn listed(names: &[String], most: usize) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        names if names.len() > most => {
            format!("{} and {} more", names[..most - 1].join(", "), names.len() - most + 1)
        }
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A name that anybody may have written: one line of bounded length that cannot turn the text around it.
pub(crate) fn tidy(name: &str) -> String {
    let mut short: String = name.chars().take(LONGEST).map(harmless).collect();
    if name.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    if short.chars().any(runs_to_the_left) { format!("\u{2068}{short}\u{2069}") } else { short }
}

/// Control letters are not allowed in XML, and those of direction reach beyond their name.
fn harmless(c: char) -> char {
    let steers = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let refused = c.is_control() || steers || matches!(c, '\u{fffe}' | '\u{ffff}');
    if refused { '\u{fffd}' } else { c }
}

fn runs_to_the_left(c: char) -> bool {
    matches!(c as u32, 0x590..=0x8ff | 0xfb1d..=0xfdff | 0xfe70..=0xfeff | 0x10800..=0x10fff | 0x1e800..=0x1efff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(percent(0.8019), "80\u{a0}%");
        assert_eq!((two(-0.001).as_str(), two(-0.1).as_str()), ("0.00", "−0.10"));
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!((count(1, "row").as_str(), count(1200, "row").as_str()), ("1 row", "1,200 rows"));
    }

    #[test]
    fn lists_read_well() {
        let names: Vec<String> = ["a", "b", "c", "d"].map(String::from).into();
        assert_eq!(listed(&names[..1], 3), "a");
        assert_eq!(listed(&names[..3], 3), "a, b and c");
        assert_eq!(listed(&names, 3), "a, b and 2 more");
    }

    #[test]
    fn a_name_stays_one_short_harmless_line() {
        assert_eq!(tidy("a\nb\u{0}\u{202e}c"), "a\u{fffd}b\u{fffd}\u{fffd}c");
        assert_eq!(tidy(&"x".repeat(10_000)).chars().count(), LONGEST + 1);
        assert_eq!(tidy("שלום"), "\u{2068}שלום\u{2069}");
    }
}
