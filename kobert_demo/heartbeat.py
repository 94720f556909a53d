"""A sign of life beside a run's worker, for the app servers on other machines.

Who is not heard of for a minute is taken for lost, and the run may go on elsewhere. So that no two train
it, a worker ends at once when it cannot reach the database for as long, or finds its run lost.
"""

import logging
import os
import threading
import time
from contextlib import AbstractContextManager
from functools import partial

from kobert_demo.beside import beside
from kobert_demo.errors import KobertDemoError
from kobert_demo.store import RunStore

BEAT = 5.0  # seconds
MOST_SILENCE = 60.0  # seconds

log = logging.getLogger(__name__)


def beating(store: RunStore, run: str) -> AbstractContextManager[None]:
    """Touch a run every few seconds for as long as the block lasts."""
    return beside(partial(_beat, store, run))


def _beat(store: RunStore, run: str, over: threading.Event) -> None:
    heard = time.monotonic()
    while not over.wait(BEAT):
        try:
            if not store.touch(run):
                _end("the run was taken for lost")
            heard = time.monotonic()
        except KobertDemoError as problem:  # the database may be back at the next beat
            log.warning("%s", problem)
            if time.monotonic() - heard > MOST_SILENCE:
                _end("the database was out of reach for %d seconds", MOST_SILENCE)


def _end(why: str, *values: object) -> None:
    """End the process in the middle of a step: the last checkpoint is whole."""
    log.error(f"this worker ends: {why}", *values)
    os._exit(1)
