"""Launching, watching and stopping runs: what pages and shell do with the worker processes.

Each run has a worker process from its launch to its end; workers take turns through the store. Runs of a
dead worker are marked as lost by whoever looks first: on its host by its process, elsewhere by its silence.
"""

import os
import platform
import secrets
import shutil
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

import numpy as np

from kobert_demo.bundle import UNFINISHED
from kobert_demo.config import TrainingConfig
from kobert_demo.database import VARIABLE
from kobert_demo.dataset import DataChoice, Dataset, load_choice
from kobert_demo.errors import ConfigError, DataError, RunError
from kobert_demo.heartbeat import MOST_SILENCE
from kobert_demo.language import Message
from kobert_demo.model_files import ModelFiles, find_model
from kobert_demo.notification import notify
from kobert_demo.place import HERE, Place
from kobert_demo.processes import LOG, lock_directory, process_lives, start_process
from kobert_demo.store import Row, Run, RunStore
from kobert_demo.vocabularies import read_vocabulary

RECORDED_PACKAGES = ("torch", "transformers", "sentencepiece", "numpy")
LOG_LINES = 20


class Runs:
    """The runs of one workspace, with the processes behind them.

    Args:
        workspace: the directory that holds datasets and runs. Servers that share a database by
            `KOBERT_DEMO_DATABASE_URL` share this directory too, under the same path.
    """

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.store = RunStore(os.environ.get(VARIABLE) or workspace / "runs.sqlite")

    def directory(self, run: str) -> Path:
        return self.workspace / "runs" / run

    def new_id(self) -> str:
        """Return an id that no run has."""
        return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"

    def launch(
        self, choice: DataChoice, config: TrainingConfig, name: str = "", place: Place = HERE
    ) -> str:
        """Start a worker for a new run and return the run's id; it waits where another one runs.

        Raises:
            DataError, ModelError, ConfigError: the data, the model or the two together with the
                settings cannot be trained with.
        """
        train, test = load_choice(self.workspace, choice)
        files = find_model(config.model)
        check_length(files, config)
        if not files.revision:
            config = replace(config, model=files.lasting_name)  # the worker starts elsewhere
        record = {**freeze(choice, config, train, test, files), "place": asdict(place)}
        run = self.new_id()
        directory = self.directory(run)
        steps = config.epochs * config.steps_per_epoch(len(train))
        name = name or f"{train.name} · {Path(files.name).name}"
        with lock_directory(directory) as lock:  # first: a run without it counts as lost
            self.store.add(run, name, record, steps, place.address)
            self._start_worker(run, lock)
        return run

    def _start_worker(self, run: str, lock: TextIO) -> None:
        words = (str(self.workspace), run)
        worker = start_process(self.directory(run), lock, "kobert_demo.worker", *words)
        self.store.set_pid(run, worker.pid)

    def resume(self, run: str) -> None:
        """Let a run that was stopped, failed or was lost go on from its last checkpoint, in its turn.

        Where it has none yet, it begins anew with the same seed.

        Raises:
            RunError: there is no such run, it goes on already, or it has finished.
        """
        if self.get(run).active:
            raise RunError("The run {run} goes on: there is nothing to resume.", run=run)
        try:
            with lock_directory(self.directory(run)) as lock:
                if not self.store.requeue(run):
                    raise RunError(
                        "The run {run} has finished: train its model further in a new run.", run=run
                    )
                self._start_worker(run, lock)
        except BlockingIOError:
            raise RunError(
                "The run {run} is still ending: try again in a moment.", run=run
            ) from None

    def train_further(self, run: str, epochs: int, name: str) -> str:
        """Launch a run that begins with the best model of another, on the same data; return its id.

        Raises:
            RunError: there is no such run, or it has kept no model.
            DataError, ModelError, ConfigError: as from `launch`.
        """
        record = self.get(run).record
        config = TrainingConfig(**record["config"])
        config = replace(config, model=str(self.bundle(run)), epochs=epochs)
        return self.launch(choice_of(record), config, name, place_of(record))

    def list(self) -> list[Run]:
        """Return all runs, the newest first; runs whose worker died are marked as lost."""
        return [self._checked(run) for run in self.store.runs()]

    def get(self, run: str) -> Run:
        """Return one run, marked as lost if its worker died.

        Raises:
            RunError: there is none of this id.
        """
        return self._checked(self.store.run(run))

    def stop(self, run: str) -> None:
        """Ask a run to end after its current step; a waiting one ends without starting.

        Raises:
            RunError: there is no such run, or it has ended already.
        """
        if not self.get(run).active:
            raise RunError("The run {run} has ended already: there is nothing to stop.", run=run)
        self.store.request_stop(run)

    def describe(self, run: str, name: str, tags: Iterable[str], note: str) -> None:
        """Name a run, tag it, and write a note about it; white space around them does not count.

        Raises:
            RunError: there is no such run, or the name is empty.
        """
        if not name.strip():
            raise RunError("A run needs a name: type one.")
        self.get(run)
        stripped = dict.fromkeys(filter(None, map(str.strip, tags)))
        self.store.describe(run, name.strip(), stripped, note.strip())

    def delete(self, run: str) -> None:
        """Forget a run that has ended and remove its files, its model among them.

        Raises:
            RunError: there is no such run, it has not ended, or its files cannot be removed.
        """
        if self.get(run).active:
            raise RunError(
                "The run {run} is still going on: stop it before you delete it.", run=run
            )
        try:
            shutil.rmtree(self.directory(run))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise RunError(
                "The files of the run {run} cannot be removed ({reason}): remove them by hand and delete "
                "it again.",
                run=run,
                reason=error.strerror,
            ) from error
        self.store.delete(run)

    def bundle(self, run: str) -> Path:
        """Return the directory of a run's best model.

        Raises:
            RunError: there is no such run, or it has kept no model.
        """
        bundle = self.store.run(run).bundle
        if bundle is None:
            raise RunError(
                "The run {run} has no model: it ended before its first evaluation. Choose another run.",
                run=run,
            )
        return self.directory(run) / bundle

    def data(self, run: str) -> tuple[Dataset, Dataset]:
        """Return the training and the test data that were frozen into a run.

        Raises:
            RunError: there is no such run.
            DataError: it was imported without data, or its data is missing or not what it was.
        """
        record = self.store.run(run).record
        if (frozen := record.get("data")) is None:
            raise DataError(
                "The run {run} was imported without data: choose a file to evaluate it on.", run=run
            )
        train, test = load_choice(self.workspace, choice_of(record))
        if (train.sha256, test.sha256) != (frozen["train_sha256"], frozen["test_sha256"]):
            raise DataError(
                "The data of this run has changed on disk since it was launched: upload the file again."
            )
        return train, test

    def log_path(self, run: str) -> Path:
        return self.directory(run) / LOG

    def log(self, run: str) -> str:
        """Return the last lines that a run's worker wrote."""
        path = self.log_path(run)
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        return "\n".join(text.splitlines()[-LOG_LINES:])

    def _checked(self, run: Run) -> Run:
        if not run.active or self._lives(run):
            return run
        for unfinished in self.directory(run.run).glob(f"{UNFINISHED}*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        why = Message(
            "The training process ended without a word: it was killed, or the machine was."
        )
        first = self.store.end(run.run, "lost", why)
        lost = self.store.run(run.run)
        if first:  # of all who look, one tells, and nobody's page waits for it
            threading.Thread(target=notify, args=(lost,)).start()
        return lost

    def _lives(self, run: Run) -> bool:
        if run.host in ("", self.store.host):
            return process_lives(self.directory(run.run))
        return run.silent < MOST_SILENCE


