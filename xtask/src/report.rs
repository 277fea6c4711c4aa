//! What a training says of itself: plain text of at most 80 columns, numbers to four decimals.

use crate::evaluation::{Judgement, LEVEL, Outcome};
use crate::page::grouped;
use crate::results::{
    Baseline, Calibration, CalibrationScores, MeanScore, MethodScores, Score, SeedsResults, Selective,
};
use crate::source::{Source, classes};
use lightning_core::nn::Module;
use metrics::mean_interval;
use mmdynamic::MmDynamic;
use std::fmt::Write as _;

const WIDTH: usize = 80;

/// What stands beside a score.
pub(crate) const INTERVAL: &str = "95 % interval: bootstrap of these rows";

/// `Label   text`, with the text wrapped below itself.
pub(crate) fn field(label: &str, text: &str) -> String {
    let indent = 10;
    let mut out = format!("{label:<indent$}");
    let mut column = indent;
    for (i, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if i > 0 && column + 1 + length > WIDTH {
            let _ = write!(out, "\n{:indent$}", "");
            column = indent;
        } else if i > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out + "\n"
}

/// The data: where from, rows, views, classes.
pub(crate) fn data(source: &Source, learn: usize) -> String {
    let (train, test) = (&source.cohort.train, &source.cohort.test);
    let held_out = train.rows() - learn;
    let kept = match held_out {
        0 => format!("{} rows to learn from", train.rows()),
        _ => format!("{learn} rows to learn from, {held_out} to choose the epoch by (validation)"),
    };
    let widths: Vec<String> = train.widths().iter().map(usize::to_string).collect();
    field("Data", &source.name)
        + &field("Rows", &format!("{kept}, {} to test on", test.rows()))
        + &field("Views", &format!("{}, with {} features", widths.len(), widths.join(", ")))
        + &field("Classes", &format!("{}: {}", train.classes(), classes(train)))
}

/// The parts of the model with their parameters.
pub(crate) fn model(model: &MmDynamic) -> String {
    let parts = [
        ("gates", "FeatureInforEncoder", "weigh each feature of a view"),
        ("encoders", "FeatureEncoder", "condense each view"),
        ("confidences", "TCPConfidenceLayer", "how far to trust each view"),
        ("view classifiers", "TCPClassifierLayer", "the class by one view alone"),
        ("classifier", "MMClasifier", "the class by all views and confidences"),
    ];
    let parameters = model.named_parameters();
    let hidden: Vec<String> = model.hparams().config.hidden_dim.iter().map(usize::to_string).collect();
    let mut out = field("Model", &format!("MMDynamic, hidden width {}", hidden.join(", ")));
    for (name, prefix, purpose) in parts {
        let of_part = parameters.iter().filter(|(full, _)| full.split('.').next() == Some(prefix));
        let count: usize = of_part.map(|(_, parameter)| parameter.value().len()).sum();
        let _ = writeln!(out, "  {name:<17}{:>14}  {purpose}", grouped(count as u64));
    }
    let total: usize = parameters.iter().map(|(_, parameter)| parameter.value().len()).sum();
    let _ = writeln!(out, "  {:<17}{:>14}  parameters", "total", grouped(total as u64));
    out
}

/// The scores with their intervals and what each means.
fn scores(scores: &[Score]) -> String {
    let mut out = String::new();
    for Score { name, label, value, interval, .. } in scores {
        let interval = interval.map_or("-".into(), |[lower, upper]| format!("{lower:.4} to {upper:.4}"));
        let _ = writeln!(out, "  {label:<12}{value:>8.4}  {interval:<16}  {}", meaning(name));
    }
    out
}

fn meaning(name: &str) -> &'static str {
    match name {
        "acc" => "share of rows whose class is right",
        "f1" => "class 1: hits against its errors",
        "auc" => "chance to rank class 1 above class 0",
        "weighted_f1" => "hits against errors, by class size",
        "macro_f1" => "the same, rare classes count alike",
        _ => "",
    }
}

/// All that is said of some rows.
pub(crate) fn judgement(judgement: &Judgement) -> String {
    scores(&judgement.scores) + &trust(&judgement.calibration, &judgement.selective)
}

/// Other methods on the same rows.
fn baselines(baselines: &[Baseline]) -> String {
    let Some(first) = baselines.first() else { return String::new() };
    let line = |name: &str, cells: Vec<String>| {
        cells.iter().fold(format!("  {name:<34}"), |line, cell| line + &format!("{cell:>12}")) + "\n"
    };
    let heads = first.scores.iter().map(|score| score.label.clone()).collect();
    let mut out = "Others, learnt from the same rows\n".to_owned() + &line("", heads);
    for Baseline { name, scores } in baselines {
        out += &line(name, scores.iter().map(|score| format!("{:.4}", score.value)).collect());
    }
    out
}

