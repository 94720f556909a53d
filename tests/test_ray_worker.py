"""Runs on a real Ray cluster of two nodes: whoever dies, they end as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from safetensors.numpy import load_file

from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import DataChoice
from kobert_demo.device import multiplies_bfloat16
from kobert_demo.place import HERE, Place
from kobert_demo.predictor import Predictor
from kobert_demo.processes import PROJECT, process_lives
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from tests.models import save_tiny_model, tiny_model, write_tsv
from tests.ray_cluster import THIRD, add_node, two_nodes
from tests.test_ray_cluster import nobody
from tests.test_resume import told
from tests.test_runs import ended, kept, until

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

PATIENCE = 240  # seconds, on a very busy machine
pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny model without dropout of its own."""
    still = tiny_model(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    return str(save_tiny_model(tmp_path_factory.mktemp("still"), still))


def launch(runs: Runs, model: str, place: Place, **changes: object) -> str:
    """Start a run of four steps an epoch."""
    choice = DataChoice(kept(runs, write_tsv(runs.workspace.parent / "data.tsv")), None, 0.2, 1)
    values: dict[str, object] = {"model": model, "epochs": 120, "batch_size": 8, "max_length": 16}
    values |= {"learning_rate": 1e-4, "checkpoint_minutes": 100}
    return runs.launch(choice, TrainingConfig(**{**values, **changes}), place=place)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs on this machine compute as the workers of the cluster do, to the last bit."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


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


def weights(runs: Runs, run: str) -> dict:
    return load_file(runs.bundle(run) / "model.safetensors")


def test_two_workers_learn_what_one_process_here_learns_though_a_machine_dies(
    cluster: "Cluster", runs: Runs, model: str, tmp_path: Path
) -> None:
    place = Place(2, cluster.address, storage=f"file://{tmp_path / 'storage'}")
    run = launch(runs, model, place, dropout=0.0)
    reaches(runs, run, 100)
    cluster.remove_node(cluster.list_all_nodes()[1], allow_graceful=False)
    add_node(cluster, THIRD)
    here = launch(runs, model, HERE, dropout=0.0)
    state, other = (until(runs, each, ended, PATIENCE) for each in (run, here))
    assert (state.status, state.step) == ("finished", 480), runs.log(run)
    assert "lost a worker or a machine of this run at step" in str(state.notice)
    for mine, others in zip(told(runs, run), told(runs, here), strict=True):
        assert [row["step"] for row in mine] == [row["step"] for row in others]  # each once
        exact = 1e-2 if multiplies_bfloat16("cpu") else 1e-4
        losses = [row["loss"] for row in others]
        assert [row["loss"] for row in mine] == pytest.approx(losses, abs=exact)
    assert state.accuracy == pytest.approx(other.accuracy)
    assert Predictor(str(runs.bundle(run))).labels == ("분노", "행복")
    assert {path.name for path in (tmp_path / "storage" / run).iterdir()} == {state.bundle}
    await_true(lambda: not workers())


def test_stopped_killed_and_resumed_a_run_ends_with_the_very_numbers(
    cluster: "Cluster", runs: Runs, model: str, tmp_path: Path
) -> None:
    """The driver is killed, the run stopped, then its worker killed: one that was never cut off says so."""
    here = launch(runs, model, HERE)
    run = launch(runs, model, Place(1, cluster.address, storage=str(tmp_path / "storage")))

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


def test_a_cluster_that_is_away_or_too_small_is_said_in_a_sentence(
    cluster: "Cluster", runs: Runs, model: str, tmp_path: Path
) -> None:
    away = nobody()
    run = launch(runs, model, Place(1, away))
    big = launch(runs, model, Place(2, cluster.address, gpus=4))
    where = ("--on", "ray", "--ray-address", away, "--no-wait", "--workspace", tmp_path / "other")
    words = ("train", tmp_path / "data.tsv", "--model", model, *where)
    shell = subprocess.run(
        [sys.executable, "-m", "kobert_demo", *words],
        cwd=PROJECT,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        text=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    assert shell.returncode == 2
    assert f"The Ray cluster at {away} does not answer" in shell.stderr
    waits = until(runs, run, lambda run: run.notice is not None, PATIENCE)
    assert waits.status == "queued"
    assert str(waits.notice).startswith(f"The Ray cluster at {away} does not answer")
    runs.stop(run)
    assert until(runs, run, ended, PATIENCE).status == "stopped"
    state = until(runs, big, ended, PATIENCE)
    assert state.status == "failed"
    assert "2 workers with 4 GPUs each" in str(state.error)
    assert "has 2 processor cores and 0 GPUs in all" in str(state.error)


def test_a_run_whose_clusters_head_dies_is_lost_and_waits_for_it_when_resumed(
    runs: Runs, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "5")  # a minute else
    with two_nodes() as own:
        address = own.address
        run = launch(runs, model, Place(1, address))
        reaches(runs, run, 20)
        for started in own.head_node.all_processes.values():
            for each in started:
                each.process.kill()
        lost = until(runs, run, ended, PATIENCE)
        assert lost.status == "lost"
        assert "GCS may have been killed" in runs.log(run)
        await_true(lambda: not workers())
    runs.resume(run)
    waits = until(runs, run, lambda run: run.notice is not None, PATIENCE)
    assert waits.status == "queued"
    assert str(waits.notice).startswith(f"The Ray cluster at {address} does not answer")
    runs.stop(run)
    assert until(runs, run, ended, PATIENCE).status == "stopped"
