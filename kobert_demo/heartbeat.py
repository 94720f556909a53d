"""A sign of life beside a run's worker, for the app servers on other machines."""

import logging
import threading
from contextlib import AbstractContextManager
from functools import partial

from kobert_demo.beside import beside
from kobert_demo.errors import KobertDemoError
from kobert_demo.store import RunStore

BEAT = 5.0  # seconds

log = logging.getLogger(__name__)


def beating(store: RunStore, run: str) -> AbstractContextManager[None]:
    """Touch a run every few seconds for as long as the block lasts."""
    return beside(partial(_beat, store, run))


def _beat(store: RunStore, run: str, over: threading.Event) -> None:
    while not over.wait(BEAT):
        try:
            store.touch(run)
        except KobertDemoError as problem:  # the database may be back at the next beat
            log.warning("%s", problem)
