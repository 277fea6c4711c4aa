//! `report compare`: several runs beside each other on one page.

use super::figures::baselines::{Entry, panel};
use super::figures::lines::{Line, Lines};
use super::figures::{Chapter, Figure, Table, selective};
use super::html;
use super::run::Run;
use super::svg::Panel;
use super::words::{listed, tidy, two, with_interval};
use crate::failure::{Exit, Failure};
use crate::output;
use clap::Args;
use maud::html;
use std::collections::BTreeSet;
use std::path::PathBuf;

const AFTER: &str = "\
Scores with their intervals, what differs in the configurations, and the curves
of all runs in one drawing. Runs on other data or other rows are called out:
their scores cannot be compared.

Example:
  cargo xtask report compare lightning_logs/version_0 lightning_logs/version_1

Exit codes: 0 done, 2 wrong flag, 3 no finished run or a damaged file,
4 a checkpoint in place of a run folder, 5 writing failed";

/// One page with several runs side by side
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct CompareArgs {
    /// Run folders, two or more
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
    /// The page to write
    #[arg(long, value_name = "FILE", default_value = "compare.html")]
    out: PathBuf,
}

/// Score panels on the page.
const SCORES: usize = 3;

pub(crate) fn run(args: &CompareArgs) -> Result<(), Failure> {
    if args.out.is_dir() {
        let message = format!("{}: is a folder; give a file, as compare.html", args.out.display());
        return Err(Failure::new(Exit::Usage, message));
    }
    let mut runs = args.runs.iter().map(|folder| Run::read(folder)).collect::<Result<Vec<Run>, Failure>>()?;
    name_apart(&mut runs);
    super::write(&args.out, page(&runs).as_bytes())?;
    output::print(&format!("Report    {}\n", args.out.display()))
}

/// Folders of the same name are called by their paths.
fn name_apart(runs: &mut [Run]) {
    let names: BTreeSet<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    if names.len() < runs.len() {
        runs.iter_mut().for_each(|run| run.name = tidy(&run.folder.display().to_string()));
    }
}

fn page(runs: &[Run]) -> String {
    let mut chapters = vec![Chapter { id: "scores", title: "Scores", figures: vec![scores(runs)] }];
    let curves = curves(runs);
    if let Some(curves) = curves {
        chapters.push(Chapter { id: "curves", title: "Curves", figures: vec![curves] });
    }
    let differences = differences(runs);
    let body = html! {
        p.lead { (opening(runs)) }
        @let strange = strange(runs);
        @if !strange.is_empty() {
            aside.mind aria-labelledby="mind" {
                h2 id="mind" { "Not comparable as they are" }
                ul { @for line in &strange { li { (line) } } }
            }
        }
        @for chapter in &chapters { (html::chapter(chapter)) }
        section aria-labelledby="configuration" {
            h2 id="configuration" { "What differs in the configuration" }
            @if differences.rows.is_empty() { p { "Nothing." } } @else { (html::table(&differences, "Keys with different values")) }
        }
    };
    let mut links: Vec<(&str, &str)> = vec![("main", "In short")];
    links.extend(chapters.iter().map(|chapter| (chapter.id, chapter.title)));
    links.push(("configuration", "Configuration"));
    let program = &runs[0].results.facts.program;
    let foot = format!(
        "Made from the files of the run folders alone by version {program} of this program. Intervals are 95 %, by bootstrap over the test rows: they do not tell one training from another; several seeds of each do."
    );
    html::document(&format!("{} runs compared", runs.len()), &listed(&names(runs), 8), &links, &body, &foot)
}

fn names(runs: &[Run]) -> Vec<String> {
    runs.iter().map(|run| run.name.clone()).collect()
}

/// The first run's scores that all runs have.
fn shared_scores(runs: &[Run]) -> Vec<&str> {
    let has = |run: &Run, name: &str| run.results.scores.iter().any(|score| score.name == name);
    let all = runs[0].results.scores.iter().map(|score| score.name.as_str());
    all.filter(|name| runs.iter().all(|run| has(run, name))).collect()
}

fn entries<'a>(runs: &'a [Run], name: &str) -> Vec<Entry<'a>> {
    let of = |(tone, run): (usize, &'a Run)| {
        let score = run.results.scores.iter().find(|score| score.name == name)?;
        Some(Entry { name: &run.name, score, tone })
    };
    runs.iter().enumerate().filter_map(of).collect()
}

fn opening(runs: &[Run]) -> String {
    let Some(&name) = shared_scores(runs).first() else {
        return "These runs share no score.".into();
    };
    let mut all = entries(runs, name);
    all.sort_by(|a, b| b.score.value.total_cmp(&a.score.value));
    let (best, rest) = (&all[0], &all[1..]);
    let overlap = |other: &Entry<'_>| match (best.score.interval, other.score.interval) {
        (Some([low, _]), Some([_, high])) => high >= low,
        _ => true,
    };
    let unclear = rest.iter().filter(|entry| overlap(entry)).count();
    let verdict = match unclear {
        0 => "Its interval lies above all others.".to_owned(),
        n if n == rest.len() => "The intervals overlap: this is no proof that it is better.".to_owned(),
        n => format!("The intervals of {n} of the others overlap with its own."),
    };
    format!("The highest {} has {}: {}. {verdict}", best.score.label, best.name, with_interval(best.score))
}

