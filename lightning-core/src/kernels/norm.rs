//! The sum of the squares of many arrays at once: what clipping by norm asks of the gradients.

use super::dispatch::{Work, widest};
use super::reduce::sum_slice;
use super::team::share_pieces;
use crate::Float;

/// Elements of a piece, which is one task: a few microseconds of reading.
const PIECE: usize = 1 << 14;
/// Partial sums within a piece: four registers of eight `f64`, as many as hide the time that an addition takes.
const LANES: usize = 32;

/// `Σ x²` over all elements of all arrays, in `f64`: the squares of an `f32` are exact there and do not overflow.
///
/// Each array is cut into pieces of a fixed length, all pieces are shared out together, and their sums are added up in a
/// fixed tree: the bits depend on the lengths alone.
pub fn sum_of_squares<F: Float>(arrays: &[&[F]]) -> f64 {
    let mut pieces: Vec<(&[F], f64)> =
        arrays.iter().flat_map(|array| array.chunks(PIECE)).map(|piece| (piece, 0.0)).collect();
    let run = |pieces: &mut [(&[F], f64)]| {
        for (piece, sum) in pieces {
            *sum = widest(Squares(piece));
        }
    };
    if arrays.iter().map(|array| array.len()).sum::<usize>() <= PIECE {
        run(&mut pieces);
    } else {
        share_pieces(&mut pieces, 1, |_, piece| run(piece));
    }
    sum_slice(&pieces.iter().map(|&(_, sum)| sum).collect::<Vec<_>>())
}

struct Squares<'a, F>(&'a [F]);
impl<F: Float> Work for Squares<'_, F> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let mut lanes = [0.0; LANES];
        let mut chunks = self.0.chunks_exact(LANES);
        for chunk in &mut chunks {
            for (lane, x) in lanes.iter_mut().zip(chunk) {
                *lane += x.as_f64() * x.as_f64();
            }
        }
        for (lane, x) in lanes.iter_mut().zip(chunks.remainder()) {
            *lane += x.as_f64() * x.as_f64();
        }
        sum_slice(&lanes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(len: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 37 + 11) % 1001) as f32 / 500.0 - 1.0).collect()
    }

    #[test]
    fn it_equals_the_plain_loop_for_odd_lengths_and_none() {
        assert_eq!(sum_of_squares::<f32>(&[]), 0.0);
        for lengths in [&[1][..], &[0, 33], &[16384, 1], &[50_001, 7, 100_003]] {
            let arrays: Vec<_> = lengths.iter().map(|&len| numbers(len)).collect();
            let slices: Vec<_> = arrays.iter().map(Vec::as_slice).collect();
            let plain: f64 = arrays.iter().flatten().map(|&x| f64::from(x) * f64::from(x)).sum();
            assert!((sum_of_squares(&slices) / plain - 1.0).abs() < 1e-12, "{lengths:?}");
        }
    }

    #[test]
    fn the_same_bits_for_any_number_of_threads() {
        let arrays = [numbers(300_007), numbers(5), numbers(70_001)];
        let slices: Vec<_> = arrays.iter().map(Vec::as_slice).collect();
        let result = |threads: usize| {
            let pool =
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
            pool.install(|| sum_of_squares(&slices)).to_bits()
        };
        for threads in [2, 3, 4, 7, 16] {
            assert_eq!(result(threads), result(1), "{threads} threads");
        }
    }

    #[test]
    fn large_f32_and_nan_come_through() {
        assert_eq!(sum_of_squares(&[&[1e30f32, 0.0][..]]).sqrt() as f32, 1e30);
        assert!(sum_of_squares(&[&[1.0f32][..], &[f32::NAN]]).is_nan());
    }
}