def choice_of(record: Row) -> DataChoice:
    """Return the data that was frozen into a run."""
    return DataChoice(**{field.name: record["data"][field.name] for field in fields(DataChoice)})


def place_of(record: Row) -> Place:
    """Return where a run trains; those of before there was a choice train on one device."""
    return Place(**record.get("place", {}))


def check_length(files: ModelFiles, config: TrainingConfig) -> None:
    """Raise `ConfigError` where texts may be longer than a model can read."""
    if config.max_length > files.shape.positions:
        raise ConfigError(
            "The model {model} reads {positions} pieces at most: choose a maximum length of "
            "{positions} or less.",
            model=files.name,
            positions=files.shape.positions,
        )


def freeze(
    choice: DataChoice,
    config: TrainingConfig,
    train: Dataset,
    test: Dataset,
    files: ModelFiles,
) -> Row:
    """Return what a run is, written down once at its launch: every page shows a run from this.

    Raises:
        ModelError: the vocabulary cannot be read.
    """
    counts = np.bincount(test.label_ids, minlength=len(train.labels))
    return {
        "config": asdict(config),
        "labels": list(train.labels),
        "data": {
            **asdict(choice),
            "name": train.name,
            "train_rows": len(train.texts),
            "test_rows": len(test.texts),
            "train_sha256": train.sha256,
            "test_sha256": test.sha256,
            "majority": float(counts.max() / counts.sum()),
        },
        "weights": files.lasting_name,
        "revision": files.revision,
        "vocabulary_sha256": read_vocabulary(files.vocabulary).sha256,
        "versions": versions(),
        "host": {"system": platform.platform(), "cpus": os.cpu_count()},
    }


def versions() -> dict[str, str]:
    """Return the versions of what a model's answers depend on."""
    packages = {package: version(package) for package in RECORDED_PACKAGES}
    return {"python": platform.python_version(), **packages}
