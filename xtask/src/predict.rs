//! `predict`: class, probabilities and confidences of each sample, as csv.

use crate::failure::{Exit, Failure};
use crate::output::quoted;
use crate::saved::Loaded;
use crate::source::TableFlags;
use crate::{evaluation, npy, output, saved, source};
use clap::{Args, ValueEnum};
use lightning_core::checkpoint::write_atomically;
use metrics::argmax_rows;
use mmdynamic::data::{Missing, MultiOmics, ReadOptions, read_matrix_with, read_wide_samples};
use mmdynamic::explain::{gates, top_features};
use mmdynamic::{MmDynamic, MultiViewDataset, Prediction};
use ndarray::{Array2, ArrayView2, Axis, concatenate};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const AFTER: &str = "\
The table has a line per sample: row (from 1), name of the sample (its row where
the data has no names), class, the probability of each class, and how far each
view was trusted. A confidence is a prediction, too, and may leave 0 to 1.
--top-features adds what the gates let through best, a column per view. Data
is given raw: missing values are filled or refused as in the training, and
features scaled, by the figures in the checkpoint.

With --views no labels are needed: one csv or npy per view, in the order of the
training, a row a sample, without a header. Nor with --table: one csv with a
header, in which columns are found by the names of the model's features and the
first column (or that of the training) names the samples. With --data the test
rows are predicted.

Examples:
  cargo xtask predict last.ckpt --data ROSMAP --out predictions.csv
  cargo xtask predict last.ckpt --data ROSMAP --top-features 5
  cargo xtask predict last.ckpt --data ROSMAP --out probabilities.npy
  cargo xtask predict last.ckpt --views mrna.csv meth.csv mirna.csv | head

Exit codes: 0 done, 2 wrong flag, 3 data refused, 4 checkpoint refused,
5 writing failed";

/// Write class, probabilities and confidences of each sample
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct PredictArgs {
    /// The checkpoint file
    #[arg(value_name = "CKPT")]
    checkpoint: PathBuf,
    /// Folder or table [default: generated data]
    #[arg(long, value_name = "PATH", conflicts_with = "views")]
    data: Option<PathBuf>,
    #[command(flatten)]
    table_flags: TableFlags,
    /// One csv or npy per view, instead of --data
    #[arg(long, value_name = "FILE", num_args = 1..)]
    views: Option<Vec<PathBuf>>,
    /// One csv or tsv of all views, with a header
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "views"])]
    table: Option<PathBuf>,
    /// File for the result [default: the terminal]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// csv or npy [default: by the name of --out]
    #[arg(long = "format", value_name = "NAME", hide_possible_values = true)]
    out_format: Option<Format>,
    /// In an npy file: probabilities, confidences, class
    #[arg(long, value_name = "NAME", hide_possible_values = true, hide_default_value = true)]
    #[arg(default_value = "probabilities")]
    what: What,
    /// Print the predictions as JSON, in full precision
    #[arg(long, conflicts_with = "out_format")]
    json: bool,
    /// In csv and JSON: each view's N most open features
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    top_features: usize,
}

/// How predictions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Npy,
    #[value(skip)]
    Json,
}

/// Which of the predictions an npy file holds: it has place for one array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Probabilities,
    Confidences,
    Class,
}

impl PredictArgs {
    fn format(&self) -> Format {
        let is_npy = |path: &PathBuf| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("npy"));
        match (self.json, self.out_format) {
            (true, _) => Format::Json,
            (false, Some(format)) => format,
            (false, None) if self.out.as_ref().is_some_and(is_npy) => Format::Npy,
            (false, None) => Format::Csv,
        }
    }

    fn check(&self) -> Result<(), Failure> {
        match (self.format(), self.what, &self.out) {
            (Format::Csv | Format::Json, What::Confidences | What::Class, _) => Err(Failure::new(
                Exit::Usage,
                "--what chooses the array of an npy file, csv and JSON have all; add --out FILE.npy or leave it out",
            )),
            (Format::Npy, _, None) => {
                Err(Failure::new(Exit::Usage, "npy is no text for a terminal; add --out FILE.npy"))
            }
            _ => Ok(()),
        }
    }
}

