//! The cross-entropy of class scores and labels, and the negative log-likelihood.

use super::Reduction;
use super::shape::check_labels;
use crate::kernels::{self, Accum};
use crate::{Backward, Float, Op, Var};
use ndarray::{Array1, ArrayD, ArrayView1, Axis, Ix2, arr0};

/// Options of the cross-entropy; the default is PyTorch's: mean, no weights, no smoothing.
///
/// With scores x (rows × C), label y, class weights w and smoothing ε a row's loss is
/// `−Σ_c [(1 − ε)·w_y·1(c = y) + (ε/C)·w_c] · log_softmax(x)_c`; the mean divides by the sum of the labels' weights.
///
/// ```
/// use lightning_core::{CrossEntropy, Reduction, Tape};
/// use ndarray::array;
/// let tape = Tape::new();
/// let logits = tape.constant(array![[2.0, 2.0], [1e4, -1e4]]);
/// let rows = CrossEntropy { reduction: Reduction::None, ..Default::default() }.loss(logits, &[0, 0]);
/// assert_eq!(rows.value(), array![2f64.ln(), 0.0].into_dyn());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CrossEntropy<F: Float = f32> {
    /// Mean, sum, or one value per row.
    pub reduction: Reduction,
    /// One weight per class.
    pub weight: Option<Array1<F>>,
    /// ε in [0, 1]: the share of the target spread evenly over all classes.
    pub label_smoothing: F,
}

impl<F: Float> CrossEntropy<F> {
    /// The loss of `logits` (rows × classes): a scalar, or one value per row without reduction.
    ///
    /// # Panics
    /// If a label is out of range, or the numbers of labels, weights or smoothing do not fit.
    #[track_caller]
    pub fn loss<'t>(&self, logits: Var<'t, F>, labels: &[usize]) -> Var<'t, F> {
        let x = logits.value();
        let (_, classes) = check_labels("cross_entropy", labels, x.shape());
        let mut log_p = logits.tape().scratch(x.shape());
        kernels::log_softmax_lanes(log_p.view_mut(), x.view(), 1);
        let targets =
            Targets::new("cross_entropy", labels, classes, self.weight.as_ref(), self.label_smoothing);
        let out = targets.loss(&log_p, self.reduction);
        let op = CrossEntropyOp { of_logits: true, targets, reduction: self.reduction };
        // On the tape, which takes the memory back with the step.
        let log_p = logits.tape().constant(log_p);
        logits.tape().apply(&[logits, log_p], out, op)
    }

    /// As [`loss`](Self::loss) for log-probabilities instead of logits: PyTorch's `nll_loss`.
    ///
    /// # Panics
    /// As [`loss`](Self::loss).
    #[track_caller]
    pub fn nll_loss<'t>(&self, log_probabilities: Var<'t, F>, labels: &[usize]) -> Var<'t, F> {
        let x = log_probabilities.value();
        let (_, classes) = check_labels("nll_loss", labels, x.shape());
        let targets = Targets::new("nll_loss", labels, classes, self.weight.as_ref(), self.label_smoothing);
        let out = targets.loss(&x.to_owned(), self.reduction);
        let op = CrossEntropyOp { of_logits: false, targets, reduction: self.reduction };
        log_probabilities.tape().apply(&[log_probabilities], out, op)
    }
}

impl<'t, F: Float> Var<'t, F> {
    /// The mean [cross-entropy](CrossEntropy) of logits (rows × classes) and labels.
    ///
    /// # Panics
    /// If there is not one label per row or a label is out of range.
    #[track_caller]
    pub fn cross_entropy(self, labels: &[usize]) -> Self {
        CrossEntropy::default().loss(self, labels)
    }

    /// The mean negative log-likelihood of log-probabilities (rows × classes) and labels.
    ///
    /// # Panics
    /// If there is not one label per row or a label is out of range.
    #[track_caller]
    pub fn nll_loss(self, labels: &[usize]) -> Self {
        CrossEntropy::default().nll_loss(self, labels)
    }
}

/// What a row asks of each class: `(1 − ε)·w_y` of its label and `(ε/C)·w_c` of every class.
struct Targets<F> {
    labels: Vec<usize>,
    weight: Array1<F>,
    smoothing: F,
}

impl<F: Float> Targets<F> {
    #[track_caller]
    fn new(op: &str, labels: &[usize], classes: usize, weight: Option<&Array1<F>>, smoothing: F) -> Self {
        assert!(
            weight.is_none_or(|w| w.len() == classes),
            "{op}: {} class weights for {classes} classes",
            weight.map_or(0, Array1::len)
        );
        assert!(
            smoothing >= F::zero() && smoothing <= F::one(),
            "{op}: label smoothing is in [0, 1], found {smoothing}"
        );
        let weight = weight.cloned().unwrap_or_else(|| Array1::ones(classes));
        Targets { labels: labels.to_vec(), weight, smoothing }
    }

    fn of_label(&self, label: usize) -> F {
        (F::one() - self.smoothing) * self.weight[label]
    }

    fn of_class(&self, class: usize) -> F {
        self.smoothing * self.weight[class] / F::of(self.weight.len() as f64)
    }

    fn row_loss(&self, log_p: ndarray::ArrayView1<'_, F>, label: usize) -> F {
        let own = -self.of_label(label) * log_p[label];
        if self.smoothing.is_zero() {
            return own;
        }
        // Only with smoothing: a masked class (−∞) would make 0 · −∞ of its share.
        let shares: Vec<F> = log_p.iter().enumerate().map(|(c, &log_p)| -self.of_class(c) * log_p).collect();
        own + kernels::sum(Array1::from(shares).view().into_dyn())
    }

