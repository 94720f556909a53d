"""When a checkpoint is due, and how a run is left."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from kobert_demo import leaving
from kobert_demo.config import TrainingConfig
from kobert_demo.events import Evaluating, Event, Settled, TrainStep
from kobert_demo.leaving import Stopped, until_stopped

ROWS, CONFIG = (
    32,
    TrainingConfig(epochs=2, batch_size=16, checkpoint_minutes=100),
)  # two steps an epoch


def told() -> Iterator[Event]:
    """Two epochs, as the loop tells them on a CPU."""
    for step in range(1, 5):
        yield TrainStep(step, 1, 1.0, 1.0, 1.0, 1.0, 1, 1.0)
        yield Settled(step, step % 2 == 0, dict)
        if step % 2 == 0:
            yield Evaluating(step)
            yield Settled(step, False, dict)


def settled(events: list[Event]) -> list[tuple[int, bool]]:
    return [(event.step, event.owes_evaluation) for event in events if isinstance(event, Settled)]


def test_a_checkpoint_is_due_after_each_epoch() -> None:
    assert settled(list(until_stopped(told(), CONFIG, ROWS, lambda: False))) == [
        (2, False),
        (4, False),
    ]


def test_a_checkpoint_is_due_when_the_last_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(0, 1000, 40))  # between two looks at the clock
    monkeypatch.setattr(leaving.time, "monotonic", lambda: next(seconds))
    minutely = replace(CONFIG, checkpoint_minutes=1)
    found = settled(list(until_stopped(told(), minutely, ROWS, lambda: False)))
    assert found == [(2, True), (2, False), (4, True), (4, False)]


@pytest.mark.parametrize(
    ("looks", "last", "kept"),
    [
        (1, 1, [(1, False)]),
        (3, 2, [(2, True)]),  # within an evaluation: it is still owed
        (4, 2, [(2, False)]),  # after it: kept already
    ],
)
def test_who_is_asked_to_stop_tells_the_last_moment_that_was_settled(
    looks: int, last: int, kept: list[tuple[int, bool]]
) -> None:
    asked = iter([False] * (looks - 1) + [True])
    found: list[Event] = []
    with pytest.raises(Stopped):
        for event in until_stopped(told(), CONFIG, ROWS, lambda: next(asked)):
            found.append(event)  # noqa: PERF402
    assert found[-1].step == last
    assert settled(found) == kept
