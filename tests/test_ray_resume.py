"""A run on a real Ray cluster that is stopped, killed and resumed ends as one that never was."""

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from safetensors.numpy import load_file

from kobert_demo.place import HERE, Place
from kobert_demo.processes import process_lives
from kobert_demo.runs import Runs
from tests.ray_runs import PATIENCE, await_true, launch, reaches, workers
from tests.test_resume import told
from tests.test_runs import ended, until

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("one_thread")]


def weights(runs: Runs, run: str) -> dict:
    return load_file(runs.bundle(run) / "model.safetensors")


def test_stopped_killed_and_resumed_a_run_ends_with_the_very_numbers(
    cluster: "Cluster", runs: Runs, still_model: str, tmp_path: Path
) -> None:
    """The driver is killed, the run stopped, then its worker killed: one that was never cut off says so."""
    here = launch(runs, still_model, HERE)
    run = launch(runs, still_model, Place(1, cluster.address, storage=str(tmp_path / "storage")))

    pid = reaches(runs, run, 20).pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    lost = until(runs, run, ended, PATIENCE)
    assert lost.status == "lost"
    await_true(lambda: not workers())

    runs.resume(run)
    reaches(runs, run, lost.step)
    runs.stop(run)
    stopped = until(runs, run, ended, PATIENCE)
    assert stopped.status == "stopped"
    assert stopped.bundle
    await_true(lambda: not process_lives(runs.directory(run)) and not workers())

    for checkpoint in runs.directory(run).glob("checkpoint-*"):
        assert (tmp_path / "storage" / run / checkpoint.name).exists()
        checkpoint.unlink()
    runs.resume(run)
    seen: list[int] = []
    until(runs, run, lambda at: seen.append(at.step) or at.step > stopped.step, PATIENCE)
    assert min(seen) == stopped.step  # nothing was done twice
    (worker,) = workers()
    worker.kill()
    state = until(runs, run, ended, PATIENCE)
    assert (state.status, state.step) == ("finished", 480), runs.log(run)
    assert "lost a worker or a machine" in str(state.notice)
    assert "사라져" in state.notice.in_language("ko")
    until(runs, here, ended, PATIENCE)
    assert told(runs, run) == told(runs, here)
    mine, others = weights(runs, run), weights(runs, here)
    assert all((mine[name] == others[name]).all() for name in others)