    /// What the mean divides by: the sum of the labels' weights.
    fn divisor(&self) -> F {
        let weights: Array1<F> = self.labels.iter().map(|&label| self.weight[label]).collect();
        kernels::sum(weights.view().into_dyn())
    }

    fn loss(&self, log_p: &ArrayD<F>, reduction: Reduction) -> ArrayD<F> {
        let log_p = log_p.view().into_dimensionality::<Ix2>().expect("a matrix");
        let rows: Array1<F> = log_p
            .rows()
            .into_iter()
            .zip(&self.labels)
            .map(|(row, &label)| self.row_loss(row, label))
            .collect();
        let rows = rows.into_dyn();
        match reduction {
            Reduction::None => rows,
            Reduction::Sum => arr0(kernels::sum(rows.view())).into_dyn(),
            Reduction::Mean => arr0(kernels::sum(rows.view()) / self.divisor()).into_dyn(),
        }
    }
}

/// With t the row's targets and T their sum: by log-probabilities −t, by logits softmax(x)·T − t.
struct CrossEntropyOp<F: Float> {
    /// Whether the input are logits; their log-probabilities are then a second input.
    of_logits: bool,
    targets: Targets<F>,
    reduction: Reduction,
}

impl<F: Float> Op<F> for CrossEntropyOp<F> {
    fn name(&self) -> &'static str {
        if self.of_logits { "cross_entropy" } else { "nll_loss" }
    }
    fn backward(&self, cx: &mut Backward<'_, F>) {
        let targets = &self.targets;
        let of_classes: Vec<F> = (0..targets.weight.len()).map(|c| targets.of_class(c)).collect();
        let spread = kernels::sum(ArrayView1::from(&of_classes).into_dyn());
        let scale = if self.reduction == Reduction::Mean { F::one() / targets.divisor() } else { F::one() };
        cx.add_with(0, |cx, acc, dst| {
            let g = cx.grad();
            let mut by_x = cx.tape().scratch(dst.shape());
            if self.of_logits {
                kernels::apply1(by_x.view_mut(), cx.input(1), |d, log_p| *d = log_p.exp_());
            } else {
                by_x.fill(F::zero());
            }
            for (i, (mut row, &label)) in by_x.axis_iter_mut(Axis(0)).zip(&targets.labels).enumerate() {
                let g = scale * if self.reduction == Reduction::None { g[i] } else { g[[]] };
                let of_label = targets.of_label(label);
                let total = of_label + spread;
                let at_label = g * (row[label] * total - (of_classes[label] + of_label));
                for (d, &t) in row.iter_mut().zip(&of_classes) {
                    *d = g * (*d * total - t);
                }
                row[label] = at_label;
            }
            match acc {
                Accum::Set => kernels::apply1(dst, by_x.view(), |d, by_x| *d = by_x),
                Accum::Add => kernels::apply1(dst, by_x.view(), |d, by_x| *d += by_x),
            }
            cx.tape().recycle(by_x);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tape, gradcheck};
    use ndarray::array;

    fn logits() -> [ArrayD<f64>; 1] {
        [array![[0.3, -1.2, 2.0], [1.0, 0.5, -0.5], [-2.0, 0.1, 0.2], [0.0, 0.0, 0.0]].into_dyn()]
    }

    #[test]
    fn gradients_hold_for_every_reduction_weight_and_smoothing() {
        for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
            for weight in [None, Some(array![0.5, 2.0, 1.5])] {
                for label_smoothing in [0.0, 0.1, 1.0] {
                    let ce = CrossEntropy { reduction, weight: weight.clone(), label_smoothing };
                    gradcheck(|v| ce.loss(v[0], &[2, 0, 1, 1]), &logits()).expect("cross_entropy");
                    gradcheck(|v| ce.nll_loss(v[0], &[2, 0, 1, 1]), &logits()).expect("nll_loss");
                }
            }
        }
        gradcheck(|v| v[0].cross_entropy(&[0, 1, 2, 0]) + v[0].cross_entropy(&[1, 1, 1, 1]), &logits())
            .expect("two losses of the same logits");
    }

    #[test]
    fn it_equals_the_nll_of_the_log_softmax() {
        let tape = Tape::new();
        let x = tape.constant(logits()[0].clone());
        let (a, b) = (x.cross_entropy(&[2, 0, 1, 1]).item(), x.log_softmax(1).nll_loss(&[2, 0, 1, 1]).item());
        approx::assert_relative_eq!(a, b, max_relative = 1e-15);
    }

    #[test]
    fn a_masked_class_costs_nothing_and_an_empty_batch_has_no_mean() {
        let tape = Tape::new();
        let masked = tape.leaf(array![[0.0, f64::NEG_INFINITY]]);
        let loss = masked.cross_entropy(&[0]);
        assert_eq!(loss.item(), 0.0);
        loss.backward();
        assert_eq!(masked.grad().expect("a gradient"), array![[0.0, 0.0]].into_dyn());
        let none = tape.leaf(ArrayD::<f64>::zeros(vec![0, 3]));
        assert!(none.cross_entropy(&[]).item().is_nan());
    }

    #[test]
    #[should_panic(
        expected = "cross_entropy: label 3 of row 1 is out of range for scores of shape [4, 3] (rows, classes)"
    )]
    fn a_label_out_of_range_is_never_read() {
        let tape = Tape::new();
        tape.leaf(logits()[0].clone()).cross_entropy(&[0, 3, 0, 0]);
    }
}
