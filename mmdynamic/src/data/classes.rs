//! Classes as numbers `0..C`, from the texts in a column of a table.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::{DataError, excerpt};
use super::labels::label;

/// The classes of a table and, for each row, its class among them.
pub(super) struct Classes {
    pub(super) names: Vec<String>,
    pub(super) labels: Vec<usize>,
}

impl Classes {
    /// Gives each row its class. The classes are `wanted`, in that order, or those of the training rows: whole numbers by
    /// size, whatever way they are written (`1`, `1.0`), and text by its bytes, as scikit-learn's `LabelEncoder` does.
    ///
    /// Test may lack a class, but not bring one that train never saw.
    pub(super) fn of(
        file: &Path,
        wanted: Option<&[String]>,
        cells: &[String],
        is_test: &[bool],
    ) -> Result<Self, DataError> {
        let numbers: Option<Vec<usize>> = cells.iter().map(|cell| label(cell)).collect();
        let texts = match numbers {
            Some(numbers) if wanted.is_none() => numbers.iter().map(usize::to_string).collect(),
            _ => cells.to_vec(),
        };
        let train: BTreeSet<&String> =
            texts.iter().zip(is_test).filter(|(_, test)| !**test).map(|(text, _)| text).collect();
        if is_test.iter().all(|test| !*test) {
            let (found, expected) = ("no test rows".to_owned(), "rows to train on and rows to test on");
            return Err(DataError::Setting { setting: "split", found, expected });
        }
        if train.len() < 2 {
            return Err(DataError::OneClass { file: file.to_owned() });
        }
        let names = match wanted {
            Some(names) => names.to_vec(),
            None => by_size_or_alphabet(&train),
        };
        if let Some(absent) = names.iter().find(|name| !train.contains(name)) {
            let expected = "classes that training rows have";
            return Err(DataError::Setting { setting: "classes", found: absent.clone(), expected });
        }
        let class = |(row, text): (usize, &String)| {
            names.iter().position(|name| name == text).ok_or_else(|| DataError::UnknownClass {
                file: file.to_owned(),
                // Below the header, from 1.
                row: row + 2,
                found: excerpt(text),
                expected: names.join(", "),
            })
        };
        let labels = texts.iter().enumerate().map(class).collect::<Result<_, _>>()?;
        Ok(Classes { names, labels })
    }
}

fn by_size_or_alphabet(texts: &BTreeSet<&String>) -> Vec<String> {
    let mut names: Vec<String> = texts.iter().map(|text| (*text).clone()).collect();
    if names.iter().all(|name| label(name).is_some()) {
        names.sort_by_key(|name| label(name));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cells: &[&str], test: usize, wanted: Option<&[&str]>) -> Result<(Vec<String>, Vec<usize>), String> {
        let cells: Vec<String> = cells.iter().map(|cell| (*cell).to_owned()).collect();
        let is_test: Vec<bool> = (0..cells.len()).map(|row| row + test >= cells.len()).collect();
        let wanted: Option<Vec<String>> = wanted.map(|w| w.iter().map(|n| (*n).to_owned()).collect());
        let classes = Classes::of(Path::new("t.csv"), wanted.as_deref(), &cells, &is_test);
        classes.map(|classes| (classes.names, classes.labels)).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_are_ordered_by_size_and_text_by_alphabet() {
        let (names, labels) = of(&["10", "2.0", "1e1", "2"], 1, None).unwrap();
        assert_eq!((names.as_slice(), labels), (["2", "10"].map(String::from).as_slice(), vec![1, 0, 1, 0]));
        let (names, labels) = of(&["LumA", "Basal", "Basal"], 1, None).unwrap();
        assert_eq!(
            (names.as_slice(), labels),
            (["Basal", "LumA"].map(String::from).as_slice(), vec![1, 0, 0])
        );
    }

    #[test]
    fn the_order_can_be_said() {
        let (names, labels) = of(&["ill", "healthy", "ill"], 1, Some(&["ill", "healthy"])).unwrap();
        assert_eq!((names[0].as_str(), labels), ("ill", vec![0, 1, 0]));
        let refused = of(&["ill", "healthy", "ill"], 1, Some(&["ill", "well"])).unwrap_err();
        assert_eq!(refused, "classes is \"well\", expected classes that training rows have");
    }

    #[test]
    fn a_class_that_train_lacks_is_named_with_its_row() {
        let refused = of(&["a", "b", "c"], 1, None).unwrap_err();
        assert_eq!(refused, "t.csv, row 4: class \"c\" does not occur in train, expected a, b");
        assert!(of(&["a", "a", "b"], 1, None).unwrap_err().contains("all rows are of one class"));
        assert!(of(&["a", "b"], 0, None).unwrap_err().starts_with("split is \"no test rows\""));
    }
}
