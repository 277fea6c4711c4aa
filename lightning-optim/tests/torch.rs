//! Every optimizer and scheduler against PyTorch, over 60 steps.
//!
//! The reference values are made by `scripts/torch_fixtures`; no Python is needed here.

use lightning_core::optim::{LrScheduler, Optimizer, SchedulerError, StateDict};
use lightning_core::{Float, Parameter};
use lightning_optim::*;
use ndarray::ArrayD;
use serde_json::Value;

fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("nan") => f64::NAN,
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        _ => value.as_f64().unwrap_or_else(|| panic!("{value} is no number")),
    }
}
fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))
}
fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}
fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}
fn tensor<F: Float>(value: &Value) -> ArrayD<F> {
    let shape: Vec<usize> = list(&value["shape"]).iter().map(|n| count(n) as usize).collect();
    ArrayD::from_shape_vec(shape, list(&value["data"]).iter().map(|x| F::of(number(x))).collect())
        .expect("a tensor")
}

fn flag(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| panic!("{value} is no flag"))
}
fn betas(group: &Value) -> (f64, f64) {
    let betas = numbers(&group["betas"]);
    (betas[0], betas[1])
}
fn adam(g: &Value) -> AdamOptions {
    let (lr, eps, weight_decay) = (number(&g["lr"]), number(&g["eps"]), number(&g["weight_decay"]));
    AdamOptions {
        lr,
        betas: betas(g),
        eps,
        weight_decay,
        amsgrad: flag(&g["amsgrad"]),
        maximize: flag(&g["maximize"]),
    }
}
fn adam_w(g: &Value) -> AdamWOptions {
    let AdamOptions { lr, betas, eps, weight_decay, amsgrad, maximize } = adam(g);
    AdamWOptions { lr, betas, eps, weight_decay, amsgrad, maximize }
}
fn sgd(g: &Value) -> SgdOptions {
    SgdOptions {
        lr: number(&g["lr"]),
        momentum: number(&g["momentum"]),
        dampening: number(&g["dampening"]),
        weight_decay: number(&g["weight_decay"]),
        nesterov: flag(&g["nesterov"]),
        maximize: flag(&g["maximize"]),
    }
}

fn optimizer<F: Float, R: UpdateRule + 'static>(
    case: &Value,
    parameters: &[Parameter<F>],
    options: impl Fn(&Value) -> R,
) -> Box<dyn Optimizer<F>> {
    let members = |group: &Value| {
        list(&group["params"]).iter().map(|i| parameters[count(i) as usize].clone()).collect()
    };
    let groups = list(&case["groups"]);
    let mut optimizer = Grouped::new(members(&groups[0]), options(&groups[0])).expect("sound options");
    for group in &groups[1..] {
        optimizer.add_param_group(members(group), options(group)).expect("sound options");
    }
    Box::new(optimizer)
}

fn build<F: Float>(case: &Value, parameters: &[Parameter<F>]) -> Box<dyn Optimizer<F>> {
    match case["optimizer"].as_str() {
        Some("Adam") => optimizer(case, parameters, adam),
        Some("AdamW") => optimizer(case, parameters, adam_w),
        Some("SGD") => optimizer(case, parameters, sgd),
        other => panic!("unknown optimizer {other:?}"),
    }
}

fn check_optimizer<F: Float>(file: &Value, case: &Value, relative: f64, absolute: f64) {
    let name = case["name"].as_str().expect("a name");
    let parameters: Vec<Parameter<F>> =
        list(&file["initial"]).iter().map(|t| Parameter::new(tensor(t))).collect();
    let mut optimizer = build(case, &parameters);
    let mut checked = 0;
    for (i, grads) in list(&file["gradients"]).iter().enumerate() {
        let step = i as u64 + 1;
        // In these steps the second parameter has no gradient.
        let skipped = list(&case["without_gradient"]).iter().any(|s| count(s) == step);
        for (p, (parameter, grad)) in parameters.iter().zip(list(grads)).enumerate() {
            parameter.set_grad((!(skipped && p == 1)).then(|| tensor(grad)));
        }
        // Half-way through, another optimizer takes over from the state alone.
        if step == 31 {
            let state = optimizer.state_dict();
            optimizer = build(case, &parameters);
            optimizer.load_state_dict(&state).expect("its own state");
            assert_eq!(optimizer.state_dict(), state, "{name}");
        }
        optimizer.step();
        let Some(expected) = list(&case["after"]).iter().find(|after| count(&after["step"]) == step) else {
            continue;
        };
        for (parameter, torch) in parameters.iter().zip(list(&expected["params"])) {
            for (a, b) in parameter.value().iter().zip(&tensor::<F>(torch)) {
                let (a, b) = (a.as_f64(), b.as_f64());
                assert!(
                    (a - b).abs() <= absolute + relative * b.abs(),
                    "{name}, step {step}: {a:e}, torch {b:e}"
                );
            }
        }
        checked += 1;
        if step == 60 {
            check_state(case, &optimizer.state_dict(), relative, absolute);
        }
    }
    assert_eq!(checked, 6, "{name}: steps 1, 2, 3, 10, 30 and 60");
}

