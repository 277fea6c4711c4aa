//! Laws that hold for every shape: of one to three axes, each from 0 to 4 long.

use lightning_core::{Tape, Var, concat, gradcheck};
use ndarray::{ArrayD, Axis, Dimension, IxDyn, Slice};
use proptest::prelude::*;

/// Values between 0.25 and 1.75 that depend on their place and `salt` alone, so that a failing case prints as
/// its shape. Positive, for the sake of `ln`, `sqrt` and division.
fn filled(shape: &[usize], salt: usize) -> ArrayD<f64> {
    ArrayD::from_shape_fn(IxDyn(shape), |index| {
        let place = index.slice().iter().fold(salt + 1, |hash, &i| hash * 31 + i * 7 + 3);
        0.25 + (place % 101) as f64 / 101.0 * 1.5
    })
}

/// Equal up to rounding; NaN (the mean of nothing) equals NaN.
fn close(a: &ArrayD<f64>, b: &ArrayD<f64>) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * (1.0 + b.abs()) || a.is_nan() && b.is_nan();
    a.shape() == b.shape() && a.iter().zip(b).all(|(&a, &b)| near(a, b))
}

fn shapes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0usize..5, 1..4)
}

/// Two shapes that broadcast: of the full shape each keeps, shrinks to 1 or (in front) drops axes.
fn broadcastable() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    let side = || (prop::array::uniform3(any::<bool>()), 0usize..3);
    (prop::collection::vec(1usize..4, 1..4), side(), side()).prop_map(|(full, a, b)| {
        let side = |(keep, drop): ([bool; 3], usize)| {
            let axes = full.iter().zip(keep).map(|(&len, keep)| if keep { len } else { 1 });
            axes.skip(drop.min(full.len() - 1)).collect::<Vec<usize>>()
        };
        (side(a), side(b))
    })
}

/// How the memory of a value lies.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// A view with the order of axes reversed.
    Permuted,
    /// Every second element along an axis, counted from index 1.
    Strided,
    /// A constant or leaf whose own array is in column-major order.
    ColumnMajor,
}

/// A leaf, and the value of that layout which equals `x`.
fn lay<'t>(tape: &'t Tape<f64>, x: &ArrayD<f64>, layout: Layout) -> (Var<'t, f64>, Var<'t, f64>) {
    match layout {
        Layout::Permuted => {
            let leaf = tape.leaf(x.t().as_standard_layout().into_owned());
            let reversed: Vec<usize> = (0..x.ndim()).rev().collect();
            (leaf, leaf.permute(&reversed))
        }
        Layout::Strided => {
            let axis = x.ndim() - 1;
            let mut wide = x.shape().to_vec();
            wide[axis] = 2 * wide[axis] + 2;
            let mut gaps = ArrayD::from_elem(wide.clone(), f64::NAN);
            let every_second = Slice::new(1, Some(wide[axis] as isize - 1), 2);
            gaps.slice_axis_mut(Axis(axis), every_second).assign(x);
            let leaf = tape.leaf(gaps);
            (leaf, leaf.slice_step(axis, 1..wide[axis] - 1, 2))
        }
        Layout::ColumnMajor => {
            let leaf = tape.leaf(x.t().as_standard_layout().into_owned().reversed_axes());
            (leaf, leaf)
        }
    }
}

/// The gradient of the leaf, seen as that of the value that [`lay`] made.
fn unlay(grad: ArrayD<f64>, layout: Layout) -> ArrayD<f64> {
    match layout {
        Layout::Permuted => grad.reversed_axes(),
        Layout::ColumnMajor => grad,
        Layout::Strided => {
            let axis = Axis(grad.ndim() - 1);
            let (len, untouched) = (grad.len_of(axis), Slice::new(0, None, 2));
            assert!(
                grad.slice_axis(axis, untouched).iter().all(|&g| g == 0.0),
                "no gradient beside the view"
            );
            grad.slice_axis(axis, Slice::new(1, Some(len as isize - 1), 2)).to_owned()
        }
    }
}

/// An operation under test, its name, and the shapes of its inputs.
type Case = (&'static str, Vec<Vec<usize>>, Box<dyn for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64>>);

fn case(
    name: &'static str,
    shapes: &[&[usize]],
    f: impl for<'t> Fn(&[Var<'t, f64>]) -> Var<'t, f64> + 'static,
) -> Case {
    (name, shapes.iter().map(|shape| shape.to_vec()).collect(), Box::new(f))
}

