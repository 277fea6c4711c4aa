//! Which checkpoints are worth keeping.

use super::Mode;
use crate::checkpoint::exact;
use serde::{Deserialize, Serialize};

/// A checkpoint that is kept for its score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The file, relative to the folder of checkpoints.
    pub(super) name: String,
    #[serde(with = "exact")]
    pub(super) score: f64,
    pub(super) epoch: usize,
}

/// The kept ones, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Ranking(pub(super) Vec<Kept>);

/// What there is to do with a new score.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// Not good enough.
    Pass,
    /// Keep it, in the place of one that is worse if there is one.
    Keep { replaces: Option<usize> },
}

impl Ranking {
    /// NaN counts as the worst number. A tie never replaces; of several that are equally bad the oldest goes.
    pub(super) fn judge(&self, score: f64, mode: Mode, most: Option<usize>) -> Verdict {
        let Some(most) = most else { return Verdict::Keep { replaces: None } };
        if most == 0 {
            Verdict::Pass
        } else if self.0.len() < most {
            Verdict::Keep { replaces: None }
        } else if mode
            .is_better(number(score, mode), self.worst(mode).map_or(mode.worst(), |i| self.0[i].score))
        {
            Verdict::Keep { replaces: self.worst(mode) }
        } else {
            Verdict::Pass
        }
    }

    pub(super) fn put(&mut self, kept: Kept, mode: Mode) {
        self.0.push(Kept { score: number(kept.score, mode), ..kept });
    }

    /// The best one with a finite score: what was never a number is never best.
    pub(super) fn best(&self, mode: Mode) -> Option<&Kept> {
        let finite = self.0.iter().filter(|kept| kept.score.is_finite());
        finite.reduce(|best, kept| if mode.is_better(kept.score, best.score) { kept } else { best })
    }

    /// The first of those that no other is worse than.
    pub(super) fn worst(&self, mode: Mode) -> Option<usize> {
        let worse = |a: usize, b: usize| if mode.is_better(self.0[a].score, self.0[b].score) { b } else { a };
        (0..self.0.len()).reduce(worse)
    }
}

fn number(score: f64, mode: Mode) -> f64 {
    if score.is_nan() { mode.worst() } else { score }
}
