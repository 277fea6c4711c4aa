//! Our trainer does what PyTorch Lightning does: hooks in the same order, the same log, the same decisions, the same
//! file names; and where a defect is mended, what the fixture says instead, with its reason.

mod lightning;

use lightning::replay;

#[test]
fn hooks_come_in_lightnings_order() {
    replay(include_str!("fixtures/lightning/hooks.json"));
}

#[test]
fn log_gives_lightnings_rows_and_metrics() {
    replay(include_str!("fixtures/lightning/log.json"));
}

#[test]
fn loops_see_the_batches_that_lightnings_see() {
    replay(include_str!("fixtures/lightning/loops.json"));
}

#[test]
fn updates_and_learning_rates_are_lightnings() {
    replay(include_str!("fixtures/lightning/optimization.json"));
}

#[test]
fn a_fit_that_is_cut_in_two_ends_as_lightnings() {
    replay(include_str!("fixtures/lightning/resume.json"));
}

#[test]
fn checkpoints_have_lightnings_names_and_scores() {
    replay(include_str!("fixtures/lightning/checkpoints.json"));
}

#[test]
fn early_stopping_decides_as_lightnings_and_rates_have_its_names() {
    replay(include_str!("fixtures/lightning/early_stopping.json"));
}
