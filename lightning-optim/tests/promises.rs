//! What optimizers, schedulers and clipping promise beside PyTorch's numbers.

use lightning_core::optim::{LrScheduler, Optimizer, SchedulerError, StateDict, StateError};
use lightning_core::{Parameter, Tape};
use lightning_optim::*;
use ndarray::{Array2, ArrayD, array};
use proptest::prelude::*;

fn parameter(values: &[f64]) -> Parameter<f64> {
    Parameter::new(ndarray::arr1(values).into_dyn())
}

fn sgd(lr: f64) -> Sgd<f64> {
    Sgd::new(vec![parameter(&[0.0])], SgdOptions { lr, ..Default::default() }).expect("sound options")
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let adam = |change: fn(&mut AdamOptions)| {
        let mut options = AdamOptions::default();
        change(&mut options);
        let adamw = AdamW::new(vec![parameter(&[1.0])], options.clone().into()).expect_err("refused");
        let error = Adam::new(vec![parameter(&[1.0])], options).expect_err("refused");
        assert_eq!(error.to_string(), adamw.to_string());
        error.to_string()
    };
    assert_eq!(adam(|o| o.lr = -1.0), "`lr` is -1, expected a finite number of at least 0");
    assert!(adam(|o| o.lr = f64::NAN).starts_with("`lr` is NaN"));
    assert!(adam(|o| o.betas.0 = 1.0).starts_with("`betas.0` is 1"));
    assert!(adam(|o| o.betas.1 = -0.1).starts_with("`betas.1` is -0.1"));
    assert!(adam(|o| o.eps = -1e-8).starts_with("`eps`"));
    assert!(adam(|o| o.weight_decay = f64::INFINITY).starts_with("`weight_decay` is inf"));
    let sgd = |options| Sgd::new(vec![parameter(&[1.0])], options).expect_err("refused").to_string();
    assert!(sgd(SgdOptions { nesterov: true, ..Default::default() }).contains("above 0, or no nesterov"));
    let damped = SgdOptions { nesterov: true, momentum: 0.9, dampening: 0.1, ..Default::default() };
    assert_eq!(sgd(damped), "`dampening` is 0.1, expected 0, or no nesterov");
    assert!(CosineAnnealingLr::new(0, 0.0).is_err());
    assert!(LinearLr::new(LinearLrOptions { start_factor: 0.0, ..Default::default() }).is_err());
    assert!(ReduceLrOnPlateau::new(ReduceLrOnPlateauOptions { factor: 1.0, ..Default::default() }).is_err());
    assert!(OneCycleLr::new(0.1, 0, OneCycleLrOptions::default()).is_err());
}

#[test]
fn a_parameter_in_two_groups_or_none_at_all_is_refused() {
    let (a, b) = (parameter(&[1.0]), parameter(&[2.0]));
    let mut opt = Sgd::new(vec![a.clone()], SgdOptions::default()).expect("one group");
    let error = opt.add_param_group(vec![b.clone(), a], SgdOptions::default()).expect_err("twice");
    assert_eq!(error, OptimError::SharedParameter { name: String::new(), first: 0, second: 1 });
    assert_eq!(opt.groups(), 1);
    assert!(Sgd::new(vec![b.clone(), b], SgdOptions::default()).is_err());
    assert_eq!(Sgd::<f32>::new(vec![], SgdOptions::default()).err(), Some(OptimError::NoParameters));
}

#[test]
fn a_state_that_does_not_fit_changes_nothing() {
    let w = parameter(&[1.0, 2.0]);
    let mut opt = Adam::new(vec![w.clone()], AdamOptions::default()).expect("sound options");
    w.set_grad(Some(array![1.0, -1.0].into_dyn()));
    opt.step();
    let good = opt.state_dict();
    let mut refused = |change: fn(&mut StateDict<f64>)| {
        let mut state = good.clone();
        state.numbers.insert("param_groups.0.lr".into(), 0.7);
        change(&mut state);
        let error = opt.load_state_dict(&state).expect_err("a state that does not fit");
        assert_eq!(opt.state_dict(), good);
        error
    };
    let missing = refused(|s| drop(s.arrays.remove("state.0.exp_avg_sq")));
    assert_eq!(missing, StateError::Missing("state.0.exp_avg_sq".into()));
    let misshapen = refused(|s| drop(s.arrays.insert("state.0.exp_avg".into(), ArrayD::zeros(vec![3]))));
    assert!(matches!(misshapen, StateError::Shape { .. }));
    let more = refused(|s| s.numbers.extend([("param_groups.1.lr".into(), 0.1)]));
    assert_eq!(more, StateError::Unexpected("param_groups.1.lr".into()));
    let array = refused(|s| drop(s.arrays.insert("state.0.max_exp_avg_sq".into(), ArrayD::zeros(vec![2]))));
    assert_eq!(array, StateError::Unexpected("state.0.max_exp_avg_sq".into()));
    for (name, value) in [
        ("state.0.step", -1.0),
        ("state.0.step", f64::NAN),
        ("state.0.step", 0.5),
        ("param_groups.0.amsgrad", 2.0),
        ("param_groups.0.betas.1", 1.0),
        ("param_groups.0.params", 2.0),
    ] {
        let mut state = good.clone();
        state.numbers.insert(name.into(), value);
        let error = opt.load_state_dict(&state).expect_err("a number out of range");
        assert!(matches!(&error, StateError::Value { name: at, .. } if at == name), "{error}");
        assert_eq!(opt.state_dict(), good);
    }
}

