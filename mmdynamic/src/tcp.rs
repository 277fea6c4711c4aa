//! The two terms of the loss that a view's confidence and its own classifier share, from one softmax.

use lightning_core::kernels::{self, Accum};
use lightning_core::{Backward, Float, Op, Tape, Var};
use ndarray::{Array1, ArrayView2, ArrayViewD, Ix2};

/// Inputs are the logits z, the confidences c and the log-probabilities ln p = log-softmax(z); n is the number of rows.
///
/// With t the row's p of its label, by the squared error (1/n)·Σ(c − t)²: dc = 2(c − t)/n, dt = −dc,
/// dz_j = dt·t·(1(j = y) − p_j). By the cross-entropy: dz_j = (p_j − 1(j = y))/n. So dz is one number a row times
/// p − 1(j = y).
struct TcpOp {
    labels: Vec<usize>,
    detach_target: bool,
}

impl TcpOp {
    /// 2(c − t)/n times the gradient of the squared error, and t, row by row.
    fn by_confidence<'a, F: Float>(
        &'a self,
        g: F,
        confidences: &'a ArrayViewD<'_, F>,
        log_p: &'a ArrayView2<'_, F>,
    ) -> impl Iterator<Item = (F, F)> + 'a {
        let scale = F::of(2.0) * g / F::of(self.labels.len() as f64);
        let terms = confidences.iter().zip(targets(log_p, &self.labels));
        terms.map(move |(&c, t)| (scale * (c - t), t))
    }
}

impl<F: Float> Op<F> for TcpOp {
    fn name(&self) -> &'static str {
        "tcp_terms"
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        cx.add_with(0, |cx, acc, mut dst| {
            let by_ce = cx.grad()[[1]] / F::of(self.labels.len() as f64);
            let mut p = cx.tape().scratch(dst.shape());
            kernels::apply1(p.view_mut(), cx.input(2), |p, log_p| *p = log_p.exp_());
            let (confidences, log_p) = (cx.input(1), matrix(cx.input(2)));
            let by_confidence = self.by_confidence(cx.grad()[[0]], &confidences, &log_p);
            let rows = p.rows_mut().into_iter().zip(&self.labels).zip(by_confidence);
            for ((mut row, &label), (by_c, t)) in rows {
                let of_row = if self.detach_target { by_ce } else { by_ce + by_c * t };
                row[label] -= F::one();
                row *= of_row;
            }
            match acc {
                Accum::Set => dst.assign(&p),
                Accum::Add => dst += &p,
            }
            cx.tape().recycle(p);
        });
        cx.add_with(1, |cx, acc, mut dst| {
            let (confidences, log_p) = (cx.input(1), matrix(cx.input(2)));
            let by_confidence = self.by_confidence(cx.grad()[[0]], &confidences, &log_p);
            for (d, (by_c, _)) in dst.iter_mut().zip(by_confidence) {
                *d = if acc == Accum::Set { by_c } else { *d + by_c };
            }
        });
    }
}

fn matrix<F>(value: ArrayViewD<'_, F>) -> ArrayView2<'_, F> {
    value.into_dimensionality::<Ix2>().expect("rows by classes")
}

/// The probability of each row's label.
fn targets<'a, F: Float>(log_p: &'a ArrayView2<'_, F>, labels: &'a [usize]) -> impl Iterator<Item = F> + 'a {
    log_p.rows().into_iter().zip(labels).map(|(row, &label)| row[label].exp_())
}

/// The mean squared error between the `confidence` (rows, 1) of each row and the probability that `logits` (rows, classes)
/// give its label; and the mean cross-entropy of these logits. In that order, as one operation with one softmax:
/// `mse_loss(confidence, softmax(logits)[label])` and `cross_entropy(logits, label)`.
///
/// The gradient flows through the target too, unless it is detached.
///
/// # Panics
/// If the shapes do not fit, or a label is out of range.
#[track_caller]
pub(crate) fn tcp_terms<'t, F: Float>(
    logits: Var<'t, F>,
    confidence: Var<'t, F>,
    labels: &[usize],
    detach_target: bool,
) -> [Var<'t, F>; 2] {
    let (z, c, tape) = (logits.value(), confidence.value(), logits.tape());
    let fits = z.ndim() == 2 && c.shape() == [z.shape()[0], 1] && labels.len() == z.shape()[0];
    assert!(
        fits,
        "tcp_terms: {} labels for logits {:?} (rows, classes) and confidences {:?} (rows, 1)",
        labels.len(),
        z.shape(),
        c.shape()
    );
    if let Some(row) = labels.iter().position(|&label| label >= z.shape()[1]) {
        panic!(
            "tcp_terms: label {} of row {row} is out of range for logits of shape {:?} (rows, classes)",
            labels[row],
            z.shape()
        );
    }
    let mut log_p = tape.scratch(z.shape());
    kernels::log_softmax_lanes(log_p.view_mut(), z.view(), 1);
    let rows = matrix(log_p.view());
    let ce = mean(tape, labels.len(), rows.rows().into_iter().zip(labels).map(|(row, &label)| -row[label]));
    let errors = targets(&rows, labels).zip(&c).map(|(t, &c)| (c - t) * (c - t));
    let regression = mean(tape, labels.len(), errors);
    let op = TcpOp { labels: labels.to_vec(), detach_target };
    let both = Array1::from_vec(vec![regression, ce]).into_dyn();
    // The log-probabilities stay on the tape, which takes their memory back with the step.
    let both = tape.apply(&[logits, confidence, tape.constant(log_p)], both, op);
    [both.select(0, 0), both.select(0, 1)]
}

