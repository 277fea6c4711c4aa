//! Random numbers addressed by place: the number for element `i` of call `c` of step `s` never depends on
//! what was drawn before it, so dropout can be drawn in parallel and a resumed run continues exactly.

use super::par::for_each_chunk;
use crate::Float;
use rand::RngCore;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Words of the generator set aside for one call within a step: more elements than memory holds.
const WORDS_PER_CALL: u128 = 1 << 40;

/// Words drawn in one go, which is faster than one by one and gives the same words.
const WORDS_AT_ONCE: usize = 256;

/// Fills `dst` with `scale` where an element is kept, 0 where it is dropped with probability `p`.
pub(crate) fn keep_mask<F: Float>(dst: &mut [F], key: [u8; 32], step: u64, call: u32, p: f64, scale: F) {
    // p = 1 drops everything: the threshold is the exclusive upper end of a u32.
    let threshold = (p * 4_294_967_296.0).round() as u64;
    if threshold == 0 {
        return dst.fill(scale);
    }
    let last_dropped = (threshold - 1) as u32;
    for_each_chunk(dst, |start, piece| {
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(step);
        rng.set_word_pos(u128::from(call) * WORDS_PER_CALL + start as u128);
        let mut bytes = [0; 4 * WORDS_AT_ONCE];
        for piece in piece.chunks_mut(WORDS_AT_ONCE) {
            let bytes = &mut bytes[..4 * piece.len()];
            rng.fill_bytes(bytes);
            for (d, word) in piece.iter_mut().zip(bytes.as_chunks().0) {
                *d = if u32::from_le_bytes(*word) <= last_dropped { F::zero() } else { scale };
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_long_mask_equals_the_same_mask_drawn_in_pieces() {
        let mut long = vec![0f32; 100_000];
        keep_mask(&mut long, [7; 32], 3, 1, 0.5, 2.0);
        let mut short = vec![0f32; 1000];
        keep_mask(&mut short, [7; 32], 3, 1, 0.5, 2.0);
        assert_eq!(long[..1000], short[..]);
    }

    #[test]
    fn element_i_is_word_i_of_the_call() {
        let mut mask = vec![0f64; 1000];
        keep_mask(&mut mask, [9; 32], 5, 2, 0.3, 1.0);
        let mut rng = ChaCha8Rng::from_seed([9; 32]);
        rng.set_stream(5);
        rng.set_word_pos(2 * WORDS_PER_CALL);
        for (i, &kept) in mask.iter().enumerate() {
            assert_eq!(kept == 0.0, f64::from(rng.next_u32()) < 0.3 * 4_294_967_296.0, "element {i}");
        }
    }

    #[test]
    fn the_share_of_dropped_elements_is_p() {
        for p in [0.0, 0.1, 0.5, 1.0] {
            let mut mask = vec![0f64; 200_000];
            keep_mask(&mut mask, [1; 32], 0, 0, p, 1.0);
            let dropped = mask.iter().filter(|&&m| m == 0.0).count() as f64 / 2e5;
            assert!((dropped - p).abs() < 0.005, "p = {p}: {dropped}");
        }
    }

    #[test]
    fn steps_and_calls_draw_different_masks() {
        let draw = |step, call| {
            let mut mask = vec![0f32; 64];
            keep_mask(&mut mask, [1; 32], step, call, 0.5, 1.0);
            mask
        };
        assert_ne!(draw(0, 0), draw(0, 1));
        assert_ne!(draw(0, 0), draw(1, 0));
        assert_eq!(draw(5, 2), draw(5, 2));
    }
}
