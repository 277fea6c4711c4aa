//! Promises of the tape: memory, freeing, accumulation, modes, threads, and graphs of any depth.

use lightning_core::nn::{Layer, Linear, Module};
use lightning_core::{Backward, Op, Parameter, Seed, Tape, Var};
use ndarray::{Array2, ArrayD, IxDyn, array};
use std::sync::Arc;

fn filled(shape: &[usize], salt: usize) -> ArrayD<f32> {
    let mut n = salt;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        n = (n * 1_103 + 12_345) % 65_536;
        n as f32 / 32_768.0 - 1.0
    })
}

/// Bits of the loss and of every gradient of a perceptron large enough for every parallel kernel.
fn perceptron_step() -> Vec<u32> {
    let rng = &mut Seed(3).stream("init");
    let layers: [Linear; 3] =
        [Linear::new(130, 260, rng), Linear::new(260, 140, rng), Linear::new(140, 7, rng)];
    let tape = Tape::new();
    let x = tape.leaf(filled(&[600, 130], 1));
    let labels: Vec<usize> = (0..600).map(|row| row % 7).collect();
    let gate = layers[0].forward(x).sigmoid().dropout(0.3);
    let hidden = layers[1].forward(gate * gate).relu();
    let loss = layers[2].forward(hidden).cross_entropy(&labels) + gate.softmax(1).mean_axis(0).sum();
    loss.backward();
    let mut numbers = vec![loss.item()];
    for value in [gate, hidden] {
        numbers.extend([value.sum().item(), value.exp().mean().item()]);
        numbers.extend(value.value());
        numbers.extend(value.flatten().reshape(&[1, value.len()]).sum_axis(1).value());
    }
    numbers.extend(x.grad().expect("a gradient"));
    for layer in &layers {
        layer.parameters().iter().for_each(|p| numbers.extend(p.grad().expect("a gradient")));
    }
    numbers.into_iter().map(f32::to_bits).collect()
}

#[test]
fn a_step_has_the_same_bits_for_every_number_of_threads() {
    let step = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(perceptron_step)
    };
    let one = step(1);
    let values = 3 + 600 * 260 + 3 + 600 * 140;
    assert_eq!(one.len(), 1 + values + 600 * 130 + 130 * 260 + 260 + 260 * 140 + 140 + 140 * 7 + 7);
    for threads in [2, 4, 7] {
        assert!(step(threads) == one, "{threads} threads give other bits");
    }
}

/// Runs `f` on a stack on which a recursion of 100,000 calls cannot fit.
fn on_a_small_stack(f: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(f).expect("a thread");
    thread.join().expect("no panic on the small stack");
}

#[test]
fn a_graph_of_100_000_nodes_neither_overflows_the_stack_in_backward_nor_in_drop() {
    on_a_small_stack(|| {
        let tape = Tape::<f64>::new();
        let x = tape.leaf(array![1.0]);
        let y = (0..100_000).fold(x, |y, _| y + 1.0);
        y.backward();
        assert_eq!((y.item(), x.grad()), (100_001.0, Some(array![1.0].into_dyn())));
    });
}

#[test]
fn a_deep_graph_without_a_backward_pass_is_dropped_and_reset_on_a_small_stack() {
    on_a_small_stack(|| {
        let mut tape = Tape::<f64>::new();
        for _ in 0..2 {
            tape.reset();
            let x = tape.leaf(array![1.0]);
            (0..100_000).fold(x, |y, i| if i % 2 == 0 { y * x } else { y.reshape(&[1]) });
        }
        assert_eq!(tape.len(), 100_001);
    });
}

#[test]
fn after_the_first_step_values_lie_in_recycled_memory() {
    const SIZE: usize = 64;
    let layer: Linear = Linear::new(SIZE, SIZE, &mut Seed(1).stream("init"));
    let x = filled(&[SIZE, SIZE], 2).into_shared();
    let mut tape = Tape::new();
    let mut places = Vec::new();
    // What a step frees instead of keeping, the allocator hands to these, and the next step lies elsewhere.
    let mut elsewhere: Vec<Vec<f32>> = Vec::new();
    for _ in 0..20 {
        tape.reset();
        elsewhere.extend((0..16).map(|_| vec![1.0; SIZE * SIZE]));
        let hidden = layer.forward(tape.constant(x.clone())).sigmoid();
        let y = layer.forward(hidden).sigmoid();
        let loss = (hidden * y).mean();
        places.extend([hidden, y].map(|v| v.value().as_ptr()));
        loss.backward();
        layer.zero_grad();
    }
    assert!(places.iter().all(|&place| elsewhere.iter().all(|other| other.as_ptr() != place)));
    places.sort_unstable();
    places.dedup();
    assert!(places.len() <= 12, "two values of 20 equal steps lie in {} places", places.len());
}

