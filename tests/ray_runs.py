"""Runs on a cluster: how tests start them and wait for them."""

import time
from collections.abc import Callable
from contextlib import suppress

import psutil

from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import DataChoice
from kobert_demo.place import Place
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from tests.models import write_tsv
from tests.test_runs import ended, kept, until

PATIENCE = 240  # seconds, on a very busy machine


def launch(runs: Runs, model: str, place: Place, **changes: object) -> str:
    """Start a run of four steps an epoch."""
    choice = DataChoice(kept(runs, write_tsv(runs.workspace.parent / "data.tsv")), None, 0.2, 1)
    values: dict[str, object] = {"model": model, "epochs": 120, "batch_size": 8, "max_length": 16}
    values |= {"learning_rate": 1e-4, "checkpoint_minutes": 100}
    return runs.launch(choice, TrainingConfig(**{**values, **changes}), place=place)


def workers() -> list[psutil.Process]:
    """Return the processes of this test's own cluster that train."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "RayTrainWorker" in " ".join(process.cmdline()):
                found.append(process)
    return found


def await_true(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def reaches(runs: Runs, run: str, step: int) -> Run:
    """Wait until a run has trained past a step, and goes on."""
    state = until(runs, run, lambda run: ended(run) or run.step > step, PATIENCE)
    assert state.status == "running", runs.log(run)
    return state
