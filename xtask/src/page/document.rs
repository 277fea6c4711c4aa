//! The page of one run.

use super::figures::Chapter;
use super::html;
use super::run::Run;
use super::svg::{Scale, px};
use super::words::{grouped, interval, three};
use super::{summary, words};
use crate::results::Score;
use maud::{Markup, html};

/// The whole page.
pub(crate) fn page(run: &Run, chapters: &[Chapter]) -> String {
    let facts = &run.results.facts;
    let mut links: Vec<(&str, &str)> = vec![("main", "In short")];
    links.extend(chapters.iter().map(|chapter| (chapter.id, chapter.title)));
    links.push(("facts", "Facts of the run"));
    let body = html! {
        @let [first, second] = summary::paragraphs(run);
        p.lead { (first) }
        p.lead { (second) }
        (scores(&run.results.scores))
        (mind(&summary::warnings(run)))
        @for chapter in chapters { (html::chapter(chapter)) }
        (facts_of(run))
    };
    let kind = format!(
        "Report of {}, seed {}, tested at epoch {} ({})",
        run.name, facts.seed, facts.epoch, facts.checkpoint
    );
    let foot = format!(
        "Made from the files of the run folder alone by version {} of this program. Intervals are 95 %, by bootstrap over the test rows where nothing else is said: they hold for other samples like these, not for other trainings.",
        facts.program
    );
    html::document(&format!("MMDynamic on {}", run.data_name()), &kind, &links, &body, &foot)
}

fn scores(scores: &[Score]) -> Markup {
    html! {
        ul.scores aria-label="Scores on the test rows" {
            @for score in scores.iter().take(3) {
                li {
                    span.what { (score.label) }
                    span.value { (three(score.value)) }
                    (range(score))
                    span.range { "95 % interval " (interval(score.interval)) }
                    span.means { (meaning(&score.name)) }
                }
            }
        }
    }
}

/// The interval on a line from 0 to 1; its numbers stand beside it.
fn range(score: &Score) -> Markup {
    let x = Scale { from: (0.0, 1.0), to: (4.0, 196.0) };
    html! {
        svg viewBox="0 0 200 16" preserveAspectRatio="none" aria-hidden="true" {
            path class="axis" d="M4 8H196" {}
            path class="axis" d="M4 4v8M100 5v6M196 4v8" {}
            @if let Some([low, high]) = score.interval {
                path class="line s0" stroke-width="5" d={ "M" (px(x.within(low))) " 8H" (px(x.within(high))) } {}
            }
            rect class="f0" x=(px(x.within(score.value) - 1.5)) y="1" width="3" height="14" {}
        }
    }
}

fn meaning(name: &str) -> &'static str {
    match name {
        "acc" => "share of rows whose class is right",
        "f1" => "second class: hits against misses and false alarms",
        "auc" => "chance that a row of the second class is ranked above one of the first",
        "weighted_f1" => "hits against misses, each class by its rows",
        "macro_f1" => "hits against misses, all classes alike",
        _ => "",
    }
}

fn mind(warnings: &[String]) -> Markup {
    html! {
        @if !warnings.is_empty() {
            aside.mind aria-labelledby="mind" {
                h2 id="mind" { "What to mind" }
                ul { @for warning in warnings { li { (warning) } } }
            }
        }
    }
}

