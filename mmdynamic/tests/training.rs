//! Whole trainings: the same bits however many threads there are, and a model that learns.

use lightning_core::data::DataLoader;
use lightning_core::nn::Module;
use lightning_core::{Metrics, Seed, Trainer};
use metrics::Evaluation;
use mmdynamic::data::{Cohort, SyntheticConfig, generate};
use mmdynamic::{Config, Hyperparameters, MmDynamic, MultiViewDataset};

fn cohort() -> Cohort {
    generate(&SyntheticConfig::default()).and_then(|made| made.cohort.scaled()).expect("a cohort").0
}

fn train(cohort: &Cohort, hidden: usize, batch_size: usize, epochs: usize) -> (MmDynamic, Metrics) {
    let hparams = Hyperparameters {
        in_dim: cohort.train.widths(),
        num_class: 2,
        binary: true,
        config: Config { hidden_dim: vec![hidden, 20], ..Config::default() },
    };
    let mut model = MmDynamic::new(hparams, Seed(5)).expect("a model");
    let loader = DataLoader::new(MultiViewDataset::from(&cohort.train), batch_size).shuffled(Seed(5));
    let test = DataLoader::new(MultiViewDataset::from(&cohort.test), 64);
    let mut trainer = Trainer { max_epochs: epochs, seed: Seed(5), ..Trainer::default() };
    let report = trainer.fit(&mut model, &loader, Some(&test)).expect("a fit");
    trainer.test(&mut model, &test).expect("a test");
    (model, report.metrics)
}

#[test]
fn fifty_steps_give_the_same_bits_with_1_2_3_4_7_and_16_threads() {
    let cohort = cohort();
    // Hidden 300 and 128 rows: large enough for every kernel to wake the pool.
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
        let (model, metrics) = pool.install(|| train(&cohort, 300, 128, 25));
        (model.state_dict(), metrics)
    };
    let one = run(1);
    for threads in [2, 3, 4, 7, 16] {
        assert_eq!(run(threads), one, "{threads} threads");
    }
}

#[test]
fn the_model_learns_what_the_cohort_holds_and_reports_every_term() {
    let (model, metrics) = train(&cohort(), 50, 32, 40);
    let Some(Ok(Evaluation::Binary { acc, auc, .. })) = model.test_result else {
        panic!("{:?}", model.test_result)
    };
    assert!(acc > 0.85 && auc > 0.93, "acc {acc}, auc {auc}");
    let mut terms = vec!["train_classifier_ce".to_owned()];
    for view in 1..=3 {
        terms.extend(["gate_l1", "tcp_regression", "tcp_ce"].map(|term| format!("train_view{view}_{term}")));
    }
    let sum: f64 = terms.iter().map(|term| metrics[term]).sum();
    assert!((sum - metrics["train_loss"]).abs() < 1e-5 * sum, "the terms add up to the loss");
    assert!(metrics.contains_key("ptl/val_loss") && metrics.contains_key("val_acc"));
}
