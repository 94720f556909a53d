"""Several runs -> where they differ: curves over one axis, settings, figures with their uncertainty."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kobert_demo.bundle import read_answers
from kobert_demo.curves import MOST_POINTS, Table
from kobert_demo.evaluation.figures import Figures, compare, unpaired
from kobert_demo.metrics import Counts, confusion, label_f1
from kobert_demo.runs import Runs
from kobert_demo.store import Run, RunStore

Axis = Literal["step", "epoch", "time"]
AXES: tuple[Axis, ...] = ("step", "epoch", "time")


@dataclass(frozen=True)
class Ahead:
    """How far one run is ahead of another, and whether both were held to the same resampled sentences."""

    figures: Figures
    paired: bool


def ahead(runs: Runs, first: Run, other: Run, counts: tuple[Counts, Counts]) -> Ahead:
    """Return how far `other` is ahead of `first`.

    It is paired where both were tested on the same sentences and their bundles hold the answers: that
    two models err on the same sentences then makes the interval as narrow as it is.

    Args:
        counts: the `best_counts` of both.
    """
    answers = [_answers(runs, first, counts[0]), _answers(runs, other, counts[1])]
    labels = first.record["labels"]
    if (
        answers[0] is None
        or answers[1] is None
        or not same_test_data([first, other])
        or labels != other.record["labels"]
    ):
        return Ahead(unpaired(counts[0], counts[1]), paired=False)
    said = {"other": answers[1][1], "first": answers[0][1]}
    return Ahead(compare(answers[0][0], said, len(labels))["first"].ahead, paired=True)


def _answers(runs: Runs, run: Run, counts: Counts) -> NDArray[np.int64] | None:
    """Return the answers that were counted, (2, sentences); None where the bundle holds no such ones."""
    answers = read_answers(runs.directory(run.run) / run.bundle) if run.bundle else None
    if answers is None or not (confusion(answers[0], answers[1], len(counts)) == counts).all():
        return None  # it may be about to be replaced
    return answers


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
    store: RunStore, run: Run, table: Table, column: str, axis: Axis, after: float = -1
) -> tuple[list[float], list[float | None]]:
    """Return a run's values of one column over steps, epochs, or seconds of training, thinned.

    Args:
        after: only what lies past this place on the axis.
    """
    steps, values = store.curve(run.run, table, column, most=MOST_POINTS)
    places = _places(store, run, steps, axis)
    begin = bisect_right(places, after)
    return places[begin:], values[begin:]


def _places(store: RunStore, run: Run, steps: list[int], axis: Axis) -> list[float]:
    """Return where steps lie on the axis."""
    if axis == "time":
        known, seconds = store.curve(run.run, "steps", "seconds", most=MOST_POINTS)
        return np.interp(steps, known, np.array(seconds, float)).tolist() if known else []
    epochs = run.record["config"]["epochs"]
    return [step if axis == "step" else step * epochs / run.steps for step in steps]


def sorted_settings(facts: Sequence[Mapping[str, str]]) -> tuple[list[str], list[str]]:
    """Return the names of the settings in which runs differ, and of those in which they do not."""
    names = list(dict.fromkeys(name for one in facts for name in one))
    differing = [name for name in names if len({one.get(name) for one in facts}) > 1]
    return differing, [name for name in names if name not in differing]
