"""True and predicted labels -> accuracy and F1 with bootstrap intervals, and the figures of each label.

Definitions follow scikit-learn's `accuracy_score`, `f1_score` and `precision_recall_fscore_support` with
`zero_division=0`. Intervals are percentiles of a bootstrap over sentences (Efron and Tibshirani 1993, "An
Introduction to the Bootstrap", chapter 13).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from kobert_demo.metrics import Counts

RESAMPLES = 1000
PERCENTILES = (2.5, 97.5)  # the middle 95 %
AT_ONCE = 4_000_000  # counts drawn together: 32 MB

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Figures:
    """The figures of one classifier, or how far one is ahead of another."""

    accuracy: Estimate
    macro_f1: Estimate
    weighted_f1: Estimate


@dataclass(frozen=True)
class Compared:
    """A classifier's figures, and how far the first one is ahead of it on the same sentences."""

    figures: Figures
    ahead: Figures

    @property
    def beaten(self) -> bool:
        """Whether the first one is better by accuracy and by macro-F1."""
        return self.ahead.accuracy.value > 0 and self.ahead.macro_f1.value > 0

    @property
    def clearly_beaten(self) -> bool:
        """Whether it still is at the low ends of both 95 % intervals."""
        return self.ahead.accuracy.low > 0 and self.ahead.macro_f1.low > 0


@dataclass(frozen=True, eq=False)
class LabelFigures:
    """Precision, recall and F1 (labels), 0 where undefined; support: sentences of each label."""

    precision: Numbers
    recall: Numbers
    f1: Numbers
    support: Counts


def label_figures(counts: Counts) -> LabelFigures:
    """Return the figures of each label from confusion counts."""
    hits, true, predicted = counts.diagonal(), counts.sum(1), counts.sum(0)
    return LabelFigures(
        hits / np.maximum(predicted, 1),
        hits / np.maximum(true, 1),
        2 * hits / np.maximum(true + predicted, 1),
        true,
    )


def compare(
    true: NDArray[np.integer], answers: Mapping[str, NDArray[np.integer]], labels: int
) -> dict[str, Compared]:
    """Return the figures of several classifiers on the same sentences, the first one ahead of each.

    All are judged on the same resamples, so the differences are those of pairs.

    Args:
        true: label ids (sentences); answers: for each classifier's name its predicted ids (sentences).
    """
    columns = np.stack([true, *answers.values()])  # (1 + classifiers, sentences)
    kinds, repeats = np.unique(columns, axis=1, return_counts=True)
    exact = _figures(kinds, repeats[None].astype(np.float32), labels)[0]
    drawn = _drawn(kinds, repeats, labels)
    return {
        name: Compared(
            _estimates(exact[place], drawn[:, place]),
            _estimates(exact[0] - exact[place], drawn[:, 0] - drawn[:, place]),
        )
        for place, name in enumerate(answers)
    }


def unpaired(first: Counts, other: Counts) -> Figures:
    """Return how far another classifier is ahead of a first one, each judged on sentences of its own.

    They are resampled independently: where both knew the same sentences, the intervals of `compare` are
    narrower.

    Args:
        first, other: confusion counts, each (labels, labels) of as many labels as there are.
    """
    exact, drawn = [], []
    for seed, counts in enumerate((first, other)):
        kinds, repeats = np.array(counts.nonzero()), counts[counts > 0]
        exact.append(_figures(kinds, repeats[None].astype(np.float32), len(counts))[0, 0])
        drawn.append(_drawn(kinds, repeats, len(counts), seed)[:, 0])
    return _estimates(exact[1] - exact[0], drawn[1] - drawn[0])


def _drawn(kinds: NDArray[np.integer], repeats: Counts, labels: int, seed: int = 0) -> Numbers:
    """Return the figures of each resample: (resamples, classifiers, figures).

    Sentences with the same true and predicted labels are drawn together, as counts: it is the same
    bootstrap, and takes no longer for more sentences.
    """
    random = np.random.default_rng(seed)
    rows = int(repeats.sum())
    size = max(1, AT_ONCE // len(repeats))
    return np.concatenate(
        [
            _figures(
                kinds,
                random.multinomial(rows, repeats / rows, min(size, RESAMPLES - start)).astype(
                    np.float32
                ),
                labels,
            )
            for start in range(0, RESAMPLES, size)
        ]
    )


def _figures(kinds: NDArray[np.integer], weights: NDArray[np.float32], labels: int) -> Numbers:
    """Return accuracy, macro-F1 and weighted F1: (samples, classifiers, 3).

    Args:
        kinds: (1 + classifiers, kinds) true label and each classifier's label of a kind of sentence.
        weights: (samples, kinds) how many sentences of each kind a sample has.
    """
    identity = np.eye(labels, dtype=np.float32)
    true = weights @ identity[kinds[0]]  # (samples, labels)
    figures = []
    for answer in kinds[1:]:
        hits = weights @ (identity[answer] * (answer == kinds[0])[:, None])
        either = true + weights @ identity[answer]
        f1 = 2 * hits / np.maximum(either, 1)
        total = true.sum(1)
        macro = f1.sum(1) / (either > 0).sum(1)
        figures.append([hits.sum(1) / total, macro, (f1 * true).sum(1) / total])
    return np.asarray(figures, np.float64).transpose(2, 0, 1)


def _estimates(exact: Numbers, drawn: Numbers) -> Figures:
    low, high = np.percentile(drawn, PERCENTILES, axis=0)
    names = [field.name for field in fields(Figures)]
    return Figures(
        **{
            name: Estimate(float(exact[place]), float(low[place]), float(high[place]))
            for place, name in enumerate(names)
        }
    )
