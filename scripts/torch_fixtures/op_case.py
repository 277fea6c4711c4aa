"""Runs one operation forward and backward in torch and writes down what came out."""

import torch

import draw
import encode
from op_table import OPS


def case(name, op, inputs, dtype=torch.float64, **args):
    """One entry of ops.json. The gradient that arrives at the output is drawn from the case's name."""
    leaves = [value.to(dtype).clone().requires_grad_() for value in inputs]
    output = OPS[op](*leaves, **args)
    grad_output = draw.away_from_zero(f"gradient of {name}", *output.shape).to(dtype)
    output.backward(grad_output)
    return {
        "name": name,
        "op": op,
        "dtype": str(dtype).removeprefix("torch."),
        "args": encode.plain(args),
        "inputs": [encode.tensor(leaf) for leaf in leaves],
        "output": encode.tensor(output),
        "grad_output": encode.tensor(grad_output),
        "grads": [encode.tensor(leaf.grad) for leaf in leaves],
    }


def unique(cases):
    """Refuses two cases of one name: a failing Rust test must point at one line."""
    names = [entry["name"] for entry in cases]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"case names used twice: {repeated}; give each its own")
    return cases
