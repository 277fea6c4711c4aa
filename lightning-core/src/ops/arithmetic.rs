//! `+ − × ÷` of two values (broadcasting) or of a value and a number, and negation.

use super::shape::broadcast_shapes;
use crate::kernels;
use crate::{Backward, Float, Op, Var};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// d(a + b) = da + db.
struct AddOp;
impl<F: Float> Op<F> for AddOp {
    fn name(&self) -> &'static str {
        "add"
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        cx.add_scaled(0, F::one());
        cx.add_scaled(1, F::one());
    }
}

/// d(a − b) = da − db.
struct SubOp;
impl<F: Float> Op<F> for SubOp {
    fn name(&self) -> &'static str {
        "sub"
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        cx.add_scaled(0, F::one());
        cx.add_scaled(1, -F::one());
    }
}

/// d(a·b) = b·da + a·db.
struct MulOp;
impl<F: Float> Op<F> for MulOp {
    fn name(&self) -> &'static str {
        "mul"
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        cx.add_map2(0, |cx| (cx.grad(), cx.input(1)), |g, b| g * b);
        let grad = cx.take_grad();
        cx.add_product(1, grad, 0);
    }
}

/// d(a/b) = da/b − (a/b)·db/b.
struct DivOp;
impl<F: Float> Op<F> for DivOp {
    fn name(&self) -> &'static str {
        "div"
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        cx.add_map2(0, |cx| (cx.grad(), cx.input(1)), |g, b| g / b);
        cx.add_with(1, |cx, acc, dst| {
            let mut wide = cx.tape().scratch(cx.grad().shape());
            kernels::apply2(wide.view_mut(), cx.grad(), cx.output(), |d, g, y| *d = g * y);
            kernels::apply1(wide.view_mut(), cx.input(1), |d, b| *d = -*d / b);
            kernels::sum_to_shape(dst, acc, wide.view());
            cx.tape().recycle(wide);
        });
    }
}

/// y = scale·x + shift: every form with a number but `number / x`.
struct AffineOp<F> {
    name: &'static str,
    scale: F,
}
impl<F: Float> Op<F> for AffineOp<F> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        cx.add_scaled(0, self.scale);
    }
}

/// y = c/x, dx = −g·y/x.
struct ReciprocalOp<F>(F);
impl<F: Float> Op<F> for ReciprocalOp<F> {
    fn name(&self) -> &'static str {
        "rdiv"
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        let c = self.0;
        cx.add_map2(0, |cx| (cx.grad(), cx.input(0)), move |g, x| -g * c / (x * x));
    }
}

#[track_caller]
fn binary<'t, F: Float>(
    name: &str,
    a: Var<'t, F>,
    b: Var<'t, F>,
    f: impl Fn(F, F) -> F + Copy + Sync,
    op: impl Op<F> + 'static,
) -> Var<'t, F> {
    let (x, y) = (a.value(), b.value());
    let Some(shape) = broadcast_shapes(x.shape(), y.shape()) else {
        panic!("{name}: shapes {:?} and {:?} do not broadcast", x.shape(), y.shape());
    };
    let mut out = a.tape().scratch(&shape);
    kernels::apply2(out.view_mut(), x.view(), y.view(), move |d, a, b| *d = f(a, b));
    a.tape().apply(&[a, b], out, op)
}

macro_rules! operators {
    ($trait:ident, $method:ident, $name:literal, $op:ident, |$a:ident, $b:ident| $f:expr) => {
        impl<'t, F: Float> $trait for Var<'t, F> {
            type Output = Var<'t, F>;
            #[track_caller]
            fn $method(self, other: Self) -> Self {
                binary($name, self, other, |$a, $b| $f, $op)
            }
        }
    };
}
operators!(Add, add, "add", AddOp, |a, b| a + b);
operators!(Sub, sub, "sub", SubOp, |a, b| a - b);
operators!(Mul, mul, "mul", MulOp, |a, b| a * b);
operators!(Div, div, "div", DivOp, |a, b| a / b);

