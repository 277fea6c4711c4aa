//! The road for many predictions: no tape, and no memory asked for after the first.

use crate::model::MmDynamic;
use lightning_core::{Activation, Float, kernels};
use ndarray::{ArrayView2, ArrayViewMut2, Axis, Slice};

/// Predicts with a model that others may use at the same time: the memory between the layers is this value's own. Serve with
/// one for each thread and one model for all.
///
/// The numbers are those of [`MmDynamic::forward`] in evaluation, bit for bit.
///
/// ```
/// use lightning_core::Seed;
/// use mmdynamic::{Config, Hyperparameters, MmDynamic, Predictor};
/// use ndarray::Array2;
/// let hparams = Hyperparameters { in_dim: vec![4, 3], num_class: 2, binary: true, config: Config::default() };
/// let model: MmDynamic = MmDynamic::new(hparams, Seed(1))?;
/// let views: [Array2<f32>; 2] = [Array2::ones((1000, 4)), Array2::zeros((1000, 3))];
/// let mut predictor = Predictor::new(&model);
/// let mut rows = 0;
/// // A hundred rows at a time, however many there are.
/// predictor.predict_blocks(&views.each_ref().map(|view| view.view()), 100, |first, block| {
///     assert_eq!(first, rows);
///     rows += block.probabilities.nrows();
/// });
/// assert_eq!(rows, 1000);
/// # Ok::<(), mmdynamic::ConfigError>(())
/// ```
pub struct Predictor<'m, F: Float = f32> {
    model: &'m MmDynamic<F>,
    /// Of each view; only the first is used where one view follows the other.
    encoded: Vec<Encoded<F>>,
    confidences: Vec<F>,
    /// The classifier's first layer, view by view; then its layers in turns.
    joined: Vec<F>,
    /// One view's part of the first layer, then the other layer.
    layer: Vec<F>,
    probabilities: Vec<F>,
}

/// What becomes of a view's rows.
#[derive(Default)]
struct Encoded<F> {
    /// The gate and what it lets through.
    gate: Vec<F>,
    gated: Vec<F>,
    feature: Vec<F>,
    confidence: Vec<F>,
}

/// What a [`Predictor`] says of some rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predicted<'a, F: Float = f32> {
    /// Probability of each class, (samples, classes).
    pub probabilities: ArrayView2<'a, F>,
    /// Confidence of each view, (samples, views); ones for a model without.
    pub confidences: ArrayView2<'a, F>,
}

impl<'m, F: Float> Predictor<'m, F> {
    /// A predictor that has no memory yet.
    pub fn new(model: &'m MmDynamic<F>) -> Self {
        Predictor {
            model,
            encoded: model.hparams.in_dim.iter().map(|_| Encoded::default()).collect(),
            confidences: Vec::new(),
            joined: Vec::new(),
            layer: Vec::new(),
            probabilities: Vec::new(),
        }
    }

