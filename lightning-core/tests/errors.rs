//! Misuse of shapes panics at the caller's line, and the message names the operation and the shapes.
//!
//! A panic hook belongs to the whole process, so that one test goes through all of them.

use lightning_core::nn::{Layer, Linear};
use lightning_core::{BceWithLogits, CrossEntropy, Tape, Var, concat};
use ndarray::{Array2, ArrayD, IxDyn, array};
use std::panic::{self, AssertUnwindSafe, Location};
use std::sync::{Arc, Mutex};

/// A mistake and everything that its message must say.
struct Misuse {
    says: &'static [&'static str],
    make: for<'t> fn(&'t Tape) -> Var<'t>,
    /// Where it stands in this file.
    line: u32,
}

#[track_caller]
fn misuse(says: &'static [&'static str], make: for<'t> fn(&'t Tape) -> Var<'t>) -> Misuse {
    Misuse { says, make, line: Location::caller().line() }
}

fn x<'t>(tape: &'t Tape, shape: &[usize]) -> Var<'t> {
    tape.leaf(ArrayD::zeros(IxDyn(shape)))
}

#[derive(Clone, Debug, Default)]
struct Seen {
    message: String,
    file: String,
    line: u32,
}

/// The panic of each misuse; `None` where there was none.
fn panics(misuses: &[Misuse]) -> Vec<Option<Seen>> {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let into = Arc::clone(&seen);
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let place = info.location().expect("a panic has a place");
        let message = info.payload_as_str().unwrap_or_default().to_owned();
        *into.lock().expect("one thread") =
            Seen { message, file: place.file().to_owned(), line: place.line() };
    }));
    let panics = misuses
        .iter()
        .map(|misuse| {
            let caught = panic::catch_unwind(AssertUnwindSafe(|| drop((misuse.make)(&Tape::new()).value())));
            caught.is_err().then(|| seen.lock().expect("one thread").clone())
        })
        .collect();
    panic::set_hook(before);
    panics
}

#[test]
fn every_misuse_names_its_shapes_and_the_line_of_the_caller() {
    let misuses = misuses();
    let ends = misuses.iter().skip(1).map(|next| next.line).chain([u32::MAX]);
    let mut misses = Vec::new();
    for ((misuse, end), seen) in misuses.iter().zip(ends).zip(panics(&misuses)) {
        let Some(seen) = seen else {
            misses.push(format!("line {}: no panic", misuse.line));
            continue;
        };
        if seen.file != file!() || !(misuse.line..end).contains(&seen.line) {
            misses.push(format!(
                "line {}: panics at {}:{}, not at the caller: {}",
                misuse.line, seen.file, seen.line, seen.message
            ));
        }
        for part in misuse.says.iter().filter(|part| !seen.message.contains(**part)) {
            misses.push(format!("line {}: {part:?} is missing in {:?}", misuse.line, seen.message));
        }
    }
    assert!(misses.is_empty(), "{} misses\n{}", misses.len(), misses.join("\n"));
}