/// The mean of one number a row.
fn mean<F: Float>(tape: &Tape<F>, rows: usize, values: impl Iterator<Item = F>) -> F {
    let mut memory = tape.scratch(&[rows]);
    memory.iter_mut().zip(values).for_each(|(to, value)| *to = value);
    let mean = kernels::sum(memory.view()) / F::of(rows as f64);
    tape.recycle(memory);
    mean
}

#[cfg(test)]
mod tests {
    use super::*;
    use lightning_core::gradcheck;
    use ndarray::{ArrayD, array};

    const LABELS: [usize; 4] = [2, 0, 1, 1];

    fn inputs() -> [ArrayD<f64>; 2] {
        let logits = array![[0.3, -1.2, 2.0], [1.0, 0.5, -0.5], [-2.0, 0.1, 0.2], [0.0, 40.0, 0.0]];
        [logits.into_dyn(), array![[0.9], [-0.4], [1.7], [0.0]].into_dyn()]
    }

    #[test]
    fn gradients_hold_for_each_term_and_both() {
        gradcheck(|v| tcp_terms(v[0], v[1], &LABELS, false)[0], &inputs()).expect("the squared error");
        gradcheck(|v| tcp_terms(v[0], v[1], &LABELS, false)[1] + v[1].sum(), &inputs())
            .expect("the cross-entropy");
        fn both<'t>(v: &[Var<'t, f64>]) -> Var<'t, f64> {
            let [regression, ce] = tcp_terms(v[0], v[1], &LABELS, false);
            regression * 3.0 + ce * 0.5
        }
        gradcheck(both, &inputs()).expect("both, weighted");
        gradcheck(|v| both(v) + (v[0] * v[0]).sum() + v[1].exp().sum(), &inputs())
            .expect("beside other uses");
    }

    #[test]
    fn it_equals_the_composition() {
        for detach in [false, true] {
            let run = |fused: bool| {
                let tape = Tape::new();
                let [z, c] = inputs().map(|input| tape.leaf(input));
                let [regression, ce] = if fused {
                    tcp_terms(z, c, &LABELS, detach)
                } else {
                    let target = z.softmax(1).gather_labels(&LABELS);
                    let target = if detach { target.detach() } else { target };
                    [c.flatten().mse_loss(target), z.cross_entropy(&LABELS)]
                };
                (regression + ce * 2.0).backward();
                let gradients = [z, c].map(|v| v.grad().expect("a gradient"));
                (regression.item(), ce.item(), gradients)
            };
            let (fused, apart) = (run(true), run(false));
            approx::assert_relative_eq!(fused.0, apart.0, max_relative = 1e-14);
            approx::assert_relative_eq!(fused.1, apart.1, max_relative = 1e-14);
            for (a, b) in fused.2.iter().zip(&apart.2) {
                assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-15 + 1e-13 * b.abs()), "{a} {b}");
            }
        }
    }

    #[test]
    fn an_empty_batch_has_no_mean() {
        let tape = Tape::<f32>::new();
        let [z, c] = [3, 1].map(|width| tape.leaf(ArrayD::zeros(vec![0, width])));
        assert!(tcp_terms(z, c, &[], false).iter().all(|term| term.item().is_nan()));
    }

    #[test]
    #[should_panic(expected = "tcp_terms: label 3 of row 1 is out of range for logits of shape [4, 3]")]
    fn a_label_out_of_range_is_never_read() {
        let tape = Tape::new();
        let [z, c] = inputs().map(|input| tape.leaf(input));
        tcp_terms(z, c, &[0, 3, 0, 0], false);
    }
}
