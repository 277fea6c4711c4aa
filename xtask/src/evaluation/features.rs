//! Features in the order of their gates: `features.csv`, and the best of them for `results.json`.

use crate::failure::{Exit, Failure};
use crate::output::quoted;
use crate::results::FeatureResult;
use lightning_core::Seed;
use mmdynamic::data::MultiOmics;
use mmdynamic::explain::{
    Importance, PermutationOptions, ViewGates, mean_gates, permutation_importance, top_features,
};
use mmdynamic::{MmDynamic, MultiViewDataset};
use std::fmt::Write as _;

/// The features of one view, ranked.
pub(crate) struct RankedFeatures {
    pub(crate) gates: ViewGates,
    /// None where it was not asked for.
    pub(crate) importance: Option<Importance>,
    /// Columns, the largest mean gate first.
    pub(crate) order: Vec<usize>,
}

/// Ranks the features of each view on scaled rows; with `repeats` above 0, with their permutation importance.
pub(crate) fn rank_features(
    model: &MmDynamic,
    rows: &MultiOmics,
    repeats: usize,
    seed: u64,
) -> Result<Vec<RankedFeatures>, Failure> {
    let data = MultiViewDataset::from(rows);
    let options = PermutationOptions { repeats, seed: Seed(seed) };
    let importance = match repeats {
        0 => None,
        _ => Some(permutation_importance(model, data.all(), options).map_err(|error| {
            Failure::new(Exit::Checkpoint, format!("the model's answers cannot be scored: {error}"))
        })?),
    };
    let gates = mean_gates(model, data.all()).into_iter().enumerate();
    Ok(gates
        .map(|(view, gates)| RankedFeatures {
            order: top_features(&gates.mean, gates.mean.len()),
            importance: importance.as_ref().map(|importance| importance[view].clone()),
            gates,
        })
        .collect())
}

impl RankedFeatures {
    /// The best ranked.
    pub(crate) fn results(&self, names: &[String], top: usize) -> Vec<FeatureResult> {
        let is_complete = self.gates.by_class.iter().all(|class| !class.is_empty());
        let classes = if is_complete { self.gates.by_class.as_slice() } else { &[] };
        let feature = |&column: &usize| FeatureResult {
            name: names[column].clone(),
            gate: self.gates.mean[column],
            gate_by_class: classes.iter().map(|class| class[column]).collect(),
            permutation: self.importance.as_ref().map(|importance| importance.accuracy[column]),
        };
        self.order.iter().take(top).map(feature).collect()
    }
}

/// All features of all views, in the order of each view's columns. What is not known is an empty field.
pub(crate) fn features_csv(views: &[RankedFeatures], rows: &MultiOmics) -> String {
    let mut out = String::from("view,feature,rank,gate");
    for class in &rows.class_names {
        let _ = write!(out, ",{}", quoted(&format!("gate_{class}")));
    }
    let is_permuted = views.iter().any(|view| view.importance.is_some());
    out += if is_permuted { ",permutation_acc,permutation_log_loss\n" } else { "\n" };
    for (view, (ranked, names)) in views.iter().zip(&rows.feature_names).enumerate() {
        let mut ranks = vec![0; names.len()];
        ranked.order.iter().enumerate().for_each(|(rank, &column)| ranks[column] = rank + 1);
        for (column, name) in names.iter().enumerate() {
            let _ = write!(out, "view {},{},{}", view + 1, quoted(name), ranks[column]);
            let _ = write!(out, ",{:.6}", ranked.gates.mean[column]);
            for class in &ranked.gates.by_class {
                let _ = match class.get(column) {
                    Some(gate) => write!(out, ",{gate:.6}"),
                    None => write!(out, ","),
                };
            }
            if let Some(lost) = &ranked.importance {
                let _ = write!(out, ",{:.6},{:.6}", lost.accuracy[column], lost.log_loss[column]);
            }
            out.push('\n');
        }
    }
    out
}
