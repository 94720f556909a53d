"""A sign of life beside a run's worker, for the app servers on other machines."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kobert_demo.errors import KobertDemoError
from kobert_demo.store import RunStore

BEAT = 5.0  # seconds

log = logging.getLogger(__name__)


@contextmanager
def beating(store: RunStore, run: str) -> Iterator[None]:
    """Touch a run every few seconds for as long as the block lasts."""
    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(store, run, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


def _beat(store: RunStore, run: str, over: threading.Event) -> None:
    while not over.wait(BEAT):
        try:
            store.touch(run)
        except KobertDemoError as problem:  # the database may be back at the next beat
            log.warning("%s", problem)
