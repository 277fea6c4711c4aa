//! One pass over all parameters, their gradients and their moments: the memory side of an optimizer's step.

use super::dispatch::{Work, widest};
use super::team::share_pieces;
use crate::Float;

/// Elements of a piece: a quarter of a megabyte of Adam's four arrays.
const PIECE: usize = 1 << 14;

/// One step of an optimizer for one parameter: the numbers that are the same for all its elements, and what to do.
pub trait BlockStep<F>: Copy + Send {
    /// The same step for gradients that are still to be multiplied by `factor`; what it does is to be the same to the bit as
    /// if they had been.
    fn scaled(self, factor: F) -> Self;

    /// Changes a piece of the value by its gradient. Mark it `#[inline(always)]`: then its loop is compiled for the widest
    /// vectors of the machine.
    fn apply(self, value: &mut [F], grad: &[F], moments: [&mut [F]; 3]);
}

/// A parameter, or a piece of one, with what an optimizer's step reads and writes of it.
#[derive(Debug)]
pub struct Update<'a, F, S> {
    /// What to do.
    pub step: S,
    /// The value.
    pub value: &'a mut [F],
    /// The gradient, as long as the value.
    pub grad: &'a [F],
    /// What the optimizer remembers, each as long as the value or empty.
    pub moments: [&'a mut [F]; 3],
}

/// Does the steps of all parameters, piece by piece. They are cut in the same way however many threads there are, and
/// shared out together: a small parameter costs no wake-up of its own.
///
/// # Panics
/// If a length differs.
pub fn update_blocks<F: Float, S: BlockStep<F>>(parameters: Vec<Update<'_, F, S>>) {
    let count = parameters.iter().map(|update| update.value.len().div_ceil(PIECE)).sum();
    let mut pieces = Vec::with_capacity(count);
    let mut elements = 0;
    for Update { step, value, grad, moments } in parameters {
        assert_eq!(value.len(), grad.len(), "one gradient per element");
        assert!(
            moments.iter().all(|m| m.is_empty() || m.len() == value.len()),
            "one moment per element, or none"
        );
        elements += value.len();
        let mut moments = moments.map(|moment| moment.chunks_mut(PIECE));
        for (value, grad) in value.chunks_mut(PIECE).zip(grad.chunks(PIECE)) {
            let moments = moments.each_mut().map(|moment| moment.next().unwrap_or_default());
            pieces.push(Some(Update { step, value, grad, moments }));
        }
    }
    let run = |piece: &mut Option<Update<'_, F, S>>| {
        if let Some(piece) = piece.take() {
            widest(piece);
        }
    };
    if elements <= PIECE {
        return pieces.iter_mut().for_each(run);
    }
    share_pieces(&mut pieces, 1, |_, piece| piece.iter_mut().for_each(run));
}

impl<F, S: BlockStep<F>> Work for Update<'_, F, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.step.apply(self.value, self.grad, self.moments);
    }
}
