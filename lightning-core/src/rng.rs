//! One seed, many named streams.
//!
//! Every random choice of a program flows from one [`Seed`]: initial weights, the order of samples,
//! dropout. Each purpose has a stream with a name, so that a draw added in one place moves no other.

use rand::RngCore;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// The seed of a run, PyTorch Lightning's `seed_everything` without global state.
///
/// ```
/// use lightning_core::Seed;
/// use rand::RngCore;
/// let seed = Seed(7);
/// assert_eq!(seed.stream("init").next_u64(), seed.stream("init").next_u64());
/// assert_ne!(seed.stream("init").next_u64(), seed.stream("shuffle").next_u64());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seed(
    /// The number itself.
    pub u64,
);

impl Seed {
    /// The generator of the purpose `name`.
    pub fn stream(self, name: &str) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.0);
        rng.set_stream(fnv1a(name));
        rng
    }

    /// The generator of the purpose `name` in round `index`, for example one order of samples an epoch.
    pub fn stream_at(self, name: &str, index: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::from_seed(self.key(name));
        rng.set_stream(index);
        rng
    }

    /// The generator of step `step` for dropout; what a tape draws from.
    pub fn step(self, step: u64) -> StepRng {
        StepRng { key: self.key("dropout"), step }
    }

    fn key(self, name: &str) -> [u8; 32] {
        let mut key = [0; 32];
        self.stream(name).fill_bytes(&mut key);
        key
    }
}

/// Where the random numbers of one training step come from: a key and the number of the step.
#[derive(Clone, Copy, Debug)]
pub struct StepRng {
    pub(crate) key: [u8; 32],
    pub(crate) step: u64,
}

/// A name's number: Fowler, Noll and Vo's hash, stable between versions and machines.
fn fnv1a(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
