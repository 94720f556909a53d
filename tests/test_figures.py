"""Figures beside those of other answers: scikit-learn's, quick, and chance is called chance."""

import time

import numpy as np
import pytest
from sklearn import metrics as oracle

from kobert_demo.evaluation.figures import compare, label_figures


@pytest.mark.parametrize("labels", [2, 7, 200])
def test_a_thousand_resamples_of_ten_thousand_sentences_are_quick(labels: int) -> None:
    random = np.random.default_rng(0)
    true = random.integers(0, labels, 10_000)
    said = np.where(random.random(10_000) < 0.6, true, random.integers(0, labels, 10_000))
    began = time.process_time()
    compared = compare(true, {"model": said, "other": np.zeros_like(true)}, labels)
    ours = time.process_time() - began
    began = time.process_time()
    for _ in range(20):
        oracle.f1_score(true[random.integers(0, 10_000, 10_000)], said, average="macro")
    assert ours < 50 * (time.process_time() - began)  # a thousand in a loop, for one of the two
    assert compared["model"].figures.macro_f1.value == pytest.approx(
        oracle.f1_score(true, said, average="macro"), abs=1e-5
    )


def test_only_what_is_better_by_both_figures_beats_and_chance_is_called_so() -> None:
    true = np.array([0] * 90 + [1] * 10)
    constant = np.zeros(100, int)
    spread = np.where(np.arange(100) < 15, 1, true)  # finds the rare label, is right less often
    compared = compare(true, {"model": spread, "majority": constant}, 2)["majority"]
    assert compared.ahead.macro_f1.value > 0
    assert not compared.beaten
    little = np.where(np.arange(100) == 90, 1, constant)
    compared = compare(true, {"model": little, "majority": constant}, 2)["majority"]
    assert compared.beaten
    assert not compared.clearly_beaten
    assert compare(true, {"model": true, "majority": constant}, 2)["majority"].clearly_beaten
    assert not compare(true, {"model": true, "same": true}, 2)["same"].beaten


def test_labels_that_neither_occur_nor_are_predicted_count_in_no_mean() -> None:
    true, said = np.array([0, 0, 3, 3, 3]), np.array([0, 4, 3, 3, 0])
    found = compare(true, {"model": said}, 9)["model"].figures
    for average in ("macro", "weighted"):
        expected = oracle.f1_score(true, said, average=average, zero_division=0)
        assert getattr(found, f"{average}_f1").value == pytest.approx(expected, abs=1e-6)


def test_the_figures_of_labels_that_do_not_occur_are_zero() -> None:
    figures = label_figures(np.array([[2, 0, 0], [1, 0, 0], [0, 0, 0]]))
    assert figures.precision == pytest.approx([2 / 3, 0, 0])
    assert figures.recall == pytest.approx([1, 0, 0])
    assert list(figures.support) == [2, 1, 0]
