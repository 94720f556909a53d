"""Runs on a real Ray cluster of two nodes: whoever dies, they end as if nothing had happened."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kobert_demo.device import multiplies_bfloat16
from kobert_demo.place import HERE, Place
from kobert_demo.predictor import Predictor
from kobert_demo.processes import PROJECT
from kobert_demo.runs import Runs
from tests.ray_cluster import THIRD, add_node, two_nodes
from tests.ray_runs import PATIENCE, await_true, launch, reaches, workers
from tests.test_ray_cluster import nobody
from tests.test_resume import told
from tests.test_runs import ended, until

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("one_thread")]


def test_two_workers_learn_what_one_process_here_learns_though_a_machine_dies(
    cluster: "Cluster", runs: Runs, still_model: str, tmp_path: Path
) -> None:
    place = Place(2, cluster.address, storage=f"file://{tmp_path / 'storage'}")
    run = launch(runs, still_model, place, dropout=0.0)
    reaches(runs, run, 100)
    cluster.remove_node(cluster.list_all_nodes()[1], allow_graceful=False)
    add_node(cluster, THIRD)
    here = launch(runs, still_model, HERE, dropout=0.0)
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


def test_a_cluster_that_is_away_or_too_small_is_said_in_a_sentence(
    cluster: "Cluster", runs: Runs, still_model: str, tmp_path: Path
) -> None:
    away = nobody()
    run = launch(runs, still_model, Place(1, away))
    big = launch(runs, still_model, Place(2, cluster.address, gpus=4))
    where = ("--on", "ray", "--ray-address", away, "--no-wait", "--workspace", tmp_path / "other")
    words = ("train", tmp_path / "data.tsv", "--model", still_model, *where)
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
    runs: Runs, still_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "5")  # a minute else
    with two_nodes() as own:
        address = own.address
        run = launch(runs, still_model, Place(1, address))
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
