//! The files of a result: `results.csv`, one row for other programs, and `results.json`, all of it.

use super::Outcome;
use crate::failure::{Exit, Failure};
use lightning_core::checkpoint::write_atomically;

impl Outcome {
    pub(super) fn write(&self) -> Result<(), Failure> {
        let json = serde_json::to_string(&self.results)
            .map_err(|error| Failure::new(Exit::Writing, format!("results.json: {error}")))?;
        self.write_file("features.csv", &self.features_csv)?;
        self.write_file("results.csv", &self.csv())?;
        self.write_file("results.json", &(json + "\n"))
    }

    fn write_file(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.folder.join(name);
        write_atomically(&path, text.as_bytes()).map_err(|error| Failure::writing(&path, &error))
    }

    /// Names, and below them this seed's numbers in full precision.
    fn csv(&self) -> String {
        let (names, values): (Vec<String>, Vec<String>) = self.columns().into_iter().unzip();
        format!("{}\n{}\n", names.join(","), values.join(","))
    }

    fn columns(&self) -> Vec<(String, String)> {
        let (results, terms) = (&self.results, &self.terms);
        let mut columns = vec![
            ("seed".to_owned(), results.facts.seed.to_string()),
            ("checkpoint".to_owned(), results.facts.checkpoint.clone()),
            ("epoch".to_owned(), results.facts.epoch.to_string()),
        ];
        let mut add = |name: String, value: f64| columns.push((name, value.to_string()));
        for score in &results.scores {
            add(format!("test_{}", score.name), score.value);
        }
        add("train_loss".into(), terms.total());
        if let Some(ce) = terms.classifier_ce {
            add("train_classifier_ce".into(), ce);
        }
        for (view, found) in results.views.iter().enumerate() {
            let of = |what: &str| format!("view{}_{what}", view + 1);
            for (name, term) in terms.named_of(view) {
                add(of(name), term);
            }
            add(of("confidence_outside"), found.confidence_outside);
        }
        columns
    }
}
