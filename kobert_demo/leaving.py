"""When a checkpoint is kept, and when a run is left: beside the training loop, wherever that runs."""

import time
from collections.abc import Callable, Iterator

from kobert_demo.config import TrainingConfig
from kobert_demo.events import Event, Settled, TrainStep

SPARED = 100  # for so many times as long as it took, a checkpoint spares an epoch's end another


class Stopped(Exception):
    """The run was asked to stop."""


def until_stopped(
    events: Iterator[Event], config: TrainingConfig, rows: int, stopping: Callable[[], bool]
) -> Iterator[Event]:
    """Yield the events of `train`; of each `Settled`, only those at which a checkpoint is due.

    That is after each epoch with another to come, unless checkpoints would take more than a hundredth of
    the time, and when the last one is older than `config.checkpoint_minutes`. What one takes is the time
    until the event after it is asked for.

    Args:
        rows: how many sentences are trained on.

    Raises:
        Stopped: `stopping` said so; the last `Settled` has been told.
    """
    per_epoch, seconds = config.steps_per_epoch(rows), 60 * config.checkpoint_minutes
    last, kept_at, took, withheld = config.epochs * per_epoch, time.monotonic(), 0.0, None
    for event in events:
        if isinstance(event, Settled):
            withheld, age = event, time.monotonic() - kept_at
            ended = event.step % per_epoch == 0 and not event.owes_evaluation
            if age > seconds or (ended and event.step < last and age >= SPARED * took):
                kept_at, withheld = time.monotonic(), None
                yield event
                took = time.monotonic() - kept_at
        else:
            yield event
        if not isinstance(event, TrainStep) and stopping():
            if withheld:
                yield withheld
            raise Stopped
