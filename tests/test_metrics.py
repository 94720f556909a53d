"""The figures, against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from kobert_demo import metrics


@pytest.mark.parametrize("labels", [2, 3, 7, 40])
def test_figures_equal_scikit_learn(labels: int) -> None:
    random = np.random.default_rng(labels)
    true, predicted = random.integers(0, labels, (2, 100))
    counts = metrics.confusion(true, predicted, labels)
    assert (counts == confusion_matrix(true, predicted, labels=range(labels))).all()
    assert metrics.accuracy(counts) == pytest.approx(accuracy_score(true, predicted))
    expected = f1_score(true, predicted, average="macro", zero_division=0)
    assert metrics.macro_f1(counts) == pytest.approx(expected)


def test_labels_that_never_occur_do_not_lower_macro_f1() -> None:
    true = predicted = np.array([0, 2])
    assert metrics.macro_f1(metrics.confusion(true, predicted, 5)) == 1.0
