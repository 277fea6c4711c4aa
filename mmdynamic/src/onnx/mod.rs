//! The inference graph as an ONNX file, for onnxruntime and whatever else reads one.
//!
//! | input or output | shape | what it is |
//! |---|---|---|
//! | `view1`, `view2`, … | (rows, width), f32 | raw values, filled and scaled in the graph; NaN is a missing value where the training had such |
//! | `probabilities` | (rows, classes), f32 | of each class |
//! | `class` | (rows), i64 | the index of the most probable class, the first of equals |
//! | `confidences` | (rows, views), f32 | how far each view is trusted; not in a model without confidences |
//! | `gates1`, `gates2`, … | (rows, width), f32 | of each feature, [on demand](OnnxOptions) |
//!
//! Any number of rows goes through at once. Weights keep their `state_dict` names and layout. The file's metadata has
//! `class_names`, `feature_names`, `hyperparameters` and `source` as JSON.
//!
//! Linear maps and activations are computed in f32, scaling in f64, as here; a runtime sums in an order of its own, so
//! that results agree to rounding: probabilities to about 1e-6.

mod graph;
mod messages;
mod network;
mod preprocessing;

use crate::trained::Trained;
use graph::{Graph, Type};
use lightning_core::nn::Module;
use messages::{ModelProto, OperatorSetIdProto, StringStringEntryProto};
use prost::Message;
use serde::Serialize;

/// The version of ONNX's operators: old enough for any runtime in use, new enough for all that is needed.
const OPSET: i64 = 17;
/// The version of the file format that came with it.
const IR_VERSION: i64 = 8;
/// Protocol buffers end at 2 GiB; some is left for what is not weights.
const MOST_WEIGHTS: u64 = (1 << 31) - (1 << 26);

/// What to put into the file beside the predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnnxOptions {
    /// The gates of each view as further outputs.
    pub gates: bool,
}

/// An input or an output of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its columns; none for one number a row.
    pub width: Option<usize>,
}

/// An ONNX file, and what goes into it and comes out of it.
#[derive(Clone, Debug, PartialEq)]
pub struct OnnxModel {
    /// The file.
    pub bytes: Vec<u8>,
    /// The views.
    pub inputs: Vec<Port>,
    /// What it computes.
    pub outputs: Vec<Port>,
}

/// A model that no ONNX file can hold.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnnxError {
    /// Too many weights.
    #[error("{bytes} bytes of weights, an ONNX file ends at 2 GiB; lower hidden_dim")]
    TooLarge {
        /// How many bytes they take.
        bytes: u64,
    },
}

/// The inference graph of a trained model, raw data in, probabilities out.
///
/// # Errors
/// [`OnnxError::TooLarge`].
pub fn to_onnx(trained: &Trained, options: OnnxOptions) -> Result<OnnxModel, OnnxError> {
    let bytes = trained.model.hparams().parameter_count().saturating_mul(4);
    if bytes > MOST_WEIGHTS {
        return Err(OnnxError::TooLarge { bytes });
    }
    let mut ports = Ports { graph: Graph::default(), inputs: Vec::new(), outputs: Vec::new() };
    ports.build(trained, options);
    let Ports { graph, inputs, outputs } = ports;
    let file = ModelProto {
        ir_version: IR_VERSION,
        producer_name: env!("CARGO_PKG_NAME").to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: format!("MMDynamic, trained on {}", trained.data.source),
        graph: Some(graph.finish("mmdynamic")),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        metadata_props: metadata(trained),
    };
    Ok(OnnxModel { bytes: file.encode_to_vec(), inputs, outputs })
}

struct Ports {
    graph: Graph,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

impl Ports {
    fn build(&mut self, trained: &Trained, options: OnnxOptions) {
        let (state, hparams) = (trained.model.state_dict(), trained.model.hparams());
        let mut views = Vec::new();
        for (number, &width) in hparams.in_dim.iter().enumerate() {
            let name = format!("view{}", number + 1);
            let raw = self.graph.input(&name, width, "raw values, a row a sample");
            self.inputs.push(Port { name: name.clone(), width: Some(width) });
            let ready = preprocessing::prepare(&mut self.graph, number, &raw, &trained.data.preprocessing);
            views.push(network::view(&mut self.graph, &state, number, &ready));
        }
        let features: Vec<&str> = views.iter().map(|view| view.feature.as_str()).collect();
        let logits = network::classifier(&mut self.graph, &state, &features);
        self.graph.op_with("Softmax", "probabilities", &[&logits], &[("axis", 1)]);
        self.output("probabilities", Type::F32, Some(hparams.num_class), "of each class");
        self.graph.op_with("ArgMax", "class", &["probabilities"], &[("axis", 1), ("keepdims", 0)]);
        self.output("class", Type::I64, None, "index of the most probable class");
        let confidences: Vec<&str> = views.iter().filter_map(|view| view.confidence.as_deref()).collect();
        if !confidences.is_empty() {
            self.graph.op_with("Concat", "confidences", &confidences, &[("axis", 1)]);
            self.output("confidences", Type::F32, Some(views.len()), "how far each view is trusted");
        }
        for (number, view) in views.iter().enumerate().filter(|_| options.gates) {
            if let Some(gate) = &view.gate {
                let name = format!("gates{}", number + 1);
                self.graph.op("Identity", &name, &[gate]);
                self.output(&name, Type::F32, Some(hparams.in_dim[number]), "of each feature");
            }
        }
    }

    fn output(&mut self, name: &str, ty: Type, width: Option<usize>, doc: &str) {
        self.graph.output(name, ty, width, doc);
        self.outputs.push(Port { name: name.to_owned(), width });
    }
}

fn metadata(trained: &Trained) -> Vec<StringStringEntryProto> {
    let data = &trained.data;
    let entry = |key: &str, value: serde_json::Value| StringStringEntryProto {
        key: key.to_owned(),
        value: value.to_string(),
    };
    vec![
        entry("class_names", data.class_names.clone().into()),
        entry("feature_names", data.feature_names.iter().cloned().collect()),
        entry("hyperparameters", serde_json::to_value(trained.model.hparams()).unwrap_or_default()),
        entry("source", data.source.clone().into()),
    ]
}
