//! The run in plain words: what was learnt, how good, how sure, what to mind.

use super::figures::robustness::rising;
use super::run::Run;
use super::words::{count, listed, percent, two, with_interval};
use crate::results::Score;

/// With fewer test rows an interval is wide whatever the model.
const FEW_ROWS: usize = 200;
/// With fewer rows of a class its own figures say little.
const FEW_OF_CLASS: usize = 10;
/// A gap between certainty and accuracy that matters in use.
const LARGE_GAP: f64 = 0.05;

/// Paragraphs: the task and the answer; the answer beside others and its honesty.
pub(crate) fn paragraphs(run: &Run) -> [String; 2] {
    [format!("{} {}", learnt(run), good(run)), sure(run)]
}

fn learnt(run: &Run) -> String {
    let results = &run.results;
    let facts = &results.facts;
    let views: Vec<String> = results.views.iter().map(|view| view.name.clone()).collect();
    let chosen = match facts.validation_rows {
        0 => String::new(),
        rows => format!(", {} more chose the moment to stop", super::words::grouped(rows as u64)),
    };
    format!(
        "This model tells {} ({}) apart by {} ({}). It learnt from {}{chosen}, and was tested once on {} it had \
         never seen.",
        count(facts.classes.len(), "class").replace("classs", "classes"),
        listed(&facts.classes, 10),
        count(views.len(), "kind") + " of measurement",
        listed(&views, 6),
        count(facts.train_rows, "sample"),
        count(facts.test_rows, "other"),
    )
}

fn good(run: &Run) -> String {
    let hits = run.hits().iter().filter(|&&hit| hit).count();
    let rows = run.results.facts.test_rows;
    let said =
        format!("It named the right class for {hits} of {rows}, {}", percent(hits as f64 / rows as f64));
    match accuracy(run).and_then(|score| score.interval) {
        Some([low, high]) => format!(
            "{said}; with so many test samples, its true rate may be anything from {} to {} (95 % interval).",
            percent(low),
            percent(high)
        ),
        None => said + ".",
    }
}

fn accuracy(run: &Run) -> Option<&Score> {
    run.results.scores.iter().find(|score| score.name == "acc")
}

fn sure(run: &Run) -> String {
    let commonest = commonest_share(run);
    let mut text = format!("Always naming the commonest class would be right for {}.", percent(commonest));
    if let Some((name, score)) = best_baseline(run) {
        let reached = match (score.name.as_str(), score.interval) {
            ("acc", Some([low, high])) => {
                format!("is right for {} ({} to {})", percent(score.value), percent(low), percent(high))
            }
            _ => format!("reaches {} {}", score.label, with_interval(score)),
        };
        let simpler = run.results.baselines.len();
        text += &format!(" The best of {simpler} simpler methods, {name}, {reached}.");
    }
    let gap = certainty_gap(run);
    text += &match gap {
        gap if gap.abs() < 0.02 => {
            " How sure it says it is agrees, on average, with how often it is right.".to_owned()
        }
        gap if gap > 0.0 => {
            format!(" It is too sure of itself: on average {} points surer than right.", points(gap))
        }
        gap => format!(
            " It is more modest than it need be: on average {} points less sure than right.",
            points(gap)
        ),
    };
    text
}

fn points(gap: f64) -> String {
    format!("{:.0}", 100.0 * gap.abs())
}

/// Mean of the largest probability, minus the share of rows that are right.
fn certainty_gap(run: &Run) -> f64 {
    let hits = run.hits();
    let top = run.results.test.probabilities.iter().map(|row| row.iter().copied().fold(0.0, f64::max));
    let right = hits.iter().filter(|&&hit| hit).count() as f64;
    (top.sum::<f64>() - right) / hits.len() as f64
}

fn commonest_share(run: &Run) -> f64 {
    let most = rows_of_classes(run).into_iter().max().unwrap_or(0);
    most as f64 / run.results.test.labels.len() as f64
}

