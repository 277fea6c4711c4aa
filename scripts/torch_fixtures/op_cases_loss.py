"""Softmax and the losses: extreme logits, masks, ties, weights, smoothing, empty batches."""

import math

import torch

import draw
from op_case import case

REDUCTIONS = ("none", "mean", "sum")
WEIGHT = torch.tensor([0.5, 2.0, 1.25], dtype=torch.float64)
TARGET = torch.tensor([2, 0, 1, 1, 2])
F64, F32 = torch.float64, torch.float32


def cases():
    return [
        *_softmax(F64),
        *_cross_entropy(F64),
        *_nll(),
        *_mse(),
        *_bce(),
        *_tcp(),
        *_softmax(F32),
        *_cross_entropy(F32),
    ]


def _logits(dtype):
    """Name, table and reachable axes. 1e300 exists in f64 only."""
    inf = math.inf
    tables = {
        "two axes": (draw.normal("logits", 4, 3, scale=2.0), (0, 1, -1)),
        "three axes": (draw.normal("logits", 2, 3, 4, scale=2.0), (0, 1, -1)),
        "logits of 1e4": (torch.tensor([[1e4, -1e4, 0.0], [-1e4, -1e4, 1e4], [1e4, 1e4, 9999.0]]), (1, 0)),
        "all equal": (torch.full((3, 4), 2.5), (1,)),
        "masked by minus infinity": (torch.tensor([[0.5, -inf, 1.0], [-inf, -inf, 3.0]]), (1,)),
        "whole row masked": (torch.tensor([[-inf, -inf], [0.0, 1.0]]), (1,)),
        "single column": (draw.normal("single column", 4, 1), (1,)),
        "no rows": (torch.zeros(0, 3), (1,)),
        "a NaN stays in its row": (torch.tensor([[0.0, math.nan], [0.0, 1.0]]), (1,)),
    }
    if dtype == F64:
        tables["logits of 1e300"] = (
            torch.tensor([[1e300, -1e300, 0.0], [1e300, 1e300, 0.0]], dtype=F64),
            (1,),
        )
    return tables


def _softmax(dtype):
    for op in ("softmax", "log_softmax"):
        for title, (values, axes) in _logits(dtype).items():
            for axis in axes:
                yield case(f"{op}: {title} axis {axis}{_suffix(dtype)}", op, [values], dtype, axis=axis)


def _cross_entropy(dtype):
    inf = math.inf
    logits = draw.normal("cross entropy", 5, 3, scale=2.0)
    tables = {
        "": (logits, TARGET),
        " logits of 1e4": (
            torch.tensor([[1e4, -1e4, 0.0], [1e4, -1e4, 0.0], [0.0, 0.0, 1e4]]),
            torch.tensor([0, 1, 2]),
        ),
        " all equal": (torch.full((2, 3), -7.0), torch.tensor([0, 2])),
        " single row": (logits[:1], TARGET[:1]),
        " no rows": (torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)),
    }
    options = {
        "": (None, 0.0),
        " weighted": (WEIGHT, 0.0),
        " smoothed": (None, 0.1),
        " weighted and smoothed": (WEIGHT, 0.1),
    }
    for title, (values, target) in tables.items():
        for option, (weight, smoothing) in options.items():
            yield from _reduced(f"cross_entropy:{title}{option}", values, target, weight, smoothing, dtype)
    one_class = torch.zeros(3, dtype=torch.int64)
    yield from _reduced(
        "cross_entropy: single class", draw.normal("one class", 3, 1), one_class, None, 0.0, dtype
    )
    masked = torch.tensor([[0.5, -inf, 1.0], [2.0, 0.0, -inf]])
    yield from _reduced("cross_entropy: other class masked", masked, torch.tensor([2, 0]), None, 0.0, dtype)
    # 0 / 0 in the mean: no weight was chosen.
    yield from _reduced(
        "cross_entropy: weight zero", logits[:1], torch.tensor([1]), torch.tensor([1.0, 0.0, 1.0]), 0.0, dtype
    )


def _reduced(name, values, target, weight, smoothing, dtype):
    for reduction in REDUCTIONS:
        yield case(
            f"{name} {reduction}{_suffix(dtype)}",
            "cross_entropy",
            [values],
            dtype,
            target=target,
            reduction=reduction,
            weight=weight,
            label_smoothing=smoothing,
        )


def _nll():
    log_probabilities = torch.log_softmax(draw.normal("nll", 5, 3), dim=1)
    for reduction in REDUCTIONS:
        for option, weight in (("", None), (" weighted", WEIGHT)):
            name = f"nll_loss:{option} {reduction}"
            yield case(
                name, "nll_loss", [log_probabilities], target=TARGET, reduction=reduction, weight=weight
            )


def _mse():
    for shape in ((4, 3), (7,), (1, 1), (0, 2)):
        for reduction in REDUCTIONS:
            name = f"mse_loss: {shape} {reduction}"
            yield case(
                name,
                "mse_loss",
                [draw.normal(name, *shape), draw.normal(f"{name} target", *shape)],
                reduction=reduction,
            )


def _bce():
    logits, target = draw.normal("bce", 4, 3, scale=2.0), draw.uniform("bce target", 4, 3)
    extreme = torch.tensor([[1e4, -1e4, 0.0], [1e4, -1e4, 800.0]])
    hard = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.5]])
    weight, pos_weight = draw.uniform("bce weight", 4, 3, low=0.25, high=2.0), torch.tensor([0.5, 2.0, 3.0])
    tables = {
        "": (logits, target, None, None),
        " weighted": (logits, target, weight, None),
        " positive weights": (logits, target, None, pos_weight),
        " both weights": (logits, target, weight, pos_weight),
        " logits of 1e4": (extreme, hard, None, None),
        " logits of 1e4 positive weights": (extreme, hard, None, pos_weight),
    }
    for title, (values, truth, each, positive) in tables.items():
        for reduction in REDUCTIONS:
            yield case(
                f"bce_with_logits:{title} {reduction}",
                "bce_with_logits",
                [values],
                target=truth,
                reduction=reduction,
                weight=each,
                pos_weight=positive,
            )


def _tcp():
    for rows in (5, 1):
        inputs = [draw.normal(f"tcp logit {rows}", rows, 3), draw.normal(f"tcp confidence {rows}", rows, 1)]
        for detach in (False, True):
            name = f"tcp_confidence_loss: {rows} rows, target {'detached' if detach else 'in the graph'}"
            yield case(name, "tcp_confidence_loss", inputs, target=TARGET[:rows], detach_target=detach)


def _suffix(dtype):
    return " in f32" if dtype == F32 else ""
