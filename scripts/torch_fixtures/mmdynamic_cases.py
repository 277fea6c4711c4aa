"""What one MMDynamic fixture holds: the post's model forward, backward and in training.

Dropout is 0, so nothing is random. Everything is given in f64 and in f32 from the same start.
"""

import torch

import draw
import encode
from post_model import MMDynamic, WEIGHTS, loss_terms

ROWS = 11
BATCHES = [[3, 0, 7, 9, 5], [1, 10, 4, 6], [8, 2]]
OPTIMIZER = {"lr": 0.01, "weight_decay": 1e-4}
FULL_BATCH = {"step_size": 10, "gamma": 0.9, "recorded": [1, 10, 50]}
MINI_BATCHES = {"step_size": 3, "gamma": 0.5, "steps": 12, "batches": BATCHES}
DTYPES = {"float64": torch.float64, "float32": torch.float32}


def config(widths, hidden, classes):
    return {"in_dim": widths, "hidden_dim": hidden, "num_class": classes, "dropout": 0.0}


def start(config, seed, equal_widths=False, **parts):
    """The model in f64 with weights f32 can hold, data in [0, 1] and labels.

    Xavier's spread for the weights; biases are drawn too, since a bias of 0 would hide a forgotten one.
    The encoder's biases are positive and no unit dies: the gradient of a dead unit is rounding noise
    next to the weight decay, and Adam would blow that noise up to full steps.
    """
    sizes = (config["in_dim"], config["hidden_dim"], config["num_class"], config["dropout"])
    model = MMDynamic(*sizes, **parts).double()
    for name, parameter in model.named_parameters():
        if name.endswith("weight"):
            spread = (2.0 / sum(parameter.shape)) ** 0.5
            value = draw.normal(f"{seed} {name}", *parameter.shape, scale=spread, grid=1024)
        else:
            low = 0.2 if name.startswith("FeatureEncoder") else -0.2
            value = draw.uniform(f"{seed} {name}", *parameter.shape, low=low, high=0.5, grid=1024)
        parameter.data.copy_(value)
    data = [draw.uniform(f"{seed} view {view}", ROWS, width) for view, width in enumerate(config["in_dim"])]
    label = draw.labels(f"{seed} labels", ROWS, config["num_class"])
    return model, (torch.stack(data, dim=1) if equal_widths else data), label


def trained(config, seed):
    """Forward, losses, gradients, 50 steps on all rows, and 12 steps on mini-batches."""
    entry = _entry(config, seed)
    entry.update(optimizer=OPTIMIZER, full_batch=FULL_BATCH, mini_batches=MINI_BATCHES)
    for name, dtype in DTYPES.items():
        entry["runs"][name]["full_batch"] = full_batch(config, seed, dtype)
        entry["runs"][name]["mini_batches"] = _mini_batches(config, seed, dtype)
    return entry


def deep(config, seed):
    """Forward, losses and gradients of a classifier with hidden layers of its own."""
    return _entry(config, seed)


def equal_widths(config, seed):
    """Forward of the post's one array (batch, view, feature)."""
    return _entry(config, seed, equal_widths=True)


# What is built otherwise, and what of the loss is weighted otherwise.
VARIANTS = {
    "no gates": ({"gates": False}, {}),
    "no confidence": ({"confidence": "none"}, {}),
    "neither": ({"gates": False, "confidence": "none"}, {}),
    "noise-aware confidence": ({"confidence": "noise-aware"}, {}),
    "weighted loss": ({}, {"gate_l1": 0.5, "confidence": 2.0, "view_ce": 0.25, "classifier": 3.0}),
    "no gate term": ({}, {"gate_l1": 0.0}),
    "no confidence term": ({}, {"confidence": 0.0}),
    "no view term": ({}, {"view_ce": 0.0}),
    "no classifier term": ({}, {"classifier": 0.0}),
}