fn misuses() -> Vec<Misuse> {
    vec![
        misuse(&["add", "[2, 3]", "[4, 5]"], |t| x(t, &[2, 3]) + x(t, &[4, 5])),
        misuse(&["sub", "[2, 3]", "[2]"], |t| x(t, &[2, 3]) - x(t, &[2])),
        misuse(&["mul", "[2, 3]", "[2]"], |t| x(t, &[2, 3]) * x(t, &[2])),
        misuse(&["div", "[2, 3]", "[2]"], |t| x(t, &[2, 3]) / x(t, &[2])),
        misuse(&["matmul", "[2, 3]", "[4, 5]"], |t| x(t, &[2, 3]).matmul(x(t, &[4, 5]))),
        misuse(&["matmul", "[]", "[4, 5]"], |t| x(t, &[]).matmul(x(t, &[4, 5]))),
        misuse(&["matmul", "[2, 1, 3]", "[3, 3, 2, 1]"], |t| x(t, &[2, 1, 3]).matmul(x(t, &[3, 3, 2, 1]))),
        misuse(&["matmul", "[3, 1, 3]", "[2, 3, 1]"], |t| x(t, &[3, 1, 3]).matmul(x(t, &[2, 3, 1]))),
        misuse(&["linear", "[4, 5]", "[2, 3]", "(out, in)"], |t| x(t, &[4, 5]).linear(x(t, &[2, 3]), None)),
        misuse(&["linear", "[4, 3]", "[2, 3]", "bias [3]"], |t| {
            x(t, &[4, 3]).linear(x(t, &[2, 3]), Some(x(t, &[3])))
        }),
        misuse(&["concat", "[2, 3]", "[3, 3]", "axis 1"], |t| concat(&[x(t, &[2, 3]), x(t, &[3, 3])], 1)),
        misuse(&["concat", "[2, 3]", "[2]"], |t| concat(&[x(t, &[2, 3]), x(t, &[2])], 0)),
        misuse(&["concat", "axis 2", "[2, 3]"], |t| concat(&[x(t, &[2, 3])], 2)),
        misuse(&["concat", "at least one value"], |_| concat(&[], 0)),
        misuse(&["gather", "[3, 1]", "[2, 3]"], |t| {
            x(t, &[2, 3]).gather(1, array![[0], [1], [0]].into_dyn())
        }),
        misuse(&["gather", "[1]", "[2, 3]"], |t| x(t, &[2, 3]).gather(1, array![0].into_dyn())),
        misuse(&["gather", "index 3", "length 3", "[2, 3]"], |t| {
            x(t, &[2, 3]).gather(1, array![[3]].into_dyn())
        }),
        misuse(&["gather", "axis 2", "[2, 3]"], |t| x(t, &[2, 3]).gather(2, array![[0]].into_dyn())),
        misuse(&["gather_labels", "1 labels", "[2, 3]"], |t| x(t, &[2, 3]).gather_labels(&[0])),
        misuse(&["gather_labels", "label 3 of row 1", "[2, 3]"], |t| x(t, &[2, 3]).gather_labels(&[0, 3])),
        misuse(&["reshape", "[2, 3]", "[4]"], |t| x(t, &[2, 3]).reshape(&[4])),
        misuse(&["select", "index 2", "axis 0", "length 2", "[2, 3]"], |t| x(t, &[2, 3]).select(0, 2)),
        misuse(&["select", "axis 2", "[2, 3]"], |t| x(t, &[2, 3]).select(2, 0)),
        misuse(&["slice", "1..4", "axis 1", "length 3", "[2, 3]"], |t| x(t, &[2, 3]).slice(1, 1..4)),
        misuse(&["slice", "axis 5", "[2, 3]"], |t| x(t, &[2, 3]).slice(5, 0..1)),
        misuse(&["slice", "step 0", "[2, 3]"], |t| x(t, &[2, 3]).slice_step(1, 0..2, 0)),
        misuse(&["t:", "[2, 3, 4]"], |t| x(t, &[2, 3, 4]).t()),
        misuse(&["transpose", "axis 2", "[2, 3]"], |t| x(t, &[2, 3]).transpose(0, 2)),
        misuse(&["permute", "[0, 0]", "[2, 3]"], |t| x(t, &[2, 3]).permute(&[0, 0])),
        misuse(&["softmax", "axis 2", "[2, 3]"], |t| x(t, &[2, 3]).softmax(2)),
        misuse(&["log_softmax", "axis 2", "[2, 3]"], |t| x(t, &[2, 3]).log_softmax(2)),
        misuse(&["sum_axis", "axis 2", "[2, 3]"], |t| x(t, &[2, 3]).sum_axis(2)),
        misuse(&["mean_axis", "axis 2", "[2, 3]"], |t| x(t, &[2, 3]).mean_axis(2)),
        misuse(&["sum_keepdim", "axis 2", "[2, 3]"], |t| x(t, &[2, 3]).sum_keepdim(2)),
        misuse(&["mean_keepdim", "axis 2", "[2, 3]"], |t| x(t, &[2, 3]).mean_keepdim(2)),
        misuse(&["cross_entropy", "label 3 of row 1", "[2, 3]"], |t| x(t, &[2, 3]).cross_entropy(&[0, 3])),
        misuse(&["cross_entropy", "1 labels", "[2, 3]"], |t| x(t, &[2, 3]).cross_entropy(&[0])),
        misuse(&["cross_entropy", "(rows, classes)", "[3]"], |t| x(t, &[3]).cross_entropy(&[0])),
        misuse(&["nll_loss", "label 3 of row 1", "[2, 3]"], |t| x(t, &[2, 3]).nll_loss(&[0, 3])),
        misuse(&["cross_entropy", "2 class weights", "3 classes"], |t| {
            CrossEntropy { weight: Some(array![1.0, 1.0]), ..Default::default() }.loss(x(t, &[1, 3]), &[0])
        }),
        misuse(&["cross_entropy", "1.5"], |t| {
            CrossEntropy { label_smoothing: 1.5, ..Default::default() }.loss(x(t, &[1, 3]), &[0])
        }),
        misuse(&["mse_loss", "[2, 3]", "[2]"], |t| x(t, &[2, 3]).mse_loss(x(t, &[2]))),
        misuse(&["bce_with_logits", "[2, 3]", "[2]"], |t| x(t, &[2, 3]).bce_with_logits(x(t, &[2]))),
        misuse(&["bce_with_logits: weight", "[2]", "[3]"], |t| {
            BceWithLogits { weight: Some(array![1.0, 1.0].into_dyn()), ..Default::default() }
                .loss(x(t, &[3]), x(t, &[3]))
        }),
        misuse(&["bce_with_logits: pos_weight", "[2]", "[3]"], |t| {
            BceWithLogits { pos_weight: Some(array![1.0, 1.0].into_dyn()), ..Default::default() }
                .loss(x(t, &[3]), x(t, &[3]))
        }),
        misuse(&["dropout", "-0.1"], |t| x(t, &[2, 3]).dropout(-0.1)),
        misuse(&["item", "[2, 3]"], |t| {
            let y = x(t, &[2, 3]);
            y.item();
            y
        }),
        misuse(&["backward", "[2, 3]", "mean or sum"], |t| {
            let y = x(t, &[2, 3]);
            y.backward();
            y
        }),
        misuse(&["backward", "[2, 3]", "mean or sum"], |t| {
            let y = x(t, &[2, 3]);
            y.backward_retain_graph();
            y
        }),
        misuse(&["linear", "[4, 5]", "[2, 3]"], |t| {
            Linear::from_weights(Array2::zeros((2, 3)), None).forward(x(t, &[4, 5]))
        }),
        misuse(&["backward", "depends on no parameter"], |t| {
            let y = x(t, &[1]).detach();
            y.backward();
            y
        }),
        misuse(&["backward_with", "[3]", "[2, 3]"], |t| {
            let y = x(t, &[2, 3]);
            y.backward_with(ArrayD::zeros(IxDyn(&[3])));
            y
        }),
        misuse(&["backward", "freed", "backward_retain_graph"], |t| {
            let y = x(t, &[1]).exp();
            y.backward();
            y.backward();
            y
        }),
    ]
}