/// The moments and step counts that PyTorch has at the end.
fn check_state<F: Float>(case: &Value, state: &StateDict<F>, relative: f64, absolute: f64) {
    let mut arrays = 0;
    for (i, torch) in list(&case["state"]).iter().enumerate() {
        for (name, torch) in torch.as_object().expect("named entries") {
            let key = format!("state.{i}.{name}");
            if name == "step" {
                assert_eq!(state.numbers[&key], number(torch), "{key}");
                continue;
            }
            arrays += 1;
            for (a, b) in state.arrays[&key].iter().zip(&tensor::<F>(torch)) {
                let (a, b) = (a.as_f64(), b.as_f64());
                assert!(
                    (a - b).abs() <= absolute + relative * b.abs(),
                    "{}, {key}: {a:e}, torch {b:e}",
                    case["name"]
                );
            }
        }
    }
    assert_eq!(arrays, state.arrays.len(), "{}", case["name"]);
}

#[test]
fn optimizers_equal_torch_over_60_steps() {
    let file = fixture("optimizers");
    let mut cases = 0;
    for case in list(&file["cases"]) {
        match case["dtype"].as_str() {
            Some("float64") => check_optimizer::<f64>(&file, case, 1e-12, 1e-15),
            Some("float32") => check_optimizer::<f32>(&file, case, 1e-6, 1e-6),
            other => panic!("unknown dtype {other:?}"),
        }
        cases += 1;
    }
    assert_eq!(cases, 36);
}

fn per_group(value: &Value) -> PerGroup {
    if value.is_array() { numbers(value).into() } else { number(value).into() }
}

fn plateau(args: &Value) -> ReduceLrOnPlateauOptions {
    let abs = args["threshold_mode"] == "abs";
    ReduceLrOnPlateauOptions {
        mode: if args["mode"] == "min" { Mode::Min } else { Mode::Max },
        factor: number(&args["factor"]),
        patience: count(&args["patience"]),
        threshold: number(&args["threshold"]),
        threshold_mode: if abs { ThresholdMode::Abs } else { ThresholdMode::Rel },
        cooldown: count(&args["cooldown"]),
        min_lr: per_group(&args["min_lr"]),
        eps: number(&args["eps"]),
    }
}

fn one_cycle(args: &Value) -> OneCycleLr {
    let options = OneCycleLrOptions {
        pct_start: number(&args["pct_start"]),
        anneal_strategy: if args["anneal_strategy"] == "cos" { Anneal::Cos } else { Anneal::Linear },
        cycle_momentum: flag(&args["cycle_momentum"]),
        base_momentum: number(&args["base_momentum"]),
        max_momentum: number(&args["max_momentum"]),
        div_factor: number(&args["div_factor"]),
        final_div_factor: number(&args["final_div_factor"]),
        three_phase: flag(&args["three_phase"]),
    };
    OneCycleLr::new(per_group(&args["max_lr"]), count(&args["total_steps"]), options).expect("sound options")
}

