//! What a cross-validation leaves: `folds.csv`, `predictions.csv`, `cv.json`.

use super::folds::{FoldRows, Folds};
use crate::evaluation::{FORMAT, Outcome};
use crate::failure::{Exit, Failure};
use crate::output::quoted;
use crate::results::MethodScores;
use lightning_core::checkpoint::write_atomically;
use metrics::argmax_rows;
use ndarray::ArrayView2;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;

/// `cv.json`.
#[derive(Serialize)]
pub(super) struct Summary<'a> {
    format: u32,
    data: &'a str,
    data_hash: &'a str,
    config_hash: &'a str,
    program: &'a str,
    seed: u64,
    folds: usize,
    repeats: usize,
    /// Folds that are done; fewer than folds times repeats where it was stopped.
    done: usize,
    rows: usize,
    classes: &'a [String],
    /// How the intervals of the means were made.
    interval: &'static str,
    methods: &'a [MethodScores],
}

/// The files, as they grow from fold to fold.
pub(super) struct CvFiles<'a> {
    folder: &'a Path,
    folds: &'a Folds<'a>,
    seed: u64,
    hashes: [String; 2],
    done: usize,
    fold_table: String,
    predictions: String,
}

impl<'a> CvFiles<'a> {
    pub(super) fn new(folder: &'a Path, folds: &'a Folds<'a>) -> Self {
        let mut predictions = String::from("repeat,fold,row,sample,label,predicted");
        for name in &folds.all().class_names {
            let _ = write!(predictions, ",{}", quoted(&format!("probability_{name}")));
        }
        predictions.push('\n');
        let seed = folds.rows().next().map_or(0, |rows| rows.seed);
        let (hashes, fold_table) = ([String::new(), String::new()], String::new());
        CvFiles { folder, folds, seed, hashes, done: 0, fold_table, predictions }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder
    }

    pub(super) fn done(&self) -> usize {
        self.done
    }

    /// Takes in the result of a fold.
    pub(super) fn add(&mut self, rows: &FoldRows<'_>, outcome: &Outcome) {
        let facts = &outcome.results.facts;
        self.hashes = [facts.data_hash.clone(), facts.config_hash.clone()];
        self.done += 1;
        let scores = &outcome.results.scores;
        if self.fold_table.is_empty() {
            self.fold_table = "repeat,fold,seed,train_rows,validation_rows,test_rows,epoch".into();
            scores.iter().for_each(|score| self.fold_table += &format!(",test_{}", score.name));
            self.fold_table += ",folder\n";
        }
        let (repeat, fold) = (rows.repeat + 1, rows.fold + 1);
        let (train, validation, test) = (facts.train_rows, facts.validation_rows, facts.test_rows);
        let _ = write!(
            self.fold_table,
            "{repeat},{fold},{},{train},{validation},{test},{}",
            facts.seed, facts.epoch
        );
        scores.iter().for_each(|score| self.fold_table += &format!(",{}", score.value));
        let run = outcome.folder.strip_prefix(self.folder).unwrap_or(&outcome.folder);
        let _ = writeln!(self.fold_table, ",{}", quoted(&run.to_string_lossy()));
        self.add_predictions(rows, outcome);
    }

    /// A line for each row of the fold; rows count from 1, those of train first.
    fn add_predictions(&mut self, rows: &FoldRows<'_>, outcome: &Outcome) {
        let test = &outcome.results.test;
        let names = &self.folds.all().class_names;
        for (at, row) in rows.rows.validation.iter().enumerate() {
            let probabilities = &test.probabilities[at];
            let line = ArrayView2::from_shape((1, probabilities.len()), probabilities);
            let predicted = line.ok().and_then(|line| argmax_rows(line).ok()).map_or(0, |classes| classes[0]);
            let _ = write!(
                self.predictions,
                "{},{},{},{},{},{}",
                rows.repeat + 1,
                rows.fold + 1,
                row + 1,
                quoted(&test.samples[at]),
                quoted(&names[test.labels[at]]),
                quoted(&names[predicted])
            );
            probabilities.iter().for_each(|probability| self.predictions += &format!(",{probability}"));
            self.predictions.push('\n');
        }
    }

    pub(super) fn summary<'b>(&'b self, methods: &'b [MethodScores]) -> Summary<'b> {
        let (folds, repeats) = self.folds.shape();
        Summary {
            format: FORMAT,
            data: self.folds.name(),
            data_hash: &self.hashes[0],
            config_hash: &self.hashes[1],
            program: env!("CARGO_PKG_VERSION"),
            seed: self.seed,
            folds,
            repeats,
            done: self.done,
            rows: self.folds.all().rows(),
            classes: &self.folds.all().class_names,
            interval: "95 %, Nadeau and Bengio's corrected resampled t over all folds",
            methods,
        }
    }

    /// Writes all three, in place of those of one fold less.
    pub(super) fn write(&self, methods: &[MethodScores]) -> Result<(), Failure> {
        let json = serde_json::to_string(&self.summary(methods))
            .map_err(|error| Failure::new(Exit::Writing, format!("cv.json: {error}")))?;
        for (name, text) in [
            ("predictions.csv", &self.predictions),
            ("folds.csv", &self.fold_table),
            ("cv.json", &(json + "\n")),
        ] {
            let path = self.folder.join(name);
            write_atomically(&path, text.as_bytes()).map_err(|error| Failure::writing(&path, &error))?;
        }
        Ok(())
    }
}
