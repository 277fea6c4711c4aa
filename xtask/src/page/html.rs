//! The parts of every page: its frame, figures with their words and tables.

use super::figures::{Chapter, Figure, Table};
use super::svg::{Panel, px};
use super::theme;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Nothing is loaded and nothing runs, even if a name were to reach the page as markup.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A whole document.
pub(crate) fn document(title: &str, kind: &str, links: &[(&str, &str)], body: &Markup, foot: &str) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(theme::page_style())) }
            }
            body {
                a.skip href="#main" { "Skip to the findings" }
                header {
                    h1 { (title) }
                    p.kind { (kind) }
                }
                nav aria-label="Parts of this page" {
                    ul { @for (id, name) in links { li { a href={ "#" (id) } { (name) } } } }
                }
                main id="main" tabindex="-1" { (body) }
                footer { p { (foot) } }
            }
        }
    }
    .into_string()
}

pub(crate) fn chapter(chapter: &Chapter) -> Markup {
    html! {
        section aria-labelledby=(chapter.id) {
            h2 id=(chapter.id) { (chapter.title) }
            div.figures { @for drawn in &chapter.figures { (figure(drawn)) } }
        }
    }
}

fn figure(figure: &Figure) -> Markup {
    let space = match figure.panels.len() {
        0 | 1 => "one",
        2 => "two",
        3 => "three",
        _ => "many",
    };
    let tight = figure.panels.iter().all(is_small);
    html! {
        figure id=(figure.id) class=(space) {
            figcaption {
                h3 { (figure.title) }
                p { (figure.finding) }
            }
            div class=(if tight { "panels tight" } else { "panels" }) { @for (i, drawn) in figure.panels.iter().enumerate() { (panel(figure.id, i, drawn)) } }
            @if !figure.note.is_empty() { p.note { (figure.note) } }
            details {
                summary { "The figure's data as a table" span.soft { ": " (figure.title) } }
                (table(&figure.table, &figure.title))
            }
        }
    }
}

/// A table that scrolls by itself where it is wider than the page.
pub(crate) fn table(table: &Table, caption: &str) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label={ "Table: " (caption) } {
            table {
                caption { (caption) }
                thead { tr { @for name in &table.head { th scope="col" { (name) } } } }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (i, cell) in row.iter().enumerate() {
                                @if i == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Whether several stand beside each other even on a phone.
fn is_small(panel: &Panel) -> bool {
    panel.width < super::svg::WIDTH
}

fn panel(id: &str, number: usize, panel: &Panel) -> Markup {
    let (title, description) = (format!("{id}-{number}-title"), format!("{id}-{number}-description"));
    html! {
        svg class=(if is_small(panel) { "small" } else { "full" }) viewBox={ "0 0 " (px(panel.width)) " " (px(panel.height)) } role="img" aria-labelledby=(title) aria-describedby=(description) {
            title id=(title) { (panel.title) }
            desc id=(description) { (panel.description) }
            (panel.body)
        }
    }
}

/// Keys and values in two columns.
pub(crate) fn pairs(rows: &[(String, String)], caption: &str) -> Markup {
    html! {
        table.words {
            caption { (caption) }
            tbody { @for (key, value) in rows { tr { th scope="row" { (key) } td { (value) } } } }
        }
    }
}