fn scheduler(case: &Value) -> Box<dyn LrScheduler<f64>> {
    let args = &case["args"];
    match case["scheduler"].as_str().expect("a name") {
        "StepLR" => Box::new(StepLr::new(count(&args["step_size"]), number(&args["gamma"]))),
        "MultiStepLR" => {
            let milestones = list(&args["milestones"]).iter().map(count).collect();
            Box::new(MultiStepLr::new(milestones, number(&args["gamma"])))
        }
        "ExponentialLR" => Box::new(ExponentialLr::new(number(&args["gamma"]))),
        "CosineAnnealingLR" => {
            let rates = CosineAnnealingLr::new(count(&args["T_max"]), number(&args["eta_min"]));
            Box::new(rates.expect("sound options"))
        }
        "LinearLR" => {
            let (start_factor, end_factor) = (number(&args["start_factor"]), number(&args["end_factor"]));
            let options =
                LinearLrOptions { start_factor, end_factor, total_iters: count(&args["total_iters"]) };
            Box::new(LinearLr::new(options).expect("sound options"))
        }
        "LambdaLR" => {
            assert_eq!(args["lambda"], "1/(1+0.1*epoch)");
            Box::new(LambdaLr::new(|t| 1.0 / (1.0 + 0.1 * t as f64)))
        }
        "ReduceLROnPlateau" => Box::new(ReduceLrOnPlateau::new(plateau(args)).expect("sound options")),
        "OneCycleLR" => Box::new(one_cycle(args)),
        other => panic!("unknown scheduler {other}"),
    }
}

/// Two groups with the reference's base rates, of the kind that the case names.
fn two_groups(case: &Value) -> Box<dyn Optimizer<f64>> {
    let parameter = || vec![Parameter::new(ArrayD::zeros(vec![1]))];
    let base = numbers(&case["base_lrs"]);
    if case["optimizer"] == "Adam" {
        let options = |lr| AdamOptions { lr, ..Default::default() };
        let mut adam = Adam::new(parameter(), options(base[0])).expect("sound options");
        adam.add_param_group(parameter(), options(base[1])).expect("sound options");
        Box::new(adam)
    } else {
        let options = |lr| SgdOptions { lr, momentum: 0.9, ..Default::default() };
        let mut sgd = Sgd::new(parameter(), options(base[0])).expect("sound options");
        sgd.add_param_group(parameter(), options(base[1])).expect("sound options");
        Box::new(sgd)
    }
}

fn check_scheduler(case: &Value, resume_at: Option<usize>) {
    let name = case["name"].as_str().expect("a name");
    let cycle = case["scheduler"] == "OneCycleLR";
    let mut optimizer = two_groups(case);
    let mut rates = scheduler(case);
    rates.start(optimizer.as_mut());
    let lrs = list(&case["lr"]);
    assert_eq!(lrs.len(), 61, "{name}");
    for (t, expected) in lrs.iter().enumerate() {
        if t > 0 {
            if resume_at == Some(t) {
                let (state, settings) = (rates.state_dict(), optimizer.state_dict());
                rates = scheduler(case);
                optimizer = two_groups(case);
                rates.start(optimizer.as_mut());
                optimizer.load_state_dict(&settings).expect("its own state");
                rates.load_state_dict(&state).expect("its own state");
            }
            let metric = case.get("metrics").map(|metrics| number(&metrics[t - 1]));
            rates.step(optimizer.as_mut(), metric).unwrap_or_else(|e| panic!("{name}, step {t}: {e}"));
        }
        for (group, torch) in numbers(expected).into_iter().enumerate() {
            let lr = optimizer.lr(group);
            assert!(
                (lr - torch).abs() <= 1e-12 * torch.abs() + 1e-18,
                "{name}, step {t}, group {group}: {lr:e}, torch {torch:e}"
            );
        }
        if let Some(best) = case.get("best") {
            let state = rates.state_dict().numbers;
            assert_eq!(state["best"], number(&best[t]), "{name}, step {t}");
            assert_eq!(state["num_bad_epochs"], number(&case["bad_epochs"][t]), "{name}, step {t}");
        }
        if let Some(momenta) = case.get("momentum") {
            for (group, torch) in numbers(&momenta[t]).into_iter().enumerate() {
                let momentum = optimizer.momentum(group).expect("a momentum");
                assert!((momentum - torch).abs() <= 1e-12, "{name}, step {t}: {momentum:e}, torch {torch:e}");
            }
        }
    }
    if cycle {
        let (before, refused) = (optimizer.lr(0), rates.step(optimizer.as_mut(), None));
        assert_eq!(
            refused,
            Err(SchedulerError::Exhausted { step: count(&case["first_refused_step"]), total_steps: 60 })
        );
        assert_eq!(optimizer.lr(0), before);
    }
}

#[test]
fn schedulers_equal_torch_over_60_steps() {
    let file = fixture("schedulers");
    let cases = list(&file["cases"]);
    assert_eq!(cases.len(), 32);
    for case in cases {
        check_scheduler(case, None);
    }
}

