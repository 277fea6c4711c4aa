//! Chrome's trace format: one complete event (`"ph": "X"`) for each span and operation.

use super::recorder::{Event, Recorder, What};
use serde_json::{Value, json};

/// Times are microseconds, with nanoseconds behind the point.
pub(super) fn chrome(recorder: &Recorder) -> Value {
    let events = recorder.events.iter().map(|event| one(recorder, event)).collect::<Vec<Value>>();
    json!({
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": { "events_not_kept": recorder.dropped },
    })
}

fn one(recorder: &Recorder, event: &Event) -> Value {
    let (name, category) = match event.what {
        What::Span(node) => (recorder.nodes[node].label(), "hook"),
        What::Forward(kind) => (kind.to_owned(), "forward"),
        What::Backward(kind) => (format!("{kind} backward"), "backward"),
    };
    let microseconds = |time: std::time::Duration| time.as_nanos() as f64 / 1e3;
    json!({
        "name": name, "cat": category, "ph": "X", "pid": 0, "tid": 0,
        "ts": microseconds(event.start), "dur": microseconds(event.length),
    })
}
