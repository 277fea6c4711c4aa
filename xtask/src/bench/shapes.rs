//! What is measured: the shapes of the model on two public data sets, and squares.

use super::job::{Layout, Model, Product};
use std::collections::BTreeSet;

/// Rows of the training parts, widths of the views, classes.
pub(crate) struct Data {
    pub(crate) name: &'static str,
    pub(crate) rows: usize,
    pub(crate) widths: [usize; 3],
    pub(crate) classes: usize,
    /// Hidden widths, the usual one first.
    pub(crate) hidden: [usize; 2],
}

pub(crate) const BRCA: Data =
    Data { name: "BRCA", rows: 612, widths: [1000, 1000, 503], classes: 5, hidden: [500, 1000] };
pub(crate) const ROSMAP: Data =
    Data { name: "ROSMAP", rows: 245, widths: [200, 200, 200], classes: 2, hidden: [300, 1000] };

impl Data {
    /// The model with the usual hidden width on so many rows.
    pub(crate) fn model(&self, rows: usize) -> Model {
        let Data { widths, classes, hidden: [hidden, _], .. } = *self;
        Model { widths: widths.to_vec(), classes, hidden, rows }
    }
}

/// A product and what it is for.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) what: String,
    pub(crate) product: Product,
}

fn shape(what: String, double: bool, layout: Layout, [m, n, k]: [usize; 3]) -> Shape {
    Shape { what, product: Product { double, layout, m, n, k } }
}

/// Squares, and every product of a full-batch step but those with an output of a few columns.
pub(crate) fn products(double: bool, quick: bool) -> Vec<Shape> {
    let squares: &[usize] = if quick { &[64, 256, 1024] } else { &[64, 128, 256, 512, 1024, 2048] };
    let mut shapes: Vec<_> =
        squares.iter().map(|&n| shape(format!("square {n}"), double, Layout::Nn, [n, n, n])).collect();
    for data in [BRCA, ROSMAP] {
        let rows = data.rows;
        let widths: BTreeSet<_> = data.widths.into_iter().collect();
        for &width in widths.iter().rev() {
            let gate =
                |part, layout, sizes| shape(format!("{} gate {part}", data.name), double, layout, sizes);
            shapes.push(gate("forward", Layout::Nt, [rows, width, width]));
            shapes.push(gate("weights", Layout::Tn, [width, width, rows]));
            for &hidden in &data.hidden[..if quick { 1 } else { 2 }] {
                let encoder = |part, layout, sizes| {
                    shape(format!("{} encoder {part}", data.name), double, layout, sizes)
                };
                shapes.push(encoder("forward", Layout::Nt, [rows, hidden, width]));
                shapes.push(encoder("weights", Layout::Tn, [hidden, width, rows]));
                shapes.push(encoder("input", Layout::Nn, [rows, width, hidden]));
            }
        }
    }
    shapes
}

/// Products with at most eight rows, columns or steps.
pub(crate) fn narrow(double: bool) -> Vec<Shape> {
    const BATCH: &str = "small batch";
    let shapes: [(&str, Layout, [usize; 3]); 20] = [
        ("classifier forward", Layout::Nt, [612, 5, 1500]),
        ("classifier weights", Layout::Tn, [5, 1500, 612]),
        ("classifier input", Layout::Nn, [612, 1500, 5]),
        ("classifier forward", Layout::Nt, [245, 2, 900]),
        ("classifier weights", Layout::Tn, [2, 900, 245]),
        ("view's classifier forward", Layout::Nt, [612, 5, 500]),
        ("confidence forward", Layout::Nt, [612, 1, 500]),
        ("confidence weights", Layout::Tn, [1, 500, 612]),
        ("confidence forward", Layout::Nt, [245, 1, 300]),
        ("eight columns", Layout::Nt, [612, 8, 1000]),
        (BATCH, Layout::Nt, [1, 1000, 1000]),
        (BATCH, Layout::Nt, [1, 500, 1000]),
        (BATCH, Layout::Nt, [1, 200, 200]),
        (BATCH, Layout::Nt, [4, 1000, 1000]),
        (BATCH, Layout::Nt, [8, 1000, 1000]),
        (BATCH, Layout::Nt, [8, 300, 200]),
        (BATCH, Layout::Nn, [8, 1000, 500]),
        (BATCH, Layout::Nn, [8, 200, 300]),
        (BATCH, Layout::Tn, [1000, 1000, 8]),
        (BATCH, Layout::Tn, [300, 200, 8]),
    ];
    shapes.into_iter().map(|(what, layout, sizes)| shape(what.into(), double, layout, sizes)).collect()
}

/// Rows of a batch of each data set whose training step is measured, the full batch first.
pub(crate) const STEPS: [(Data, [usize; 3]); 2] = [(BRCA, [612, 128, 32]), (ROSMAP, [245, 32, 8])];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::job::Job;

    #[test]
    fn a_job_is_read_as_it_was_written() {
        let products =
            products(false, false).into_iter().chain(narrow(true)).map(|s| Job::Product(s.product));
        let models = [Job::Step(BRCA.model(8)), Job::Inference(ROSMAP.model(1)), Job::Update(BRCA.model(1))];
        for job in products.chain(models) {
            assert_eq!(job.to_string().parse(), Ok(job));
        }
        assert!("product f32 nn 1 2".parse::<Job>().is_err());
        assert!("step 10,x 2 3 4".parse::<Job>().is_err());
    }

    #[test]
    fn a_step_has_the_operations_and_parameters_of_its_products() {
        let model = Model { widths: vec![3, 4], classes: 2, hidden: 5, rows: 7 };
        // Per view: the gate twice; encoder, confidence and classifier three times each. Then the fused classifier.
        let view = |w: usize| 2 * w * w + 3 * w * 5 + 3 * 5 + 3 * 5 * 2;
        assert_eq!(model.step_flops(), (2 * 7 * (view(3) + view(4) + 3 * 10 * 2)) as f64);
        let hparams = mmdynamic::Hyperparameters {
            in_dim: vec![3, 4],
            num_class: 2,
            binary: false,
            config: mmdynamic::Config { hidden_dim: vec![5], ..Default::default() },
        };
        assert_eq!(model.parameters() as u64, hparams.parameter_count());
    }
}