/// Every operation that takes a value of any shape, on values of this one; `axis` is one of its axes.
fn operations(shape: &[usize], axis: usize) -> Vec<Case> {
    let (len, s) = (shape[axis], shape);
    let mut cases = vec![
        case("add", &[s, s], |v| v[0] + v[1]),
        case("sub", &[s, s], |v| v[0] - v[1]),
        case("mul", &[s, s], |v| v[0] * v[1]),
        case("div", &[s, s], |v| v[0] / v[1]),
        case("mul by a scalar value", &[s, &[1]], |v| v[0] * v[1]),
        case("neg", &[s], |v| -v[0]),
        case("numbers", &[s], |v| 2.0 / (3.0 - v[0] * 0.5) + (v[0] - 1.0) / 4.0),
        case("sigmoid", &[s], |v| v[0].sigmoid()),
        case("relu", &[s], |v| (v[0] - 1.0).relu()),
        case("tanh", &[s], |v| v[0].tanh()),
        case("exp", &[s], |v| v[0].exp()),
        case("ln", &[s], |v| v[0].ln()),
        case("sqrt", &[s], |v| v[0].sqrt()),
        case("powf", &[s], |v| v[0].powf(-1.5)),
        case("dropout", &[s], |v| v[0].dropout(0.5)),
        case("sum", &[s], |v| v[0].sum()),
        case("mean", &[s], |v| v[0].mean()),
        case("sum_axis", &[s], move |v| v[0].sum_axis(axis)),
        case("mean_axis", &[s], move |v| v[0].mean_axis(axis)),
        case("sum_keepdim", &[s], move |v| v[0].sum_keepdim(axis)),
        case("mean_keepdim", &[s], move |v| v[0].mean_keepdim(axis)),
        case("softmax", &[s], move |v| v[0].softmax(axis)),
        case("log_softmax", &[s], move |v| v[0].log_softmax(axis)),
        case("concat", &[s, s], move |v| concat(&[v[0], v[1], v[0]], axis)),
        case("slice", &[s], move |v| v[0].slice(axis, len / 3..len)),
        case("slice_step", &[s], move |v| v[0].slice_step(axis, 0..len, 3)),
        case("flatten", &[s], |v| v[0].flatten()),
        case("transpose", &[s], move |v| v[0].transpose(0, axis)),
        case("mse_loss", &[s, s], |v| v[0].mse_loss(v[1])),
        case("bce_with_logits", &[s, s], |v| v[0].bce_with_logits(v[1])),
        case("linear", &[s, &[2, s[s.len() - 1]], &[2]], |v| v[0].linear(v[1], Some(v[2]))),
    ];
    if len > 0 {
        let index = ArrayD::from_shape_fn(IxDyn(s), |i| i.slice().iter().sum::<usize>() % len);
        cases.push(case("select", &[s], move |v| v[0].select(axis, len - 1)));
        cases.push(case("gather", &[s], move |v| v[0].gather(axis, index.clone())));
    }
    if let &[rows, columns] = s {
        cases.push(case("t", &[s], |v| v[0].t()));
        cases.push(case("matmul", &[s, &[columns, 3]], |v| v[0].matmul(v[1])));
        cases.push(case("matrix times vector", &[s, &[columns]], |v| v[0].matmul(v[1])));
        if columns > 0 {
            let labels: Vec<usize> = (0..rows).map(|row| (row * 3 + 1) % columns).collect();
            let (ce, nll) = (labels.clone(), labels.clone());
            cases.push(case("cross_entropy", &[s], move |v| v[0].cross_entropy(&ce)));
            cases.push(case("nll_loss", &[s], move |v| v[0].nll_loss(&nll)));
            cases.push(case("gather_labels", &[s], move |v| v[0].gather_labels(&labels)));
        }
    }
    if let &[batch, _, columns] = s {
        cases.push(case("batched matmul", &[s, &[batch, columns, 2]], |v| v[0].matmul(v[1])));
        cases.push(case("one matrix for a batch", &[s, &[columns, 2]], |v| v[0].matmul(v[1])));
    }
    cases
}

/// Value and gradients of `f` for this gradient of the output.
fn run(
    (_, shapes, f): &Case,
    seed: impl Fn(&[usize]) -> ArrayD<f64>,
    layouts: Option<[Layout; 3]>,
) -> (ArrayD<f64>, Vec<ArrayD<f64>>) {
    let tape = Tape::new();
    let inputs: Vec<_> = shapes
        .iter()
        .enumerate()
        .map(|(i, shape)| match layouts {
            Some(layouts) => lay(&tape, &filled(shape, i), layouts[i]),
            None => {
                let leaf = tape.leaf(filled(shape, i));
                (leaf, leaf)
            }
        })
        .collect();
    let values: Vec<_> = inputs.iter().map(|(_, value)| *value).collect();
    let y = f(&values);
    y.backward_with(seed(&y.shape()));
    let grads = inputs.iter().enumerate().map(|(i, (leaf, _))| {
        let grad = leaf.grad().expect("every input is used");
        layouts.map_or(grad.clone(), |layouts| unlay(grad, layouts[i]))
    });
    (y.value().to_owned(), grads.collect())
}

