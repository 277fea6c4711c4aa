"""Products, and what rearranges, picks or adds up elements."""

import torch

import draw
from op_case import case

PRODUCTS = {
    "two matrices": ((3, 4), (4, 5)),
    "one by one": ((1, 1), (1, 1)),
    "row by column": ((1, 7), (7, 1)),
    "column by row": ((7, 1), (1, 3)),
    "odd sizes": ((5, 17), (17, 9)),
    "batched": ((2, 3, 4), (2, 4, 5)),
    "batch broadcast both ways": ((2, 1, 3, 4), (5, 4, 2)),
    "batch by one matrix": ((2, 3, 4), (4, 5)),
    "batch by vector": ((2, 3, 4), (4,)),
    "vector by matrix": ((4,), (4, 5)),
    "matrix by vector": ((3, 4), (4,)),
    "vector by vector": ((4,), (4,)),
    "inner size zero": ((2, 0), (0, 3)),
    "no rows": ((0, 4), (4, 3)),
}

LINEARS = {
    "two axes": ((5, 4), 3),
    "three axes": ((2, 5, 4), 3),
    "single row": ((1, 4), 3),
    "single output": ((5, 4), 1),
    "single input": ((5, 1), 3),
    "no rows": ((0, 4), 3),
}


def cases():
    return [
        *_products(),
        *_linears(torch.float64),
        *_sums(),
        *_rearranged(),
        *_picked(),
        *_linears(torch.float32),
    ]


def _products():
    for title, (left, right) in PRODUCTS.items():
        name = f"matmul: {title}"
        yield case(name, "matmul", [draw.normal(f"{name} left", *left), draw.normal(f"{name} right", *right)])


def _linears(dtype):
    suffix = " in f32" if dtype == torch.float32 else ""
    for title, (shape, out) in LINEARS.items():
        name = f"linear: {title}"
        x = draw.normal(name, *shape)
        weight = draw.normal(f"{name} weight", out, shape[-1])
        bias = draw.normal(f"{name} bias", out)
        yield case(f"{name} with bias{suffix}", "linear", [x, weight, bias], dtype)
        yield case(f"{name} without bias{suffix}", "linear", [x, weight], dtype)


def _sums():
    for op in ("sum", "mean"):
        for shape in ((3, 5), (2, 3, 4), (), (0, 3)):
            yield case(f"{op}: {shape}", op, [draw.normal(f"{op} {shape}", *shape)])
        for shape, axis in (
            ((3, 5), 0),
            ((3, 5), 1),
            ((2, 3, 4), 1),
            ((2, 3, 4), -1),
            ((0, 3), 0),
            ((0, 3), 1),
        ):
            for keepdim in (False, True):
                name = f"{op}_axis: {shape} axis {axis} keepdim {keepdim}"
                yield case(name, f"{op}_axis", [draw.normal(name, *shape)], axis=axis, keepdim=keepdim)


CONCATS = (
    (1, ((3, 2), (3, 4))),
    (1, ((3, 2), (3, 1), (3, 5))),
    (1, ((3, 2), (3, 0))),
    (0, ((2, 3), (4, 3))),
    (0, ((1, 2), (3, 2), (2, 2))),
)
RESHAPES = (
    ((3, 4), (2, 6)),
    ((2, 3, 4), (6, 4)),
    ((5, 1), (5,)),
    ((6,), (2, 3)),
    ((1,), ()),
    ((0, 3), (3, 0)),
)
# shape, axis, start, end, step
SLICES = (
    ((5, 4), 0, 1, 4, 1),
    ((5, 4), 1, 0, 4, 2),
    ((7, 3), 0, 1, 7, 3),
    ((2, 5, 3), 1, 2, 5, 1),
    ((5, 4), 0, 2, 2, 1),
)
SELECTS = (((4, 3, 5), 1, 0), ((4, 3, 5), 1, 2), ((4, 3), 0, 3), ((4, 3), 1, 1))


def _rearranged():
    for axis, shapes in CONCATS:
        name = f"concat: {list(shapes)} axis {axis}"
        parts = [draw.normal(f"{name} {at}", *shape) for at, shape in enumerate(shapes)]
        yield case(name, "concat", parts, axis=axis)
    for old, new in RESHAPES:
        yield case(f"reshape: {old} to {new}", "reshape", [draw.normal(f"reshape {old}", *old)], shape=new)
    for shape in ((3, 4), (1, 5)):
        yield case(f"transpose: {shape}", "transpose", [draw.normal(f"transpose {shape}", *shape)])
    for axes in ((2, 0, 1), (0, 2, 1), (2, 1, 0)):
        yield case(f"permute: {axes}", "permute", [draw.normal("permute", 2, 3, 4)], axes=axes)


def _picked():
    for shape, axis, start, end, step in SLICES:
        name = f"slice: {shape} axis {axis} {start}:{end}:{step}"
        yield case(name, "slice", [draw.normal(name, *shape)], axis=axis, start=start, end=end, step=step)
    for shape, axis, index in SELECTS:
        name = f"select: {shape} axis {axis} index {index}"
        yield case(name, "select", [draw.normal(name, *shape)], axis=axis, index=index)
    indices = {
        "along rows, index smaller than the input": (0, [[0, 2], [2, 2]]),
        "along rows, a row picked more than once": (0, [[0, 0, 1, 1], [0, 0, 0, 0], [3, 2, 1, 0]]),
        "along columns, one of each row": (1, [[1], [0], [3], [3]]),
        "along columns, index smaller than the input": (1, [[3, 3, 0], [1, 2, 0]]),
        "along columns, more picks than columns": (1, [[0, 1, 2, 3, 0, 1]] * 4),
    }
    for title, (axis, index) in indices.items():
        yield case(
            f"gather: {title}", "gather", [draw.normal("gather", 4, 4)], axis=axis, index=torch.tensor(index)
        )