fn rows_of_classes(run: &Run) -> Vec<usize> {
    let mut rows = vec![0; run.results.facts.classes.len()];
    run.results.test.labels.iter().for_each(|&label| rows[label] += 1);
    rows
}

fn best_baseline(run: &Run) -> Option<(&str, &Score)> {
    let name = &run.results.scores.first()?.name;
    let scored = run.results.baselines.iter().filter_map(|baseline| {
        Some((baseline.name.as_str(), baseline.scores.iter().find(|score| score.name == *name)?))
    });
    // The first of the best.
    scored.rev().max_by(|a, b| a.1.value.total_cmp(&b.1.value))
}

/// What to keep in mind, most important first.
pub(crate) fn warnings(run: &Run) -> Vec<String> {
    let mut all = run.results.facts.warnings.clone();
    all.extend(rival(run));
    all.extend(few_rows(run));
    all.extend(small_classes(run));
    let gap = certainty_gap(run);
    if gap > LARGE_GAP {
        all.push(format!("Its probabilities are too high by {} points on average: use the temperature, or read them as a ranking.", points(gap)));
    }
    all.extend(outside(run));
    all.extend(misled(run));
    if run.results.facts.validation_rows == 0 {
        all.push("No rows were held out to choose the epoch: the last one was tested, whether it was the best or not.".into());
    }
    all
}

fn rival(run: &Run) -> Option<String> {
    let own = run.results.scores.first()?;
    let (name, score) = best_baseline(run)?;
    let [low, _] = own.interval?;
    let [_, high] = score.interval?;
    if score.value >= own.value {
        return Some(format!(
            "A simpler method does at least as well: {name}, {} {} against {}.",
            own.label,
            two(score.value),
            two(own.value)
        ));
    }
    (high >= low).then(|| {
        format!(
            "It leads {name} by {} in {}, less than this test can tell from chance.",
            two(own.value - score.value),
            own.label
        )
    })
}

fn few_rows(run: &Run) -> Option<String> {
    let rows = run.results.facts.test_rows;
    let [low, high] = accuracy(run)?.interval?;
    (rows < FEW_ROWS).then(|| {
        format!("{} are few: the interval of the accuracy is {} points wide. Differences smaller than that mean little; train with several seeds, or cross-validate.", count(rows, "test row"), points(high - low))
    })
}

fn small_classes(run: &Run) -> Option<String> {
    let rows = rows_of_classes(run);
    let small = rows.iter().zip(&run.results.facts.classes).filter(|(rows, _)| **rows < FEW_OF_CLASS);
    let named: Vec<String> = small.map(|(rows, name)| format!("{name} ({rows})")).collect();
    (!named.is_empty()).then(|| {
        format!(
            "Classes with fewer than {FEW_OF_CLASS} test rows: {}. What is said of them rests on those rows.",
            listed(&named, 6)
        )
    })
}

fn outside(run: &Run) -> Option<String> {
    let views = run.results.views.iter().filter(|view| view.confidence_outside > 0.0);
    let named: Vec<String> =
        views.map(|view| format!("{} of {}", percent_at_least(view.confidence_outside), view.name)).collect();
    (!named.is_empty()).then(|| {
        format!(
            "Some confidences lie outside 0 to 1 ({}): they are predictions, not probabilities.",
            listed(&named, 8)
        )
    })
}

/// All views whose confidence rises with noise, in one line.
fn misled(run: &Run) -> Option<String> {
    let said = |(view, from, to): &(String, f64, f64)| format!("{view} from {} to {}", two(*from), two(*to));
    let rising: Vec<String> = rising(run).iter().map(said).collect();
    (!rising.is_empty()).then(|| {
        let views = listed(&rising, 4);
        format!("Its confidence rises with noise where it should fall ({views}): a high one is no sign of good data.")
    })
}

fn percent_at_least(share: f64) -> String {
    if share < 0.005 { "under 1\u{a0}%".into() } else { percent(share) }
}
