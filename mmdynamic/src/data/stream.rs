//! Random numbers whose bits are ours to promise.
//!
//! A split and a generated cohort are part of a result: the same seed has to give them on every machine and
//! with every later version of the random crates. So only the generator is theirs (ChaCha with 8 rounds,
//! whose output is fixed); ranges, shuffles and normal numbers are built here from additions and
//! multiplications alone. No logarithm or cosine of the system's mathematics library takes part, and those
//! differ between systems.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What a stream of numbers is for. Streams with the same seed are independent: a change to one use leaves
/// the others.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Split = 0x5911,
    Labels = 0x6e01,
    Structure = 0x6e02,
    Samples = 0x6e03,
}

/// Generator number `index` of a purpose.
pub(super) fn stream(seed: u64, purpose: Purpose, index: u32) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((purpose as u64) << 32 | u64::from(index));
    rng
}

/// A whole number below `n`; the bias of n / 2^64 is beyond observation.
pub(super) fn below(rng: &mut impl RngCore, n: usize) -> usize {
    ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize
}

/// Fisher and Yates' shuffle, from the end.
pub(super) fn shuffle<T>(rng: &mut impl RngCore, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last + 1));
    }
}

/// Uniform in [0, 1), with 53 bits.
pub(super) fn uniform(rng: &mut impl RngCore) -> f64 {
    (rng.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
}

/// Nearly standard normal: the sum of twelve uniform numbers minus 6 has mean 0, variance 1, and ends at ±6.
pub(super) fn normal(rng: &mut impl RngCore) -> f64 {
    let sum: u64 = (0..12).map(|_| u64::from(rng.next_u32())).sum();
    sum as f64 / 4_294_967_296.0 - 6.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let mut rng = stream(1, Purpose::Samples, 0);
        let x: Vec<f64> = (0..20_000).map(|_| normal(&mut rng)).collect();
        let mean = x.iter().sum::<f64>() / 20_000.0;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
        let inside = x.iter().filter(|x| x.abs() < 1.0).count();
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.04, "{mean} {variance}");
        assert!((13_300..14_000).contains(&inside), "{inside}");
    }

    #[test]
    fn a_shuffle_reaches_every_order_about_equally_often() {
        let mut rng = stream(2, Purpose::Split, 0);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..6000 {
            let mut items = [0, 1, 2];
            shuffle(&mut rng, &mut items);
            *counts.entry(items).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|n| (880..1120).contains(n)), "{counts:?}");
    }

    #[test]
    fn streams_differ_by_seed_purpose_and_index() {
        let first = |seed, purpose, index| stream(seed, purpose, index).next_u64();
        let base = first(1, Purpose::Split, 0);
        assert_eq!(base, first(1, Purpose::Split, 0));
        assert_ne!(base, first(2, Purpose::Split, 0));
        assert_ne!(base, first(1, Purpose::Labels, 0));
        assert_ne!(base, first(1, Purpose::Split, 1));
    }
}
