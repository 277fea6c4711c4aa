"""lightning-optim/tests/fixtures/clip.json: clip_grad_norm_ over several parameters at once, then a step of Adam.

The values follow from their index, so that large parameters need no room in the file: element i of parameter p is
((37 i + 11 + p) mod 1001) / 500 - 1, its gradient scale times ((53 i + 7 + p) mod 997) / 400 - 1.
"""

import torch

import encode

PATH = "lightning-optim/tests/fixtures/clip.json"
LENGTHS = ((3, 1, 70), (50_001, 7, 16_384))
CASES = {"nothing to clip": (1e-3, 10.0), "clipped": (1.0, 0.5), "clipped hard": (1e4, 1e-2)}
RECORDED = 5


def files():
    content = {"torch": torch.__version__, "cases": list(_cases())}
    return {PATH: encode.text(content, open_levels=2)}


def _cases():
    for dtype in (torch.float64, torch.float32):
        for name, (scale, max_norm) in CASES.items():
            for lengths in LENGTHS:
                yield _case(name, dtype, scale, max_norm, lengths)


def _case(name, dtype, scale, max_norm, lengths):
    parameters = [_parameter(p, length, scale, dtype) for p, length in enumerate(lengths)]
    norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm)
    gradients = [_ends(parameter.grad) for parameter in parameters]
    torch.optim.Adam(parameters, lr=0.1, weight_decay=0.1).step()
    return {
        "name": name,
        "dtype": str(dtype).removeprefix("torch."),
        "scale": scale,
        "max_norm": max_norm,
        "lengths": list(lengths),
        "norm": norm.item(),
        "gradients": gradients,
        "values": [_ends(parameter.detach()) for parameter in parameters],
    }


def _parameter(p, length, scale, dtype):
    i = torch.arange(length)
    value = ((37 * i + 11 + p) % 1001).to(torch.float64) / 500 - 1
    gradient = scale * (((53 * i + 7 + p) % 997).to(torch.float64) / 400 - 1)
    parameter = torch.nn.Parameter(value.to(dtype))
    parameter.grad = gradient.to(dtype)
    return parameter


def _ends(tensor):
    """The first and the last elements."""
    kept = tensor if len(tensor) <= 2 * RECORDED else torch.cat((tensor[:RECORDED], tensor[-RECORDED:]))
    return kept.to(torch.float64).tolist()
