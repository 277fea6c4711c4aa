//! Sums up spans as a tree and operations as a table, while they come in.

use super::memory::peak_resident_bytes;
use super::report::{Cost, HookRow, OpRow, Report};
use crate::autograd::OpRun;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Recorder {
    origin: Instant,
    /// The first is the root, which has no span of its own.
    pub(super) nodes: Vec<Node>,
    /// Open spans: node and start.
    open: Vec<(usize, Instant)>,
    pub(super) ops: BTreeMap<&'static str, OpCosts>,
    pub(super) events: Vec<Event>,
    capacity: usize,
    pub(super) dropped: u64,
    pub(super) tape_bytes: usize,
}

/// A span's name at one place of the tree.
#[derive(Debug, Default)]
pub(super) struct Node {
    scope: String,
    name: &'static str,
    depth: usize,
    children: Vec<usize>,
    calls: u64,
    total: Duration,
}

#[derive(Debug, Default)]
pub(super) struct OpCosts {
    forward: Cost,
    backward: Cost,
}

/// Something that happened, for the trace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) what: What,
    /// Since the profiler was made.
    pub(super) start: Duration,
    pub(super) length: Duration,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Span(usize),
    Forward(&'static str),
    Backward(&'static str),
}

impl Node {
    pub(super) fn label(&self) -> String {
        if self.scope.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.scope, self.name) }
    }
}

impl Recorder {
    pub(super) fn new(origin: Instant, capacity: usize) -> Self {
        Recorder {
            origin,
            nodes: vec![Node::default()],
            open: Vec::new(),
            ops: BTreeMap::new(),
            events: Vec::new(),
            capacity,
            dropped: 0,
            tape_bytes: 0,
        }
    }

    pub(super) fn begin(&mut self, scope: &str, name: &'static str, now: Instant) {
        let parent = self.open.last().map_or(0, |&(node, _)| node);
        let same = |&&child: &&usize| {
            let node = &self.nodes[child];
            node.name == name && node.scope == scope
        };
        let known = self.nodes[parent].children.iter().find(same).copied();
        let node = known.unwrap_or_else(|| {
            let node = self.nodes.len();
            let depth = self.open.len();
            self.nodes.push(Node { scope: scope.to_owned(), name, depth, ..Node::default() });
            self.nodes[parent].children.push(node);
            node
        });
        self.open.push((node, now));
    }

    pub(super) fn end(&mut self, now: Instant) {
        let Some((node, start)) = self.open.pop() else { return };
        let length = now.saturating_duration_since(start);
        self.nodes[node].calls += 1;
        self.nodes[node].total += length;
        self.trace(What::Span(node), start, length);
    }

    pub(super) fn op(&mut self, run: OpRun, is_backward: bool) {
        let OpRun { name, start, end, flops } = run;
        let length = end.saturating_duration_since(start);
        let costs = self.ops.entry(name).or_default();
        let cost = if is_backward { &mut costs.backward } else { &mut costs.forward };
        cost.calls += 1;
        cost.total += length;
        cost.flops += flops.unwrap_or(0);
        let what = if is_backward { What::Backward(name) } else { What::Forward(name) };
        self.trace(what, start, length);
    }

    fn trace(&mut self, what: What, start: Instant, length: Duration) {
        if self.events.len() < self.capacity {
            let start = start.saturating_duration_since(self.origin);
            self.events.push(Event { what, start, length });
        } else {
            self.dropped += 1;
        }
    }

    pub(super) fn report(&self) -> Report {
        let mut hooks = Vec::new();
        self.rows(0, &mut hooks);
        let ops = self.ops.iter().map(|(&kind, costs)| OpRow {
            kind,
            forward: costs.forward,
            backward: costs.backward,
        });
        let mut ops: Vec<OpRow> = ops.collect();
        // The sort is stable: kinds of one time stay in the order of their names.
        ops.sort_by_key(|op| std::cmp::Reverse(op.forward.total + op.backward.total));
        Report { hooks, ops, peak_resident_bytes: peak_resident_bytes(), tape_bytes: self.tape_bytes }
    }

    /// The children of a node, each followed by its own, the longest first.
    fn rows(&self, node: usize, into: &mut Vec<HookRow>) {
        let mut children = self.nodes[node].children.clone();
        children.sort_by_key(|&child| std::cmp::Reverse(self.nodes[child].total));
        for child in children {
            let node = &self.nodes[child];
            let within: Duration = node.children.iter().map(|&inner| self.nodes[inner].total).sum();
            into.push(HookRow {
                name: node.label(),
                depth: node.depth,
                calls: node.calls,
                total: node.total,
                own: node.total.saturating_sub(within),
            });
            self.rows(child, into);
        }
    }
}
