//! The tape: the values and operations of one step, in the order in which they were made.

use super::anomaly::Anomaly;
use super::nodes::{Node, Nodes, Source};
use super::observer::{OpObserver, OpRun};
use super::op::{Backward, Op, Slot, fresh_gradient};
use super::param::Parameter;
use super::pool::Pool;
use super::var::Var;
use crate::kernels::apply0;
use crate::kernels::random::Draw;
use crate::{Float, Seed, StepRng};
use ndarray::{ArcArray, ArrayBase, ArrayD, Dimension, IxDyn, OwnedArcRepr};
use std::cell::{Cell, Ref, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// An arena of values and operations; see the [module page](super) for the tour.
pub struct Tape<F: Float = f32> {
    nodes: RefCell<Nodes<F>>,
    /// Node of each parameter used so far, in the order of the parameters' addresses.
    parameters: RefCell<Vec<(usize, u32)>>,
    leaf_grads: RefCell<BTreeMap<u32, ArrayD<F>>>,
    pool: RefCell<Pool<F>>,
    /// The gradients of a backward pass: memory kept for the next one.
    slots: Cell<Vec<Slot<F>>>,
    /// What a node holds that has let go of a parameter's value.
    nothing: ArcArray<F, IxDyn>,
    grad_enabled: Cell<bool>,
    rng: Cell<StepRng>,
    draws: Cell<u32>,
    pub(super) watches: Cell<bool>,
    pub(super) anomaly: Cell<Option<Anomaly>>,
    observer: Option<Arc<dyn OpObserver>>,
    /// When the newest value was put on the tape; kept only for an observer.
    last: Cell<Option<Instant>>,
}

impl<F: Float> Default for Tape<F> {
    fn default() -> Self {
        Tape::new()
    }
}

impl<F: Float> Tape<F> {
    /// An empty tape that records gradients; its random numbers are those of seed 0, step 0.
    pub fn new() -> Self {
        Tape {
            nodes: RefCell::default(),
            parameters: RefCell::default(),
            leaf_grads: RefCell::default(),
            pool: RefCell::default(),
            slots: Cell::default(),
            nothing: ArcArray::zeros(IxDyn(&[0])),
            grad_enabled: Cell::new(true),
            rng: Cell::new(Seed(0).step(0)),
            draws: Cell::new(0),
            watches: Cell::new(false),
            anomaly: Cell::new(None),
            observer: None,
            last: Cell::new(None),
        }
    }

    /// An empty tape that records no gradients, for validation and prediction.
    pub fn inference() -> Self {
        let tape = Tape::new();
        tape.grad_enabled.set(false);
        tape
    }

    /// Sets where dropout draws from, starting with its first number.
    pub fn set_rng(&self, rng: StepRng) {
        self.rng.set(rng);
        self.draws.set(0);
    }

    /// Lets somebody know of every operation from now on. Without an observer an operation costs one look at an
    /// `Option` more.
    pub fn set_observer(&mut self, observer: Option<Arc<dyn OpObserver>>) {
        self.observer = observer;
        self.note_time();
    }

    /// Memory that lies ready for the next step.
    pub fn pooled_bytes(&self) -> usize {
        self.pool.borrow().bytes()
    }

    fn note_time(&self) {
        if self.observer.is_some() {
            self.last.set(Some(Instant::now()));
        }
    }

    fn observe_forward(&self, op: &dyn Op<F>, inputs: &[Var<'_, F>], output: &[usize]) {
        let (Some(observer), Some(start)) = (&self.observer, self.last.get()) else { return };
        let end = Instant::now();
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|input| input.shape().to_vec()).collect();
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        observer.forward(OpRun { name: op.name(), start, end, flops: op.flops(&shapes, output) });
    }

    /// A product's gradients by its two factors: as much work each as the product.
    fn observe_backward(&self, op: &dyn Op<F>, nodes: &Nodes<F>, id: usize, start: Instant) {
        let Some(observer) = &self.observer else { return };
        let end = Instant::now();
        let inputs = || nodes.inputs(id).iter().map(|&input| &nodes[input as usize]);
        let shapes: Vec<&[usize]> = inputs().map(|node| node.value.shape()).collect();
        let factors = inputs().take(2).filter(|node| node.needs_grad).count() as u64;
        let flops = op.flops(&shapes, nodes[id].value.shape()).map(|flops| factors * flops);
        observer.backward(OpRun { name: op.name(), start, end, flops });
    }

    /// Forgets every value and keeps the memory for the next step. As it needs `&mut`, no [`Var`] can outlive it.
    pub fn reset(&mut self) {
        let pool = self.pool.get_mut();
        pool.next_step();
        for node in self.nodes.get_mut().drain() {
            pool.reclaim(node.value);
        }
        self.parameters.get_mut().clear();
        self.leaf_grads.get_mut().clear();
        self.draws.set(0);
        self.note_time();
    }

    /// Runs `f` without recording gradients: PyTorch's `with torch.no_grad():`.
    ///
    /// ```
    /// use lightning_core::Tape;
    /// use ndarray::array;
    /// let tape = Tape::new();
    /// let x = tape.leaf(array![1.0, 2.0]);
    /// assert!(!tape.no_grad(|| x.exp()).requires_grad());
    /// ```
    pub fn no_grad<R>(&self, f: impl FnOnce() -> R) -> R {
        /// Puts the switch back, also when `f` panics.
        struct Restore<'a>(&'a Cell<bool>, bool);
        impl Drop for Restore<'_> {
            fn drop(&mut self) {
                self.0.set(self.1);
            }
        }
        let _restore = Restore(&self.grad_enabled, self.grad_enabled.replace(false));
        f()
    }

    /// A value without a gradient: data.
    pub fn constant<D: Dimension>(&self, value: impl Into<ArrayBase<OwnedArcRepr<F>, D>>) -> Var<'_, F> {
        self.push(value.into().into_dyn(), Source::Constant, false, false)
    }

    /// A value whose gradient [`Var::grad`] gives after a backward pass: PyTorch's `requires_grad_()`.
    pub fn leaf<D: Dimension>(&self, value: impl Into<ArrayBase<OwnedArcRepr<F>, D>>) -> Var<'_, F> {
        self.push(value.into().into_dyn(), Source::Leaf, true, false)
    }

    /// The parameter's current value; backward passes add to [`Parameter::grad`] unless it is frozen.
    pub fn parameter(&self, parameter: &Parameter<F>) -> Var<'_, F> {
        let needs = parameter.requires_grad() && self.grad_enabled.get();
        let value = parameter.value();
        let place = self.place_of(parameter);
        if let Ok(place) = place {
            let (_, id) = self.parameters.borrow()[place];
            let node = &self.nodes.borrow()[id as usize];
            // A changed parameter has moved: it does not write where a tape still reads.
            let unchanged = node.value.as_ptr() == value.as_ptr();
            if unchanged && (node.needs_grad == needs || !self.grad_enabled.get()) {
                return Var::new(self, id);
            }
        }
        let var = self.push(value, Source::Parameter(parameter.clone()), needs, true);
        let mut parameters = self.parameters.borrow_mut();
        match place {
            Ok(place) => parameters[place].1 = var.id(),
            Err(place) => parameters.insert(place, (parameter.address(), var.id())),
        }
        var
    }

    /// Where a parameter stands in the list, or is to stand.
    fn place_of(&self, parameter: &Parameter<F>) -> Result<usize, usize> {
        self.parameters.borrow().binary_search_by_key(&parameter.address(), |&(address, _)| address)
    }

    /// Records `value` as the result of an operation on `inputs`. The operation is dropped at once if no
    /// input needs a gradient. This is how operations outside this crate are made:
    ///
    /// ```
    /// use lightning_core::{Backward, Op, Tape, Var};
    /// use ndarray::array;
    ///
    /// struct Cube;
    /// impl Op<f64> for Cube {
    ///     fn name(&self) -> &'static str { "cube" }
    ///     fn backward(&self, cx: &mut Backward<'_, f64>) {
    ///         cx.add_map2(0, |cx| (cx.grad(), cx.input(0)), |g, x| g * 3.0 * x * x);
    ///     }
    /// }
    /// fn cube<'t>(x: Var<'t, f64>) -> Var<'t, f64> {
    ///     x.tape().apply(&[x], x.value().mapv(|x| x * x * x), Cube)
    /// }
    ///
    /// let tape = Tape::new();
    /// let x = tape.leaf(array![2.0]);
    /// cube(x).sum().backward();
    /// assert_eq!(x.grad().unwrap(), array![12.0].into_dyn());
    /// ```
    #[track_caller]
    pub fn apply<'t>(
        &'t self,
        inputs: &[Var<'t, F>],
        value: impl Into<ArcArray<F, IxDyn>>,
        op: impl Op<F> + 'static,
    ) -> Var<'t, F> {
        let value = value.into();
        self.observe_forward(&op, inputs, value.shape());
        self.record(inputs, value, false, || Box::new(op))
    }

    /// As [`apply`](Self::apply) for an operation whose value shares the memory of its first input.
    #[track_caller]
    pub(crate) fn apply_view<'t>(
        &'t self,
        input: Var<'t, F>,
        value: ArcArray<F, IxDyn>,
        op: impl Op<F> + 'static,
    ) -> Var<'t, F> {
        self.observe_forward(&op, &[input], value.shape());
        let borrows = self.nodes.borrow()[input.id() as usize].borrows_parameter;
        self.record(&[input], value, borrows, || Box::new(op))
    }

    #[track_caller]
    fn record<'t>(
        &'t self,
        inputs: &[Var<'t, F>],
        value: ArcArray<F, IxDyn>,
        borrows_parameter: bool,
        op: impl FnOnce() -> Box<dyn Op<F>>,
    ) -> Var<'t, F> {
        for v in inputs {
            assert!(std::ptr::eq(v.tape(), self), "all inputs of an operation live on one tape");
        }
        let needs = self.grad_enabled.get() && inputs.iter().any(|v| v.requires_grad());
        if needs {
            let first = self.nodes.borrow().input_count();
            for v in inputs {
                let id = self.live(v.id());
                self.nodes.borrow_mut().push_input(id);
            }
            self.push_from(first, value, Source::Op(op()), true, borrows_parameter)
        } else {
            self.push(value, Source::Constant, false, borrows_parameter)
        }
    }

    /// The node itself, or the parameter's present one if a backward pass has let go of the value.
    fn live(&self, id: u32) -> u32 {
        let parameter = match &self.nodes.borrow()[id as usize] {
            Node { source: Source::Parameter(parameter), value, .. } if value.is_empty() => parameter.clone(),
            _ => return id,
        };
        self.parameter(&parameter).id()
    }

    fn push(
        &self,
        value: ArcArray<F, IxDyn>,
        source: Source<F>,
        needs_grad: bool,
        borrows_parameter: bool,
    ) -> Var<'_, F> {
        let no_inputs = self.nodes.borrow().input_count();
        self.push_from(no_inputs, value, source, needs_grad, borrows_parameter)
    }

    /// Adds a node; its inputs are those from `first` on.
    fn push_from(
        &self,
        first: u32,
        value: ArcArray<F, IxDyn>,
        source: Source<F>,
        needs_grad: bool,
        borrows_parameter: bool,
    ) -> Var<'_, F> {
        let id = self.nodes.borrow_mut().push(value, source, needs_grad, borrows_parameter, first);
        self.note_time();
        Var::new(self, id)
    }

    pub(super) fn detached(&self, id: u32, value: ArcArray<F, IxDyn>) -> Var<'_, F> {
        let borrows = self.nodes.borrow()[id as usize].borrows_parameter;
        self.push(value, Source::Constant, false, borrows)
    }

    /// An array of this shape with arbitrary content, from recycled memory if there is some: an operation
    /// that takes its results from here allocates nothing after the first step.
    pub fn scratch(&self, shape: &[usize]) -> ArrayD<F> {
        self.pool.borrow_mut().take(shape)
    }

    /// As [`scratch`](Self::scratch), for an array that is recycled before the step ends.
    pub(crate) fn scratch_for_now(&self, shape: &[usize]) -> ArrayD<F> {
        self.pool.borrow_mut().take_for_now(shape)
    }

    /// As [`scratch`](Self::scratch), for an array that will not come back.
    pub(super) fn scratch_to_keep(&self, shape: &[usize]) -> ArrayD<F> {
        self.pool.borrow_mut().take_exact(shape)
    }

    /// Gives an array's memory back for [`scratch`](Self::scratch).
    pub fn recycle(&self, array: ArrayD<F>) {
        self.pool.borrow_mut().give(array);
    }

    /// Where the next dropout draws from; each call gives other numbers.
    pub(crate) fn next_draw(&self) -> Draw {
        let call = self.draws.replace(self.draws.get() + 1);
        let StepRng { key, step } = self.rng.get();
        Draw { key, step, call }
    }

    /// Number of values recorded since the last reset.
    pub fn len(&self) -> usize {
        self.nodes.borrow().len()
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn nodes(&self) -> Ref<'_, Nodes<F>> {
        self.nodes.borrow()
    }

    pub(super) fn with_node<R>(&self, id: u32, f: impl FnOnce(&Node<F>) -> R) -> R {
        f(&self.nodes.borrow()[id as usize])
    }

    pub(super) fn leaf_grad(&self, id: u32) -> Option<ArrayD<F>> {
        self.leaf_grads.borrow().get(&id).cloned()
    }

    /// One reverse sweep: nodes are in topological order because they are in order of creation.
    #[track_caller]
    pub(super) fn backward(&self, root: u32, seed: ArrayD<F>, retain: bool) {
        if self.watches.get() {
            self.note_values();
        }
        let root = root as usize;
        assert!(
            self.nodes.borrow()[root].needs_grad,
            "backward: the value depends on no parameter that requires a gradient"
        );
        let mut slots = self.slots.take();
        slots.clear();
        slots.resize_with(root + 1, Slot::default);
        slots[root].buffer = Some(seed);
        for id in (0..=root).rev() {
            let slot = &mut slots[id];
            slot.visited = slot.buffer.is_some() || slot.constant.is_some();
            if slot.visited {
                self.backward_of(id, &mut slots);
            }
        }
        if !retain {
            self.free(&mut slots);
        }
        self.slots.set(slots);
        self.note_time();
    }

    /// One node of the sweep.
    #[track_caller]
    fn backward_of(&self, id: usize, grads: &mut [Slot<F>]) {
        let nodes = self.nodes.borrow();
        let (node, slot) = (&nodes[id], &mut grads[id]);
        match &node.source {
            Source::Op(op) => {
                let (grad, constant) = self.gradient(node, slot, op.adds_constant());
                let start = self.observer.as_ref().map(|_| Instant::now());
                let mut cx = Backward::new(self, &nodes, grads, id, grad, constant);
                op.backward(&mut cx);
                self.recycle(cx.into_grad());
                if self.watches.get() {
                    let inputs = nodes.inputs(id).iter().map(|&input| input as usize);
                    self.note_gradients(op.name(), inputs.map(|i| (&nodes[i], grads[i].has_nan())));
                }
                start.into_iter().for_each(|start| self.observe_backward(&**op, &nodes, id, start));
            }
            Source::Parameter(parameter) => {
                let (grad, _) = self.gradient(node, slot, false);
                if self.watches.get() {
                    self.note_parameter(node, &grad);
                }
                if let Some(free) = parameter.accumulate(grad) {
                    self.recycle(free);
                }
            }
            Source::Leaf => self.accumulate_leaf(id as u32, self.gradient(node, slot, false).0),
            Source::Constant => unreachable!("a constant never needs a gradient"),
            Source::Freed => panic!(
                "backward: this part of the graph was freed by an earlier backward pass; \
                 use backward_retain_graph for the earlier one"
            ),
        }
    }

    /// The gradient of a node, and what is still to be added to it if its rule does that.
    fn gradient(&self, node: &Node<F>, slot: &mut Slot<F>, rule_adds: bool) -> (ArrayD<F>, F) {
        match (slot.buffer.take(), slot.constant.take()) {
            (Some(grad), Some(constant)) if rule_adds => (grad, constant),
            (Some(mut grad), Some(constant)) => {
                apply0(grad.view_mut(), move |g| g + constant);
                (grad, F::zero())
            }
            (Some(grad), None) => (grad, F::zero()),
            (None, constant) => {
                let mut grad = fresh_gradient(self, node);
                grad.fill(constant.unwrap_or(F::zero()));
                (grad, F::zero())
            }
        }
    }

    fn accumulate_leaf(&self, id: u32, grad: ArrayD<F>) {
        self.leaf_grads.borrow_mut().entry(id).and_modify(|sum| *sum += &grad).or_insert(grad);
    }

    /// Lets go of operations and of everything that shares memory with a parameter, so that an optimizer's
    /// step writes in place; but not of what another loss of this tape, yet to go backward, reads.
    fn free(&self, slots: &mut [Slot<F>]) {
        let mut nodes = self.nodes.borrow_mut();
        for (node, _) in nodes.iter_mut().zip(&*slots).filter(|(_, slot)| slot.visited) {
            if let Source::Op(_) = node.source {
                node.source = Source::Freed;
            }
        }
        for id in (0..nodes.len()).filter(|&id| matches!(nodes[id].source, Source::Op(_))) {
            for &input in nodes.inputs(id) {
                slots.get_mut(input as usize).into_iter().for_each(|slot| slot.awaited = true);
            }
        }
        for (node, slot) in nodes.iter_mut().zip(&*slots) {
            if slot.visited && node.borrows_parameter && !slot.awaited {
                node.value = self.nothing.clone();
            }
        }
        self.parameters.borrow_mut().retain(|&(_, id)| !nodes[id as usize].value.is_empty());
    }
}
