"""Seeded inputs that f32 and f64 hold exactly.

Everything lies on a grid of 1/64, so one drawn table starts an f32 and an f64 run from the very
same numbers, and the files stay short. Python's generator is used instead of torch's: the inputs
then do not change with the torch version, only the answers may.
"""

import math
import random

import torch

GRID = 64


def normal(seed, *shape, scale=1.0, grid=GRID):
    """Standard normal times `scale`, rounded to the grid. `seed` is a string, usually a case's name."""
    return _table(seed, shape, grid, lambda source: source.gauss(0.0, 1.0) * scale)


def uniform(seed, *shape, low=0.0, high=1.0, grid=GRID):
    """Uniform in [low, high], rounded to the grid."""
    return _table(seed, shape, grid, lambda source: source.uniform(low, high))


def away_from_zero(seed, *shape):
    """Both signs, magnitude at least 1/2: safe to divide by."""
    values = normal(seed, *shape)
    return values + torch.where(values < 0, -0.5, 0.5).to(values.dtype)


def labels(seed, rows, classes):
    """Class numbers; each class appears when there are rows enough."""
    source = random.Random(seed)
    chosen = [row % classes for row in range(rows)]
    source.shuffle(chosen)
    return torch.tensor(chosen, dtype=torch.int64)


def _table(seed, shape, grid, draw_one):
    source = random.Random(seed)
    values = [round(draw_one(source) * grid) / grid for _ in range(math.prod(shape))]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)