    /// Any number of rows, `rows` at a time: `each` gets the first row's place and what is said of the block. The memory
    /// is that of one block.
    ///
    /// # Panics
    /// If `rows` is 0; and as [`predict`](Self::predict).
    #[track_caller]
    pub fn predict_blocks(
        &mut self,
        views: &[ArrayView2<'_, F>],
        rows: usize,
        mut each: impl FnMut(usize, Predicted<'_, F>),
    ) {
        assert!(rows > 0, "predict_blocks: a block has at least one row");
        let all = self.check(views);
        for first in (0..all).step_by(rows) {
            let block = Slice::from(first..(first + rows).min(all));
            each(first, self.of_block(|view| views[view].slice_axis_move(Axis(0), block)));
        }
    }

    /// One matrix per view, each (samples, width of the view). All rows at once.
    ///
    /// # Panics
    /// If the number of views, a width or a number of samples is not as it must be.
    #[track_caller]
    pub fn predict(&mut self, views: &[ArrayView2<'_, F>]) -> Predicted<'_, F> {
        self.check(views);
        self.of_block(|view| views[view])
    }

    /// The number of rows of views that fit.
    #[track_caller]
    fn check(&self, views: &[ArrayView2<'_, F>]) -> usize {
        let widths = &self.model.hparams.in_dim;
        let rows = views.first().map_or(0, |view| view.nrows());
        let fits = views.len() == widths.len()
            && views.iter().zip(widths).all(|(view, &width)| view.dim() == (rows, width));
        assert!(
            fits,
            "Predictor: views of shapes {:?}, expected as many rows each and widths {widths:?}",
            views.iter().map(ArrayView2::shape).collect::<Vec<_>>()
        );
        rows
    }

    fn of_block<'x>(&mut self, view_of: impl Fn(usize) -> ArrayView2<'x, F> + Sync) -> Predicted<'_, F> {
        let (model, rows, views) = (self.model, view_of(0).nrows(), self.model.hparams.in_dim.len());
        room(&mut self.confidences, rows, views).fill(F::one());
        if self.is_side_by_side(rows) {
            kernels::share_each(&mut self.encoded, |view, encoded| {
                encoded.encode(model, view, view_of(view))
            });
            (0..views).for_each(|view| self.join(view, view, rows));
        } else {
            for view in 0..views {
                self.encoded[0].encode(model, view, view_of(view));
                self.join(view, 0, rows);
            }
        }
        let classes = self.classify(rows);
        Predicted {
            probabilities: filled(&self.probabilities, rows, classes),
            confidences: filled(&self.confidences, rows, views),
        }
    }

    /// Whether each view is encoded by one thread: because all of them are worth a second one, and no product of theirs alone.
    fn is_side_by_side(&self, rows: usize) -> bool {
        let (widths, hidden) = (&self.model.hparams.in_dim, self.model.hparams.config.hidden_dim[0]);
        let all: usize = widths.iter().sum();
        kernels::is_worth_sharing(rows, all, hidden)
            && !widths.iter().any(|&width| kernels::is_worth_sharing(rows, width, width.max(hidden)))
    }

    /// Writes a view's confidences and adds its part to the classifier's first layer, from where it was encoded.
    fn join(&mut self, view: usize, place: usize, rows: usize) {
        let Encoded { feature, confidence, .. } = &self.encoded[place];
        let (views, hidden) = (self.model.hparams.in_dim.len(), self.model.hparams.config.hidden_dim[0]);
        let confidence = self.model.tcp_confidence_layer.get(view).map(|_| filled(confidence, rows, 1));
        if let Some(confidence) = confidence {
            room(&mut self.confidences, rows, views).column_mut(view).assign(&confidence.column(0));
        }
        let first = &self.model.mm_clasifier[0].clf;
        let width = first.weight.value().shape()[0];
        let (part, sum) = (room(&mut self.layer, rows, width), room(&mut self.joined, rows, width));
        first.infer_part(view * hidden, filled(feature, rows, hidden), confidence, part, sum);
    }

    /// From the classifier's first layer to the probabilities; the number of classes.
    fn classify(&mut self, rows: usize) -> usize {
        let classes = self.model.hparams.num_class;
        for linear in &self.model.mm_clasifier[1..] {
            let [out_width, width] =
                linear.clf.weight.value().shape().try_into().expect("a weight is a matrix");
            let mut x = room(&mut self.joined, rows, width);
            x.mapv_inplace(|x| if x <= F::zero() { F::zero() } else { x });
            linear.clf.infer(x.view(), Activation::Identity, room(&mut self.layer, rows, out_width));
            std::mem::swap(&mut self.joined, &mut self.layer);
        }
        let logits = filled(&self.joined, rows, classes);
        let probabilities = room(&mut self.probabilities, rows, classes);
        kernels::softmax_lanes(probabilities.into_dyn(), logits.into_dyn(), 1);
        classes
    }
}

impl<F: Float> Encoded<F> {
    /// The features of a view's rows, and their confidence if the model has one.
    fn encode(&mut self, model: &MmDynamic<F>, view: usize, x: ArrayView2<'_, F>) {
        let (rows, width) = x.dim();
        let mut feature = room(&mut self.feature, rows, model.hparams.config.hidden_dim[0]);
        let encoder = &model.feature_encoder[view].clf;
        match model.feature_infor_encoder.get(view) {
            Some(gate) => {
                let open = room(&mut self.gate, rows, width);
                let mut through = room(&mut self.gated, rows, width);
                gate.clf.infer_gate(x, open, through.view_mut());
                encoder.infer(through.view(), Activation::Relu, feature.view_mut());
            }
            None => encoder.infer(x, Activation::Relu, feature.view_mut()),
        }
        if let Some(head) = model.tcp_confidence_layer.get(view) {
            let mut confidence = room(&mut self.confidence, rows, 1);
            match model.view_reference.get(view) {
                None => head.clf.infer(feature.view(), Activation::Identity, confidence.view_mut()),
                Some(reference) => {
                    head.clf.infer(feature.view(), Activation::Sigmoid, confidence.view_mut());
                    confidence *= &reference.trust(x.into_dyn());
                }
            }
        }
    }
}

/// Room for a matrix, with arbitrary content; grows once.
fn room<F: Float>(memory: &mut Vec<F>, rows: usize, cols: usize) -> ArrayViewMut2<'_, F> {
    if memory.len() < rows * cols {
        memory.resize(rows * cols, F::zero());
    }
    ArrayViewMut2::from_shape((rows, cols), &mut memory[..rows * cols])
        .expect("as many numbers as the shape has")
}

fn filled<F: Float>(memory: &[F], rows: usize, cols: usize) -> ArrayView2<'_, F> {
    ArrayView2::from_shape((rows, cols), &memory[..rows * cols]).expect("as many numbers as the shape has")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Confidence, Config, Hyperparameters, MultiViewBatch};
    use lightning_core::nn::Module;
    use lightning_core::{Seed, Tape, concat};
    use ndarray::Array2;