impl<'t, F: Float> Neg for Var<'t, F> {
    type Output = Self;
    fn neg(self) -> Self {
        self.map_with(|x| -x, AffineOp { name: "neg", scale: -F::one() })
    }
}
impl<'t, F: Float> Add<F> for Var<'t, F> {
    type Output = Self;
    fn add(self, c: F) -> Self {
        self.map_with(move |x| x + c, AffineOp { name: "add_scalar", scale: F::one() })
    }
}
impl<'t, F: Float> Sub<F> for Var<'t, F> {
    type Output = Self;
    fn sub(self, c: F) -> Self {
        self.map_with(move |x| x - c, AffineOp { name: "sub_scalar", scale: F::one() })
    }
}
impl<'t, F: Float> Mul<F> for Var<'t, F> {
    type Output = Self;
    fn mul(self, c: F) -> Self {
        self.map_with(move |x| x * c, AffineOp { name: "mul_scalar", scale: c })
    }
}
impl<'t, F: Float> Div<F> for Var<'t, F> {
    type Output = Self;
    fn div(self, c: F) -> Self {
        self.map_with(move |x| x / c, AffineOp { name: "div_scalar", scale: F::one() / c })
    }
}

/// `number op value`: only concrete types may stand on the left of a foreign operator.
macro_rules! number_on_the_left {
    ($t:ty) => {
        impl<'t> Add<Var<'t, $t>> for $t {
            type Output = Var<'t, $t>;
            fn add(self, x: Var<'t, $t>) -> Var<'t, $t> {
                x + self
            }
        }
        impl<'t> Sub<Var<'t, $t>> for $t {
            type Output = Var<'t, $t>;
            fn sub(self, x: Var<'t, $t>) -> Var<'t, $t> {
                x.map_with(move |x| self - x, AffineOp { name: "rsub", scale: -1.0 })
            }
        }
        impl<'t> Mul<Var<'t, $t>> for $t {
            type Output = Var<'t, $t>;
            fn mul(self, x: Var<'t, $t>) -> Var<'t, $t> {
                x * self
            }
        }
        impl<'t> Div<Var<'t, $t>> for $t {
            type Output = Var<'t, $t>;
            fn div(self, x: Var<'t, $t>) -> Var<'t, $t> {
                x.map_with(move |x| self / x, ReciprocalOp(self))
            }
        }
    };
}
number_on_the_left!(f32);
number_on_the_left!(f64);

#[cfg(test)]
mod tests {
    use crate::{Tape, gradcheck};
    use ndarray::{ArrayD, Dimension, IxDyn, array};

    #[test]
    fn the_same_value_twice_gets_both_gradients() {
        let tape = Tape::new();
        let x = tape.leaf(array![3.0f32]);
        (x * x + x).sum().backward();
        assert_eq!(x.grad().expect("a gradient"), array![7.0].into_dyn());
    }

    #[test]
    fn gradients_hold_for_broadcasting_both_ways() {
        let shapes: [(&[usize], &[usize]); 6] = [
            (&[2, 3], &[2, 3]),
            (&[3, 1], &[1, 4]),
            (&[2, 3, 4], &[4]),
            (&[], &[2, 2]),
            (&[1, 1], &[3, 1]),
            (&[2], &[]),
        ];
        for (a, b) in shapes {
            let x = ArrayD::from_shape_fn(IxDyn(a), |i| 0.7 + 0.3 * i.slice().iter().sum::<usize>() as f64);
            let y = ArrayD::from_shape_fn(IxDyn(b), |i| 1.9 - 0.4 * i.slice().iter().sum::<usize>() as f64);
            let inputs = [x, y];
            gradcheck(|v| v[0] + v[1], &inputs).expect("add");
            gradcheck(|v| v[0] - v[1], &inputs).expect("sub");
            gradcheck(|v| v[0] * v[1], &inputs).expect("mul");
            gradcheck(|v| v[0] / v[1], &inputs).expect("div");
        }
    }

    #[test]
    fn gradients_hold_for_numbers_on_both_sides() {
        let x = [array![[0.5, -1.5], [2.0, 3.0]].into_dyn()];
        gradcheck(|v| 2.0 / (3.0 - v[0] * 0.5) + (v[0] + 1.0) / 4.0 - (-v[0]) * 2.0 + (v[0] - 1.0), &x)
            .expect("scalar forms");
    }

    #[test]
    #[should_panic(expected = "add: shapes [2, 3] and [2] do not broadcast")]
    fn shapes_that_do_not_broadcast_are_named() {
        let tape = Tape::<f32>::new();
        let _ = tape.leaf(ArrayD::zeros(IxDyn(&[2, 3]))) + tape.leaf(ArrayD::zeros(IxDyn(&[2])));
    }
}
