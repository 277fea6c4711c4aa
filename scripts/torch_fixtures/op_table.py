"""Names the fixtures use for operations, and the torch expression each name stands for.

A case stores a name and its arguments and nothing else, so this table is what the Rust tests have
to agree with. Labels, weights and indices are arguments: they have no gradient.
"""

import torch
import torch.nn.functional as F


def _tcp_confidence_loss(logit, confidence, target, detach_target):
    # The regression term is one scalar, added to every row's cross-entropy before the mean. The
    # gradient reaches the logits through p_target unless it is detached.
    p_target = F.softmax(logit, dim=1).gather(1, target.unsqueeze(1)).view(-1)
    if detach_target:
        p_target = p_target.detach()
    per_row = F.cross_entropy(logit, target, reduction="none")
    return torch.mean(F.mse_loss(confidence.view(-1), p_target) + per_row)


def _slice(x, axis, start, end, step):
    index = [slice(None)] * x.dim()
    index[axis] = slice(start, end, step)
    return x[tuple(index)]


def _cross_entropy(logit, target, reduction, weight, label_smoothing):
    return F.cross_entropy(
        logit, target, weight=_as(weight, logit), reduction=reduction, label_smoothing=label_smoothing
    )


def _bce_with_logits(logit, target, reduction, weight, pos_weight):
    return F.binary_cross_entropy_with_logits(
        logit,
        _as(target, logit),
        weight=_as(weight, logit),
        pos_weight=_as(pos_weight, logit),
        reduction=reduction,
    )


def _as(value, like):
    return None if value is None else value.to(like.dtype)


OPS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda x: -x,
    "add_scalar": lambda x, scalar: x + scalar,
    "mul_scalar": lambda x, scalar: x * scalar,
    "rsub_scalar": lambda x, scalar: scalar - x,
    "rdiv_scalar": lambda x, scalar: scalar / x,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "exp": torch.exp,
    "ln": torch.log,
    "sqrt": torch.sqrt,
    "powf": lambda x, exponent: x.pow(exponent),
    "matmul": torch.matmul,
    "linear": lambda x, weight, bias=None: F.linear(x, weight, bias),
    "softmax": lambda x, axis: torch.softmax(x, axis),
    "log_softmax": lambda x, axis: torch.log_softmax(x, axis),
    "sum": torch.sum,
    "mean": torch.mean,
    "sum_axis": lambda x, axis, keepdim: x.sum(axis, keepdim=keepdim),
    "mean_axis": lambda x, axis, keepdim: x.mean(axis, keepdim=keepdim),
    "concat": lambda *parts, axis: torch.cat(parts, dim=axis),
    "slice": _slice,
    "select": lambda x, axis, index: x.select(axis, index),
    "reshape": lambda x, shape: x.reshape(shape),
    "transpose": lambda x: x.t(),
    "permute": lambda x, axes: x.permute(axes),
    "gather": lambda x, axis, index: x.gather(axis, index),
    "cross_entropy": _cross_entropy,
    "nll_loss": lambda x, target, reduction, weight: F.nll_loss(
        x, target, _as(weight, x), reduction=reduction
    ),
    "mse_loss": lambda x, target, reduction: F.mse_loss(x, target, reduction=reduction),
    "bce_with_logits": _bce_with_logits,
    "tcp_confidence_loss": _tcp_confidence_loss,
}
