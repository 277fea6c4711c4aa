//! What a group of measurements leaves: marks and a table, as Markdown.

use std::fmt::Display;

/// A promise and what was measured of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    pub(crate) work: String,
    pub(crate) asked: String,
    pub(crate) measured: String,
    pub(crate) met: bool,
}

impl Mark {
    /// `value` must be at least `least`; both are shown with this unit behind them.
    pub(crate) fn at_least(work: impl Display, value: f64, least: f64, unit: &str) -> Self {
        Mark {
            work: work.to_string(),
            asked: format!("≥ {least} {unit}"),
            measured: format!("{} {unit}", short(value)),
            met: value >= least,
        }
    }

    /// `value` must be at most `most`.
    pub(crate) fn at_most(work: impl Display, value: f64, most: f64, unit: &str) -> Self {
        Mark {
            work: work.to_string(),
            asked: format!("≤ {most} {unit}"),
            measured: format!("{} {unit}", short(value)),
            met: value <= most,
        }
    }
}

/// One group of measurements.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Section {
    /// What `--only` calls it, and the name of its block in the document.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) marks: Vec<Mark>,
    /// Markdown: what the figures are, then tables of them.
    pub(crate) body: String,
}

impl Section {
    pub(crate) fn new(name: &'static str, title: &'static str) -> Self {
        Section { name, title, ..Section::default() }
    }

    /// A paragraph.
    pub(crate) fn say(&mut self, text: impl Display) {
        self.body += &format!("{text}\n\n");
    }

    pub(crate) fn table(&mut self, head: &[impl AsRef<str>], rows: &[Vec<String>]) {
        self.body += &table(head, rows);
        self.body.push('\n');
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("### {}\n\n", self.title);
        if !self.marks.is_empty() {
            text += &marks_table(&self.marks);
            text.push('\n');
        }
        text + &self.body
    }
}

/// All marks below each other.
pub(crate) fn marks_table(marks: &[Mark]) -> String {
    let row = |mark: &Mark| {
        let met = if mark.met { "met" } else { "**not met**" };
        vec![mark.work.clone(), mark.asked.clone(), mark.measured.clone(), met.to_owned()]
    };
    table(&["work", "mark", "measured", ""], &marks.iter().map(row).collect::<Vec<_>>())
}

fn table(head: &[impl AsRef<str>], rows: &[Vec<String>]) -> String {
    let head: Vec<_> = head.iter().map(|cell| cell.as_ref().to_owned()).collect();
    let rule = vec!["---".to_owned(); head.len()];
    [head, rule].iter().chain(rows).map(|cells| format!("| {} |\n", cells.join(" | "))).collect()
}

/// Three digits that mean something.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.9995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Nanoseconds as milliseconds, or a dash.
pub(crate) fn ms(ns: Option<&f64>) -> String {
    ns.map_or_else(|| "–".to_owned(), |ns| short(ns / 1e6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_met_at_its_very_value_and_not_below() {
        assert!(Mark::at_least("a", 1.8, 1.8, "× torch").met);
        assert!(!Mark::at_least("a", 1.799, 1.8, "× torch").met);
        assert!(Mark::at_most("a", 20.0, 20.0, "MiB").met);
        assert!(!Mark::at_most("a", 20.1, 20.0, "MiB").met);
    }

    #[test]
    fn a_section_is_markdown() {
        let mut section = Section::new("gemm", "Products");
        section.marks.push(Mark::at_least("all", 0.95, 1.0, "× best"));
        section.table(&["a", "b"], &[vec!["1".into(), "2".into()]]);
        assert_eq!(
            section.markdown(),
            "### Products\n\n| work | mark | measured |  |\n| --- | --- | --- | --- |\n\
             | all | ≥ 1 × best | 0.950 × best | **not met** |\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n"
        );
    }

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!([0.0123, 1.0, 9.996, 99.96, 1234.5].map(short), ["0.012", "1.00", "10.0", "100", "1234"]);
    }
}
