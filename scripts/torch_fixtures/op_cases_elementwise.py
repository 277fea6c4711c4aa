"""Element by element: arithmetic with broadcasting, activations, powers, and their edges."""

import math

import torch

import draw
from op_case import case

BROADCASTS = {
    "same shape": ((2, 3), (2, 3)),
    "column and row": ((3, 1), (1, 4)),
    "right operand one axis": ((2, 3, 4), (4,)),
    "left operand one axis": ((4,), (2, 3, 4)),
    "scalar on the left": ((), (2, 3)),
    "scalar on the right": ((2, 3), ()),
    "no rows": ((0, 3), (1, 3)),
    "one by one": ((1, 1), (1, 1)),
}

# Saturation, underflow, the smallest steps around zero, and what is not finite.
EXTREMES = [
    -math.inf,
    -1e4,
    -800.0,
    -40.0,
    -1.0,
    -1e-8,
    -0.0,
    0.0,
    1e-8,
    1.0,
    40.0,
    800.0,
    1e4,
    math.inf,
    math.nan,
]

FULL_RANGE = ("neg", "sigmoid", "relu", "tanh", "exp", "ln", "sqrt")
POSITIVE_ONLY = ("ln", "sqrt")
ALSO_F32 = ("sigmoid", "tanh", "exp")


def cases():
    return [*_arithmetic(), *_with_a_scalar(), *_unary(torch.float64, FULL_RANGE), *_powers(), *f32_cases()]


def f32_cases():
    return _unary(torch.float32, ALSO_F32)


def _arithmetic():
    for op in ("add", "sub", "mul", "div"):
        for title, (left, right) in BROADCASTS.items():
            name = f"{op}: {title}"
            draw_right = draw.away_from_zero if op == "div" else draw.normal
            yield case(name, op, [draw.normal(f"{name} left", *left), draw_right(f"{name} right", *right)])
    divisors = torch.tensor([0.0, 0.0, 0.0, 2.0])
    yield case("div: by zero", "div", [torch.tensor([1.0, -1.0, 0.0, 3.0]), divisors])


def _with_a_scalar():
    for op in ("add_scalar", "mul_scalar", "rsub_scalar", "rdiv_scalar"):
        yield case(op, op, [draw.away_from_zero(op, 3, 5)], scalar=-1.75)


def _unary(dtype, ops):
    suffix = " in f32" if dtype == torch.float32 else ""
    for op in ops:
        values = (
            draw.uniform(op, 3, 7, low=0.02, high=5.0)
            if op in POSITIVE_ONLY
            else draw.normal(op, 3, 7, scale=2.0)
        )
        yield case(op + suffix, op, [values], dtype)
        yield case(f"{op}: one element{suffix}", op, [torch.tensor([[0.5]])], dtype)
        yield case(f"{op}: extremes{suffix}", op, [torch.tensor(EXTREMES, dtype=torch.float64)], dtype)


def _powers():
    both_signs, positive = draw.normal("powf", 3, 4), draw.uniform("powf", 3, 4, low=0.1, high=4.0)
    for exponent in (2.0, 0.5, -1.5, 3.0, 1.0, 0.0):
        base = both_signs if exponent in (0.0, 1.0, 2.0, 3.0) else positive
        yield case(f"powf {exponent}", "powf", [base], exponent=exponent)
    for exponent in (2.0, 3.0, 0.5, 0.0):
        yield case(f"powf {exponent} at zero", "powf", [torch.tensor([0.0, 4.0])], exponent=exponent)
