//! A small trained model of generated data.

use lightning_core::data::DataLoader;
use lightning_core::nn::Module;
use lightning_core::{Seed, Trainer};
use mmdynamic::data::{SyntheticCohort, SyntheticConfig, generate};
use mmdynamic::{Config, Hyperparameters, MmDynamic, MultiViewBatch, MultiViewDataset};

pub(crate) struct Learnt {
    pub(crate) model: MmDynamic,
    pub(crate) train: MultiViewBatch,
    pub(crate) test: MultiViewBatch,
    /// Per view, the columns that depend on the class.
    #[allow(dead_code, reason = "not every test looks at it")]
    pub(crate) informative: Vec<Vec<usize>>,
}

pub(crate) fn learn(config: Config, classes: usize) -> Learnt {
    let made = SyntheticConfig {
        widths: vec![30, 20],
        informative: vec![5, 3],
        effect: 1.2,
        classes,
        ..Default::default()
    };
    let SyntheticCohort { cohort, informative, .. } = generate(&made).expect("a cohort");
    let cohort = cohort.scaled().expect("scaled").0;
    let hparams =
        Hyperparameters { in_dim: cohort.train.widths(), num_class: classes, binary: classes == 2, config };
    let mut model = MmDynamic::new(hparams, Seed(3)).expect("a model");
    let (train, test) = (MultiViewDataset::from(&cohort.train), MultiViewDataset::from(&cohort.test));
    let loader = DataLoader::new(train.clone(), 32).shuffled(Seed(3));
    let mut trainer = Trainer { max_epochs: 40, seed: Seed(3), ..Trainer::default() };
    trainer.fit(&mut model, &loader, None::<&Vec<_>>).expect("a fit");
    model.eval();
    Learnt { model, train: train.all().clone(), test: test.all().clone(), informative }
}
