//! Ranges of settings.

use super::section::Rule;
use crate::threads::MOST;

pub(super) const POSITIVE: Rule<f64> =
    Rule { expected: "a positive number", holds: |x| *x > 0.0 && x.is_finite() };

pub(super) const POSITIVE_OR_NONE: Rule<Option<f64>> =
    Rule { expected: "a positive number, or \"none\"", holds: |x| x.is_none_or(|x| (POSITIVE.holds)(&x)) };

pub(super) const NOT_NEGATIVE: Rule<f64> =
    Rule { expected: "a number from 0 up", holds: |x| *x >= 0.0 && x.is_finite() };

pub(super) const PROBABILITY: Rule<f64> =
    Rule { expected: "a number from 0 to below 1", holds: |x| (0.0..1.0).contains(x) };

pub(super) const SHARE_OR_NONE: Rule<f64> = Rule {
    expected: "a share of the training rows below 1, such as 0.15, or 0 for none",
    holds: |x| (0.0..1.0).contains(x),
};

pub(super) const WIDTHS: Rule<Vec<usize>> = Rule {
    expected: "widths from 1 up, at least one, such as 500,200",
    holds: |widths| !widths.is_empty() && !widths.contains(&0),
};

pub(super) const EPOCHS: Rule<Vec<u64>> = Rule {
    expected: "epochs from 1 up, each larger than the one before, such as 50,75",
    holds: |epochs| !epochs.contains(&0) && epochs.is_sorted_by(|a, b| a < b),
};

pub(super) const BETAS: Rule<Vec<f64>> = Rule {
    expected: "two numbers from 0 to below 1, such as 0.9,0.999",
    holds: |betas| betas.len() == 2 && betas.iter().all(|beta| (PROBABILITY.holds)(beta)),
};

const FROM_ONE: &str = "a whole number, at least 1";

pub(super) const AT_LEAST_ONE: Rule<usize> = Rule { expected: FROM_ONE, holds: |n| *n > 0 };

pub(super) const ONE_OR_MORE: Rule<u64> = Rule { expected: FROM_ONE, holds: |n| *n > 0 };

pub(super) const THREADS_OR_NONE: Rule<Option<usize>> = Rule {
    expected: "a whole number from 1 to 256, or \"none\"",
    holds: |threads| threads.is_none_or(|threads| (1..=MOST).contains(&threads)),
};
