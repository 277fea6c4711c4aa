//! The learning curves: `metrics.csv` of a run folder.

use crate::failure::{Exit, Failure};
use std::collections::BTreeMap;
use std::path::Path;

/// By stage (`train`, `val`) and column: epochs with their values, in the order of the file.
#[derive(Default)]
pub(crate) struct Curves(BTreeMap<(String, String), Vec<(f64, f64)>>);

impl Curves {
    /// Of no file: none.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Curves::default()),
            Err(error) => {
                return Err(Failure::new(Exit::Data, format!("{}: cannot be read: {error}", path.display())));
            }
        };
        Curves::parse(&text).map_err(|reason| {
            let cure = "remove the file to have the page without learning curves";
            Failure::new(Exit::Data, format!("{}: damaged: {reason}; {cure}", path.display()))
        })
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let place = |name: &str| names.iter().position(|column| *column == name);
        let (Some(stage), Some(epoch)) = (place("stage"), place("epoch")) else {
            return Err("row 1 has no columns `stage` and `epoch`".into());
        };
        let mut curves = Curves::default();
        for (row, line) in lines.enumerate() {
            let cells: Vec<&str> = line.split(',').collect();
            if cells.len() != names.len() {
                return Err(format!("row {} has {} cells, row 1 {}", row + 2, cells.len(), names.len()));
            }
            let number = |column: usize| {
                cells[column].parse::<f64>().map_err(|_| {
                    format!("row {}, `{}`: `{}` is no number", row + 2, names[column], cells[column])
                })
            };
            let at = number(epoch)?;
            for column in (0..names.len()).filter(|&column| column != stage && !cells[column].is_empty()) {
                let key = (cells[stage].to_owned(), names[column].to_owned());
                curves.0.entry(key).or_default().push((at, number(column)?));
            }
        }
        Ok(curves)
    }

    /// The first of these columns that has finite values in that stage.
    pub(crate) fn of(&self, stage: &str, columns: &[&str]) -> Option<&[(f64, f64)]> {
        let of = |column: &&str| self.0.get(&(stage.to_owned(), (*column).to_owned()));
        let drawn = |points: &&Vec<(f64, f64)>| points.iter().any(|point| point.1.is_finite());
        columns.iter().filter_map(of).find(drawn).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_found_by_stage_and_name() {
        let curves =
            Curves::parse("stage,epoch,val_loss,train_loss\nval,0,0.5,\ntrain,0,,2\nval,1,nan,\n").unwrap();
        assert_eq!(curves.of("val", &["missing", "val_loss"]).unwrap()[0], (0.0, 0.5));
        assert_eq!(curves.of("train", &["train_loss"]), Some(&[(0.0, 2.0)][..]));
        assert_eq!(curves.of("train", &["val_loss"]), None);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_row() {
        let refused = |text| Curves::parse(text).err().unwrap();
        assert!(refused("").contains("row 1"));
        assert!(refused("stage,epoch,a\nval,0\n").contains("row 2 has 2 cells"));
        assert!(refused("stage,epoch,a\nval,0,<b>\n").contains("row 2, `a`: `<b>` is no number"));
    }
}
