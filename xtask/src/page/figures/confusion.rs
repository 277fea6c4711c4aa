//! Which class was taken for which.

use super::{Figure, Table};
use crate::page::run::Run;
use crate::page::svg::{Panel, WIDTH, fitted, px, width_of};
use crate::page::words::{count, percent, two};
use maud::{Markup, html};

/// With more classes the table alone is legible.
const MOST_CLASSES: usize = 14;

pub(super) fn figure(run: &Run) -> Figure {
    let classes = &run.results.facts.classes;
    let counts = counts(run);
    let panels = if classes.len() <= MOST_CLASSES { vec![panel(classes, &counts)] } else { Vec::new() };
    Figure {
        id: "confusion",
        title: "Confusion matrix".into(),
        finding: finding(run, &counts),
        note: "A row is a true class, a column what the model called it. Blue is right, orange wrong, darker the \
               larger the share of the row; at the end of each row, the share that is right."
            .into(),
        panels,
        table: table(classes, &counts),
    }
}

fn counts(run: &Run) -> Vec<Vec<usize>> {
    let classes = run.results.facts.classes.len();
    let mut counts = vec![vec![0; classes]; classes];
    for (&label, found) in run.results.test.labels.iter().zip(run.predictions()) {
        counts[label][found] += 1;
    }
    counts
}

fn share(counts: &[Vec<usize>], class: usize) -> f64 {
    let total: usize = counts[class].iter().sum();
    if total == 0 { f64::NAN } else { counts[class][class] as f64 / total as f64 }
}

fn finding(run: &Run, counts: &[Vec<usize>]) -> String {
    let classes = &run.results.facts.classes;
    let rows = run.results.test.labels.len();
    let hits = run.hits().iter().filter(|&&hit| hit).count();
    let pairs = (0..classes.len()).flat_map(|from| (0..classes.len()).map(move |to| (from, to)));
    // The first of the largest.
    let worst = pairs.filter(|(from, to)| from != to).rev().max_by_key(|&(from, to)| counts[from][to]);
    let all = format!("{hits} of {} are right.", count(rows, "test row"));
    match worst {
        Some((from, to)) if counts[from][to] > 0 => {
            let total: usize = counts[from].iter().sum();
            let wrong = counts[from][to];
            let (from, to) = (&classes[from], &classes[to]);
            format!("{all} The commonest mistake: {wrong} of {} rows of {from} are called {to}.", total)
        }
        _ => all,
    }
}

fn panel(classes: &[String], counts: &[Vec<usize>]) -> Panel {
    let k = classes.len();
    let numbered: Vec<String> = (0..k).map(|class| class.to_string()).collect();
    let are_numbers = classes == numbered;
    let longest = classes.iter().map(|name| width_of(name, 12.0)).fold(0.0, f64::max);
    let label: f64 =
        if are_numbers { 30.0 } else { (longest + 26.0).clamp(40.0, if k <= 3 { 150.0 } else { 124.0 }) };
    let (top, right) = (44.0, 40.0);
    let cell = (WIDTH - label - right) / k as f64;
    let height_of = cell.clamp(22.0, 54.0);
    let names_fit = classes.iter().all(|name| width_of(name, 12.0) <= cell - 4.0);
    let heads = if names_fit { classes.to_vec() } else { numbered };
    let row_name = |class: usize| {
        let space = label - 8.0;
        if names_fit {
            fitted(&classes[class], 12.0, space)
        } else {
            fitted(&format!("{class} {}", classes[class]), 12.0, space)
        }
    };
    let height = top + height_of * k as f64 + 8.0;
    let body = html! {
        text class="name" x="0" y=(px(top - 8.0)) { "true" }
        text class="name" x=(px(label)) y="12" { "called" }
        text class="name end" x=(px(WIDTH)) y=(px(top - 8.0)) { "right" }
        @for class in 0..k {
            @let y = top + height_of * class as f64;
            text class="mid" x=(px(label + cell * (class as f64 + 0.5))) y=(px(top - 8.0)) { (heads[class]) }
            text x="0" y=(px(y + height_of / 2.0 + 4.0)) { (row_name(class)) }
            @for (to, &number) in counts[class].iter().enumerate() {
                (cell_of(label + cell * to as f64, y, cell, height_of, number, &counts[class], class == to))
            }
            @let share = share(counts, class);
            @if share.is_finite() {
                text class="end soft" x=(px(WIDTH)) y=(px(y + height_of / 2.0 + 4.0)) { (percent(share)) }
            }
        }
    };
    let rows: Vec<String> = (0..k)
        .map(|class| {
            format!(
                "{}: {} of {} right",
                classes[class],
                counts[class][class],
                counts[class].iter().sum::<usize>()
            )
        })
        .collect();
    Panel { width: WIDTH, height, title: "Confusion matrix".into(), description: rows.join("; "), body }
}

fn cell_of(x: f64, y: f64, width: f64, height: f64, number: usize, row: &[usize], right: bool) -> Markup {
    let share = number as f64 / row.iter().sum::<usize>().max(1) as f64;
    // At half strength ink on it is still read easily.
    let strength = if number == 0 { 0.0 } else { 0.07 + 0.43 * share };
    html! {
        rect class="shade" x=(px(x + 1.0)) y=(px(y + 1.0)) width=(px(width - 2.0)) height=(px(height - 2.0)) rx="2" {}
        rect class=(if right { "right" } else { "wrong" }) fill-opacity=(two(strength)) x=(px(x + 1.0)) y=(px(y + 1.0)) width=(px(width - 2.0)) height=(px(height - 2.0)) rx="2" {}
        @if number > 0 {
            text class=(if right { "mid strong" } else { "mid" }) x=(px(x + width / 2.0)) y=(px(y + height / 2.0 + 4.5)) { (number) }
        }
    }
}

fn table(classes: &[String], counts: &[Vec<usize>]) -> Table {
    let mut table = Table { head: vec!["true class".into()], rows: Vec::new() };
    table.head.extend(classes.iter().map(|name| format!("called {name}")));
    table.head.push("share right".into());
    for (class, name) in classes.iter().enumerate() {
        let mut row = vec![name.clone()];
        row.extend(counts[class].iter().map(usize::to_string));
        let share = share(counts, class);
        row.push(if share.is_finite() { percent(share) } else { "no rows".into() });
        table.rows.push(row);
    }
    table
}
