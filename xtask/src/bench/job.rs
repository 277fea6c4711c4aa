//! The work that is compared, and how it is written on one line for a worker of any language.
//!
//! The folder `peers` compiles this file too: both sides must read a line alike. So it uses the standard library alone.

use std::fmt::{self, Display};
use std::str::FromStr;

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Job {
    /// A matrix product.
    Product(Product),
    /// A training step: forward, backward and Adam.
    Step(Model),
    /// Class probabilities of a batch.
    Inference(Model),
    /// Adam alone, on all parameters of the model, with gradients that stay as they are.
    Update(Model),
    /// A pass over a matrix of f32.
    Pass(Pass),
    /// A trainer's fit.
    Fit(Fit),
}

/// Epochs over so many rows that stream through in batches of `model.rows`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fit {
    pub(crate) model: Model,
    pub(crate) rows: usize,
    pub(crate) epochs: usize,
}

/// An operation that is one pass over memory, by PyTorch's name: `exp`, `softmax`, …
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pass {
    pub(crate) name: String,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
}

/// `C = A·B` with `C` of m × n and an inner dimension of k; all three stored by rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Product {
    /// Whether the numbers are f64 instead of f32.
    pub(crate) double: bool,
    pub(crate) layout: Layout,
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
}

/// Which operand is stored transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layout {
    /// None: a layer's gradient for its input, `g·W`.
    Nn,
    /// B is stored n × k: a layer's forward pass, `x·Wᵀ`.
    Nt,
    /// A is stored k × m: a layer's gradient for its weights, `gᵀ·x`.
    Tn,
}

/// The shapes of an MMDynamic and of the batch that it gets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Model {
    pub(crate) widths: Vec<usize>,
    pub(crate) classes: usize,
    pub(crate) hidden: usize,
    pub(crate) rows: usize,
}

impl Product {
    /// Floating-point operations.
    pub(crate) fn flops(&self) -> f64 {
        2.0 * self.m as f64 * self.n as f64 * self.k as f64
    }

    /// Bytes of the three matrices: the least that must move.
    pub(crate) fn bytes(&self) -> f64 {
        let numbers = self.m * self.k + self.k * self.n + self.m * self.n;
        numbers as f64 * if self.double { 8.0 } else { 4.0 }
    }
}

impl Model {
    pub(crate) fn parameters(&self) -> usize {
        let linear = |inputs: usize, outputs: usize| inputs * outputs + outputs;
        let view = |&width: &usize| {
            linear(width, width)
                + linear(width, self.hidden)
                + linear(self.hidden, 1)
                + linear(self.hidden, self.classes)
        };
        self.widths.iter().map(view).sum::<usize>() + linear(self.widths.len() * self.hidden, self.classes)
    }

    /// Floating-point operations of the products of a training step. The data's own gradient is not among them,
    /// because nobody needs it.
    pub(crate) fn step_flops(&self) -> f64 {
        let (hidden, heads) = (self.hidden as f64, 1.0 + self.classes as f64);
        let view = |&width: &usize| {
            let width = width as f64;
            2.0 * width * width + 3.0 * width * hidden + 3.0 * hidden * heads
        };
        let fused = 3.0 * self.widths.len() as f64 * hidden * self.classes as f64;
        2.0 * self.rows as f64 * (self.widths.iter().map(view).sum::<f64>() + fused)
    }
}

impl Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Job::Product(Product { double, layout, m, n, k }) => {
                let layout = match layout {
                    Layout::Nn => "nn",
                    Layout::Nt => "nt",
                    Layout::Tn => "tn",
                };
                write!(f, "product {} {layout} {m} {n} {k}", if *double { "f64" } else { "f32" })
            }
            Job::Step(model) => write!(f, "step {model}"),
            Job::Inference(model) => write!(f, "inference {model}"),
            Job::Update(model) => write!(f, "update {model}"),
            Job::Fit(Fit { model, rows, epochs }) => write!(f, "fit {model} {rows} {epochs}"),
            Job::Pass(Pass { name, rows, cols }) => write!(f, "pass {name} {rows} {cols}"),
        }
    }
}

impl Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<_> = self.widths.iter().map(usize::to_string).collect();
        write!(f, "{} {} {} {}", widths.join(","), self.classes, self.hidden, self.rows)
    }
}

impl FromStr for Job {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let unknown = || format!("`{line}` is no job");
        let number = |text: &str| text.parse::<usize>().map_err(|_| unknown());
        let model = |widths: &str, classes: &str, hidden: &str, rows: &str| {
            let widths = widths.split(',').map(number).collect::<Result<_, String>>()?;
            Ok::<_, String>(Model {
                widths,
                classes: number(classes)?,
                hidden: number(hidden)?,
                rows: number(rows)?,
            })
        };
        match *line.split_whitespace().collect::<Vec<_>>() {
            ["product", float @ ("f32" | "f64"), layout, m, n, k] => {
                let layout = match layout {
                    "nn" => Layout::Nn,
                    "nt" => Layout::Nt,
                    "tn" => Layout::Tn,
                    _ => return Err(unknown()),
                };
                let (m, n, k) = (number(m)?, number(n)?, number(k)?);
                Ok(Job::Product(Product { double: float == "f64", layout, m, n, k }))
            }
            ["step", widths, classes, hidden, rows] => Ok(Job::Step(model(widths, classes, hidden, rows)?)),
            ["inference", widths, classes, hidden, rows] => {
                Ok(Job::Inference(model(widths, classes, hidden, rows)?))
            }
            ["update", widths, classes, hidden, rows] => {
                Ok(Job::Update(model(widths, classes, hidden, rows)?))
            }
            ["fit", widths, classes, hidden, batch, rows, epochs] => {
                let model = model(widths, classes, hidden, batch)?;
                Ok(Job::Fit(Fit { model, rows: number(rows)?, epochs: number(epochs)? }))
            }
            ["pass", name, rows, cols] => {
                Ok(Job::Pass(Pass { name: name.to_owned(), rows: number(rows)?, cols: number(cols)? }))
            }
            _ => Err(unknown()),
        }
    }
}
