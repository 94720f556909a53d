"""Logits and true labels -> a temperature that makes probabilities honest, and how honest they are.

Temperature scaling divides all logits by one number: the predicted label stays, the confidence changes
(Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599, section 4.2).
"""

import numpy as np
from numpy.typing import NDArray

BINS = 15
TEMPERATURES = np.geomspace(0.2, 5.0, 400)  # a percent apart, finer than any data set can tell


def fit_temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the temperature with the lowest mean cross-entropy.

    Args:
        logits: (examples, labels); labels: (examples). Neither may have been trained on.
    """
    losses = []
    for temperature in TEMPERATURES:
        scaled = logits / temperature
        highest = scaled.max(1, keepdims=True)
        total = np.log(np.exp(scaled - highest).sum(1)) + highest[:, 0]
        losses.append((total - scaled[np.arange(len(labels)), labels]).mean())
    return float(TEMPERATURES[int(np.argmin(losses))])


def calibration_error(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the expected calibration error, 0 to 1: |confidence - accuracy| over 15 equal bins.

    Args:
        probabilities: (examples, labels); labels: (examples).
    """
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    places = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(places, confidence - right, BINS)
    return float(np.abs(gaps).sum() / len(labels))
