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


def label_f1(counts: Counts) -> NDArray[np.float64]:
    """Return each label's F1, 2 TP / (2 TP + FP + FN); NaN where it neither occurs nor was predicted.

    Args:
        counts: (..., labels, labels); what comes back is (..., labels).
    """
    weight = counts.sum(-1) + counts.sum(-2)
    right = 2.0 * counts.diagonal(axis1=-2, axis2=-1)
    f1: NDArray[np.float64] = np.full(weight.shape, np.nan)
    np.divide(right, weight, out=f1, where=weight > 0)
    return f1


def macro_f1(counts: Counts) -> float:
    """Return the mean F1 of the labels that occur or were predicted."""
    return float(np.nanmean(label_f1(counts)))
