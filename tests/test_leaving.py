"""When a checkpoint is due, and how a run is left."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from kobert_demo import leaving
from kobert_demo.config import TrainingConfig
from kobert_demo.events import Evaluating, Event, Settled, TrainStep
from kobert_demo.leaving import Stopped, until_stopped

ROWS = 32
CONFIG = TrainingConfig(epochs=2, batch_size=16, checkpoint_minutes=100)  # two steps an epoch


class Clock:
    """Time as the test lets it pass: in steps, and while a checkpoint is kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(leaving.time, "monotonic", lambda: self.now)

    def kept(
        self, config: TrainingConfig, step: float, checkpoint: float
    ) -> list[tuple[int, bool]]:
        """Return the moments at which a checkpoint is kept, of steps and checkpoints of so many seconds."""
        found = []
        events = self._passing(told(config.epochs), step)
        for event in until_stopped(events, config, ROWS, lambda: False):
            if isinstance(event, Settled):
                found.append((event.step, event.owes_evaluation))
                self.now += checkpoint
        return found

    def _passing(self, events: Iterator[Event], step: float) -> Iterator[Event]:
        for event in events:
            self.now += step * isinstance(event, TrainStep)
            yield event


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def told(epochs: int = 2) -> Iterator[Event]:
    """What the loop tells on a CPU."""
    for step in range(1, 2 * epochs + 1):
        yield TrainStep(step, 1, 1.0, 1.0, 1.0, 1.0, 1, 1.0)
        yield Settled(step, step % 2 == 0, dict)
        if step % 2 == 0:
            yield Evaluating(step)
            yield Settled(step, False, dict)


def settled(events: list[Event]) -> list[tuple[int, bool]]:
    return [(event.step, event.owes_evaluation) for event in events if isinstance(event, Settled)]


def test_a_checkpoint_is_due_after_each_epoch_with_another_to_come(clock: Clock) -> None:
    three = replace(CONFIG, epochs=3)
    assert clock.kept(three, step=40, checkpoint=0.5) == [(2, False), (4, False)]


def test_the_ends_of_short_epochs_keep_so_few_that_they_take_a_hundredth(clock: Clock) -> None:
    many = replace(CONFIG, epochs=100)
    kept = clock.kept(many, step=2.5, checkpoint=0.12)
    assert kept == [(step, False) for step in range(2, 200, 6)]  # every 15 s, of epochs of 5 s
    assert clock.kept(many, step=2.5, checkpoint=10) == [(2, False)]


def test_a_checkpoint_is_due_when_the_last_is_old_however_long_it_takes(clock: Clock) -> None:
    minutely = replace(CONFIG, epochs=3, checkpoint_minutes=1)
    assert clock.kept(minutely, step=40, checkpoint=0) == [
        (2, True),
        (2, False),
        (4, True),
        (4, False),
        (6, True),
    ]
    assert clock.kept(minutely, step=40, checkpoint=1) == [
        (2, True),
        (4, True),
        (6, True),
    ]


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
