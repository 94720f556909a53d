"""The process of a run on a Ray cluster: its driver, through the deaths of workers and their machines.

It stays on the app's machine and keeps there what `worker` keeps. Where the cluster loses a part of the
run, it goes back to the last checkpoint, and has the rest of the cluster go on from there.
"""

import logging
import time
from contextlib import ExitStack
from copy import deepcopy
from typing import TYPE_CHECKING

from kobert_demo.errors import NotNow
from kobert_demo.failures import known
from kobert_demo.imports import quick_imports
from kobert_demo.language import Message
from kobert_demo.model_files import find_model
from kobert_demo.ray_cluster import ClusterLost, check_room, check_size, connected
from kobert_demo.runs import Runs, place_of
from kobert_demo.storage import fetch_kept, storage_of
from kobert_demo.store import Status
from kobert_demo.worker import Worker

if TYPE_CHECKING:
    from kobert_demo.run_start import RunStart

PAUSE = 2.0  # seconds between two looks at a cluster that has no room
MOST_LOSSES = 3  # in a row without a checkpoint between them: then it is not the cluster's fault

log = logging.getLogger("kobert_demo")


class ClusterWorker(Worker):
    """One run on a Ray cluster, from its place in the queue to its end."""

    def __init__(self, runs: Runs, run: str) -> None:
        super().__init__(runs, run)
        self._place = place_of(self._record)
        self._connection = ExitStack()
        self._lost_at: int | None = None
        self._size = (self._place.processes, self._place.gpus)

    def _wait(self) -> bool:
        """Return True when it is this run's turn and the cluster has room, False when it was stopped."""
        while not self._stopping():
            if self._store.run(self._run).waiting == 1 and self._reaches_cluster(new=True):
                if self._store.claim(self._run):
                    self._store.set_notice(self._run, None)
                    return True
                self._connection.close()
            time.sleep(PAUSE)
            self._runs.list()  # a dead worker at the head of the queue must not block it
        return False

    def _reaches_cluster(self, new: bool = False) -> bool:
        """Connect to the cluster where it can take the run now; else say on its page what is in the way.

        Args:
            new: whether the run begins; later, a part of the cluster may be away for a while.

        Raises:
            RunError: it never can, or the run does not wait.
        """
        try:
            with ExitStack() as connection:
                connection.enter_context(connected(self._place.address))
                if new:
                    check_size(*self._size)
                check_room(*self._size)
                self._connection = connection.pop_all()
        except NotNow as problem:
            if not self._place.waits:
                raise
            self._say(problem.messages[0])
            return False
        return True

    def _say(self, notice: Message) -> None:
        if str(notice) != str(self._store.run(self._run).notice):
            log.warning("%s", notice)
            self._store.set_notice(self._run, notice)

    def _train(self) -> Status:
        self._look_at(find_model(self._record["weights"]))
        losses, last = 0, -1
        while True:
            start = self._start()
            step = start.state["step"] if start.state else 0
            losses, last = (losses + 1 if step == last else 0), step
            if self._lost_at is not None:
                self._say(_gone_on(self._lost_at, step))
            try:
                with self._connection:
                    return self._attempt(start)
            except ClusterLost as lost:
                self._lost_at = self._store.run(self._run).step
                cause = lost.problem
                log.warning("%s", cause)
                if known(cause) or losses == MOST_LOSSES:
                    raise cause from None
            if not self._comes_back():
                return "stopped"

    def _start(self) -> "RunStart":
        with quick_imports():
            from kobert_demo.run_start import run_start

        if storage := storage_of(self._place, self._run):
            fetch_kept(storage, self._directory)
        return run_start(self._runs, self._run, "cpu", self._watched)

    def _attempt(self, start: "RunStart") -> Status:
        """Train from the last checkpoint to the end, or until a part of the cluster is lost."""
        import torch

        from kobert_demo.ray_training import Work, train_on_cluster

        log.info("training on %s with %d workers", self._place.address, self._place.processes)
        model, data = start.model, (start.train_data, start.test_data)
        work = Work(model, torch.get_rng_state(), *data, start.config, start.state)
        kept = deepcopy(model)
        events = train_on_cluster(work, kept, *self._size, self._stopping)
        return self._take(events, start, kept)

    def _comes_back(self) -> bool:
        """Wait until the cluster has room again, and return True; False where the run was stopped."""
        while not self._stopping():
            time.sleep(PAUSE)  # what the run had is free a moment later
            if self._reaches_cluster():
                return True
        return False


def _gone_on(lost: int, step: int) -> Message:
    return Message(
        "The Ray cluster lost a worker or a machine of this run at step {lost}: it went on from step "
        "{step}.",
        {"lost": lost, "step": step},
    )