#[test]
fn gradients_accumulate_over_backward_passes_until_zero_grad() {
    let w = Parameter::new(array![2.0f64, 3.0].into_dyn());
    let mut tape = Tape::new();
    for expected in [array![4.0, 6.0], array![8.0, 12.0]] {
        tape.reset();
        let v = tape.parameter(&w);
        (v * v).sum().backward();
        assert_eq!(w.grad(), Some(expected.into_dyn()));
    }
    w.zero_grad();
    assert_eq!(w.grad(), None);
    tape.reset();
    (tape.parameter(&w) * 5.0).sum().backward();
    assert_eq!(w.grad(), Some(array![5.0, 5.0].into_dyn()), "nothing of the old gradient remains");
}

#[test]
fn leaves_accumulate_over_two_losses_of_one_tape() {
    let tape = Tape::new();
    let x = tape.leaf(array![2.0f64]);
    (x * x).sum().backward();
    (x * 3.0).sum().backward();
    assert_eq!(x.grad(), Some(array![7.0].into_dyn()));
}

#[test]
fn a_handle_of_a_parameter_serves_a_second_loss_after_backward() {
    let w = Parameter::new(array![2.0f64, 3.0].into_dyn());
    let tape = Tape::new();
    let v = tape.parameter(&w);
    (v * v).sum().backward();
    assert_eq!((v.shape(), v.len(), v.ndim()), (vec![2], 2, 1));
    assert_eq!(v.value(), w.value());
    (v * v).sum().backward();
    assert_eq!(w.grad(), Some(array![8.0, 12.0].into_dyn()));
    w.update(|mut value, _| value.fill(10.0));
    v.matmul(v).backward();
    assert_eq!(w.grad(), Some(array![28.0, 32.0].into_dyn()), "the second use sees the value after the step");
}

#[test]
fn two_losses_that_share_a_parameter_go_backward_one_after_the_other() {
    let w = Parameter::new(array![[2.0f64, 3.0]].into_dyn());
    let mut tape = Tape::new();
    for retained in [true, false] {
        tape.reset();
        let (x, v) = (tape.constant(array![[5.0f64, 7.0]]), tape.parameter(&w));
        let first = (v * v).sum() * x.linear(v, None).sum();
        let second = (v * x).exp().sum() + x.linear(v, None).sum();
        if retained {
            (first + second).backward();
        } else {
            first.backward();
            second.backward();
        }
    }
    let both = w.grad().expect("a gradient");
    w.set_grad(None);
    tape.reset();
    let (x, v) = (tape.constant(array![[5.0f64, 7.0]]), tape.parameter(&w));
    ((v * v).sum() * x.linear(v, None).sum() + (v * x).exp().sum() + x.linear(v, None).sum()).backward();
    assert_eq!(both, w.grad().expect("a gradient") * 2.0);
}

#[test]
fn a_loss_that_waits_keeps_the_value_it_was_made_with_while_the_parameter_changes() {
    let w = Parameter::new(array![3.0f64].into_dyn());
    let tape = Tape::new();
    let v = tape.parameter(&w);
    let (first, second) = ((v * 2.0).sum(), (v * v).sum());
    first.backward();
    w.update(|mut value, _| value.fill(10.0));
    w.zero_grad();
    second.backward();
    assert_eq!(w.grad(), Some(array![6.0].into_dyn()), "2·w at the w of the forward pass");
    assert_eq!(tape.parameter(&w).value(), w.value());
}

#[test]
fn a_tape_sees_a_parameter_that_changed_since_its_last_use() {
    let w = Parameter::new(array![3.0f64].into_dyn());
    let tape = Tape::new();
    assert_eq!((tape.parameter(&w) * 1.0).item(), 3.0);
    w.set_value(array![4.0].into_dyn().view());
    assert_eq!((tape.parameter(&w) * 1.0).item(), 4.0);
}

#[test]
fn a_parameter_first_met_without_gradients_still_learns_afterwards() {
    let w = Parameter::new(array![2.0f64].into_dyn());
    let tape = Tape::new();
    let frozen = tape.no_grad(|| tape.parameter(&w).exp());
    assert!(!frozen.requires_grad());
    let v = tape.parameter(&w);
    assert!(v.requires_grad());
    (v * v).sum().backward();
    assert_eq!(w.grad(), Some(array![4.0].into_dyn()));
}

#[test]
#[should_panic(expected = "a view of a parameter")]
fn the_value_of_a_view_that_backward_let_go_of_is_refused() {
    let w = Parameter::new(array![[2.0f64, 3.0]].into_dyn());
    let tape = Tape::new();
    let view = tape.parameter(&w).t();
    view.sum().backward();
    view.value();
}

/// An operation that shows by its clone of the counter whether the tape keeps it.
struct Counted(#[expect(dead_code, reason = "held, never read")] Arc<()>);
impl Op<f32> for Counted {
    fn name(&self) -> &'static str {
        "counted"
    }
    fn backward(&self, cx: &mut Backward<'_, f32>) {
        cx.add_scaled(0, 1.0);
    }
}

