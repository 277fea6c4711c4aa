//! What optimizers and schedulers promise beside PyTorch's numbers.

use lightning_core::optim::{LrScheduler, Optimizer, SchedulerError, StateError};
use lightning_core::{Parameter, Tape};
use lightning_optim::*;
use ndarray::{ArrayD, array};
use proptest::prelude::*;

fn parameter(values: &[f64]) -> Parameter<f64> {
    Parameter::new(ndarray::arr1(values).into_dyn())
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let refused = |error: OptimError| error.to_string();
    let adam = |options| refused(Adam::<f32>::new(vec![], options).err().expect("refused"));
    let sgd = |options| refused(Sgd::<f32>::new(vec![], options).err().expect("refused"));
    assert_eq!(
        adam(AdamOptions { lr: -1.0, ..Default::default() }),
        "Adam: lr is -1, expected a finite number from 0 up"
    );
    assert!(adam(AdamOptions { lr: f64::NAN, ..Default::default() }).starts_with("Adam: lr is NaN"));
    assert!(adam(AdamOptions { betas: (1.0, 0.9), ..Default::default() }).starts_with("Adam: beta1 is 1"));
    assert!(
        adam(AdamOptions { betas: (0.9, -0.1), ..Default::default() }).starts_with("Adam: beta2 is -0.1")
    );
    assert!(adam(AdamOptions { eps: -1e-8, ..Default::default() }).starts_with("Adam: eps"));
    assert!(
        sgd(SgdOptions { weight_decay: f64::INFINITY, ..Default::default() })
            .starts_with("SGD: weight_decay is inf")
    );
    assert!(sgd(SgdOptions { nesterov: true, ..Default::default() }).starts_with("SGD: nesterov"));
    let damped = SgdOptions { nesterov: true, momentum: 0.9, dampening: 0.1, ..Default::default() };
    assert!(sgd(damped).starts_with("SGD: nesterov"));
    assert!(LinearLr::new(0.0, 1.0, 5).is_err() && LinearLr::new(0.5, 1.5, 5).is_err());
    assert!(ReduceLrOnPlateau::new(PlateauOptions { factor: 1.0, ..Default::default() }).is_err());
    assert!(OneCycleLr::new(OneCycleOptions { total_steps: 0, ..Default::default() }).is_err());
}

#[test]
fn a_parameter_in_two_groups_is_refused() {
    let (a, b) = (parameter(&[1.0]), parameter(&[2.0]));
    let mut opt = Sgd::new(vec![a.clone()], SgdOptions::default()).expect("one group");
    let error = opt.add_param_group(vec![b.clone(), a.clone()], SgdOptions::default()).expect_err("twice");
    assert!(matches!(error, OptimError::Twice { index: 1, .. }));
    assert_eq!(opt.groups(), 1);
    assert!(Sgd::new(vec![b.clone(), b], SgdOptions::default()).is_err());
}

#[test]
fn a_state_that_does_not_fit_changes_nothing() {
    let w = parameter(&[1.0, 2.0]);
    let mut opt = Adam::new(vec![w.clone()], AdamOptions::default()).expect("sound options");
    w.set_grad(Some(array![1.0, -1.0].into_dyn()));
    opt.step();
    let good = opt.state_dict();
    let mut missing = good.clone();
    missing.arrays.remove("state.0.exp_avg_sq");
    assert_eq!(opt.load_state_dict(&missing), Err(StateError::Missing("state.0.exp_avg_sq".into())));
    let mut misshapen = good.clone();
    misshapen.arrays.insert("state.0.exp_avg".into(), ArrayD::zeros(vec![3]));
    assert!(matches!(opt.load_state_dict(&misshapen), Err(StateError::Shape { .. })));
    let mut more = good.clone();
    more.numbers.insert("param_groups.1.lr".into(), 0.1);
    more.numbers.insert("param_groups.0.lr".into(), 0.7);
    assert_eq!(opt.load_state_dict(&more), Err(StateError::Unexpected("param_groups.1.lr".into())));
    assert_eq!(opt.state_dict(), good);
}

#[test]
fn a_step_writes_in_place_once_the_tape_has_let_go() {
    let w = parameter(&[1.0, 2.0]);
    let before = w.value().as_ptr();
    let mut opt = Adam::new(vec![w.clone()], AdamOptions::default()).expect("sound options");
    let tape = Tape::new();
    tape.parameter(&w).powf(2.0).sum().backward();
    opt.step();
    assert_eq!(w.value().as_ptr(), before);
}

#[test]
fn a_large_parameter_gives_the_same_bits_for_any_number_of_threads() {
    let n = 100_003;
    let train = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
        let w = Parameter::new(ArrayD::from_shape_fn(vec![n], |i| (i[0] as f32).sin()));
        let mut opt = Adam::new(vec![w.clone()], AdamOptions { amsgrad: true, ..Default::default() })
            .expect("sound options");
        pool.install(|| {
            for step in 0..3 {
                w.set_grad(Some(ArrayD::from_shape_fn(vec![n], |i| ((i[0] + step) as f32).cos())));
                opt.step();
            }
        });
        w.value()
    };
    let one = train(1);
    assert_eq!(train(2), one);
    assert_eq!(train(7), one);
}

