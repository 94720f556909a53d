"""What a run keeps on disk while it trains: checkpoints to go on from, and its best model so far.

The training goes on while the disk is waited for. A bundle stays as long as a checkpoint may lead back to
a time at which it was the best.
"""

import logging
import math
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from kobert_demo.bundle import save_bundle
from kobert_demo.checkpoint import (
    checkpoint_steps,
    finish_checkpoint,
    forget_checkpoints,
    write_checkpoint,
)
from kobert_demo.errors import RunError
from kobert_demo.events import Evaluation, Settled, State
from kobert_demo.runs import Runs, place_of
from kobert_demo.storage import copy_kept, storage_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from kobert_demo.encoding import Vocabulary

log = logging.getLogger(__name__)


class Keeper:
    """Keeps what must outlive the process of one run.

    Args:
        model: as it is when an evaluation is taken.
    """

    def __init__(
        self,
        runs: Runs,
        run: str,
        model: "PreTrainedModel",
        vocabulary: "Vocabulary",
    ) -> None:
        self._store, self._run, self._directory = runs.store, run, runs.directory(run)
        self._record = runs.store.run(run).record
        self._model, self._vocabulary = model, vocabulary
        self._storage = storage_of(place_of(self._record), run)
        self._beside = ThreadPoolExecutor(1)
        self._unfinished: Future[None] | None = None

    def take_evaluation(self, evaluation: Evaluation) -> None:
        """Keep the model where this evaluation, which is in the store already, is the best."""
        if self._store.best_step(self._run, evaluation.step) == evaluation.step:
            bundle = bundle_name(evaluation.step)
            save_bundle(
                self._directory / bundle, self._model, self._vocabulary, self._record, evaluation
            )
            self._store.set_bundle(self._run, bundle)

    def settle(self, settled: Settled) -> None:
        """Keep a checkpoint; without room for it, the run goes on."""
        self.wait()
        try:
            state = {**settled.state(), "sampled": self._sampled()}
            unfinished = write_checkpoint(self._directory, state)
        except OSError as error:
            _warn(error)
            return
        self._unfinished = self._beside.submit(self._finish, unfinished)

    def _finish(self, unfinished: Path) -> None:
        finish_checkpoint(unfinished)
        self._copy()

    def _copy(self) -> None:
        """Let the run's storage hold what its directory holds; where it fails, the run goes on."""
        if self._storage:
            try:
                copy_kept(self._directory, self._storage)
            except RunError as error:
                log.warning("%s", error)

    def _sampled(self) -> float:
        """Return the seconds at which the machine was last looked at."""
        ends = self._store.sample_ends(self._run)
        return float(ends[-1]["seconds"]) if ends else 0.0

    def wait(self) -> None:
        """Wait until the last checkpoint is on the disk."""
        if self._unfinished is None:
            return
        try:
            self._unfinished.result()
        except OSError as error:
            _warn(error)
        self._unfinished = None
        needed = {
            self._store.best_step(self._run, evaluated)
            for step in checkpoint_steps(self._directory)
            for evaluated in (step - 1, step)  # it may be of a moment before the step's evaluation
        }
        self._forget_bundles(needed)

    def finish(self) -> None:
        """Leave nothing but the best model."""
        self.wait()
        forget_checkpoints(self._directory)
        self._forget_bundles(set())
        self._copy()

    def _forget_bundles(self, needed: set[int | None]) -> None:
        """Delete the bundles that are neither of a step that is needed nor the run's."""
        current = self._store.run(self._run).bundle
        for step, path in bundles(self._directory):
            if step not in needed and path.name != current:
                shutil.rmtree(path)


def _warn(error: OSError) -> None:
    log.warning("no checkpoint could be kept: %s", error)


def rewind(runs: Runs, run: str, start: State | None) -> None:
    """Let a run be as it was in the state it goes on from: what came later is trained anew."""
    step = start["step"] if start else 0
    evaluated = step - 1 if start and start["owes_evaluation"] else step
    sampled = start.get("sampled", math.inf) if start else 0.0  # older checkpoints do not say
    runs.store.rewind(run, step, evaluated, sampled)
    best, found = runs.store.best_step(run, evaluated), None
    for of_step, path in bundles(runs.directory(run)):
        if of_step > evaluated:
            shutil.rmtree(path)
        elif of_step == best:
            found = path.name
    runs.store.set_bundle(run, found)


def bundles(directory: Path) -> list[tuple[int, Path]]:
    """Return the bundles of a run with the steps that they are of; one may be scaled (`scaling`)."""
    return [(int(path.name.split("-")[1]), path) for path in directory.glob("bundle-*")]


def bundle_name(step: int) -> str:
    return f"bundle-{step}"