proptest! {
    #[test]
    fn the_layout_of_an_input_changes_neither_values_nor_gradients(
        shape in shapes(), axis in any::<prop::sample::Index>(),
        layouts in prop::array::uniform3(prop::sample::select(vec![Layout::Permuted, Layout::Strided, Layout::ColumnMajor])),
    ) {
        for case in operations(&shape, axis.index(shape.len())) {
            let seed = |shape: &[usize]| filled(shape, 9);
            let (value, grads) = run(&case, seed, None);
            let (other_value, other_grads) = run(&case, seed, Some(layouts));
            prop_assert!(close(&other_value, &value), "{}: {other_value} instead of {value}", case.0);
            for (i, (other, grad)) in other_grads.iter().zip(&grads).enumerate() {
                prop_assert!(close(other, grad), "{}: gradient {i} is {other} instead of {grad}", case.0);
            }
        }
    }

    #[test]
    fn a_gradient_in_another_layout_is_read_by_index(shape in shapes(), axis in any::<prop::sample::Index>()) {
        for case in operations(&shape, axis.index(shape.len())) {
            let (_, grads) = run(&case, |shape| filled(shape, 9), None);
            let column_major =
                |shape: &[usize]| filled(shape, 9).t().as_standard_layout().into_owned().reversed_axes();
            let (_, others) = run(&case, column_major, None);
            for (i, (other, grad)) in others.iter().zip(&grads).enumerate() {
                prop_assert!(close(other, grad), "{}: gradient {i} is {other} instead of {grad}", case.0);
            }
        }
    }

    #[test]
    fn backward_is_linear_in_the_gradient_of_the_output(
        shape in shapes(), axis in any::<prop::sample::Index>(), a in -2.0..2.0f64, b in -2.0..2.0f64,
    ) {
        for case in operations(&shape, axis.index(shape.len())) {
            let (_, first) = run(&case, |shape| filled(shape, 5), None);
            let (_, second) = run(&case, |shape| filled(shape, 6), None);
            let (_, both) = run(&case, |shape| filled(shape, 5) * a + filled(shape, 6) * b, None);
            for ((first, second), both) in first.into_iter().zip(second).zip(both) {
                let sum = first * a + second * b;
                let near = |x: f64, y: f64| (x - y).abs() <= 1e-10 || x.is_nan() && y.is_nan();
                prop_assert!(sum.iter().zip(&both).all(|(&x, &y)| near(x, y)), "{}: {sum} and {both}", case.0);
            }
        }
    }

    #[test]
    fn the_gradient_of_a_sum_of_losses_is_the_sum_of_their_gradients(shape in shapes(), a in -2.0..2.0f64, b in -2.0..2.0f64) {
        let gradient = |loss: fn(Var<'_, f64>, f64, f64) -> Var<'_, f64>| {
            let tape = Tape::new();
            let x = tape.leaf(filled(&shape, 0));
            loss(x, a, b).backward();
            x.grad().expect("a gradient")
        };
        let first = gradient(|x, _, _| (x * x).sum());
        let second = gradient(|x, _, _| x.sigmoid().sum());
        let both = gradient(|x, a, b| (x * x).sum() * a + b * x.sigmoid().sum());
        prop_assert!(close(&both, &(first * a + second * b)));
    }

    #[test]
    fn sums_of_three_give_each_operand_the_gradient_however_bracketed((a, b) in broadcastable()) {
        let gradients = |left_first: bool| {
            let tape = Tape::new();
            let v = [filled(&a, 0), filled(&b, 1), filled(&a, 2)].map(|x| tape.leaf(x));
            let y = if left_first { (v[0] + v[1]) + v[2] } else { v[0] + (v[1] + v[2]) };
            y.backward_with(filled(&y.shape(), 3));
            let wide = filled(&y.shape(), 3);
            (wide, v.map(|v| v.grad().expect("a gradient")))
        };
        let ((wide, left), (_, right)) = (gradients(true), gradients(false));
        for ((x, y), shape) in left.iter().zip(&right).zip([&a, &b, &a]) {
            let expected = summed(&wide, shape);
            prop_assert!(close(x, &expected) && close(y, &expected), "{x}, {y} and {expected}");
        }
    }

    #[test]
    fn chains_over_broadcast_shapes_pass_the_gradient_check((a, b) in broadcastable()) {
        let last = a.len().max(b.len()) - 1;
        let check = gradcheck(
            move |v| {
                let gate = v[0] * (v[1] - v[0]).sigmoid() / (v[1] + 1.0);
                gate.softmax(last) * v[0].ln() + (v[1].sqrt() - gate.mean_keepdim(last)).tanh()
            },
            &[filled(&a, 0), filled(&b, 1)],
        );
        prop_assert!(check.is_ok(), "{check:?}");
    }
}

/// A broadcast undone by the definition: each element is added where it came from.
fn summed(wide: &ArrayD<f64>, shape: &[usize]) -> ArrayD<f64> {
    let extra = wide.ndim() - shape.len();
    let mut sum = ArrayD::zeros(shape);
    for (index, &x) in wide.indexed_iter() {
        let place: Vec<usize> =
            shape.iter().zip(&index.slice()[extra..]).map(|(&len, &i)| i.min(len - 1)).collect();
        sum[&place[..]] += x;
    }
    sum
}

#[test]
fn the_layouts_under_test_are_what_they_claim() {
    let tape = Tape::new();
    let x = filled(&[3, 4], 0);
    for layout in [Layout::Permuted, Layout::Strided, Layout::ColumnMajor] {
        let (_, value) = lay(&tape, &x, layout);
        assert_eq!(value.value(), x, "{layout:?}");
        assert!(!value.value().is_standard_layout(), "{layout:?}");
    }
}
