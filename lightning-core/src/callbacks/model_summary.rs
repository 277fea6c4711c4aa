//! What a model consists of.

use super::{Callback, CallbackResult};
use crate::trainer::State;
use crate::{Float, Parameter};
use std::fmt;
use std::io::{self, Write};

/// Prints a [`Summary`] to stderr when a fit starts: Lightning's `ModelSummary`.
///
/// ```
/// use lightning_core::Trainer;
/// use lightning_core::callbacks::ModelSummary;
/// let trainer: Trainer = Trainer { callbacks: vec![Box::new(ModelSummary { max_depth: 2 })], ..Trainer::default() };
/// # let _ = trainer;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelSummary {
    /// How many parts of a parameter's name make a row: 1 for the model's own parts, `usize::MAX` for each parameter.
    pub max_depth: usize,
}

impl Default for ModelSummary {
    /// One row for each part of the model.
    fn default() -> Self {
        ModelSummary { max_depth: 1 }
    }
}

impl<F: Float> Callback<F> for ModelSummary {
    fn name(&self) -> &str {
        "ModelSummary"
    }

    fn on_fit_start(&mut self, state: &State<'_, F>) -> CallbackResult {
        // Where stderr is closed there is nobody to tell.
        let _ = write!(io::stderr(), "{}", Summary::of(state.parameters, self.max_depth));
        Ok(())
    }
}

/// The parameters of a model, part by part. Shown as a table of at most 80 columns.
///
/// ```
/// use lightning_core::callbacks::Summary;
/// use lightning_core::nn::{Linear, Module};
/// let layer: Linear = Linear::new(3, 2, &mut lightning_core::Seed(0).stream("init"));
/// let summary = Summary::of(&layer.named_parameters(), 1);
/// assert_eq!((summary.trainable(), summary.total(), summary.flops()), (8, 8, 14));
/// println!("{summary}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The parts, in the order of the model.
    pub rows: Vec<SummaryRow>,
    /// Bytes of a number.
    pub bytes_per_number: usize,
}

/// A part of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryRow {
    /// The beginning of its parameters' names.
    pub name: String,
    /// The shapes of its parameters, in order.
    pub shapes: Vec<Vec<usize>>,
    /// Numbers that are learnt.
    pub trainable: usize,
    /// Numbers that are frozen.
    pub frozen: usize,
    /// Floating-point operations of a forward pass of one sample through layers with these parameters: twice the size of
    /// each matrix, once that of each vector. Activations and what a model does besides its layers are not in it.
    pub flops: usize,
}

impl Summary {
    /// Puts parameters together whose names begin with the same `max_depth` parts.
    pub fn of<F: Float>(parameters: &[(String, Parameter<F>)], max_depth: usize) -> Self {
        let mut rows: Vec<SummaryRow> = Vec::new();
        for (name, parameter) in parameters {
            let name = name.split('.').take(max_depth.max(1)).collect::<Vec<_>>().join(".");
            if rows.last().is_none_or(|row| row.name != name) {
                rows.push(SummaryRow { name, shapes: Vec::new(), trainable: 0, frozen: 0, flops: 0 });
            }
            let (shape, numbers) = (parameter.shape(), parameter.len());
            if let Some(row) = rows.last_mut() {
                row.flops += if shape.len() >= 2 { 2 * numbers } else { numbers };
                row.shapes.push(shape);
                *(if parameter.requires_grad() { &mut row.trainable } else { &mut row.frozen }) += numbers;
            }
        }
        Summary { rows, bytes_per_number: size_of::<F>() }
    }

    /// Numbers that are learnt.
    pub fn trainable(&self) -> usize {
        self.rows.iter().map(|row| row.trainable).sum()
    }

    /// All numbers.
    pub fn total(&self) -> usize {
        self.rows.iter().map(|row| row.trainable + row.frozen).sum()
    }

    /// Floating-point operations of one sample, as [`SummaryRow::flops`] counts them.
    pub fn flops(&self) -> usize {
        self.rows.iter().map(|row| row.flops).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<32}{:<22}{:>13}{:>13}", "Name", "Shapes", "Parameters", "FLOPs")?;
        for row in &self.rows {
            let shape =
                |shape: &Vec<usize>| shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
            let shapes = row.shapes.iter().map(shape).collect::<Vec<_>>().join(", ");
            let frozen = if row.frozen > 0 { "  frozen" } else { "" };
            let name = cut(&format!("{}{frozen}", row.name), 31);
            let numbers = row.trainable + row.frozen;
            writeln!(f, "{name:<32}{:<22}{numbers:>13}{:>13}", cut(&shapes, 21), row.flops)?;
        }
        let (trainable, total) = (self.trainable(), self.total());
        let megabytes = (total * self.bytes_per_number) as f64 / 1e6;
        writeln!(f, "{trainable:>13}  parameters that are learnt")?;
        writeln!(f, "{:>13}  parameters that are frozen", total - trainable)?;
        writeln!(f, "{total:>13}  parameters in all, {megabytes:.3} MB")
    }
}

/// At most so many characters, the last one `…` if some are missing.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::nn::{Linear, Module, Relu, Sequential};

    fn parameters() -> Vec<(String, Parameter<f32>)> {
        let mut rng = Seed(0).stream("init");
        let net = Sequential::new()
            .then(Linear::new(20, 10, &mut rng))
            .then(Relu)
            .then(Linear::new(10, 2, &mut rng));
        let parameters = net.named_parameters();
        parameters[0].1.set_requires_grad(false);
        parameters
    }

    #[test]
    fn parts_are_put_together_to_the_depth_that_is_asked_for() {
        let summary = Summary::of(&parameters(), 1);
        let rows: Vec<_> =
            summary.rows.iter().map(|r| (r.name.as_str(), r.trainable, r.frozen, r.flops)).collect();
        assert_eq!(rows, [("0", 10, 200, 410), ("2", 22, 0, 42)]);
        let names: Vec<String> =
            Summary::of(&parameters(), usize::MAX).rows.into_iter().map(|r| r.name).collect();
        assert_eq!(names, ["0.weight", "0.bias", "2.weight", "2.bias"]);
    }

    #[test]
    fn the_table_has_80_columns_and_the_totals() {
        let mut long = parameters();
        long[3].0 = "a_part_with_a_name_that_is_much_too_long_for_a_column.bias".into();
        let text = Summary::of(&long, 2).to_string();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(
            text.contains("32  parameters that are learnt")
                && text.contains("200  parameters that are frozen")
        );
        assert!(text.contains("232  parameters in all, 0.001 MB"), "{text}");
        assert!(text.contains("10 × 20") && text.contains("0.weight  frozen"), "{text}");
    }
}
