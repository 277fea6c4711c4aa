"""One way to write numbers for all fixtures, so that the Rust side needs one reader.

A float is written by Python's `repr`, which parses back to the same f64. JSON has no NaN and no
infinity: they are the strings "nan", "inf" and "-inf". A tensor is its shape and its elements in
row-major order.
"""

import json
import math

import torch


def number(value):
    """A JSON value for one number; integers and booleans stay what they are."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def tensor(value):
    """`{"shape": [...], "data": [...]}`; f32 elements are widened, which is exact."""
    flat = value.detach().reshape(-1).tolist()
    return {"shape": list(value.shape), "data": [number(x) for x in flat]}


def named(pairs):
    """A list and not an object: readers may sort an object's keys, and a state_dict's order matters."""
    return [{"name": name, **tensor(value)} for name, value in pairs]


def plain(value):
    """Encodes nested dicts, lists and tuples whose leaves are numbers, strings or tensors."""
    if isinstance(value, torch.Tensor):
        return tensor(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return number(value)


def text(value, open_levels):
    """JSON with the outer levels one entry to a line, so that a changed case is a changed line."""
    return _text(value, open_levels) + "\n"


def _text(value, open_levels):
    if open_levels == 0 or _is_one_line(value):
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    if isinstance(value, dict):
        lines = [f"{json.dumps(key)}:{_text(item, open_levels - 1)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + "\n}"
    return "[\n" + ",\n".join(_text(item, open_levels - 1) for item in value) + "\n]"


def _is_one_line(value):
    """Numbers, lists of numbers, tensors."""
    if isinstance(value, dict):
        return "data" in value and "shape" in value
    return not isinstance(value, list) or not any(isinstance(item, (dict, list)) for item in value)
