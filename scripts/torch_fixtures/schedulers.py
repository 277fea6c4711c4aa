"""lightning-optim/tests/fixtures/schedulers.json: the learning rate over 60 steps.

Entry 0 of every list is the value right after construction, entry k the one after k steps; each
entry has one number for each parameter group.
"""

import torch
from torch.optim import lr_scheduler

import encode
import plateau

PATH = "lightning-optim/tests/fixtures/schedulers.json"
STEPS = 60
BASE_LRS = (0.1, 0.02)
LAMBDAS = {"1/(1+0.1*epoch)": lambda epoch: 1 / (1 + 0.1 * epoch)}

EPOCHS = (
    ("StepLR", {"step_size": 10, "gamma": 0.9}),
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [5, 12, 40], "gamma": 0.3}),
    ("ExponentialLR", {"gamma": 0.97}),
    ("CosineAnnealingLR", {"T_max": 20, "eta_min": 0.0}),
    ("CosineAnnealingLR", {"T_max": 20, "eta_min": 0.001}),
    ("LinearLR", {"start_factor": 1 / 3, "end_factor": 1.0, "total_iters": 5}),
    ("LinearLR", {"start_factor": 0.25, "end_factor": 1.0, "total_iters": 12}),
    ("LambdaLR", {"lambda": "1/(1+0.1*epoch)"}),
)

_ONE_CYCLE = {
    "max_lr": [0.1, 0.02],
    "total_steps": STEPS,
    "pct_start": 0.3,
    "anneal_strategy": "cos",
    "cycle_momentum": True,
    "base_momentum": 0.85,
    "max_momentum": 0.95,
    "div_factor": 25.0,
    "final_div_factor": 1e4,
    "three_phase": False,
}
ONE_CYCLES = (
    ("SGD", {}),
    ("Adam", {}),
    ("SGD", {"anneal_strategy": "linear"}),
    ("Adam", {"anneal_strategy": "linear", "three_phase": True}),
    ("SGD", {"three_phase": True}),
    ("SGD", {"pct_start": 0.1}),
    ("SGD", {"pct_start": 0.55, "anneal_strategy": "linear"}),
    ("SGD", {"cycle_momentum": False}),
    ("Adam", {"div_factor": 10.0, "final_div_factor": 100.0, "base_momentum": 0.8, "max_momentum": 0.9}),
)


def files():
    cases = [_by_epoch(name, args) for name, args in EPOCHS]
    cases += plateau.cases(make_optimizer)
    cases += [_one_cycle(name, changed) for name, changed in ONE_CYCLES]
    return {PATH: encode.text({"torch": torch.__version__, "cases": cases}, open_levels=2)}


def make_optimizer(name="SGD"):
    """Two groups. Weight 1, gradient 0: only the schedule moves anything."""
    groups = []
    for lr in BASE_LRS:
        weight = torch.ones(1, dtype=torch.float64, requires_grad=True)
        weight.grad = torch.zeros_like(weight)
        groups.append({"params": [weight], "lr": lr})
    if name == "Adam":
        return torch.optim.Adam(groups)
    return torch.optim.SGD(groups, momentum=0.9)


def _lrs(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


def _by_epoch(name, args):
    optimizer = make_optimizer()
    given = {"lr_lambda": LAMBDAS[args["lambda"]]} if "lambda" in args else args
    scheduler = getattr(lr_scheduler, name)(optimizer, **given)
    trace = [_lrs(optimizer)]
    for _ in range(STEPS):
        optimizer.step()
        scheduler.step()
        trace.append(_lrs(optimizer))
    return {
        "name": _title(name, args),
        "scheduler": name,
        "args": args,
        "optimizer": "SGD",
        "base_lrs": list(BASE_LRS),
        "lr": trace,
    }


def _one_cycle(optimizer_name, changed):
    args = {**_ONE_CYCLE, **changed}
    optimizer = make_optimizer(optimizer_name)
    scheduler = lr_scheduler.OneCycleLR(optimizer, **args)
    trace, momentum = [_lrs(optimizer)], [_momentum(optimizer)]
    for _ in range(STEPS):
        optimizer.step()
        scheduler.step()
        trace.append(_lrs(optimizer))
        momentum.append(_momentum(optimizer))
    entry = {
        "name": _title(f"OneCycleLR with {optimizer_name}", changed),
        "scheduler": "OneCycleLR",
        "args": args,
        "optimizer": optimizer_name,
        "base_lrs": list(BASE_LRS),
        "lr": trace,
    }
    if args["cycle_momentum"]:
        entry["momentum"] = momentum
    return {**entry, "first_refused_step": STEPS + 1, "refusal": _refusal(scheduler)}


def _title(name, args):
    return ", ".join([name, *(f"{key} {value}" for key, value in args.items())])


def _momentum(optimizer):
    """Adam's first beta is what is cycled where there is no momentum."""
    return [
        group["momentum"] if "momentum" in group else group["betas"][0] for group in optimizer.param_groups
    ]


def _refusal(scheduler):
    try:
        scheduler.step()
    except ValueError as error:
        return str(error)
    raise AssertionError("OneCycleLR took a step too many: first_refused_step is wrong for this torch")
