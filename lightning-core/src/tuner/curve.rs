//! What a sweep of the learning rate found.

use super::LrMode;
use super::chart::Chart;

/// Points that a suggestion leaves out at the beginning, against too naive ones.
pub(super) const SKIP_BEGIN: usize = 10;
/// Points that it leaves out at the end, against too optimistic ones.
const SKIP_END: usize = 1;

/// Losses by learning rate, what [`lr_find`](super::lr_find()) gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LrCurve {
    /// The learning rate of each step.
    pub lrs: Vec<f64>,
    /// The smoothed loss of each step, before it changed the weights.
    pub losses: Vec<f64>,
    /// How the rates grow.
    pub mode: LrMode,
}

/// Why a curve suggests nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SuggestionError {
    /// Too few points.
    #[error(
        "the curve has {found} points, of which the first {SKIP_BEGIN} and the last are left out; at least {needed} are \
         needed: give more num_training, a smaller min_lr, or a larger early_stop_threshold"
    )]
    TooShort {
        /// Points of the curve.
        found: usize,
        /// Points that would do.
        needed: usize,
    },
    /// A loss that does not depend on the learning rate.
    #[error(
        "the curve is flat: every loss is {loss}; give a larger max_lr, or see whether the weights learn at all"
    )]
    Flat {
        /// The loss.
        loss: f64,
    },
    /// A loss that falls nowhere.
    #[error("the loss never falls: it goes from {first} to {last}; give a smaller min_lr")]
    NeverFalls {
        /// The first loss that is looked at.
        first: f64,
        /// The last.
        last: f64,
    },
}

impl LrCurve {
    /// Adds a step; gives its smoothed loss.
    ///
    /// `sₜ = sₜ₋₁ + (1 − β) / (1 − βᵗ) · (lossₜ − sₜ₋₁)` is the average without bias, in a form in which a constant loss is
    /// not even changed by rounding.
    pub(super) fn push(&mut self, lr: f64, loss: f64, beta: f64) -> f64 {
        let weight = (1.0 - beta) / (1.0 - beta.powi(self.losses.len() as i32 + 1));
        let smoothed = self.losses.last().map_or(loss, |last| last + weight * (loss - last));
        self.lrs.push(lr);
        self.losses.push(smoothed);
        smoothed
    }

    /// The learning rate at which the smoothed loss falls fastest on its way to its smallest value, step by step; the
    /// first 10 points and the last are left out. (Lightning looks behind the smallest value too, where a rate that is
    /// too large makes the loss swing.)
    ///
    /// The gradient is that of `numpy.gradient(losses)`, over the steps, as in Lightning until 2.0. (Since then
    /// it divides by the distance of the rates, which on an exponential sweep is so small at first that noise there wins.)
    ///
    /// Where batches differ much, the noise of the first points can be steeper than what the rate does: look at the
    /// [picture](Self::plot_svg), and accumulate more batches a step or give a larger `min_lr`.
    ///
    /// # Errors
    /// If there are too few points, all losses are the same, or they only grow.
    pub fn suggestion(&self) -> Result<f64, SuggestionError> {
        self.steepest().map(|i| self.lrs[i])
    }

    fn steepest(&self) -> Result<usize, SuggestionError> {
        let (found, needed) = (self.losses.len(), SKIP_BEGIN + 2 + SKIP_END);
        if found < needed {
            return Err(SuggestionError::TooShort { found, needed });
        }
        let losses = &self.losses[SKIP_BEGIN..found - SKIP_END];
        let (first, last) = (losses[0], losses[losses.len() - 1]);
        if losses.iter().all(|&loss| loss == first) {
            return Err(SuggestionError::Flat { loss: first });
        }
        let slopes = gradient(losses);
        // What falls behind the smallest loss has risen before: a rate that is too large makes the loss swing.
        let lowest = (0..losses.len()).fold(0, |best, i| if losses[i] < losses[best] { i } else { best });
        let steepest = (0..=lowest).fold(0, |best, i| if slopes[i] < slopes[best] { i } else { best });
        if slopes[steepest] < 0.0 {
            Ok(SKIP_BEGIN + steepest)
        } else {
            Err(SuggestionError::NeverFalls { first, last })
        }
    }

    /// The table `lr,loss`, a row a step; numbers read back are the same.
    pub fn to_csv(&self) -> String {
        let rows = self.lrs.iter().zip(&self.losses).map(|(lr, loss)| format!("{lr:e},{loss}\n"));
        std::iter::once("lr,loss\n".to_owned()).chain(rows).collect()
    }

    /// The curve as an SVG picture, with the suggestion, if there is one, as a marked point.
    pub fn plot_svg(&self) -> String {
        let mark = self.steepest().ok();
        Chart { x: &self.lrs, y: &self.losses, is_log: self.mode == LrMode::Exponential, mark }.to_svg()
    }
}

/// Central differences, one-sided ones at the ends, of at least two values.
fn gradient(y: &[f64]) -> Vec<f64> {
    let end = y.len() - 1;
    let slope = |i: usize| match i {
        0 => y[1] - y[0],
        i if i == end => y[i] - y[i - 1],
        i => (y[i + 1] - y[i - 1]) / 2.0,
    };
    (0..y.len()).map(slope).collect()
}