fn facts_of(run: &Run) -> Markup {
    let results = &run.results;
    let facts = &results.facts;
    let rows = |rows: usize| grouped(rows as u64);
    let split = format!(
        "{} learnt from, {} to choose the epoch, {} tested",
        rows(facts.train_rows),
        rows(facts.validation_rows),
        rows(facts.test_rows)
    );
    let text = |text: &str| text.to_owned();
    let mut all = vec![
        ("Data", facts.data.clone()),
        ("Rows", split),
        ("Classes", words::listed(&facts.classes, 40)),
        ("Views", words::listed(&results.views.iter().map(|view| view.name.clone()).collect::<Vec<_>>(), 40)),
        ("Parameters", grouped(facts.parameters)),
        ("Preset", facts.preset.clone()),
        ("Seed", facts.seed.to_string()),
        ("Tested", format!("epoch {}, {} checkpoint", facts.epoch, facts.checkpoint)),
        ("Time", format!("{:.1} s", facts.seconds)),
        ("Program", facts.program.clone()),
        ("Hash of the data", facts.data_hash.clone()),
        ("Hash of the configuration", facts.config_hash.clone()),
    ];
    all.extend(
        results
            .scores
            .iter()
            .map(|score| ("Score", format!("{} {}", score.label, words::with_interval(score)))),
    );
    all.retain(|(_, value)| !value.is_empty());
    let all: Vec<(String, String)> = all.into_iter().map(|(key, value)| (text(key), value)).collect();
    html! {
        section aria-labelledby="facts" {
            h2 id="facts" { "Facts of the run" }
            div.facts {
                (html::pairs(&all, "The run"))
                @if !run.config.is_empty() { (html::pairs(&run.config, "Its configuration")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::chapters;
    use super::super::{files, sample};
    use super::*;
    use crate::results::RunResults;

    fn page_of(results: RunResults) -> String {
        let run = sample::run(results);
        page(&run, &chapters(&run))
    }

    fn drawings(results: RunResults) -> Vec<String> {
        let run = sample::run(results);
        chapters(&run).iter().flat_map(|chapter| &chapter.figures).filter_map(files::svg).collect()
    }

    const FIGURES: [&str; 10] = [
        "confusion",
        "roc",
        "precision-recall",
        "baselines",
        "reliability",
        "risk-coverage",
        "top-features",
        "confidences",
        "robustness",
        "learning-curves",
    ];

    #[test]
    fn every_figure_stands_on_the_page_with_words_and_a_table() {
        for (classes, views, rows) in [(2, 3, 106), (5, 3, 60), (10, 6, 400), (30, 1, 90)] {
            let page = page_of(sample::results(classes, views, rows));
            for id in FIGURES {
                let from = page.find(&format!("<figure id=\"{id}\"")).unwrap_or_else(|| panic!("no {id}"));
                let figure = &page[from..from + page[from..].find("</figure>").unwrap()];
                assert!(figure.contains("<figcaption>") && figure.contains("<table>"), "{id}");
                let drawn = figure.matches("role=\"img\"").count();
                assert_eq!(drawn, figure.matches("<desc").count());
                assert!(drawn > 0 || (id == "confusion" && classes == 30), "{id} of {classes} classes");
            }
            assert!(!page.contains("NaN") && !page.contains("inf"), "{classes} {views} {rows}");
        }
    }

    #[test]
    fn what_has_no_data_is_left_out() {
        let mut results = sample::results(2, 2, 20);
        results.baselines.clear();
        results.robustness.clear();
        results.views.iter_mut().for_each(|view| view.features.clear());
        results.scores.iter_mut().for_each(|score| score.interval = None);
        results.calibration.temperature = None;
        let page = page_of(results);
        for id in ["baselines", "robustness", "top-features"] {
            assert!(!page.contains(&format!("id=\"{id}\"")), "{id}");
        }
        assert!(page.contains("id=\"roc\""));
    }

    #[test]
    fn a_test_of_one_row_or_one_class_has_a_page() {
        let mut results = sample::results(3, 1, 6);
        results.test.labels = vec![1; 6];
        let page = page_of(results);
        assert!(page.contains("id=\"confusion\"") && !page.contains("id=\"roc\"") && !page.contains("NaN"));
        assert!(!page_of(sample::results(2, 1, 1)).contains("NaN"));
    }

    /// The same run under names that try to leave their place.
    fn hostile() -> RunResults {
        let names = [
            "<script>alert(1)</script>",
            "\"' onload=alert(1) x='",
            "]]></style><b>&amp;",
            "\u{202e}שלום עולם\u{0}",
        ];
        let long = "10 kB ".repeat(1700);
        let mut results = sample::results(5, 3, 60);
        let mut all = names.iter().copied().chain([long.as_str()]).cycle();
        let mut next = || words::tidy(all.next().unwrap_or_default());
        results.facts.classes.iter_mut().for_each(|name| *name = next());
        results.views.iter_mut().for_each(|view| {
            view.name = next();
            view.features.iter_mut().for_each(|feature| feature.name = next());
        });
        results.robustness.iter_mut().for_each(|curve| curve.view = next());
        results.baselines.iter_mut().for_each(|baseline| baseline.name = next());
        results.facts.warnings = (0..5).map(|_| next()).collect();
        results.facts.data = next();
        results
    }

    #[test]
    fn names_cannot_leave_their_place() {
        let page = page_of(hostile());
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
        assert!(!page.contains("onload=alert(1) x='\"") && !page.contains("]]>"));
        assert_eq!(page.matches("</style>").count(), 1);
        assert!(!page.contains('\u{202e}') && !page.contains('\u{0}'));
        assert!(page.len() < 500_000, "{}", page.len());
    }

    #[test]
    fn drawings_in_files_are_sound_xml_with_the_names_in_it() {
        for results in [hostile(), sample::results(2, 3, 106), sample::results(12, 6, 200)] {
            let all = drawings(results);
            assert!(all.len() >= 9);
            for svg in all {
                let tree = roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{error}\n{svg}"));
                assert!(tree.descendants().all(|node| !node.has_tag_name("script")));
                let asks = |value: &str| {
                    value.contains("url(") || value.starts_with("http") && !value.contains("w3.org")
                };
                let attributes = |node: roxmltree::Node<'_, '_>| node.attributes().any(|a| asks(a.value()));
                assert!(!tree.descendants().any(attributes));
            }
        }
    }

    #[test]
    fn a_biologist_reads_what_was_found_first() {
        let page = page_of(sample::results(2, 3, 100));
        for words in [
            "tells 2 classes (class 0 and class 1) apart by 3 kinds of measurement",
            "tested once on 100 others",
            "named the right class for 80 of 100, 80\u{a0}%",
            "anything from 72\u{a0}% to 86\u{a0}%",
            "2 rows of the test stand in the training, too",
            "A simpler method does at least as well: logistic regression, all views",
            "rises with noise",
        ] {
            assert!(page.contains(words), "{words}");
        }
    }

    #[test]
    fn the_same_run_gives_the_same_page() {
        assert!(page_of(sample::results(3, 2, 50)) == page_of(sample::results(3, 2, 50)));
    }
}