#[test]
fn two_schedulers_of_one_optimizer_multiply() {
    let mut opt: Sgd<f64> =
        Sgd::new(vec![], SgdOptions { lr: 1.0, ..Default::default() }).expect("sound options");
    let (mut step, mut decay) = (StepLr::new(2, 0.5), ExponentialLr::new(0.9));
    LrScheduler::<f64>::start(&mut step, &mut opt);
    LrScheduler::<f64>::start(&mut decay, &mut opt);
    for t in 1..=6 {
        step.step(&mut opt, None).expect("a step");
        decay.step(&mut opt, None).expect("a step");
        let expected = 0.5f64.powi(t / 2) * 0.9f64.powi(t);
        assert!((opt.lr(0) - expected).abs() < 1e-12, "{t}: {} {expected}", opt.lr(0));
    }
}

#[test]
fn rates_are_exact_at_steps_beyond_two_to_the_31() {
    let t = (1u64 << 33) + 5;
    let rate = |t: u64| 0.05 * (1.0 + (std::f64::consts::PI * (t % 40) as f64 / 20.0).cos());
    let mut opt: Sgd<f64> =
        Sgd::new(vec![], SgdOptions { lr: 0.1, ..Default::default() }).expect("sound options");
    let mut rates = CosineAnnealingLr::new(20, 0.0);
    LrScheduler::<f64>::start(&mut rates, &mut opt);
    let mut state = LrScheduler::<f64>::state_dict(&rates);
    state.numbers.insert("t".into(), (t - 1) as f64);
    LrScheduler::<f64>::load_state_dict(&mut rates, &state).expect("its own state");
    opt.set_lr(0, rate(t - 1));
    rates.step(&mut opt, None).expect("a step");
    assert!((opt.lr(0) - rate(t)).abs() < 1e-16);
}

#[test]
fn a_plateau_scheduler_needs_its_metric_and_counts_nan_as_bad() {
    let mut opt: Sgd<f64> =
        Sgd::new(vec![], SgdOptions { lr: 1.0, ..Default::default() }).expect("sound options");
    let mut rates =
        ReduceLrOnPlateau::new(PlateauOptions { patience: 1, ..Default::default() }).expect("sound options");
    assert_eq!(rates.step(&mut opt, None), Err(SchedulerError::MissingMetric));
    for metric in [1.0, f64::NAN, f64::NAN] {
        rates.step(&mut opt, Some(metric)).expect("a step");
    }
    assert_eq!((opt.lr(0), rates.best()), (0.1, 1.0));
}

#[test]
fn clipping_is_pytorchs() {
    let (a, b) = (parameter(&[0.0, 0.0]), parameter(&[0.0]));
    let set = || {
        a.set_grad(Some(array![3.0, 0.0].into_dyn()));
        b.set_grad(Some(array![-4.0].into_dyn()));
    };
    set();
    assert_eq!(clip_grad_norm(&[a.clone(), b.clone()], 10.0), 5.0);
    assert_eq!(b.grad().expect("a gradient")[0], -4.0);
    assert_eq!(clip_grad_norm(&[a.clone(), b.clone()], 2.5), 5.0);
    assert!((b.grad().expect("a gradient")[0] + 4.0 * 2.5 / (5.0 + 1e-6)).abs() < 1e-15);
    set();
    clip_grad_value(&[a.clone(), b.clone()], 2.0);
    assert_eq!((a.grad().expect("a gradient")[0], b.grad().expect("a gradient")[0]), (2.0, -2.0));
    b.set_grad(Some(array![f64::NAN].into_dyn()));
    assert!(clip_grad_norm(&[a.clone(), b], 1.0).is_nan());
    assert!(a.grad().expect("a gradient")[0].is_nan());
}

proptest! {
    #[test]
    fn without_gradient_and_decay_nothing_moves(values in prop::collection::vec(-1e3..1e3f64, 1..20)) {
        let w = parameter(&values);
        let zero = || w.set_grad(Some(ArrayD::zeros(vec![values.len()])));
        let mut adam = Adam::new(vec![w.clone()], AdamOptions::default()).expect("sound options");
        zero();
        adam.step();
        let mut sgd = Sgd::new(vec![w.clone()], SgdOptions { momentum: 0.9, ..Default::default() }).expect("sound options");
        zero();
        sgd.step();
        prop_assert_eq!(w.value().iter().copied().collect::<Vec<_>>(), values);
    }

    #[test]
    fn adam_never_moves_further_than_its_rate_at_first(value in -10.0..10.0f64, grad in prop::num::f64::NORMAL) {
        prop_assume!(grad.abs() < 1e100 && grad.abs() > 1e-100);
        let w = parameter(&[value]);
        w.set_grad(Some(array![grad].into_dyn()));
        Adam::new(vec![w.clone()], AdamOptions { lr: 0.01, ..Default::default() }).expect("sound options").step();
        prop_assert!((w.value()[0] - value).abs() <= 0.01 * (1.0 + 1e-12));
    }
}
