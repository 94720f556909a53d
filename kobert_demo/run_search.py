"""All runs -> those that somebody looks for, in the order that they ask for."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kobert_demo.store import Run

ORDERS: dict[str, Callable[[Run], Any]] = {
    "newest": lambda run: -run.created_at,
    "macro_f1": lambda run: -_figure(run.macro_f1),
    "accuracy": lambda run: -_figure(run.accuracy),
    "longest": lambda run: -run_seconds(run),
    "name": lambda run: run.name.casefold(),
}


@dataclass(frozen=True)
class Search:
    """What a run must have to be found.

    Attributes:
        words: each stands somewhere in its name, model, data, tags, note or id; capitals do not count.
        statuses, models: it has one of these, where any are given.
        tags: it has all of these.
    """

    words: str = ""
    statuses: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()

    def finds(self, run: Run) -> bool:
        said = " ".join((run.name, model_of(run), data_of(run), *run.tags, run.note, run.run))
        return (
            all(word in said.casefold() for word in self.words.casefold().split())
            and (not self.statuses or run.status in self.statuses)
            and (not self.models or model_of(run) in self.models)
            and self.tags <= set(run.tags)
        )


def found(runs: Iterable[Run], search: Search, order: str = "newest") -> list[Run]:
    """Return the runs that a search finds, sorted by one of `ORDERS`; equals the newest first."""
    newest = sorted(filter(search.finds, runs), key=ORDERS["newest"])
    return sorted(newest, key=ORDERS[order])


def model_of(run: Run) -> str:
    model: str = run.record["config"]["model"]
    return model


def data_of(run: Run) -> str:
    """Return the name of what a run was trained on; nothing where it was trained elsewhere."""
    name: str = run.record.get("data", {}).get("name", "")
    return name


def run_seconds(run: Run) -> float:
    """Return how long a run has been at work, evaluations included, over all its starts."""
    if run.started_at is None:
        return run.spent
    return run.spent + (run.ended_at or time.time()) - run.started_at


def _figure(value: float | None) -> float:
    return -1.0 if value is None else value
