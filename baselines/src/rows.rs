//! The rows as they come in, and in the forms that the methods want.

use ndarray::Array2;

/// Samples in several views, with their classes; row i of each view is the same sample.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// (samples, features), one per view.
    pub views: &'a [Array2<f32>],
    /// Class of each sample.
    pub labels: &'a [usize],
}

impl Rows<'_> {
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(crate) fn widths(&self) -> Vec<usize> {
        self.views.iter().map(Array2::ncols).collect()
    }

    /// Features of the chosen view, or of all side by side, row after row.
    pub(crate) fn flat(&self, view: Option<usize>) -> (Vec<f64>, usize) {
        let chosen = view.map_or(self.views, |view| &self.views[view..=view]);
        let width = chosen.iter().map(Array2::ncols).sum();
        let row = |row: usize| chosen.iter().flat_map(move |view| view.row(row).to_vec());
        ((0..self.len()).flat_map(row).map(f64::from).collect(), width)
    }

    /// The classes that have a row, in order.
    pub(crate) fn present_classes(&self, classes: usize) -> Vec<usize> {
        (0..classes).filter(|class| self.labels.contains(class)).collect()
    }

    /// Labels as places in `learnt`.
    pub(crate) fn places(&self, learnt: &[usize]) -> Vec<u32> {
        let place =
            |label: &usize| learnt.binary_search(label).expect("every label has its class among the learnt");
        self.labels.iter().map(|label| place(label) as u32).collect()
    }

    /// The share of each class, for every one of `rows` rows.
    pub(crate) fn class_shares(&self, classes: usize, rows: usize) -> Array2<f64> {
        let mut counts = vec![0usize; classes];
        self.labels.iter().for_each(|&label| counts[label] += 1);
        Array2::from_shape_fn((rows, classes), |(_, class)| counts[class] as f64 / self.len() as f64)
    }
}
