//! `export`: a trained model for other programs.

use crate::failure::{Exit, Failure};
use crate::{output, saved};
use clap::{Args, Subcommand};
use lightning_core::checkpoint::{write_atomically, write_weights};
use lightning_core::nn::Module;
use mmdynamic::onnx::{OnnxOptions, Port, to_onnx};
use serde_json::json;
use std::path::PathBuf;

const AFTER: &str = "\
Examples:
  cargo xtask export weights last.ckpt --out model.safetensors
  cargo xtask export onnx last.ckpt --out model.onnx

docs/exchange.md has the other side's lines in Python.

Exit codes: 0 done, 2 wrong flag, 4 checkpoint refused, 5 writing failed";

const AFTER_WEIGHTS: &str = "\
A plain safetensors file under the names of the PyTorch model. Scaling is no
part of it: `export onnx` has it.

Example:
  cargo xtask export weights last.ckpt --out model.safetensors

Exit codes: 0 done, 2 wrong flag, 4 checkpoint refused, 5 writing failed";

const AFTER_ONNX: &str = "\
Inputs view1, view2, ... take raw values: filling and scaling are in the graph.
Outputs are probabilities, class (its index) and confidences. Names of classes
and features are in the file's metadata.

Examples:
  cargo xtask export onnx last.ckpt --out model.onnx
  cargo xtask export onnx last.ckpt --out model.onnx --gates --json

Exit codes: 0 done, 2 wrong flag, 4 checkpoint refused, 5 writing failed";

/// Hand a model on: to PyTorch or as ONNX
#[derive(Args)]
#[command(after_help = AFTER, disable_help_subcommand = true)]
pub(crate) struct ExportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The weights as PyTorch's state_dict, in a safetensors file
    #[command(after_help = AFTER_WEIGHTS)]
    Weights(Files),
    /// The whole prediction, from raw data on, as an ONNX graph
    #[command(after_help = AFTER_ONNX)]
    Onnx {
        #[command(flatten)]
        files: Files,
        /// The gates of each feature as outputs, too
        #[arg(long)]
        gates: bool,
    },
}

#[derive(Args)]
struct Files {
    /// The checkpoint file
    #[arg(value_name = "CKPT")]
    checkpoint: PathBuf,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What was written, as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &ExportArgs) -> Result<(), Failure> {
    match &args.what {
        What::Weights(files) => weights(files),
        What::Onnx { files, gates } => onnx(files, OnnxOptions { gates: *gates }),
    }
}

fn weights(Files { checkpoint, out, json }: &Files) -> Result<(), Failure> {
    let state_dict = saved::load(checkpoint)?.model.state_dict();
    write_weights(out, &state_dict)?;
    let (arrays, numbers) = (state_dict.len(), state_dict.values().map(|array| array.len()).sum::<usize>());
    if *json {
        return output::json(&json!({ "file": out, "arrays": arrays, "numbers": numbers }));
    }
    output::print(&format!("{}: {arrays} arrays, {numbers} numbers\n", out.display()))
}

fn onnx(Files { checkpoint, out, json }: &Files, options: OnnxOptions) -> Result<(), Failure> {
    let model = to_onnx(&saved::load(checkpoint)?, options)
        .map_err(|error| Failure::new(Exit::Checkpoint, format!("{}: {error}", checkpoint.display())))?;
    write_atomically(out, &model.bytes).map_err(|error| Failure::writing(out, &error))?;
    if *json {
        let (inputs, outputs) = (&model.inputs, &model.outputs);
        return output::json(&json!({ "file": out, "inputs": inputs, "outputs": outputs }));
    }
    let list = |ports: &[Port]| ports.iter().map(shape).collect::<Vec<_>>().join(", ");
    let (inputs, outputs) = (list(&model.inputs), list(&model.outputs));
    output::print(&format!("{}: {inputs} -> {outputs}\n", out.display()))
}

/// `probabilities (rows, 2)`
fn shape(port: &Port) -> String {
    match port.width {
        Some(width) => format!("{} (rows, {width})", port.name),
        None => format!("{} (rows)", port.name),
    }
}