#[test]
fn schedulers_continue_from_their_state_as_if_nothing_had_happened() {
    let file = fixture("schedulers");
    for case in list(&file["cases"]) {
        for resume_at in [1, 17, 58] {
            check_scheduler(case, Some(resume_at));
        }
    }
}

/// Clips as the case says and steps; gives norm, gradients and values.
fn clipped<F: Float>(case: &Value) -> (f64, Vec<ArrayD<F>>, Vec<ArrayD<F>>) {
    let scale = number(&case["scale"]);
    let parameters: Vec<Parameter<F>> = numbers(&case["lengths"])
        .into_iter()
        .enumerate()
        .map(|(p, len)| {
            let array = |f: &dyn Fn(usize) -> f64| {
                (0..len as usize).map(|i| F::of(f(i))).collect::<ndarray::Array1<F>>().into_dyn()
            };
            let parameter = Parameter::new(array(&|i| ((37 * i + 11 + p) % 1001) as f64 / 500.0 - 1.0));
            parameter.set_grad(Some(array(&|i| scale * (((53 * i + 7 + p) % 997) as f64 / 400.0 - 1.0))));
            parameter
        })
        .collect();
    let options = AdamOptions { lr: 0.1, weight_decay: 0.1, ..Default::default() };
    let mut adam = Adam::new(parameters.clone(), options).expect("sound options");
    let norm = clip_grad_norm(&parameters, number(&case["max_norm"]));
    adam.step();
    let gradients = parameters.iter().map(|p| p.grad().expect("a gradient")).collect();
    (norm, gradients, parameters.iter().map(|p| p.value().into_owned()).collect())
}

fn check_clip<F: Float>(case: &Value, relative: f64) {
    let (norm, gradients, values) = clipped::<F>(case);
    let name = format!("{} {} {}", case["name"], case["dtype"], case["lengths"]);
    let close = |what: &str, ours: f64, torch: f64| {
        assert!(
            (ours - torch).abs() <= relative * torch.abs() + 1e-9 * relative,
            "{name}, {what}: {ours:e}, {torch:e}"
        );
    };
    close("norm", norm, number(&case["norm"]));
    for (what, ours) in [("gradients", gradients), ("values", values)] {
        for (ours, torch) in ours.iter().zip(list(&case[what])) {
            let (torch, len) = (numbers(torch), ours.len());
            for (k, &torch_k) in torch.iter().enumerate() {
                let i = if k < torch.len() / 2 || len == torch.len() { k } else { len - torch.len() + k };
                close(what, ours[i].as_f64(), torch_k);
            }
        }
    }
}

#[test]
fn clipping_by_norm_and_the_step_after_it_equal_torch() {
    let file = fixture("clip");
    let cases = list(&file["cases"]);
    assert_eq!(cases.len(), 12);
    for case in cases {
        match case["dtype"].as_str() {
            Some("float64") => check_clip::<f64>(case, 1e-12),
            _ => check_clip::<f32>(case, 2e-6),
        }
    }
}

#[test]
fn a_factor_that_waits_for_the_optimizer_changes_no_bit() {
    let make = || {
        let parameter = Parameter::new(ArrayD::from_elem(vec![40_000], 0.7f32));
        parameter.set_grad(Some(ArrayD::from_shape_fn(vec![40_000], |i| (i[0] % 89) as f32 / 40.0 - 1.0)));
        parameter
    };
    let sgd = |maximize| SgdOptions { lr: 0.1, momentum: 0.9, maximize, ..Default::default() };
    let step = |waits: bool, optimizer: &dyn Fn(Parameter) -> Box<dyn Optimizer>| {
        let parameter = make();
        let mut optimizer = optimizer(parameter.clone());
        for factor in [0.3, 1.7] {
            parameter.scale_grad(factor);
            if !waits {
                parameter.with_grad(|_| ());
            }
            optimizer.step();
        }
        (parameter.value(), parameter.grad())
    };
    for maximize in [false, true] {
        let rule =
            |p| Box::new(Sgd::new(vec![p], sgd(maximize)).expect("sound options")) as Box<dyn Optimizer>;
        assert_eq!(step(true, &rule), step(false, &rule), "SGD");
        let options = || AdamOptions { maximize, weight_decay: 0.1, ..Default::default() };
        let rule = |p| Box::new(Adam::new(vec![p], options()).expect("sound options")) as Box<dyn Optimizer>;
        assert_eq!(step(true, &rule), step(false, &rule), "Adam");
    }
}
