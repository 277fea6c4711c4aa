//! Every operation against PyTorch: values and gradients of all cases in `fixtures/ops.json`.
//!
//! The file says which PyTorch made it. A case names an operation; [`run`] is the dictionary from PyTorch's
//! name to ours, and the only place to touch when the file gets an operation more.

use lightning_core::{BceWithLogits, CrossEntropy, Float, Reduction, Tape, Var, concat};
use ndarray::{Array1, ArrayD, IxDyn};
use serde_json::Value;
use std::collections::BTreeMap;

/// How many cases the file has of each operation: a case that is skipped or lost shows here.
const CASES: [(&str, usize); 36] = [
    ("add", 8),
    ("add_scalar", 1),
    ("bce_with_logits", 18),
    ("concat", 5),
    ("cross_entropy", 138),
    ("div", 9),
    ("exp", 6),
    ("gather", 5),
    ("linear", 24),
    ("ln", 3),
    ("log_softmax", 29),
    ("matmul", 14),
    ("mean", 4),
    ("mean_axis", 12),
    ("mse_loss", 12),
    ("mul", 8),
    ("mul_scalar", 1),
    ("neg", 3),
    ("nll_loss", 6),
    ("permute", 3),
    ("powf", 10),
    ("rdiv_scalar", 1),
    ("relu", 3),
    ("reshape", 6),
    ("rsub_scalar", 1),
    ("select", 4),
    ("sigmoid", 6),
    ("slice", 5),
    ("softmax", 29),
    ("sqrt", 3),
    ("sub", 8),
    ("sum", 4),
    ("sum_axis", 12),
    ("tanh", 6),
    ("tcp_confidence_loss", 4),
    ("transpose", 2),
];

/// What differs between the two precisions.
trait Precision: Float {
    /// `|a − b| ≤ ABSOLUTE + RELATIVE · |b|`.
    const ABSOLUTE: f64;
    const RELATIVE: f64;
    fn minus<'t>(self, x: Var<'t, Self>) -> Var<'t, Self>;
    fn over<'t>(self, x: Var<'t, Self>) -> Var<'t, Self>;
}

macro_rules! precision {
    ($t:ty, $absolute:literal, $relative:literal) => {
        impl Precision for $t {
            const ABSOLUTE: f64 = $absolute;
            const RELATIVE: f64 = $relative;
            fn minus<'t>(self, x: Var<'t, Self>) -> Var<'t, Self> {
                self - x
            }
            fn over<'t>(self, x: Var<'t, Self>) -> Var<'t, Self> {
                self / x
            }
        }
    };
}
precision!(f32, 1e-6, 1e-5);
precision!(f64, 1e-12, 1e-11);

#[test]
fn every_operation_gives_the_values_and_gradients_of_pytorch() {
    let file: Value = serde_json::from_str(include_str!("fixtures/ops.json")).expect("the fixture is JSON");
    let mut counted = BTreeMap::<String, usize>::new();
    let mut misses = Vec::new();
    for case in list(&file["cases"]) {
        match text(&case["dtype"]) {
            "float64" => check::<f64>(case, &mut misses),
            "float32" => check::<f32>(case, &mut misses),
            other => panic!("{}: unknown dtype {other}", case["name"]),
        }
        *counted.entry(text(&case["op"]).to_owned()).or_default() += 1;
    }
    assert!(misses.is_empty(), "{} differences\n{}", misses.len(), misses.join("\n"));
    let expected: BTreeMap<String, usize> = CASES.iter().map(|&(op, cases)| (op.to_owned(), cases)).collect();
    assert_eq!(counted, expected, "the number of cases per operation");
}

fn check<F: Precision>(case: &Value, misses: &mut Vec<String>) {
    let tape = Tape::<F>::new();
    let inputs: Vec<Var<'_, F>> = list(&case["inputs"]).iter().map(|x| tape.leaf(array(x))).collect();
    let output = run(text(&case["op"]), &case["args"], &inputs);
    let mut compare = |what: &str, got: &ArrayD<F>, expected: &Value| {
        if let Some(difference) = difference(got, &array(expected)) {
            misses.push(format!("{} [{}]: {what} {difference}", text(&case["name"]), F::DTYPE));
        }
    };
    compare("output", &output.value().to_owned(), &case["output"]);
    output.backward_with(array(&case["grad_output"]));
    let expected = list(&case["grads"]);
    assert_eq!(inputs.len(), expected.len(), "{}: one gradient per input", case["name"]);
    for (i, (input, expected)) in inputs.iter().zip(expected).enumerate() {
        let grad = input.grad().unwrap_or_else(|| panic!("{}: no gradient of input {i}", case["name"]));
        compare(&format!("gradient {i}"), &grad, expected);
    }
}

/// The first difference beyond the tolerance, in words. NaN equals NaN and an infinity itself.
fn difference<F: Precision>(got: &ArrayD<F>, expected: &ArrayD<F>) -> Option<String> {
    if got.shape() != expected.shape() {
        return Some(format!("has shape {:?}, PyTorch's {:?}", got.shape(), expected.shape()));
    }
    got.indexed_iter().zip(expected).find_map(|((index, &a), &b)| {
        let (a, b) = (a.as_f64(), b.as_f64());
        let same = a == b
            || a.is_nan() && b.is_nan()
            || (a - b).abs() <= F::ABSOLUTE + F::RELATIVE * b.abs() && b.is_finite();
        (!same).then(|| format!("at {index:?} is {a:e}, PyTorch's {b:e}"))
    })
}

