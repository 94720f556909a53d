"""Scores -> how far confidence can be taken at its word, without and with a temperature."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kobert_demo.calibration import Reliability, cross_fitted, fit_temperature, reliability, softmax
from kobert_demo.evaluation.scoring import Scored


@dataclass(frozen=True, eq=False)
class Honesty:
    """How honest the probabilities are.

    Attributes:
        before: of the bare logits, without any temperature.
        after: with the temperature of the bundle, or with the one proposed where it has none.
        temperature: the one that fits these sentences best, over the bare logits.
        cross_fitted: `after` was judged on tenths with the temperature that fits the other nine, because
            the same sentences serve to fit and to judge.
    """

    before: Reliability
    after: Reliability
    temperature: float
    cross_fitted: bool


def honesty(scored: Scored) -> Honesty:
    """Return how honest a classifier's probabilities are on these sentences."""
    bare: NDArray[np.float64] = scored.logits.astype(np.float64) * scored.temperature
    other = scored.temperature != 1 and scored.fitted_on != scored.data.sha256
    shares = scored.probabilities if other else cross_fitted(bare, scored.true)
    return Honesty(
        reliability(softmax(bare), scored.true),
        reliability(shares, scored.true),
        fit_temperature(bare, scored.true),
        not other,
    )
