"""Several runs -> where they differ: curves over one axis, settings, figures with their uncertainty."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kobert_demo.curves import MOST_POINTS, Table
from kobert_demo.metrics import Counts, label_f1
from kobert_demo.store import Run, RunStore

Axis = Literal["step", "epoch", "time"]
AXES: tuple[Axis, ...] = ("step", "epoch", "time")
Figures = NDArray[np.float64]
RESAMPLES = 2_000
CELLS_AT_ONCE = 2**21  # counts held at a time while resampling: 16 MiB


@dataclass(frozen=True)
class Difference:
    """How much one figure is above another, with the 95 % interval from `low` to `high`."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def accuracies(counts: Counts) -> Figures:
    """Return the accuracy of each of the `counts`, (..., labels, labels)."""
    right: Figures = counts.trace(axis1=-2, axis2=-1) / counts.sum((-2, -1))
    return right


def macro_f1s(counts: Counts) -> Figures:
    """Return the macro-F1 of each of the `counts`, (..., labels, labels)."""
    means: Figures = np.nanmean(label_f1(counts), axis=-1)
    return means


def difference(
    first: Counts, other: Counts, figure: Callable[[Counts], Figures], seed: int = 0
) -> Difference:
    """Return how much higher a figure is for `other` than for `first`, with a bootstrap interval.

    Both are resampled on their own, each with as many sentences as it was tested on, which is drawing
    from a multinomial over the cells of its confusion counts; the interval holds the middle 95 % of the
    differences (percentile bootstrap: Efron & Tibshirani, An Introduction to the Bootstrap, 1993,
    chapter 13). It is unpaired: that two models err on the same sentences is not used, and therefore it
    is wider than a paired one would be.

    Args:
        first, other: confusion counts, (labels, labels), of as many labels as there are.
        figure: `accuracies` or `macro_f1s`.
        seed: the same counts and seed give the same interval.
    """
    random = np.random.default_rng(seed)
    drawn = [_resampled(counts, figure, random) for counts in (first, other)]
    low, high = np.quantile(drawn[1] - drawn[0], (0.025, 0.975)).tolist()
    return Difference(float(figure(other) - figure(first)), low, high)


def _resampled(
    counts: Counts, figure: Callable[[Counts], Figures], random: np.random.Generator
) -> Figures:
    """Return the figure of `RESAMPLES` draws of as many sentences with replacement."""
    cells = np.flatnonzero(counts)  # few, where there are many labels
    share = counts.ravel()[cells] / counts.sum()
    chunk = max(1, CELLS_AT_ONCE // counts.size)
    figures = []
    for done in range(0, RESAMPLES, chunk):
        draws = np.zeros((min(chunk, RESAMPLES - done), counts.size), np.int64)
        draws[:, cells] = random.multinomial(int(counts.sum()), share, len(draws))
        figures.append(figure(draws.reshape(-1, *counts.shape)))
    return np.concatenate(figures)


def best_counts(store: RunStore, run: Run) -> Counts | None:
    """Return the confusion counts of a run's best evaluation, (labels, labels); None before the first."""
    if run.best_step is None:
        return None
    return np.array(store.evaluations(run.run, after=run.best_step - 1)[0]["confusion"])


def f1_of_labels(run: Run, counts: Counts | None) -> dict[str, float | None]:
    """Return the F1 of each of a run's labels; None where it was neither there nor predicted."""
    if counts is None:
        return {}
    figures = label_f1(counts).tolist()
    return {
        label: None if np.isnan(f1) else f1
        for label, f1 in zip(run.record["labels"], figures, strict=True)
    }


def same_test_data(runs: Sequence[Run]) -> bool:
    """Say whether all runs were tested on the very same sentences."""
    return len({run.record.get("data", {}).get("test_sha256") for run in runs}) == 1


def curve(
    store: RunStore, run: Run, table: Table, column: str, axis: Axis
) -> tuple[list[float], list[float | None]]:
    """Return a run's values of one column over steps, epochs, or seconds of training, thinned."""
    steps, values = store.curve(run.run, table, column, most=MOST_POINTS)
    if axis == "time":
        known, seconds = store.curve(run.run, "steps", "seconds", most=MOST_POINTS)
        return np.interp(steps, known, np.array(seconds, float)).tolist() if known else [], values
    epochs = run.record["config"]["epochs"]
    return [step if axis == "step" else step * epochs / run.steps for step in steps], values


def sorted_settings(facts: Sequence[Mapping[str, str]]) -> tuple[list[str], list[str]]:
    """Return the names of the settings in which runs differ, and of those in which they do not."""
    names = list(dict.fromkeys(name for one in facts for name in one))
    differing = [name for name in names if len({one.get(name) for one in facts}) > 1]
    return differing, [name for name in names if name not in differing]