    fn batch(rows: usize) -> MultiViewBatch {
        let number = |i: usize, j: usize| ((i * 31 + j * 17) % 101) as f32 / 50.0 - 1.0;
        let view = |width: usize| Array2::from_shape_fn((rows, width), |(i, j)| number(i, j)).into_shared();
        MultiViewBatch { views: vec![view(33), view(20)], labels: vec![0; rows] }
    }

    fn model(config: Config) -> MmDynamic {
        let hparams = Hyperparameters { in_dim: vec![33, 20], num_class: 3, binary: false, config };
        let model = MmDynamic::new(hparams, Seed(4)).expect("a model");
        model.eval();
        model
    }

    fn views(batch: &MultiViewBatch) -> Vec<ArrayView2<'_, f32>> {
        batch.views.iter().map(|view| view.view()).collect()
    }

    #[test]
    fn it_says_what_the_network_says_bit_for_bit() {
        for confidence in [Confidence::Linear, Confidence::NoiseAware, Confidence::None] {
            // The last is wide enough for views side by side, of one row.
            for (gates, hidden_dim) in
                [(true, vec![16]), (true, vec![24, 7, 5]), (false, vec![9]), (true, vec![1300])]
            {
                let model = model(Config { gates, confidence, hidden_dim, ..Config::default() });
                model.view_reference.iter().zip(&batch(50).views).for_each(|(r, view)| r.see(view.view()));
                let mut predictor = Predictor::new(&model);
                for rows in [7, 1, 130, 0] {
                    let batch = batch(rows);
                    let tape = Tape::inference();
                    let data: Vec<_> = batch.views.iter().map(|view| tape.constant(view.clone())).collect();
                    let forward = model.forward(&data);
                    let said = predictor.predict(&views(&batch));
                    assert_eq!(said.probabilities.into_dyn(), forward.mm_logit.softmax(1).value());
                    if forward.tcp_confidence.is_empty() {
                        assert!(said.confidences.iter().all(|&c| c == 1.0));
                    } else {
                        assert_eq!(said.confidences.into_dyn(), concat(&forward.tcp_confidence, 1).value());
                    }
                }
            }
        }
    }

    #[test]
    fn views_too_small_for_two_threads_are_encoded_side_by_side() {
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let with = |hidden_dim| model(Config { hidden_dim, ..Config::default() });
        let (wide, narrow) = (with(vec![1300]), with(vec![300]));
        for (model, rows, expected) in [(&wide, 1, true), (&wide, 7, false), (&narrow, 1, false)] {
            let is_so = || Predictor::new(model).is_side_by_side(rows);
            assert_eq!(pool(2).install(is_so), expected, "{rows} rows");
            assert!(!pool(1).install(is_so), "{rows} rows on one thread");
        }
        let (batch, mut predictor) = (batch(1), Predictor::new(&wide));
        let one = pool(1).install(|| predictor.predict(&views(&batch)).probabilities.to_owned());
        for threads in [2, 3, 7] {
            let mut predictor = Predictor::new(&wide);
            let several =
                pool(threads).install(|| predictor.predict(&views(&batch)).probabilities.to_owned());
            assert_eq!(several, one, "{threads} threads");
        }
    }

    #[test]
    fn blocks_cover_every_row_once_and_in_order() {
        let (model, batch) = (model(Config::default()), batch(25));
        let (mut firsts, mut rows) = (Vec::new(), 0);
        Predictor::new(&model).predict_blocks(&views(&batch), 10, |first, block| {
            firsts.push(first);
            rows += block.probabilities.nrows();
            assert_eq!(block.confidences.nrows(), block.probabilities.nrows());
        });
        assert_eq!((firsts, rows), (vec![0, 10, 20], 25));
    }

    #[test]
    #[should_panic(
        expected = "Predictor: views of shapes [[5, 33]], expected as many rows each and widths [33, 20]"
    )]
    fn a_missing_view_is_named() {
        let (model, batch) = (model(Config::default()), batch(5));
        Predictor::new(&model).predict(&views(&batch)[..1]);
    }
}
