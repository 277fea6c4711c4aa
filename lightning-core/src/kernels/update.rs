//! One pass over a parameter, its gradient and its moments: the memory side of an optimizer's step.

use super::par::{CHUNK, MIN_ELEMENTS};
use crate::Float;
use rayon::prelude::*;

/// Calls `f(value, gradient, moments)` for consecutive pieces of a parameter, in parallel when it pays. Moments may
/// be empty; the others have the parameter's length.
///
/// # Panics
/// If a length differs.
pub fn update_blocks<F: Float>(
    value: &mut [F],
    grad: &[F],
    moments: [&mut [F]; 3],
    f: impl Fn(&mut [F], &[F], [&mut [F]; 3]) + Sync,
) {
    assert_eq!(value.len(), grad.len(), "one gradient per element");
    assert!(
        moments.iter().all(|m| m.is_empty() || m.len() == value.len()),
        "one moment per element, or none"
    );
    if value.len() < MIN_ELEMENTS {
        return f(value, grad, moments);
    }
    let mut moments = moments.map(|moment| moment.chunks_mut(CHUNK));
    let pieces: Vec<_> = value
        .chunks_mut(CHUNK)
        .zip(grad.chunks(CHUNK))
        .map(|(value, grad)| {
            (value, grad, moments.each_mut().map(|moment| moment.next().unwrap_or_default()))
        })
        .collect();
    pieces.into_par_iter().for_each(|(value, grad, moments)| f(value, grad, moments));
}
