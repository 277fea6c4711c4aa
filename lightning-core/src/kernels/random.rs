//! Random numbers addressed by place: the number for element `i` of call `c` of step `s` never depends on
//! what was drawn before it, so dropout can be drawn in parallel and a resumed run continues exactly.

use super::dispatch::{Work, widest};
use super::par::for_each_chunk;
use crate::Float;
use rand::RngCore;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Words of the generator set aside for one call within a step: more elements than memory holds.
const WORDS_PER_CALL: u128 = 1 << 40;

/// Words drawn in one go, which is faster than one by one and gives the same words.
const WORDS_AT_ONCE: usize = 256;

/// Where the numbers of one dropout come from.
#[derive(Clone, Copy)]
pub(crate) struct Draw {
    pub(crate) key: [u8; 32],
    pub(crate) step: u64,
    /// Counts the draws of a step.
    pub(crate) call: u32,
}

/// Fills `dst` with `scale` where an element is kept, 0 where it is dropped with probability `p`.
pub(crate) fn keep_mask<F: Float>(dst: &mut [F], draw: Draw, p: f64, scale: F) {
    for_each_kept(dst, draw, p, scale, |d, factor| *d = factor);
}

/// `dst = max(dst, 0) · mask` with the mask of [`keep_mask`], which is never written.
pub(crate) fn relu_dropout<F: Float>(dst: &mut [F], draw: Draw, p: f64, scale: F) {
    for_each_kept(dst, draw, p, scale, |d, factor| {
        *d = factor * if *d <= F::zero() { F::zero() } else { *d }
    });
}

/// Calls `f` with every element and its factor: `scale` where it is kept, 0 where it is dropped.
fn for_each_kept<F: Float>(dst: &mut [F], draw: Draw, p: f64, scale: F, f: impl Fn(&mut F, F) + Sync) {
    // p = 1 drops everything: the threshold is the exclusive upper end of a u32.
    let threshold = (p * 4_294_967_296.0).round() as u64;
    for_each_chunk(dst, |start, piece| {
        let mut rng = ChaCha8Rng::from_seed(draw.key);
        rng.set_stream(draw.step);
        rng.set_word_pos(u128::from(draw.call) * WORDS_PER_CALL + start as u128);
        let mut bytes = [0; 4 * WORDS_AT_ONCE];
        for piece in piece.chunks_mut(WORDS_AT_ONCE) {
            let bytes = &mut bytes[..4 * piece.len()];
            rng.fill_bytes(bytes);
            widest(Kept { piece, words: bytes.as_chunks().0, threshold, scale, f: &f });
        }
    });
}

struct Kept<'a, F, G> {
    piece: &'a mut [F],
    words: &'a [[u8; 4]],
    threshold: u64,
    scale: F,
    f: &'a G,
}
impl<F: Float, G: Fn(&mut F, F)> Work for Kept<'_, F, G> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Some(last_dropped) = self.threshold.checked_sub(1) else {
            return self.piece.iter_mut().for_each(|d| (self.f)(d, self.scale));
        };
        let last_dropped = last_dropped as u32;
        for (d, &word) in self.piece.iter_mut().zip(self.words) {
            let dropped = u32::from_le_bytes(word) <= last_dropped;
            (self.f)(d, if dropped { F::zero() } else { self.scale });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_long_mask_equals_the_same_mask_drawn_in_pieces() {
        let mut long = vec![0f32; 100_000];
        keep_mask(&mut long, Draw { key: [7; 32], step: 3, call: 1 }, 0.5, 2.0);
        let mut short = vec![0f32; 1000];
        keep_mask(&mut short, Draw { key: [7; 32], step: 3, call: 1 }, 0.5, 2.0);
        assert_eq!(long[..1000], short[..]);
    }

    #[test]
    fn element_i_is_word_i_of_the_call() {
        let mut mask = vec![0f64; 1000];
        keep_mask(&mut mask, Draw { key: [9; 32], step: 5, call: 2 }, 0.3, 1.0);
        let mut rng = ChaCha8Rng::from_seed([9; 32]);
        rng.set_stream(5);
        rng.set_word_pos(2 * WORDS_PER_CALL);
        for (i, &kept) in mask.iter().enumerate() {
            assert_eq!(kept == 0.0, f64::from(rng.next_u32()) < 0.3 * 4_294_967_296.0, "element {i}");
        }
    }

    #[test]
    fn relu_and_dropout_in_one_pass_equal_the_two() {
        for p in [0.0, 0.25, 1.0] {
            let draw = Draw { key: [4; 32], step: 1, call: 3 };
            let x: Vec<f32> = (0..40_000).map(|i| (i as f32 * 0.37).sin()).collect();
            let mut mask = vec![0.0; x.len()];
            keep_mask(&mut mask, draw, p, 2.0);
            let expected: Vec<f32> = x.iter().zip(&mask).map(|(x, mask)| x.max(0.0) * mask).collect();
            let mut y = x;
            relu_dropout(&mut y, draw, p, 2.0);
            assert_eq!(y, expected, "p = {p}");
        }
    }

    #[test]
    fn the_share_of_dropped_elements_is_p() {
        for p in [0.0, 0.1, 0.5, 1.0] {
            let mut mask = vec![0f64; 200_000];
            keep_mask(&mut mask, Draw { key: [1; 32], step: 0, call: 0 }, p, 1.0);
            let dropped = mask.iter().filter(|&&m| m == 0.0).count() as f64 / 2e5;
            assert!((dropped - p).abs() < 0.005, "p = {p}: {dropped}");
        }
    }

    #[test]
    fn steps_and_calls_draw_different_masks() {
        let draw = |step, call| {
            let mut mask = vec![0f32; 64];
            keep_mask(&mut mask, Draw { key: [1; 32], step, call }, 0.5, 1.0);
            mask
        };
        assert_ne!(draw(0, 0), draw(0, 1));
        assert_ne!(draw(0, 0), draw(1, 0));
        assert_eq!(draw(5, 2), draw(5, 2));
    }
}
