"""Logits and true labels -> a temperature that makes probabilities honest, and how honest they are.

Temperature scaling divides all logits by one number: the predicted label stays, the confidence changes
(Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599, section 4.2).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TENTHS = 10
BINS = 10  # with more, a few hundred examples show mostly noise
TEMPERATURES = np.geomspace(0.2, 5.0, 400)  # a percent apart, finer than any data set can tell


@dataclass(frozen=True, eq=False)
class Reliability:
    """How often answers of like confidence are right: the bars of a reliability diagram.

    Attributes:
        counts: (bins) answers in each of ten equal ranges of confidence, the last one up to 1.
        confidence, accuracy: (bins) their mean confidence and the share of right ones; 0 where none is.
    """

    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error, 0 to 1: |confidence - accuracy|, weighted by the counts."""
        return float(np.abs(self.confidence - self.accuracy) @ self.counts / self.counts.sum())


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Return the temperature with the smallest calibration error.

    (Guo et al. take the one with the lowest cross-entropy, which punishes a few boasting mistakes more
    than it rewards honesty on the whole: on our comments it left a larger error.)

    Args:
        logits: (examples, labels); labels: (examples). Neither may have been trained on.
    """
    gaps = _gaps(logits, labels).sum(1)
    return float(TEMPERATURES[int(np.abs(gaps).sum(-1).argmin())])


def cross_fitted(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the probabilities with, for each tenth, the temperature that fits the other nine.

    So all of the few examples that were not trained on can be used to fit and to judge.
    """
    gaps = _gaps(logits, labels)
    others = np.abs(gaps.sum(1, keepdims=True) - gaps).sum(-1)  # (temperatures, tenths)
    temperatures = TEMPERATURES[others.argmin(0)][_tenths(len(labels))]
    return softmax(logits / temperatures[:, None])


def cross_fitted_error(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Return the calibration error of the cross-fitted probabilities."""
    return calibration_error(cross_fitted(logits, labels), labels)


def _tenths(rows: int) -> NDArray[np.int64]:
    return np.arange(rows) % TENTHS


def _gaps(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the sum of confidence - accuracy at each temperature: (temperatures, tenths, bins)."""
    right = logits.argmax(1) == labels
    below = (logits - logits.max(1, keepdims=True)).astype(np.float32)  # twice as quick
    tenths = _tenths(len(labels)) * BINS
    sums = []
    for temperature in TEMPERATURES:
        confidence = 1 / np.exp(below / np.float32(temperature)).sum(1)
        places = tenths + _places(confidence)
        sums.append(np.bincount(places, confidence - right, TENTHS * BINS))
    return np.reshape(sums, (len(TEMPERATURES), TENTHS, BINS))


def _places(confidence: NDArray[np.floating]) -> NDArray[np.int64]:
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    shares = np.exp(np.asarray(logits, np.float64) - logits.max(1, keepdims=True))
    return np.asarray(shares / shares.sum(1, keepdims=True))


def reliability(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> Reliability:
    """Return how often answers of like confidence are right.

    Args:
        probabilities: (examples, labels); labels: (examples).
    """
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    places = _places(confidence)
    counts = np.bincount(places, minlength=BINS)
    some = np.maximum(counts, 1)
    return Reliability(
        counts,
        np.bincount(places, confidence, BINS) / some,
        np.bincount(places, right, BINS) / some,
    )


def calibration_error(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Return the expected calibration error of probabilities, 0 to 1."""
    return reliability(probabilities, labels).error
