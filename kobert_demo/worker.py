"""`python -m kobert_demo.worker WORKSPACE RUN`: the process that trains one run.

It waits for its turn, introduces the training loop to the run store, and keeps the best model. Nobody
needs to be there: it outlives the page, the shell and the app that launched it.
"""

import logging
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from kobert_demo.config import TrainingConfig
from kobert_demo.device import devices, processes_on
from kobert_demo.errors import KobertDemoError, RunError
from kobert_demo.events import Evaluation, Event, Settled, TrainStep
from kobert_demo.failures import explain
from kobert_demo.heartbeat import beating
from kobert_demo.imports import quick_imports
from kobert_demo.language import Message
from kobert_demo.leaving import Stopped, until_stopped
from kobert_demo.members import gathered, share_threads
from kobert_demo.model_files import ModelFiles, find_model
from kobert_demo.notification import notify
from kobert_demo.runs import Runs, place_of
from kobert_demo.store import Row, Status
from kobert_demo.system import sampled
from kobert_demo.verify import verify_once

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from kobert_demo.keeper import Keeper
    from kobert_demo.run_start import RunStart

ROWS_A_LOOK = 2_000  # texts encoded between two looks at whether to stop
WAIT = 0.25  # seconds between two looks at the queue
LOOK = 0.2  # seconds between two looks at whether to stop
FLUSH = 0.2  # seconds that steps are held back, so that fast training is not one write a step
NICENESS = 10  # the app and its visitors come first

log = logging.getLogger("kobert_demo")


