"""Logits and true labels -> a temperature that makes probabilities honest, and how honest they are.

Temperature scaling divides all logits by one number: the predicted label stays, the confidence changes
(Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599, section 4.2).
"""

import numpy as np
from numpy.typing import NDArray

BINS = 10  # with more, a few hundred examples show mostly noise
TEMPERATURES = np.geomspace(0.2, 5.0, 400)  # a percent apart, finer than any data set can tell


def fit_temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the temperature with the smallest calibration error.

    (Guo et al. take the one with the lowest cross-entropy, which punishes a few boasting mistakes more
    than it rewards honesty on the whole: on our comments it left a larger error.)

    Args:
        logits: (examples, labels); labels: (examples). Neither may have been trained on.
    """
    errors = [calibration_error(softmax(logits / t), labels) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(errors))])


def cross_fitted_error(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the calibration error with, for each tenth, the temperature that fits the other nine.

    So all of the few examples that were not trained on can be used to fit and to judge.
    """
    shares = np.empty_like(logits)
    tenth = np.arange(len(labels)) % 10
    for number in range(10):
        others = tenth != number
        temperature = fit_temperature(logits[others], labels[others])
        shares[~others] = softmax(logits[~others] / temperature)
    return calibration_error(shares, labels)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(shares / shares.sum(1, keepdims=True))


def calibration_error(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the expected calibration error, 0 to 1: |confidence - accuracy| over ten equal bins.

    Args:
        probabilities: (examples, labels); labels: (examples).
    """
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    places = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(places, confidence - right, BINS)
    return float(np.abs(gaps).sum() / len(labels))