fn counted<'t>(x: Var<'t>, counter: &Arc<()>) -> Var<'t> {
    x.tape().apply(&[x], x.value(), Counted(Arc::clone(counter)))
}

#[test]
fn without_gradients_no_operation_is_kept() {
    let (counter, w) = (Arc::new(()), Parameter::new(filled(&[3], 0)));
    let inference = Tape::inference();
    assert!(!counted(inference.parameter(&w), &counter).requires_grad());
    assert!(!counted(inference.leaf(filled(&[3], 0)), &counter).exp().requires_grad());
    let tape = Tape::new();
    let v = tape.parameter(&w);
    assert!(!tape.no_grad(|| counted(v, &counter)).requires_grad());
    assert!(!counted(tape.constant(filled(&[3], 0)), &counter).requires_grad());
    assert_eq!(Arc::strong_count(&counter), 1);
    let y = counted(v, &counter);
    assert_eq!((y.requires_grad(), Arc::strong_count(&counter)), (true, 2));
    y.sum().backward();
    assert_eq!(Arc::strong_count(&counter), 1, "a backward pass frees what it went through");
}

#[test]
#[should_panic(
    expected = "backward: this part of the graph was freed by an earlier backward pass; use backward_retain_graph for the earlier one"
)]
fn a_second_backward_pass_through_a_freed_graph_is_refused() {
    let tape = Tape::new();
    let y = tape.leaf(array![1.0f32]).exp();
    y.sum().backward();
    (y * 2.0).sum().backward();
}

#[test]
fn retaining_the_graph_doubles_the_gradient() {
    let w = Parameter::new(array![2.0f32, 3.0].into_dyn());
    let tape = Tape::new();
    let x = tape.leaf(array![0.5f32, 0.25]);
    let loss = (tape.parameter(&w) * x).exp().sum();
    loss.backward_retain_graph();
    let (once_w, once_x) = (w.grad().expect("a gradient"), x.grad().expect("a gradient"));
    loss.backward();
    assert_eq!((w.grad(), x.grad()), (Some(once_w * 2.0), Some(once_x * 2.0)));
}

#[test]
fn detach_stops_the_gradient_and_keeps_the_value() {
    let tape = Tape::new();
    let x = tape.leaf(array![2.0f32]);
    let square = x * x;
    let cut = square.detach();
    assert_eq!((cut.value(), cut.requires_grad()), (square.value(), false));
    (cut * x).sum().backward();
    assert_eq!(x.grad(), Some(array![4.0].into_dyn()), "4·x and not x³");
}

#[test]
fn a_frozen_parameter_gets_no_gradient_until_it_thaws() {
    let (w, b) = (Parameter::new(array![2.0f32].into_dyn()), Parameter::new(array![1.0f32].into_dyn()));
    let mut tape = Tape::new();
    w.set_requires_grad(false);
    (tape.parameter(&w) * tape.parameter(&b)).sum().backward();
    assert_eq!((w.grad(), b.grad()), (None, Some(array![2.0].into_dyn())));
    w.set_requires_grad(true);
    tape.reset();
    (tape.parameter(&w) * tape.parameter(&b)).sum().backward();
    assert_eq!(w.grad(), Some(array![1.0].into_dyn()));
}

#[test]
fn an_update_after_backward_writes_in_place() {
    let layer = Linear::<f32>::new(3, 2, &mut Seed(0).stream("init"));
    let before = layer.parameters().iter().map(|p| p.value().as_ptr()).collect::<Vec<_>>();
    let mut tape = Tape::new();
    for _ in 0..3 {
        tape.reset();
        let x = tape.constant(filled(&[4, 3], 1));
        let decay = tape.parameter(&layer.weight).t().select(0, 1).powf(2.0).sum();
        (layer.forward(layer.forward(x).matmul(tape.parameter(&layer.weight))).mean() + decay).backward();
        for parameter in layer.parameters() {
            let value = parameter.value().to_owned();
            parameter.update(|mut w, g| w.scaled_add(-0.1, &g)).expect("a gradient");
            assert_ne!(parameter.value(), value);
            parameter.zero_grad();
        }
    }
    let after = layer.parameters().iter().map(|p| p.value().as_ptr()).collect::<Vec<_>>();
    assert_eq!(after, before);
}

#[test]
#[should_panic(expected = "all inputs of an operation live on one tape")]
fn values_of_two_tapes_do_not_mix() {
    let (first, second) = (Tape::new(), Tape::new());
    second.leaf(array![0.0f32]);
    let _ = first.leaf(array![1.0f32]) + second.leaf(array![2.0f32]);
}

#[test]
fn an_empty_batch_goes_through_a_layer_and_back() {
    let layer = Linear::<f32>::new(3, 2, &mut Seed(0).stream("init"));
    let tape = Tape::new();
    layer.forward(tape.constant(Array2::zeros((0, 3)))).sum().backward();
    assert_eq!(layer.weight.grad(), Some(ArrayD::zeros(IxDyn(&[2, 3]))));
}