class Worker:
    """One run, from its place in the queue to its end.

    Args:
        runs: the workspace's runs.
        run: the id of a queued run.
    """

    def __init__(self, runs: Runs, run: str) -> None:
        self._runs, self._store, self._run = runs, runs.store, run
        self._directory = runs.directory(run)
        self._record: Row = runs.store.run(run).record
        self._config = TrainingConfig(**self._record["config"])
        self._leaves, self._looked_at = threading.Event(), -math.inf
        self._devices: list[str] = []
        self._unwritten: list[Row] = []
        self._flushed_at = 0.0
        signal.signal(signal.SIGTERM, self._terminate)

    def work(self) -> None:
        """Train the run when its turn comes, and write down how it ended."""
        status: Status = "failed"
        error: Message | None = None
        try:
            status = self._train() if self._wait() else "stopped"
        except Stopped:
            status = "stopped"
        except KobertDemoError as problem:
            error = problem.messages[0]
            log.error("%s", problem, exc_info=problem.__cause__)
        except Exception as problem:
            error = explain(problem)
            log.exception("%s", error)
        log.info("the run is %s", status)
        self._store.end(self._run, status, error)
        notify(self._store.run(self._run))

    def _terminate(self, _number: int, _frame: FrameType | None) -> None:
        self._leaves.set()

    def _stopping(self) -> bool:
        """Return whether this run was asked to stop; it is looked up a few times a second."""
        if (now := time.monotonic()) - self._looked_at > LOOK:
            self._looked_at = now
            if self._store.stop_requested(self._run):
                self._leaves.set()
        return self._leaves.is_set()

    def _wait(self) -> bool:
        """Return True when it is this run's turn on a device, False when it was stopped before."""
        choices = devices()
        processes = processes_on(choices, place_of(self._record).processes)
        taken = min(processes, len(choices))  # several may share a CPU
        while not self._stopping():
            held = self._store.held()
            free = [device for device in choices if device not in held][:taken]
            if len(free) == taken and self._store.claim(self._run, *free):
                self._devices = free * (processes // taken)
                return True
            time.sleep(WAIT)
            self._runs.list()  # a dead worker at the head of the queue must not block it
        return False

    def _train(self) -> Status:
        with quick_imports():
            import torch

            from kobert_demo.run_start import run_start
            from kobert_demo.training import train

        share_threads(len(self._devices))
        log.info(
            "training on %s with %d threads", ", ".join(self._devices), torch.get_num_threads()
        )
        self._look_at(find_model(self._record["weights"]))
        start = run_start(self._runs, self._run, self._devices[0], self._watched)
        data = (start.train_data, start.test_data)
        with (
            gathered(self._runs, self._run, self._devices) as group,
            closing(train(start.model, *data, start.config, start.state, group)) as events,
        ):
            rows = len(start.train_data)
            attended = until_stopped(events, self._config, rows, self._stopping)
            return self._take(attended, start, start.model)

    def _take(self, events: Iterable[Event], start: "RunStart", model: "PreTrainedModel") -> Status:
        """Write down what happens, from a start to the end of its events.

        Args:
            model: as it is when an evaluation is taken.
        """
        from kobert_demo.keeper import Keeper, rewind

        rewind(self._runs, self._run, start.state)
        keeper = Keeper(self._runs, self._run, model, start.vocabulary)
        try:
            with sampled(self._store, self._run, self._devices):
                for event in events:
                    self._take_event(event, keeper)
        except Stopped:
            return "stopped"
        finally:
            self._flush()
            keeper.wait()
        run = self._store.run(self._run)
        if run.step < run.steps:
            patience = self._config.patience
            log.info("macro-F1 did not rise in %d evaluations: the run ends early", patience)
        keeper.finish()
        return "finished"

    def _take_event(self, event: Event, keeper: "Keeper") -> None:
        if isinstance(event, TrainStep):
            self._take_step(event)
            return
        self._flush()  # nobody should wait for the last steps while the model is evaluated
        if isinstance(event, Evaluation):
            self._take_evaluation(event)
            keeper.take_evaluation(event)
        elif isinstance(event, Settled):
            keeper.settle(event)

    def _look_at(self, files: ModelFiles) -> None:
        """Check a model when it is first used; what fails is said in the log, and on the run's page."""
        verdict = verify_once(files, self._runs.workspace)
        for check in verdict.checks:
            if not check.passed:
                log.warning("%s: %s", check.name, check.answer)

    def _watched(self, texts: Iterable[str]) -> Iterator[str]:
        """Yield the texts while nobody asks to stop."""
        for row, text in enumerate(texts):
            if row % ROWS_A_LOOK == 0 and self._stopping():
                raise Stopped
            yield text

    def _take_step(self, step: TrainStep) -> None:
        if not math.isfinite(step.loss):
            self._flush()
            raise _no_number(step.step)
        if step.step % self._config.log_interval == 0:
            log.info("epoch %d step %d loss %.4f", step.epoch, step.step, step.loss)
        self._unwritten.append(asdict(step))
        if time.monotonic() - self._flushed_at > FLUSH:
            self._flush()

    def _flush(self) -> None:
        if self._unwritten:
            self._store.add_steps(self._run, self._unwritten)
            self._unwritten.clear()
        self._flushed_at = time.monotonic()

    def _take_evaluation(self, evaluation: Evaluation) -> None:
        if not math.isfinite(evaluation.loss):
            raise _no_number(evaluation.step)
        row = {**asdict(evaluation), "confusion": evaluation.confusion.tolist()}
        del row["answers"]  # the bundle has them
        self._store.add_evaluation(self._run, row)
        log.info(
            "epoch %d test loss %.4f accuracy %.4f macro-F1 %.4f",
            *(evaluation.epoch, evaluation.loss, evaluation.accuracy, evaluation.macro_f1),
        )


def _no_number(step: int) -> RunError:
    return RunError(
        "The loss is no longer a number at step {step}: choose a lower learning rate.", step=step
    )


def _worker(runs: Runs, run: str) -> Worker:
    if not place_of(runs.store.run(run).record).address:
        return Worker(runs, run)
    from kobert_demo.ray_worker import ClusterWorker

    return ClusterWorker(runs, run)


def main() -> None:
    workspace, run = sys.argv[1:]
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    os.nice(NICENESS)
    runs = Runs(Path(workspace))
    with beating(runs.store, run):
        _worker(runs, run).work()


if __name__ == "__main__":
    main()
