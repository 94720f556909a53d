"""When a checkpoint is kept, and when a run is left: beside the training loop, wherever that runs."""

import time
from collections.abc import Callable, Iterator

from kobert_demo.config import TrainingConfig
from kobert_demo.events import Event, Settled, TrainStep


class Stopped(Exception):
    """The run was asked to stop."""


def until_stopped(
    events: Iterator[Event], config: TrainingConfig, rows: int, stopping: Callable[[], bool]
) -> Iterator[Event]:
    """Yield the events of `train`; of each `Settled`, only those at which a checkpoint is due.

    That is after each epoch, and when the last one is older than `config.checkpoint_minutes`.

    Args:
        rows: how many sentences are trained on.

    Raises:
        Stopped: `stopping` said so; the last `Settled` has been told.
    """
    per_epoch, seconds = config.steps_per_epoch(rows), 60 * config.checkpoint_minutes
    kept_at, withheld = time.monotonic(), None
    for event in events:
        if isinstance(event, Settled):
            withheld = event
            ended = event.step % per_epoch == 0 and not event.owes_evaluation
            if ended or time.monotonic() - kept_at > seconds:
                kept_at, withheld = time.monotonic(), None
                yield event
        else:
            yield event
        if not isinstance(event, TrainStep) and stopping():
            if withheld:
                yield withheld
            raise Stopped