/// How far the probabilities can be trusted.
fn trust(calibration: &Calibration, selective: &Selective) -> String {
    let Calibration { raw, temperature, scaled } = calibration;
    let mut out = format!("{:<14}{:>8}", "Probabilities", "raw");
    out += &temperature.map_or("\n".into(), |temperature| format!("{:>9}\n", format!("T {temperature:.2}")));
    let scaled = |of: fn(&CalibrationScores) -> f64| scaled.as_ref().map(of);
    let rows: [(&str, f64, Option<f64>, &str); 5] = [
        ("ECE", raw.ece, scaled(|scores| scores.ece), "gap of confidence and accuracy"),
        ("Brier", raw.brier, scaled(|scores| scores.brier), "squared error of the probabilities"),
        ("log loss", raw.log_loss, scaled(|scores| scores.log_loss), "what each row's class cost, in nats"),
        ("AURC", selective.aurc, None, "errors among the surest rows, on average"),
        ("  by view", selective.aurc_by_confidence, None, "the same, surest by the views' confidences"),
    ];
    for (label, raw, scaled, meaning) in rows {
        let scaled = scaled.map_or(String::new(), |value| format!("{value:.4}"));
        let _ = writeln!(out, "  {label:<12}{raw:>8.4}{scaled:>9}  {meaning}");
    }
    if temperature.is_some() {
        out += "  small is good; T: logits divided by a temperature fitted on validation rows\n";
    }
    out
}

/// The whole result of one seed.
pub(crate) fn outcome(outcome: &Outcome) -> String {
    let (facts, terms) = (&outcome.results.facts, &outcome.terms);
    let mut out = format!("Test, {} rows, looked at once ({INTERVAL})\n", facts.test_rows);
    out += &scores(&outcome.results.scores);
    out += &trust(&outcome.results.calibration, &outcome.results.selective);
    out += &baselines(&outcome.results.baselines);
    let why = match facts.val_loss {
        Some(loss) => format!("{}, the one with the smallest val_loss, {loss:.4}", facts.epoch),
        None => format!("{}, the last one", facts.epoch),
    };
    out += &field("Epoch", &format!("{why} (counted from 0)"));
    out += &field("Training", &format!("loss on the {} rows learnt from, dropout off", facts.train_rows));
    let _ = writeln!(out, "  {:<12}{:>8.4}  the sum of all terms below", "total", terms.total());
    let fused = term(terms.classifier_ce.as_ref());
    let _ = writeln!(out, "  {:<12}{fused:>8}  cross-entropy of the classifier", "fused CE");
    let _ = writeln!(
        out,
        "  {:<8}{:>12}{:>18}{:>12}{:>18}",
        "", "mean gate", "confidence MSE", "view CE", "test conf. out"
    );
    for view in 0..outcome.results.views.len() {
        let _ = writeln!(
            out,
            "  {:<8}{:>12}{:>18}{:>12}{:>18.4}",
            format!("view {}", view + 1),
            term(terms.gate_l1.get(view)),
            term(terms.tcp_regression.get(view)),
            term(terms.tcp_ce.get(view)),
            outcome.results.views[view].confidence_outside
        );
    }
    out += "  mean gate       how much of the features is let through, 0 to 1\n";
    out += "  confidence MSE  squared error of the predicted confidence\n";
    out += "  view CE         cross-entropy of the view's own classifier\n";
    out += "  test conf. out  share of test confidences outside 0 to 1; they are\n";
    out += "                  predictions, not probabilities\n";
    out += &field("Time", &format!("{:.1} s", facts.seconds));
    out += &field("Files", &outcome.folder.display().to_string());
    out + &field("Report", &outcome.folder.join("report.html").display().to_string())
}

/// A term of the loss, or a dash where the model has none of it.
fn term(value: Option<&f64>) -> String {
    value.map_or("-".into(), |value| format!("{value:.4}"))
}

/// The head of a table of several seeds.
pub(crate) fn seeds_head(scores: &[Score]) -> String {
    let mut out = format!("{:<8}", "seed");
    for score in scores {
        let _ = write!(out, "{:>12}", score.label);
    }
    out + &format!("{:>12}{:>7}  {}\n", "train loss", "epoch", "folder")
}

/// The row of a seed.
pub(crate) fn seeds_row(outcome: &Outcome) -> String {
    let folder = outcome.folder.file_name().unwrap_or_default().to_string_lossy();
    let facts = &outcome.results.facts;
    format!("{}{:>7}  {folder}\n", numbers(&facts.seed.to_string(), &outcome.numbers()), facts.epoch)
}