#[test]
fn momentum_that_is_switched_on_and_off_leaves_a_state_that_loads() {
    let w = parameter(&[1.0]);
    let mut opt = Sgd::new(vec![w.clone()], SgdOptions { lr: 1.0, ..Default::default() }).expect("sound");
    w.set_grad(Some(array![1.0].into_dyn()));
    for momentum in [0.0, 0.5, 0.0] {
        opt.step();
        opt.set_momentum(0, momentum);
        let state = opt.state_dict();
        opt.load_state_dict(&state).expect("its own state");
        assert_eq!(opt.state_dict(), state);
    }
}

#[test]
fn beta_zero_keeps_nothing_of_older_gradients() {
    let w: Parameter<f32> = Parameter::new(array![0.0].into_dyn());
    let options = AdamOptions { betas: (0.0, 0.0), ..Default::default() };
    let mut opt = Adam::new(vec![w.clone()], options).expect("sound options");
    for grad in [1e8f32, 1.0] {
        w.set_grad(Some(array![grad].into_dyn()));
        opt.step();
        assert_eq!(opt.state_dict().arrays["state.0.exp_avg"][0], grad);
    }
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
fn a_transposed_gradient_meets_its_own_elements() {
    let w = Parameter::new(Array2::<f64>::zeros((2, 3)).into_dyn());
    let grad = Array2::from_shape_fn((3, 2), |(i, j)| (2 * i + j) as f64).reversed_axes();
    w.set_grad(Some(grad.clone().into_dyn()));
    Sgd::new(vec![w.clone()], SgdOptions { lr: 1.0, ..Default::default() }).expect("sound options").step();
    assert_eq!(w.value(), (-grad).into_dyn());
}

#[test]
fn a_large_parameter_gives_the_same_bits_for_any_number_of_threads() {
    let n = 100_003;
    let train = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
        let w = Parameter::new(ArrayD::from_shape_fn(vec![n], |i| (i[0] as f32).sin()));
        let options = AdamOptions { amsgrad: true, ..Default::default() };
        let mut opt = Adam::new(vec![w.clone()], options).expect("sound options");
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
    let mut opt = sgd(1.0);
    let (mut step, mut decay) = (StepLr::new(2, 0.5), ExponentialLr::new(0.9));
    for t in 1..=6 {
        step.step(&mut opt, None).expect("a step");
        decay.step(&mut opt, None).expect("a step");
        let expected = 0.5f64.powi(t / 2) * 0.9f64.powi(t);
        assert!((opt.lr(0) - expected).abs() < 1e-12, "{t}: {} {expected}", opt.lr(0));
    }
}

#[test]
fn a_rate_that_someone_changed_goes_on_as_in_pytorch() {
    let mut opt = sgd(0.1);
    let mut cosine = CosineAnnealingLr::new(20, 0.01).expect("sound settings");
    LrScheduler::<f64>::start(&mut cosine, &mut opt);
    opt.set_lr(0, 0.05);
    cosine.step(&mut opt, None).expect("a step");
    let height = 1.0 + (std::f64::consts::PI / 20.0).cos();
    assert!((opt.lr(0) - (height / 2.0 * (0.05 - 0.01) + 0.01)).abs() < 1e-15);
    let mut opt = sgd(0.1);
    let mut lambda = LambdaLr::new(|_| 1.0);
    LrScheduler::<f64>::start(&mut lambda, &mut opt);
    opt.set_lr(0, 0.05);
    lambda.step(&mut opt, None).expect("a step");
    assert_eq!(opt.lr(0), 0.1);
}

fn jump(scheduler: &mut dyn LrScheduler<f64>, opt: &mut Sgd<f64>, step: u64) {
    scheduler.start(opt);
    let mut state = scheduler.state_dict();
    state.numbers.insert("last_epoch".into(), step as f64);
    scheduler.load_state_dict(&state).expect("its own state");
}

#[test]
fn rates_are_exact_at_steps_beyond_two_to_the_31() {
    for start in [(1u64 << 31) - 2, (1 << 32) - 3, 1 << 40] {
        let rate = |t: u64| 0.05 * (1.0 + (std::f64::consts::PI * (t % 40) as f64 / 20.0).cos());
        let (mut opt, mut cosine) = (sgd(0.1), CosineAnnealingLr::new(20, 0.0).expect("sound settings"));
        jump(&mut cosine, &mut opt, start);
        opt.set_lr(0, rate(start));
        let (mut stepped, mut step) = (sgd(1.0), StepLr::new(8, 0.5));
        jump(&mut step, &mut stepped, start);
        for t in start + 1..start + 100 {
            cosine.step(&mut opt, None).expect("a step");
            assert!((opt.lr(0) - rate(t)).abs() < 1e-15, "{t}: {} {}", opt.lr(0), rate(t));
            step.step(&mut stepped, None).expect("a step");
            assert_eq!(stepped.lr(0), 0.5f64.powi((t / 8 - start / 8) as i32));
        }
    }
}

#[test]
fn values_for_another_number_of_groups_are_an_error() {
    let mut opt = sgd(0.1);
    let mut cycle = OneCycleLr::new(vec![0.1, 0.2], 10, OneCycleLrOptions::default()).expect("sound");
    LrScheduler::<f64>::start(&mut cycle, &mut opt);
    let wrong = Err(SchedulerError::Groups { values: 2, groups: 1 });
    assert_eq!(cycle.step(&mut opt, None), wrong);
    let options = ReduceLrOnPlateauOptions { min_lr: vec![0.1, 0.2].into(), ..Default::default() };
    assert_eq!(ReduceLrOnPlateau::new(options).expect("sound").step(&mut opt, Some(1.0)), wrong);
    assert_eq!(opt.lr(0), 0.1);
}

#[test]
fn a_plateau_scheduler_needs_its_metric_and_saves_what_is_infinite() {
    let mut opt = sgd(1.0);
    let mut rates = ReduceLrOnPlateau::new(ReduceLrOnPlateauOptions::default()).expect("sound options");
    assert_eq!(rates.step(&mut opt, None), Err(SchedulerError::MissingMetric));
    let state: StateDict<f64> = rates.state_dict();
    assert_eq!(state.numbers["best"], f64::INFINITY);
    let before = rates.clone();
    rates.load_state_dict(&state).expect("its own state");
    assert_eq!(rates, before);
}

#[test]
fn a_schedulers_state_that_does_not_fit_changes_nothing() {
    let mut opt = sgd(1.0);
    let mut rates = StepLr::new(10, 0.5);
    LrScheduler::<f64>::start(&mut rates, &mut opt);
    let good: StateDict<f64> = rates.state_dict();
    for (name, value) in [("last_epoch", -1.0), ("last_epoch", f64::NAN), ("other", 1.0)] {
        let mut state = good.clone();
        state.numbers.insert("gamma".into(), 0.1);
        state.numbers.insert(name.into(), value);
        assert!(rates.load_state_dict(&state).is_err());
        assert_eq!(LrScheduler::<f64>::state_dict(&rates), good);
    }
    let other: StateDict<f64> = ExponentialLr::new(0.5).state_dict();
    assert!(rates.load_state_dict(&other).is_err(), "another kind of scheduler");
}

#[test]
fn clipping_is_pytorchs() {
    let (a, b) = (parameter(&[0.0, 0.0]), parameter(&[0.0]));
    let both = [a.clone(), b.clone(), parameter(&[7.0])];
    let set = || {
        a.set_grad(Some(array![3.0, 0.0].into_dyn()));
        b.set_grad(Some(array![-4.0].into_dyn()));
    };
    set();
    assert_eq!(clip_grad_norm(&both, 10.0), 5.0);
    assert_eq!(b.grad().expect("a gradient")[0], -4.0);
    assert_eq!(clip_grad_norm(&both, 2.5), 5.0);
    assert!((b.grad().expect("a gradient")[0] + 4.0 * 2.5 / (5.0 + 1e-6)).abs() < 1e-15);
    set();
    clip_grad_value(&both, 2.0);
    assert_eq!((a.grad().expect("a gradient")[0], b.grad().expect("a gradient")[0]), (2.0, -2.0));
    b.set_grad(Some(array![f64::NAN].into_dyn()));
    assert!(clip_grad_norm(&both, 1.0).is_nan());
    assert_eq!(a.grad().expect("a gradient")[0], 2.0, "only the culprit is not finite");
    let wide = Parameter::<f32>::new(ArrayD::zeros(vec![5000]));
    wide.set_grad(Some(ArrayD::from_elem(vec![5000], 1e30)));
    assert!(
        (clip_grad_norm(std::slice::from_ref(&wide), 1.0) / (5000f64.sqrt() * 1e30f32 as f64) - 1.0).abs()
            < 1e-12
    );
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
    fn sgd_is_its_formula(p in -10.0..10.0f64, g in -10.0..10.0f64, lr in 0.0..1.0f64, decay in 0.0..1.0f64) {
        let w = parameter(&[p]);
        w.set_grad(Some(array![g].into_dyn()));
        Sgd::new(vec![w.clone()], SgdOptions { lr, weight_decay: decay, ..Default::default() }).expect("sound options").step();
        prop_assert!((w.value()[0] - (p - lr * (g + decay * p))).abs() < 1e-13);
    }
}