def variants(config, seed):
    """Forward, losses and gradients of each ablation and each other head."""
    return {
        "torch": torch.__version__,
        "config": config,
        "variants": [_variant(config, seed, name, *change) for name, change in VARIANTS.items()],
    }


def _variant(config, seed, name, parts, weights):
    weights = {**WEIGHTS, **weights}
    runs = {}
    for name_of_type, dtype in DTYPES.items():
        model, data, label = _as(dtype, *start(config, seed, **parts))
        model.reference = data
        terms = loss_terms(model(data), label, weights=weights)
        runs[name_of_type] = {
            "loss": {term: _items(value) for term, value in terms.items()},
            "MMlogit": encode.tensor(model(data)[3]),
            "TCPConfidence": encode.plain(list(model(data)[2].values())),
            "gradients": _gradients(model, terms["total"]),
        }
    model, data, label = start(config, seed, **parts)
    return {
        "name": name,
        "parts": parts,
        "weights": weights,
        "state_dict": encode.named(model.state_dict().items()),
        "data": encode.plain(data),
        "labels": label.tolist(),
        "runs": runs,
    }


def full_batch(config, seed, dtype):
    model, data, label = _as(dtype, *start(config, seed))
    batches = [(data, label)] * max(FULL_BATCH["recorded"])
    return _train(model, batches, FULL_BATCH, FULL_BATCH["recorded"])


def _mini_batches(config, seed, dtype):
    model, data, label = _as(dtype, *start(config, seed))
    order = [BATCHES[step % len(BATCHES)] for step in range(MINI_BATCHES["steps"])]
    batches = [([x[rows] for x in data], label[rows]) for rows in order]
    return _train(model, batches, MINI_BATCHES, [MINI_BATCHES["steps"]])


def _entry(config, seed, equal_widths=False):
    model, data, label = start(config, seed, equal_widths)
    runs = {}
    for name, dtype in DTYPES.items():
        runs[name] = _once(*_as(dtype, *start(config, seed, equal_widths)), forward_only=equal_widths)
    return {
        "torch": torch.__version__,
        "config": config,
        "state_dict": encode.named(model.state_dict().items()),
        "data": encode.plain(data),
        "labels": label.tolist(),
        "runs": runs,
    }


def _as(dtype, model, data, label):
    moved = [x.to(dtype) for x in data] if isinstance(data, list) else data.to(dtype)
    return model.to(dtype), moved, label


def _once(model, data, label, forward_only):
    output = model(data)
    names = ("FeatureInfo", "TCPLogit", "TCPConfidence", "MMlogit")
    by_view = [list(part.values()) if isinstance(part, dict) else part for part in output]
    result = {"forward": encode.plain(dict(zip(names, by_view)))}
    if forward_only:
        return result
    terms = loss_terms(output, label)
    result["loss"] = {name: _items(value) for name, value in terms.items()}
    result["gradients"] = _gradients(model, terms["total"])
    result["gradients_detached_target"] = _gradients(
        model, loss_terms(model(data), label, detach_target=True)["total"]
    )
    return result


def _items(value):
    return [each.item() for each in value] if isinstance(value, list) else value.item()


def _gradients(model, loss):
    model.zero_grad()
    loss.backward()
    reached = ((name, parameter.grad) for name, parameter in model.named_parameters())
    return encode.named((name, grad) for name, grad in reached if grad is not None)


def _train(model, batches, schedule, recorded):
    """Adam and StepLR, the schedule stepped once a step. Loss and rate are those the step used."""
    optimizer = torch.optim.Adam(model.parameters(), **OPTIMIZER, foreach=False)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, schedule["step_size"], schedule["gamma"])
    losses, rates, after = [], [], []
    for step, (data, label) in enumerate(batches, start=1):
        optimizer.zero_grad()
        loss = loss_terms(model(data), label)["total"]
        loss.backward()
        losses.append(loss.item())
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
        if step in recorded:
            after.append({"step": step, "state_dict": encode.named(model.state_dict().items())})
    return {"loss": losses, "lr": rates, "after": after}