/// Mean, sample standard deviation and interval of the mean below the rows.
pub(crate) fn seeds_foot(outcomes: &[Outcome], found: &SeedsResults) -> String {
    let losses: Vec<f64> = outcomes.iter().map(|outcome| outcome.terms.total()).collect();
    let mut out = String::new();
    if let (Some(model), Ok(loss)) = (found.methods.first(), mean_interval(&losses, LEVEL)) {
        let line = |label: &str, of: fn(&MeanScore) -> f64, loss: f64| {
            let values: Vec<f64> = model.scores.iter().map(of).chain([loss]).collect();
            numbers(label, &values) + "\n"
        };
        let end = |interval: Option<[f64; 2]>, at: usize| interval.map_or(f64::NAN, |ends| ends[at]);
        out += &line("mean", |score| score.mean, loss.mean);
        out += &line("sd", |score| score.sd.unwrap_or(f64::NAN), loss.sd.unwrap_or(f64::NAN));
        out += &line("lower", |score| score.interval.map_or(f64::NAN, |ends| ends[0]), end(loss.interval, 0));
        out += &line("upper", |score| score.interval.map_or(f64::NAN, |ends| ends[1]), end(loss.interval, 1));
    }
    out += "train loss: the sum of all terms on the rows learnt from, dropout off; sd: over\n";
    out += "seeds (n - 1); lower, upper: 95 % interval of the mean over seeds, by Student's\n";
    out += "t; it does not tell of other test rows; epochs are counted from 0\n";
    if found.methods.len() > 1 {
        out += &methods(&found.methods);
    }
    let seconds: f64 = outcomes.iter().map(|outcome| outcome.results.facts.seconds).sum();
    let logs = outcomes.first().and_then(|outcome| outcome.folder.parent());
    out += &field("Time", &format!("{seconds:.1} s"));
    out + &field("Files", &logs.map_or(String::new(), |folder| folder.display().to_string()))
}

/// A table of methods: mean ± deviation of each score, and below it the interval of the mean.
pub(crate) fn methods(methods: &[MethodScores]) -> String {
    let scores = methods.first().map_or(&[][..], |method| &method.scores);
    let line = |name: &str, cell: &dyn Fn(&MeanScore) -> String, scores: &[MeanScore]| {
        let cells: String = scores.iter().map(|score| format!("{:>18}", cell(score))).collect();
        format!("{name:<26}{cells}\n")
    };
    let mut out = line("method", &|score| score.label.clone(), scores);
    for MethodScores { name, scores } in methods {
        let spread = |score: &MeanScore| match score.sd {
            Some(sd) => format!("{:.4} ± {sd:.4}", score.mean),
            None => format!("{:.4}", score.mean),
        };
        let ends = |score: &MeanScore| {
            score.interval.map_or(String::new(), |[lower, upper]| format!("{lower:.4} to {upper:.4}"))
        };
        let name = if name.chars().count() < 26 { name.clone() } else { format!("{name}\n{:26}", "") };
        out += &line(&name, &spread, scores);
        out += &line("", &ends, scores);
    }
    out
}

fn numbers(label: &str, values: &[f64]) -> String {
    values.iter().fold(format!("{label:<8}"), |mut line, value| {
        let _ = write!(line, "{value:>12.4}");
        line
    })
}

impl Outcome {
    fn numbers(&self) -> Vec<f64> {
        let scores = self.results.scores.iter().map(|score| score.value);
        scores.chain([self.terms.total()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lightning_core::Seed;
    use mmdynamic::{Config, Hyperparameters};

    #[test]
    fn three_views_of_300_count_as_in_the_specification() {
        let hparams =
            Hyperparameters { in_dim: vec![300; 3], num_class: 2, binary: true, config: Config::default() };
        let text = model(&MmDynamic::new(hparams, Seed(0)).expect("a model"));
        let counts: Vec<&str> =
            text.lines().skip(1).filter_map(|line| line[19..].split_whitespace().next()).collect();
        assert_eq!(counts, ["270,900", "45,150", "153", "306", "302", "316,811"]);
    }

    #[test]
    fn a_table_of_methods_fits_80_columns_whatever_their_names() {
        let score = MeanScore {
            name: "weighted_f1".into(),
            label: "weighted F1".into(),
            values: vec![0.8, 0.9],
            mean: 0.85,
            sd: Some(0.0707),
            interval: Some([0.8, 0.9]),
        };
        let name = |name: &str| MethodScores { name: name.into(), scores: vec![score.clone(); 3] };
        let table = methods(&[name("MMDynamic"), name("logistic regression, all views")]);
        assert!(table.lines().all(|line| line.chars().count() <= WIDTH), "{table}");
        assert_eq!(table.matches("0.8500 ± 0.0707").count(), 6, "{table}");
        assert!(table.contains("\nlogistic regression, all views\n"), "{table}");
    }

    #[test]
    fn long_fields_are_wrapped_below_themselves() {
        let text = field("Classes", &"carcinoma ".repeat(20));
        assert!(text.lines().count() > 2 && text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("          ")));
    }
}