pub(crate) fn run(args: &PredictArgs) -> Result<(), Failure> {
    args.check()?;
    let loaded = saved::load(&args.checkpoint)?;
    let raw = match (&args.views, &args.table) {
        (Some(files), _) => read_views(files, &loaded)?,
        (None, Some(table)) => read_table(table, &loaded)?,
        (None, None) => {
            let test =
                source::read(args.data.as_deref(), &args.table_flags.options_of(&loaded.data))?.cohort.test;
            loaded.check_fits(&test)?;
            test
        }
    };
    let scaled = loaded.data.preprocessing.transform(&raw)?;
    let predictions = evaluation::predict(&loaded.model, &scaled)?;
    let top = TopFeatures::new(&loaded.model, &scaled, args.top_features);
    let bytes = match args.format() {
        Format::Csv => table(&predictions, &raw.sample_names, &loaded.data.class_names, &top)?.into_bytes(),
        Format::Json => {
            let document = document(&predictions, &raw.sample_names, &loaded.data.class_names, &top)?;
            format!("{document:#}\n").into_bytes()
        }
        Format::Npy => array(&predictions, args.what)?,
    };
    match &args.out {
        None => output::print(&String::from_utf8_lossy(&bytes)),
        Some(path) => write(path, &bytes).map_err(|error| Failure::writing(path, &error)),
    }
}

/// A file is replaced as a whole. A device or a pipe is written to: a rename would put a file in its place.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() && !found.is_dir() => {
            std::io::Write::write_all(&mut fs::OpenOptions::new().write(true).open(path)?, bytes)
        }
        _ => write_atomically(path, bytes),
    }
}

fn read_views(files: &[PathBuf], loaded: &Loaded) -> Result<MultiOmics, Failure> {
    let refuse = |message: String| Err(Failure::new(Exit::Data, message));
    let widths = &loaded.model.hparams().in_dim;
    if files.len() != widths.len() {
        return refuse(format!(
            "--views names {} files, the checkpoint has {} views",
            files.len(),
            widths.len()
        ));
    }
    let options = options(loaded);
    let mut views = Vec::new();
    for (number, (file, &width)) in files.iter().zip(widths).enumerate() {
        let matrix = read_matrix_with(file, &options)?;
        if matrix.ncols() != width {
            let found = matrix.ncols();
            let view = number + 1;
            return refuse(format!(
                "{}: has {found} columns, view {view} of the checkpoint has {width}",
                file.display()
            ));
        }
        views.push(matrix);
    }
    let rows = views.first().map_or(0, |view| view.nrows());
    if let Some(other) = views.iter().position(|view| view.nrows() != rows) {
        return refuse(format!(
            "{}: has {} rows, {} has {rows}; a row is one sample, the same one in every file",
            files[other].display(),
            views[other].nrows(),
            files[0].display()
        ));
    }
    Ok(unlabelled((1..=rows).map(|row| row.to_string()).collect(), views, loaded))
}

fn read_table(file: &Path, loaded: &Loaded) -> Result<MultiOmics, Failure> {
    let sample = loaded.data.columns.as_ref().and_then(|columns| columns.sample.as_deref());
    let (samples, views) = read_wide_samples(file, sample, &loaded.data.feature_names, &options(loaded))?;
    Ok(unlabelled(samples, views, loaded))
}

fn options(loaded: &Loaded) -> ReadOptions {
    let keep_missing = loaded.data.preprocessing.imputer.missing != Missing::Refuse;
    ReadOptions { keep_missing, ..ReadOptions::default() }
}

fn unlabelled(sample_names: Vec<String>, views: Vec<Array2<f32>>, loaded: &Loaded) -> MultiOmics {
    MultiOmics {
        views,
        labels: vec![0; sample_names.len()],
        feature_names: loaded.data.feature_names.clone(),
        class_names: loaded.data.class_names.clone(),
        sample_names,
    }
}

/// All batches as one array.
fn array(predictions: &[Prediction], what: What) -> Result<Vec<u8>, Failure> {
    let stack = |part: fn(&Prediction) -> ArrayView2<'_, f64>| {
        let parts: Vec<_> = predictions.iter().map(part).collect();
        concatenate(Axis(0), &parts).expect("all batches have the model's columns")
    };
    Ok(match what {
        What::Probabilities => npy::floats(stack(|batch| batch.probabilities.view()).view()),
        What::Confidences => npy::floats(stack(|batch| batch.confidences.view()).view()),
        What::Class => {
            npy::integers(&predictions.iter().map(chosen).collect::<Result<Vec<_>, _>>()?.concat())
        }
    })
}