/// PyTorch's operation `op` in ours.
fn run<'t, F: Precision>(op: &str, args: &Value, x: &[Var<'t, F>]) -> Var<'t, F> {
    let first = x[0];
    let axis = || axis(&args["axis"], first.ndim());
    let scalar = |name: &str| F::of(number(&args[name]));
    let reduction = || match text(&args["reduction"]) {
        "none" => Reduction::None,
        "mean" => Reduction::Mean,
        "sum" => Reduction::Sum,
        other => panic!("unknown reduction {other}"),
    };
    match op {
        "add" => first + x[1],
        "sub" => first - x[1],
        "mul" => first * x[1],
        "div" => first / x[1],
        "neg" => -first,
        "add_scalar" => first + scalar("scalar"),
        "mul_scalar" => first * scalar("scalar"),
        "rsub_scalar" => scalar("scalar").minus(first),
        "rdiv_scalar" => scalar("scalar").over(first),
        "sigmoid" => first.sigmoid(),
        "relu" => first.relu(),
        "tanh" => first.tanh(),
        "exp" => first.exp(),
        "ln" => first.ln(),
        "sqrt" => first.sqrt(),
        "powf" => first.powf(scalar("exponent")),
        "matmul" => first.matmul(x[1]),
        "linear" => first.linear(x[1], x.get(2).copied()),
        "sum" => first.sum(),
        "mean" => first.mean(),
        "sum_axis" if keepdim(args) => first.sum_keepdim(axis()),
        "sum_axis" => first.sum_axis(axis()),
        "mean_axis" if keepdim(args) => first.mean_keepdim(axis()),
        "mean_axis" => first.mean_axis(axis()),
        "softmax" => first.softmax(axis()),
        "log_softmax" => first.log_softmax(axis()),
        "concat" => concat(x, axis()),
        "slice" => first.slice_step(axis(), count(&args["start"])..count(&args["end"]), count(&args["step"])),
        "select" => first.select(axis(), count(&args["index"])),
        "reshape" => first.reshape(&counts(&args["shape"])),
        "permute" => first.permute(&counts(&args["axes"])),
        "transpose" => first.t(),
        "gather" => {
            let index = &args["index"];
            let shape = counts(&index["shape"]);
            let index = ArrayD::from_shape_vec(shape, counts(&index["data"])).expect("shape and data agree");
            first.gather(axis(), index)
        }
        "cross_entropy" => CrossEntropy {
            reduction: reduction(),
            weight: class_weight(&args["weight"]),
            label_smoothing: scalar("label_smoothing"),
        }
        .loss(first, &labels(args)),
        "nll_loss" => CrossEntropy {
            reduction: reduction(),
            weight: class_weight(&args["weight"]),
            label_smoothing: F::zero(),
        }
        .nll_loss(first, &labels(args)),
        "mse_loss" => first.mse_loss_with(x[1], reduction()),
        "bce_with_logits" => BceWithLogits {
            reduction: reduction(),
            weight: optional(&args["weight"]),
            pos_weight: optional(&args["pos_weight"]),
        }
        .loss(first, first.tape().constant(array(&args["target"]))),
        "tcp_confidence_loss" => tcp_confidence_loss(args, first, x[1]),
        other => panic!("operation {other} of the fixture has no counterpart here"),
    }
}

/// MMDynamic's confidence loss of one view: a mean of squares (a scalar) added to the cross-entropy of each row.
fn tcp_confidence_loss<'t, F: Float>(args: &Value, logit: Var<'t, F>, confidence: Var<'t, F>) -> Var<'t, F> {
    let labels = labels(args);
    let mut tcp = logit.softmax(1).gather_labels(&labels);
    if args["detach_target"].as_bool().expect("detach_target is a bool") {
        tcp = tcp.detach();
    }
    let rows = CrossEntropy { reduction: Reduction::None, ..Default::default() }.loss(logit, &labels);
    (confidence.flatten().mse_loss(tcp) + rows).mean()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("wants a list, found {value}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("wants a string, found {value}"))
}

/// A number, or one that JSON cannot write: `"nan"`, `"inf"`, `"-inf"`.
fn number(value: &Value) -> f64 {
    match value {
        Value::String(name) => name.parse().unwrap_or_else(|_| panic!("not a number: {name}")),
        other => other.as_f64().unwrap_or_else(|| panic!("not a number: {other}")),
    }
}

fn count(value: &Value) -> usize {
    value.as_u64().unwrap_or_else(|| panic!("not a count: {value}")) as usize
}

fn counts(value: &Value) -> Vec<usize> {
    list(value).iter().map(count).collect()
}

/// PyTorch counts negative axes from the end.
fn axis(value: &Value, ndim: usize) -> usize {
    let axis = value.as_i64().unwrap_or_else(|| panic!("not an axis: {value}"));
    axis.rem_euclid(ndim as i64) as usize
}

fn keepdim(args: &Value) -> bool {
    args["keepdim"].as_bool().expect("keepdim is a bool")
}

fn labels(args: &Value) -> Vec<usize> {
    counts(&args["target"]["data"])
}

fn array<F: Float>(value: &Value) -> ArrayD<F> {
    let data = list(&value["data"]).iter().map(|x| F::of(number(x))).collect();
    ArrayD::from_shape_vec(IxDyn(&counts(&value["shape"])), data).expect("shape and data agree")
}

fn optional<F: Float>(value: &Value) -> Option<ArrayD<F>> {
    (!value.is_null()).then(|| array(value))
}

fn class_weight<F: Float>(value: &Value) -> Option<Array1<F>> {
    optional(value).map(|w| w.into_dimensionality().expect("one weight per class"))
}