fn scores(runs: &[Run]) -> Figure {
    let shared = shared_scores(runs);
    let drawn = shared.iter().take(SCORES);
    let panels: Vec<Panel> =
        drawn.map(|name| entries(runs, name)).map(|all| panel(all[0].score, &all, None)).collect();
    let mut table = Table::of(&["run"]);
    let first = &runs[0].results.scores;
    table.head.extend(
        first.iter().filter(|score| shared.contains(&score.name.as_str())).map(|score| score.label.clone()),
    );
    for run in runs {
        let of = |name: &&str| {
            run.results.scores.iter().find(|score| score.name == *name).map_or("–".into(), with_interval)
        };
        table.rows.push(std::iter::once(run.name.clone()).chain(shared.iter().map(of)).collect());
    }
    Figure {
        id: "score-figure",
        title: "Scores with 95 % intervals".into(),
        finding: "On the test rows of each run.".into(),
        note: String::new(),
        panels,
        table,
    }
}

fn curves(runs: &[Run]) -> Option<Figure> {
    let validation: Vec<_> =
        runs.iter().map(|run| run.curves.of("val", &["val_loss", "ptl/val_loss"])).collect();
    let risks: Vec<_> = runs.iter().map(selective::by_certainty).collect();
    let noisy: Vec<_> = runs.iter().map(accuracy_by_noise).collect();
    let lines = |points: Vec<Option<&'_ [(f64, f64)]>>| -> Vec<(usize, Vec<(f64, f64)>)> {
        let kept = points.into_iter().enumerate();
        kept.filter_map(|(tone, points)| Some((tone, points?.to_vec())))
            .filter(|line| !line.1.is_empty())
            .collect()
    };
    let drawn = [
        ("Validation loss", "epoch", "validation loss", &[0.0][..], lines(validation)),
        (
            "Risk and coverage",
            "share of rows answered",
            "share wrong",
            &[0.0, 0.1],
            lines(risks.iter().map(|risk| Some(&risk[..])).collect()),
        ),
        (
            "Accuracy by noise on all views",
            "noise, standard deviations",
            "accuracy",
            &[1.0],
            lines(noisy.iter().map(|line| Some(&line[..])).collect()),
        ),
    ];
    let mut table = Table::of(&["run", "curve", "first", "last"]);
    let mut panels = Vec::new();
    for (title, x, y, hold, lines) in &drawn {
        if lines.is_empty() {
            continue;
        }
        let of =
            |(tone, points): &'_ (usize, Vec<(f64, f64)>)| (*tone, runs[*tone].name.clone(), points.clone());
        let named: Vec<_> = lines.iter().map(of).collect();
        for (_, name, points) in &named {
            table.rows.push(vec![
                name.clone(),
                (*title).into(),
                two(points[0].1),
                two(points[points.len() - 1].1),
            ]);
        }
        let lines = named.iter().map(|(tone, name, points)| Line { name, tone: *tone, points }).collect();
        panels.push(Lines { title, x, y, lines, hold, mark: None }.panel());
    }
    (!panels.is_empty()).then(|| Figure {
        id: "curve-figure",
        title: "All runs in one drawing".into(),
        finding: panels.iter().map(|panel| panel.title.as_str()).collect::<Vec<_>>().join("; ") + ".",
        note: String::new(),
        panels,
        table,
    })
}

fn accuracy_by_noise(run: &Run) -> Vec<(f64, f64)> {
    let curves = &run.results.robustness;
    let all = curves.iter().find(|curve| run.results.views.iter().all(|view| view.name != curve.view));
    let points = all.into_iter().flat_map(|curve| &curve.points);
    points.filter_map(|point| Some((point.sigma?, point.accuracy))).collect()
}

/// Runs whose scores cannot be set beside the first's, and why.
fn strange(runs: &[Run]) -> Vec<String> {
    let first = &runs[0];
    let why = |run: &Run| {
        let (a, b) = (&first.results, &run.results);
        if a.facts.classes != b.facts.classes {
            return Some("has other classes");
        }
        if a.facts.data_hash != b.facts.data_hash {
            return Some("was made of other data");
        }
        if a.test.samples != b.test.samples || a.test.labels != b.test.labels {
            return Some("was tested on other rows");
        }
        (a.facts.train_rows != b.facts.train_rows).then_some("learnt from another number of rows")
    };
    let said = |run: &Run| {
        Some(format!("{} {} than {}.", run.name, why(run)?, first.name).replace("rows than", "rows than"))
    };
    runs[1..].iter().filter_map(said).collect()
}

fn differences(runs: &[Run]) -> Table {
    let keys: BTreeSet<&str> =
        runs.iter().flat_map(|run| run.config.iter().map(|(key, _)| key.as_str())).collect();
    let value = |run: &Run, key: &str| {
        run.config.iter().find(|(name, _)| name == key).map_or("–".to_owned(), |(_, value)| value.clone())
    };
    let mut table = Table { head: vec!["key".into()], rows: Vec::new() };
    table.head.extend(names(runs));
    for key in keys {
        let values: Vec<String> = runs.iter().map(|run| value(run, key)).collect();
        if values.iter().any(|other| *other != values[0]) {
            table.rows.push(std::iter::once(key.to_owned()).chain(values).collect());
        }
    }
    table
}
