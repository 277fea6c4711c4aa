//! What a profiled fit measures.
#![cfg(feature = "trainer")]

use lightning_core::nn::Module;
use lightning_core::profiler::{HookRow, Profiler, Report};
use lightning_core::testing::{Line, line_batches};
use lightning_core::{Tape, Trainer};
use ndarray::Array2;
use std::sync::Arc;
use std::time::Duration;

const EPOCHS: usize = 3;

fn fit(profiler: Option<Profiler>) -> Line {
    let mut line = Line::default();
    let mut trainer = Trainer { max_epochs: EPOCHS, profiler, ..Trainer::default() };
    let batches = line_batches();
    trainer.fit(&mut line, &batches, Some(&batches)).expect("a fit");
    line
}

fn profiled() -> Profiler {
    let profiler = Profiler::default();
    fit(Some(profiler.clone()));
    profiler
}

fn row<'a>(report: &'a Report, name: &str) -> &'a HookRow {
    report.hooks.iter().find(|hook| hook.name == name).unwrap_or_else(|| panic!("no {name} in\n{report}"))
}

#[test]
fn own_times_and_the_times_within_add_up_to_the_total() {
    let report = profiled().report();
    for (i, outer) in report.hooks.iter().enumerate() {
        let inner = report.hooks[i + 1..].iter().take_while(|hook| hook.depth > outer.depth);
        let within: Duration =
            inner.filter(|hook| hook.depth == outer.depth + 1).map(|hook| hook.total).sum();
        assert_eq!(outer.own + within, outer.total, "{}", outer.name);
    }
    let own: Duration = report.hooks.iter().map(|hook| hook.own).sum();
    assert_eq!(own, report.total());
    assert_eq!(report.total(), row(&report, "fit").total);
}

#[test]
fn calls_are_those_of_the_loops() {
    let report = profiled().report();
    let batches = (EPOCHS * line_batches::<f32>().len()) as u64;
    let sanity = line_batches::<f32>().len().min(2) as u64;
    for (name, calls) in [
        ("fit", 1),
        ("train_batch", batches),
        ("training_step", batches),
        ("backward", batches),
        ("optimizer_step", batches),
        ("validation_step", batches + sanity),
    ] {
        assert_eq!(row(&report, name).calls, calls, "{name}");
    }
    assert_eq!(row(&report, "training_step").depth, 2, "fit, train_batch, training_step");
    let linear = report.ops.iter().find(|op| op.kind == "linear").expect("the model's layer");
    assert_eq!((linear.forward.calls, linear.backward.calls), (2 * batches + sanity, batches));
}

#[test]
fn floating_point_operations_of_products_are_counted() {
    let profiler = Profiler::default();
    let mut tape: Tape = Tape::new();
    tape.set_observer(Some(Arc::new(profiler.clone())));
    let x = tape.constant(Array2::zeros((8, 3)));
    let w = tape.leaf(Array2::zeros((5, 3)));
    let y = x.linear(w, None);
    y.matmul(tape.leaf(Array2::zeros((5, 2)))).sum().backward();
    let report = profiler.report();
    let flops = |kind| {
        let op = report.ops.iter().find(|op| op.kind == kind).expect("it ran");
        (op.forward.flops, op.backward.flops)
    };
    // The data's own gradient is not wanted: one product back for the layer, two for the product.
    assert_eq!(flops("linear"), (2 * 8 * 3 * 5, 2 * 8 * 3 * 5));
    assert_eq!(flops("matmul"), (2 * 8 * 5 * 2, 2 * (2 * 8 * 5 * 2)));
    assert_eq!(flops("sum"), (0, 0));
}

#[test]
fn the_table_shows_the_nesting_and_the_memory() {
    let report = profiled().report();
    let table = report.to_string();
    assert!(table.starts_with("hook "), "{table}");
    assert!(table.contains("\n  train_batch ") && table.contains("\n    training_step "), "{table}");
    assert!(table.contains("\noperation ") && table.contains("\nlinear "), "{table}");
    assert!(report.tape_bytes > 0, "{table}");
    let widths: Vec<usize> =
        table.lines().take(report.hooks.len() + 1).map(|line| line.chars().count()).collect();
    assert!(widths.iter().all(|&width| width == widths[0]), "{table}");
}

#[test]
fn every_event_of_the_trace_ends_before_the_one_around_it() {
    let profiler = profiled();
    let text = profiler.chrome_trace().to_string();
    let trace: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let nanoseconds = |value: &serde_json::Value| (value.as_f64().expect("a time") * 1e3).round() as u64;
    let mut events: Vec<(u64, u64, String)> = Vec::new();
    for event in trace["traceEvents"].as_array().expect("events") {
        assert_eq!(event["ph"], "X");
        let start = nanoseconds(&event["ts"]);
        events.push((start, start + nanoseconds(&event["dur"]), event["name"].to_string()));
    }
    let report = profiler.report();
    let hooks: u64 = report.hooks.iter().map(|hook| hook.calls).sum();
    let ops: u64 = report.ops.iter().map(|op| op.forward.calls + op.backward.calls).sum();
    assert_eq!(events.len() as u64, hooks + ops);
    // Outer events first: the stack then holds what is open.
    events.sort_by_key(|&(start, end, _)| (start, std::cmp::Reverse(end)));
    let mut open: Vec<u64> = Vec::new();
    for (start, end, name) in events {
        while open.last().is_some_and(|&outer| outer <= start) {
            open.pop();
        }
        assert!(open.last().is_none_or(|&outer| end <= outer), "{name} ends after what is around it");
        open.push(end);
    }
}

#[test]
fn a_full_trace_is_cut_and_the_table_is_not() {
    let profiler = Profiler::with_trace(10);
    fit(Some(profiler.clone()));
    let trace = profiler.chrome_trace();
    assert_eq!(trace["traceEvents"].as_array().expect("events").len(), 10);
    assert!(trace["otherData"]["events_not_kept"].as_u64().expect("a number") > 0);
    assert_eq!(row(&profiler.report(), "fit").calls, 1);
}

#[test]
fn measuring_changes_no_number_and_without_it_nothing_is_kept() {
    let profiler = Profiler::default();
    let (with, without) = (fit(Some(profiler.clone())), fit(None));
    assert_eq!(with.state_dict(), without.state_dict());
    let mut tape: Tape = Tape::new();
    tape.set_observer(Some(Arc::new(profiler.clone())));
    tape.set_observer(None);
    let before = profiler.report().ops;
    tape.leaf(Array2::zeros((2, 2))).sum().backward();
    assert_eq!(profiler.report().ops, before);
}
