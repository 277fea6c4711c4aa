//! Replays what real Lightning did (`scripts/lightning_scenarios`) with our trainer.

mod callbacks;
mod compare;
mod journal;
mod knobs;
mod number;
mod run;
mod scripted;

use compare::{Axis, difference, mended};
use lightning_core::trainer::Compat;
use number::{list, text};
use serde_json::Value;

/// Holds our trainer to every scenario of a fixture: with its own arithmetic to Lightning's outcome, or to ours where
/// a defect is mended, and with Lightning's arithmetic to Lightning's outcome.
pub(crate) fn replay(fixture: &str) {
    let document: Value = serde_json::from_str(fixture).expect("a fixture");
    let scenarios = list(&document["scenarios"]);
    assert!(!scenarios.is_empty(), "the fixture has no scenario");
    let wrong: Vec<String> = scenarios.iter().flat_map(differences).collect();
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

fn differences(scenario: &Value) -> Vec<String> {
    let own = held_to(scenario, &mended(scenario), Compat::default(), Axis::Updates, "ours");
    let has_lightnings = scenario["mended"].is_null() || scenario["mended"]["switch"].is_string();
    let lightning = list(&scenario["lightning"]);
    let compat =
        || held_to(scenario, lightning, Compat::lightning(), Axis::Lightning, "Lightning's arithmetic");
    own.into_iter().chain(has_lightnings.then(compat).flatten()).collect()
}

fn held_to(scenario: &Value, outcomes: &[Value], compat: Compat, axis: Axis, title: &str) -> Option<String> {
    let found = run::ours(scenario, compat);
    outcomes.iter().zip(&found).enumerate().find_map(|(i, (outcome, found))| {
        difference(outcome, axis, found)
            .map(|difference| format!("- {} ({title}), run {i}: {difference}", text(&scenario["name"])))
    })
}
