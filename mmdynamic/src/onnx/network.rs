//! The network in evaluation mode, from the arrays of its `state_dict`: a part whose arrays are not there is not there.

use super::graph::{Graph, Type};
use ndarray::ArrayD;
use std::collections::BTreeMap;

/// Weights under their names.
pub(super) type State = BTreeMap<String, ArrayD<f32>>;

/// What one view becomes.
pub(super) struct View {
    pub(super) gate: Option<String>,
    pub(super) confidence: Option<String>,
    /// What is joined with the other views.
    pub(super) feature: String,
}

/// One view, from its scaled values `x` on.
pub(super) fn view(graph: &mut Graph, state: &State, number: usize, x: &str) -> View {
    let name = |part: &str| format!("view{}.{part}", number + 1);
    let layer = |part: &str| format!("{part}.{number}.clf.0");
    let gate = linear(graph, state, &layer("FeatureInforEncoder"), x)
        .map(|logit| graph.op("Sigmoid", &name("gate"), &[&logit]));
    let gated = match &gate {
        Some(gate) => graph.op("Mul", &name("gated"), &[x, gate]),
        None => x.to_owned(),
    };
    let encoded = linear(graph, state, &layer("FeatureEncoder"), &gated).expect("every view has an encoder");
    let encoded = graph.op("Relu", &name("encoded"), &[&encoded]);
    let head = linear(graph, state, &layer("TCPConfidenceLayer"), &encoded);
    let confidence = head.map(|head| match trust(graph, state, number, x) {
        None => head,
        Some(trust) => {
            let bounded = graph.op("Sigmoid", &name("bounded"), &[&head]);
            graph.op("Mul", &name("confidence"), &[&bounded, &trust])
        }
    });
    let feature = match &confidence {
        Some(confidence) => graph.op("Mul", &name("feature"), &[&encoded, confidence]),
        None => encoded,
    };
    View { gate, confidence, feature }
}

/// `1 / max(‖x − mean‖² / variance, 1)` where the model knows its training rows.
fn trust(graph: &mut Graph, state: &State, number: usize, x: &str) -> Option<String> {
    let name = |part: &str| format!("view{}.trust.{part}", number + 1);
    let buffer = |part: &str| state.get(&format!("ViewReference.{number}.{part}"));
    let (mean, variance) = (buffer("mean")?, f64::from(*buffer("variance")?.first()?));
    // Without any spread nothing is distant: what is divided by infinity is 0, and 1 is more.
    let variance = if variance > 0.0 { variance } else { f64::INFINITY };
    let mean = graph.f64s(&name("mean"), mean.shape(), mean.iter().map(|&m| f64::from(m)));
    let variance = graph.f64s(&name("variance"), &[], [variance].into_iter());
    let one = graph.f64s(&name("one"), &[], [1.0].into_iter());
    let axis = graph.i64s(&name("axis"), &[1]);
    let x = graph.cast(&name("double"), x, Type::F64);
    let deviation = graph.op("Sub", &name("deviation"), &[&x, &mean]);
    let square = graph.op("Mul", &name("square"), &[&deviation, &deviation]);
    let distance = graph.op_with("ReduceSum", &name("distance"), &[&square, &axis], &[("keepdims", 1)]);
    let relative = graph.op("Div", &name("relative"), &[&distance, &variance]);
    let excess = graph.op("Max", &name("excess"), &[&relative, &one]);
    let trust = graph.op("Div", &name("trust"), &[&one, &excess]);
    Some(graph.cast(&name("value"), &trust, Type::F32))
}

/// The fused classifier's logits.
pub(super) fn classifier(graph: &mut Graph, state: &State, features: &[&str]) -> String {
    let mut x = graph.op_with("Concat", "fused", features, &[("axis", 1)]);
    // Behind each layer but the last, PyTorch's list holds a ReLU and a dropout.
    for layer in (0..).step_by(3) {
        let here = format!("MMClasifier.{layer}.clf.0");
        let Some(logits) = linear(graph, state, &here, &x) else { break };
        let is_last = !state.contains_key(&format!("MMClasifier.{}.clf.0.weight", layer + 3));
        x = if is_last {
            logits
        } else {
            graph.op("Relu", &format!("MMClasifier.{}", layer + 1), &[&logits])
        };
    }
    x
}

/// `x · weightᵀ + bias`, with the arrays as they stand in the `state_dict`.
fn linear(graph: &mut Graph, state: &State, layer: &str, x: &str) -> Option<String> {
    let mut array = |part: &str| {
        let name = format!("{layer}.{part}");
        let array = state.get(&name)?;
        Some(graph.f32s(&name, array.shape(), array.iter().copied()))
    };
    let (weight, bias) = (array("weight")?, array("bias")?);
    Some(graph.op_with("Gemm", layer, &[x, &weight, &bias], &[("transB", 1)]))
}
