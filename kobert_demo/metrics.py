"""Confusion counts -> the figures people quote.

Definitions follow scikit-learn's `accuracy_score` and `f1_score(average="macro", zero_division=0)`.
"""

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]  # (labels, labels); row: true label, column: predicted label


def confusion(true: Counts, predicted: Counts, labels: int) -> Counts:
    """Count each pair of true and predicted label ids, both (examples)."""
    return np.bincount(true * labels + predicted, minlength=labels**2).reshape(labels, labels)


def accuracy(counts: Counts) -> float:
    """Return the share of examples on the diagonal."""
    return float(counts.trace() / counts.sum())


def macro_f1(counts: Counts) -> float:
    """Return the mean F1 of the labels that occur or were predicted: 2 TP / (2 TP + FP + FN)."""
    weight = counts.sum(0) + counts.sum(1)
    present = weight > 0
    return float(np.mean(2 * counts.diagonal()[present] / weight[present]))
