//! Splits and loaders beside their references, and a training that reads them.

use lightning_core::data::{DataLoader, Loader, Prefetch, stratified_k_fold};
use lightning_core::testing::Line;
use lightning_core::{Seed, Trainer};
use ndarray::{ArcArray2, Array2};

#[test]
fn folds_are_scikit_learns() {
    #[derive(serde::Deserialize)]
    struct Case {
        labels: Vec<usize>,
        folds: usize,
        held_out: Vec<Vec<usize>>,
    }
    let cases: Vec<Case> = serde_json::from_str(include_str!("fixtures/k_fold.json")).expect("the fixture");
    for Case { labels, folds, held_out } in cases {
        let ours = stratified_k_fold(&labels, folds, None).expect("folds");
        assert!(ours.iter().map(|fold| &fold.validation).eq(&held_out));
        // Shuffled, the number of samples of each class in each fold stays.
        let count = |part: &[usize], class| part.iter().filter(|&&i| labels[i] == class).count();
        for (fold, expected) in
            stratified_k_fold(&labels, folds, Some(Seed(1))).expect("folds").iter().zip(&held_out)
        {
            for class in 0..6 {
                assert_eq!(count(&fold.validation, class), count(expected, class));
            }
        }
    }
}

fn points() -> (ArcArray2<f32>, ArcArray2<f32>) {
    let x = Array2::from_shape_fn((50, 1), |(i, _)| i as f32 / 25.0 - 1.0);
    let y = x.mapv(|x| 2.0 * x - 1.0);
    (x.into_shared(), y.into_shared())
}

#[test]
fn a_training_with_batches_made_ahead_has_the_same_bits() {
    let loader = DataLoader::new(points(), 8).shuffled(Seed(3));
    let train = |loader: &dyn Loader<Batch = _>| {
        let mut line: Line = Line::default();
        let mut trainer = Trainer { max_epochs: 5, ..Trainer::default() };
        trainer.fit(&mut line, loader, None::<&Vec<_>>).expect("a fit");
        (
            line.layer.weight.value()[[0, 0]].to_bits(),
            line.layer.bias.as_ref().expect("a bias").value()[0].to_bits(),
        )
    };
    assert_eq!(train(&loader), train(&Prefetch::new(loader.clone(), 2)));
}

#[test]
fn an_evaluation_in_order_reads_the_data_where_it_is() {
    let (x, y) = points();
    let (first_x, first_y) = (x.as_ptr(), y.as_ptr());
    let mut row = 0;
    for (x, y) in DataLoader::new((x, y), 7).epoch(0) {
        assert_eq!(x.as_ptr(), first_x.wrapping_add(row));
        assert_eq!(y.as_ptr(), first_y.wrapping_add(row));
        row += x.nrows();
    }
    assert_eq!(row, 50);
}
