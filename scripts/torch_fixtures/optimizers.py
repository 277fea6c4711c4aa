"""lightning-optim/tests/fixtures/optimizers.json: 60 steps of Adam, AdamW and SGD.

All cases start from the same two parameters and see the same gradients, given once at the top of
the file. The gradients do not depend on the parameters, so an error of one step is seen as such and
is not fed back.
"""

import torch

import draw
import encode

PATH = "lightning-optim/tests/fixtures/optimizers.json"
SHAPES = ((3, 4), (5,))
STEPS = 60
RECORDED = (1, 2, 3, 10, 30, 60)
OPTIMIZERS = {"Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW, "SGD": torch.optim.SGD}

ADAM = {
    "default": {},
    "lr": {"lr": 0.01},
    "weight decay": {"weight_decay": 0.1},
    "betas and eps": {"betas": (0.8, 0.95), "eps": 1e-6},
    "amsgrad": {"amsgrad": True},
    "amsgrad and weight decay": {"amsgrad": True, "weight_decay": 0.1},
    # A second moment that forgets quickly falls below its maximum at once.
    "amsgrad and short memory": {"amsgrad": True, "betas": (0.9, 0.8)},
    "maximize": {"maximize": True, "weight_decay": 0.1},
}
SGD = {
    "default": {},
    "lr": {"lr": 0.1},
    "momentum": {"lr": 0.01, "momentum": 0.9},
    "dampening": {"lr": 0.01, "momentum": 0.9, "dampening": 0.1},
    "nesterov": {"lr": 0.01, "momentum": 0.9, "nesterov": True},
    "weight decay": {"lr": 0.01, "weight_decay": 0.1},
    "momentum and weight decay": {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1},
    "maximize": {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1, "maximize": True},
}
TWO_GROUPS = {
    "Adam": ({"lr": 0.01, "weight_decay": 0.1}, {"lr": 0.002, "weight_decay": 0.0, "betas": (0.8, 0.95)}),
    "AdamW": ({"lr": 0.01, "weight_decay": 0.1}, {"lr": 0.002, "weight_decay": 0.0, "betas": (0.8, 0.95)}),
    "SGD": ({"lr": 0.01, "weight_decay": 0.1, "momentum": 0.9}, {"lr": 0.05, "weight_decay": 0.0}),
}
# The second parameter has no gradient in these steps: nothing of it may move, decay included.
WITHOUT_GRADIENT = (1, 2, 7, 20, 21, 60)


def files():
    content = {
        "torch": torch.__version__,
        "initial": encode.plain(_initial()),
        "gradients": encode.plain(list(_gradients())),
        "cases": list(_cases()),
    }
    return {PATH: encode.text(content, open_levels=2)}


def _cases():
    for name in OPTIMIZERS:
        for title, options in (SGD if name == "SGD" else ADAM).items():
            yield _case(f"{name}: {title}", name, [options])
        yield _case(f"{name}: two groups", name, TWO_GROUPS[name])
        skipped = {"lr": 0.01, "weight_decay": 0.1, **({"momentum": 0.9} if name == "SGD" else {})}
        yield _case(f"{name}: without gradient", name, [skipped], without_gradient=WITHOUT_GRADIENT)
        for title, options in (("default", {}), ("two groups", None)):
            groups = TWO_GROUPS[name] if options is None else [options]
            yield _case(f"{name}: {title} in f32", name, groups, torch.float32)


def _case(title, name, groups, dtype=torch.float64, without_gradient=()):
    params = [value.to(dtype).requires_grad_() for value in _initial()]
    members = [[0, 1]] if len(groups) == 1 else [[0], [1]]
    given = [{"params": [params[at] for at in held], **group} for held, group in zip(members, groups)]
    # The plain loop, which is what the formulas in torch's documentation describe.
    optimizer = OPTIMIZERS[name](given, foreach=False)
    recorded = []
    for step, gradients in enumerate(_gradients(), start=1):
        for at, (param, gradient) in enumerate(zip(params, gradients)):
            param.grad = None if at == 1 and step in without_gradient else gradient.to(dtype)
        optimizer.step()
        if step in RECORDED:
            recorded.append({"step": step, "params": encode.plain(params)})
    return {
        "name": title,
        "optimizer": name,
        "dtype": str(dtype).removeprefix("torch."),
        "groups": [_options(held, group) for held, group in zip(members, optimizer.param_groups)],
        "without_gradient": list(without_gradient),
        "after": recorded,
        "state": [_state(optimizer.state[param]) for param in params],
    }


def _options(members, group):
    """Every hyper-parameter with its value, defaults too, so that the defaults are tested as well."""
    wanted = (
        "lr",
        "betas",
        "eps",
        "weight_decay",
        "amsgrad",
        "momentum",
        "dampening",
        "nesterov",
        "maximize",
    )
    return {"params": members, **{key: encode.plain(group[key]) for key in wanted if key in group}}


def _state(state):
    return {
        key: value.item() if key == "step" else encode.plain(value)
        for key, value in state.items()
        if value is not None
    }


def _initial():
    return [draw.normal(f"parameter {at}", *shape) for at, shape in enumerate(SHAPES)]


def _gradients():
    """Sizes differ by 2^11 between elements, so that eps is felt, and shrink later, so that amsgrad is."""
    for step in range(STEPS):
        gradients = []
        for at, shape in enumerate(SHAPES):
            size = 2.0 ** torch.arange(torch.Size(shape).numel(), dtype=torch.float64).neg().reshape(shape)
            gradients.append(draw.normal(f"gradient {at} step {step}", *shape) * size * 2.0 ** -(step // 15))
        yield gradients
