"""A long line -> few enough points to draw, none of its peaks lost."""

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

MOST_POINTS = 2_000  # of one line in one message
X = TypeVar("X", bound=float)


def thin(
    steps: Sequence[X], values: Sequence[float | None], most: int = MOST_POINTS
) -> tuple[list[X], list[float | None]]:
    """Return at most `most` of the points: first, last, and each bin's lowest and highest.

    Peaks stay where they are; a bin's values that are not finite go unless all of them are.
    """
    if len(steps) <= most:
        return list(steps), list(values)
    size = -(-len(steps) // (most // 2 - 1))
    padding = [math.nan] * (-len(values) % size)
    bins = np.array([*values, *padding], dtype=np.float64).reshape(-1, size)  # (bins, points)
    finite = np.isfinite(bins)
    first = np.arange(len(bins)) * size
    lowest = first + np.where(finite, bins, np.inf).argmin(axis=1)
    highest = first + np.where(finite, bins, -np.inf).argmax(axis=1)
    kept = np.unique([0, len(steps) - 1, *lowest.tolist(), *highest.tolist()]).tolist()
    return [steps[i] for i in kept], [values[i] for i in kept]
