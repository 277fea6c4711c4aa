"""ReduceLROnPlateau: it looks at a metric, so each case carries the sequence of metrics it saw."""

import math

from torch.optim import lr_scheduler

import encode

STEPS = 60
DEFAULTS = {
    "mode": "min",
    "factor": 0.1,
    "patience": 10,
    "threshold": 1e-4,
    "threshold_mode": "rel",
    "cooldown": 0,
    "min_lr": 0.0,
    "eps": 1e-8,
}


def _falling():
    """Falls towards 1/2 by steps that get smaller, with a bump every seventh."""
    return [round(0.5 + 1.5 * 0.93**at + (0.3 if at % 7 == 3 else 0.0), 4) for at in range(STEPS)]


def _rising():
    return [round(1.0 - value / 2.0, 4) for value in _falling()]


def _flat():
    return [1.0] * STEPS


def _with_nan():
    """NaN first, alone, in a run and beside an infinity: a NaN is never better than the best."""
    values = [round(1.0 / (1 + at), 4) for at in range(STEPS)]
    for at in (0, 5, 10, 11, 12, 13, 14, 30):
        values[at] = math.nan
    values[31] = math.inf
    return values


def _negative():
    """The bar, best * (1 - threshold), lies above a negative best: a flat -1 improves, -0.8 does not."""
    return [-1.0 if at < 20 else (-0.8 if at < 40 else -1.1) for at in range(STEPS)]


CASES = (
    ("defaults", {}, _flat),
    ("min, relative threshold", {"factor": 0.5, "patience": 2, "threshold": 0.05}, _falling),
    (
        "min, absolute threshold",
        {"factor": 0.5, "patience": 2, "threshold": 0.05, "threshold_mode": "abs"},
        _falling,
    ),
    ("max, relative threshold", {"mode": "max", "factor": 0.5, "patience": 2, "threshold": 0.05}, _rising),
    (
        "max, absolute threshold",
        {"mode": "max", "factor": 0.5, "patience": 2, "threshold": 0.02, "threshold_mode": "abs"},
        _rising,
    ),
    ("patience zero", {"factor": 0.5, "patience": 0}, _falling),
    ("cooldown", {"factor": 0.5, "patience": 2, "cooldown": 4}, _flat),
    (
        "cooldown while the metric falls",
        {"factor": 0.5, "patience": 1, "cooldown": 3, "threshold": 0.05},
        _falling,
    ),
    ("smallest lr", {"factor": 0.5, "patience": 1, "min_lr": 0.005}, _flat),
    ("smallest lr of each group", {"factor": 0.5, "patience": 1, "min_lr": [0.01, 0.001]}, _flat),
    ("changes below eps are not made", {"factor": 0.5, "patience": 1, "eps": 0.006}, _flat),
    ("not a number", {"factor": 0.5, "patience": 3}, _with_nan),
    ("only not a number", {"factor": 0.5, "patience": 3}, lambda: [math.nan] * STEPS),
    ("negative metric, relative threshold", {"factor": 0.5, "patience": 2, "threshold": 0.1}, _negative),
)


def cases(make_optimizer):
    return [
        _case(make_optimizer(), name, {**DEFAULTS, **changed}, metrics()) for name, changed, metrics in CASES
    ]


def _case(optimizer, name, args, metrics):
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, **args)
    base = [group["lr"] for group in optimizer.param_groups]
    trace, bad, best = [base], [scheduler.num_bad_epochs], [scheduler.best]
    for metric in metrics:
        optimizer.step()
        scheduler.step(metric)
        trace.append([group["lr"] for group in optimizer.param_groups])
        bad.append(scheduler.num_bad_epochs)
        best.append(scheduler.best)
    return {
        "name": f"ReduceLROnPlateau: {name}",
        "scheduler": "ReduceLROnPlateau",
        "args": encode.plain(args),
        "optimizer": "SGD",
        "base_lrs": base,
        "metrics": encode.plain(metrics),
        "lr": trace,
        "bad_epochs": bad,
        "best": encode.plain(best),
    }
