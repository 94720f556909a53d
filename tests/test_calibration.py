"""Temperatures and calibration errors of made-up classifiers whose honesty is known."""

import numpy as np
import pytest

from kobert_demo.calibration import (
    calibration_error,
    cross_fitted_error,
    fit_temperature,
    softmax,
)

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(0, 2, (20_000, 4))
HONEST = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
LABELS = np.array([RANDOM.choice(4, p=row) for row in HONEST])


@pytest.mark.parametrize("boast", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_made_a_model_boast(boast: float) -> None:
    assert fit_temperature(LOGITS * boast, LABELS) == pytest.approx(boast, rel=0.05)


def test_honest_probabilities_have_no_error_and_boasting_ones_have() -> None:
    assert calibration_error(HONEST, LABELS) < 0.02
    certain = np.eye(4)[HONEST.argmax(1)]
    wrong = (HONEST.argmax(1) != LABELS).mean()
    assert calibration_error(certain, LABELS) == pytest.approx(wrong)


def test_fitting_and_judging_on_tenths_is_a_little_less_kind_than_on_the_same() -> None:
    few, labels = LOGITS[:1_000] * 3, LABELS[:1_000]
    kind = calibration_error(softmax(few / fit_temperature(few, labels)), labels)
    assert kind < cross_fitted_error(few, labels) < kind + 0.03
    assert cross_fitted_error(few, labels) < calibration_error(softmax(few), labels) / 3


def test_the_error_is_that_of_a_calculation_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.45, 0.55]])
    labels = np.array([0, 1, 1, 0])
    expected = (abs(0.9 - 0.5) * 2 + abs(0.7 - 1) + abs(0.55 - 0)) / 4
    assert calibration_error(probabilities, labels) == pytest.approx(expected)
