//! The trainer's promises, on the smallest module there is.

mod checkpoints;
mod custom;
mod fit;
mod optimization;

use lightning_core::testing::{Line, LineBatch};
use lightning_core::{Parameter, Trainer};

type NoLoader = Option<&'static Vec<LineBatch>>;
const NO_VALIDATION: NoLoader = None;

fn trainer(max_epochs: usize) -> Trainer {
    Trainer { max_epochs, ..Trainer::default() }
}

fn weights(line: &Line) -> (u32, u32) {
    let bits = |parameter: &Parameter| parameter.value().first().expect("one number").to_bits();
    (bits(&line.layer.weight), bits(line.layer.bias.as_ref().expect("a bias")))
}