/// The index of each row's class.
fn chosen(batch: &Prediction) -> Result<Vec<usize>, Failure> {
    argmax_rows(batch.probabilities.view())
        .map_err(|error| Failure::new(Exit::Checkpoint, format!("the model gives no prediction: {error}")))
}

/// The features of each sample that pass their gates best.
#[derive(Default)]
struct TopFeatures<'a> {
    names: &'a [Vec<String>],
    /// Per view, (samples, features); empty where none are wanted.
    gates: Vec<Array2<f64>>,
    top: usize,
}

impl<'a> TopFeatures<'a> {
    fn new(model: &MmDynamic, rows: &'a MultiOmics, top: usize) -> Self {
        let gates = if top > 0 { gates(model, MultiViewDataset::from(rows).all()) } else { Vec::new() };
        TopFeatures { names: &rows.feature_names, gates, top }
    }

    /// Per view, names and gates of one sample, the most open gate first.
    fn of(&self, row: usize) -> impl Iterator<Item = Vec<(&'a str, f64)>> {
        self.gates.iter().zip(self.names).map(move |(gates, names)| {
            let gates = gates.row(row).to_vec();
            let named = |feature: usize| (names[feature].as_str(), gates[feature]);
            top_features(&gates, self.top).into_iter().map(named).collect()
        })
    }
}

fn table(
    predictions: &[Prediction],
    samples: &[String],
    classes: &[String],
    top: &TopFeatures<'_>,
) -> Result<String, Failure> {
    let views = predictions.first().map_or(0, |batch| batch.confidences.ncols());
    let mut out = String::from("row,sample,class");
    for class in classes {
        let _ = write!(out, ",{}", quoted(&format!("probability_{class}")));
    }
    for view in 1..=views {
        let _ = write!(out, ",confidence_view{view}");
    }
    for view in 1..=top.gates.len() {
        let _ = write!(out, ",top_features_view{view}");
    }
    out.push('\n');
    let mut samples = samples.iter().enumerate();
    for batch in predictions {
        for ((i, class), (row, sample)) in chosen(batch)?.into_iter().enumerate().zip(&mut samples) {
            let _ = write!(out, "{},{},{}", row + 1, quoted(sample), quoted(&classes[class]));
            let numbers = batch.probabilities.row(i).into_iter().chain(batch.confidences.row(i));
            numbers.for_each(|number| {
                let _ = write!(out, ",{number:.6}");
            });
            for view in top.of(row) {
                let named: Vec<String> =
                    view.iter().map(|(name, gate)| format!("{name}={gate:.4}")).collect();
                let _ = write!(out, ",{}", quoted(&named.join("; ")));
            }
            out.push('\n');
        }
    }
    Ok(out)
}

/// All samples with what the table says of them.
fn document(
    predictions: &[Prediction],
    samples: &[String],
    classes: &[String],
    top: &TopFeatures<'_>,
) -> Result<Value, Failure> {
    let mut rows = Vec::new();
    let mut samples = samples.iter().enumerate();
    for batch in predictions {
        for ((i, class), (row, sample)) in chosen(batch)?.into_iter().enumerate().zip(&mut samples) {
            rows.push(json!({
                "sample": sample,
                "class": classes[class],
                "probabilities": batch.probabilities.row(i).to_vec(),
                "confidences": batch.confidences.row(i).to_vec(),
                "top_features": top.of(row).collect::<Vec<_>>(),
            }));
        }
    }
    Ok(json!({ "classes": classes, "rows": rows }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_table_counts_rows_over_batches_and_quotes_names() {
        let batch = |p: f64| Prediction {
            probabilities: array![[p, 1.0 - p]],
            confidences: array![[1.25]],
            mean_gates: vec![0.1],
        };
        let names = ["healthy".to_owned(), "ill, \"badly\"".to_owned()];
        assert_eq!(
            table(
                &[batch(0.75), batch(0.25)],
                &["A0FJ".to_owned(), "B,7".to_owned()],
                &names,
                &TopFeatures::default()
            )
            .expect("a table"),
            "row,sample,class,probability_healthy,\"probability_ill, \"\"badly\"\"\",confidence_view1\n\
             1,A0FJ,healthy,0.750000,0.250000,1.250000\n\
             2,\"B,7\",\"ill, \"\"badly\"\"\",0.250000,0.750000,1.250000\n"
        );
    }
}
