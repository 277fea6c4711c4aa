//! The figures of a run, each in a file of its own; one that has no data is left out.

pub(crate) mod baselines;
mod confidences;
mod confusion;
mod features;
mod learning;
pub(crate) mod lines;
mod ranking;
mod reliability;
pub(crate) mod robustness;
pub(crate) mod selective;

use super::run::Run;
use super::svg::Panel;

/// Drawings that answer one question, with what they tell in words and their data as a table.
pub(crate) struct Figure {
    /// Name of its file and anchor.
    pub(crate) id: &'static str,
    pub(crate) title: String,
    /// One or two sentences: what is to be seen.
    pub(crate) finding: String,
    /// How to read it, where the axes do not say it all.
    pub(crate) note: String,
    pub(crate) panels: Vec<Panel>,
    pub(crate) table: Table,
}

/// Columns of words and numbers.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn of(head: &[&str]) -> Self {
        Table { head: head.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new() }
    }
}

/// A part of the page: a question and the figures that answer it.
pub(crate) struct Chapter {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) figures: Vec<Figure>,
}

/// All that the run has data for, in the order of the page.
pub(crate) fn chapters(run: &Run) -> Vec<Chapter> {
    let chapter = |id, title, figures: Vec<Option<Figure>>| Chapter {
        id,
        title,
        figures: figures.into_iter().flatten().collect(),
    };
    let [roc, precision] = ranking::figures(run);
    let mut chapters = vec![
        chapter("right", "What it gets right", vec![Some(confusion::figure(run)), roc, precision]),
        chapter("others", "Beside simpler methods", vec![baselines::figure(run)]),
        chapter(
            "sure",
            "How far to believe it",
            vec![Some(reliability::figure(run)), selective::figure(run)],
        ),
        chapter("features", "What it looks at", vec![features::figure(run)]),
        chapter(
            "views",
            "How far it trusts each view",
            vec![Some(confidences::figure(run)), robustness::figure(run)],
        ),
        chapter("learning", "How it learnt", vec![learning::figure(run)]),
    ];
    chapters.retain(|chapter| !chapter.figures.is_empty());
    chapters
}

/// The number of a line's colour.
pub(crate) fn colour(series: usize) -> usize {
    series % super::theme::SERIES
}
