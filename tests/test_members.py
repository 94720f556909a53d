"""Runs of two real processes on a CPU: they learn what one learns, and end together, however they end."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import DataChoice
from kobert_demo.device import multiplies_bfloat16, processes_on
from kobert_demo.errors import ConfigError
from kobert_demo.place import Place
from kobert_demo.predictor import Predictor
from kobert_demo.processes import process_lives
from kobert_demo.runs import Runs
from tests.models import save_tiny_model, tiny_model, write_tsv
from tests.test_runs import ended, kept, trains, until

SECONDS = 180  # two processes import torch on a busy machine


@pytest.fixture
def model(tmp_path: Path) -> str:
    """Without dropout, which two processes draw otherwise than one."""
    still = tiny_model(2, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    return str(save_tiny_model(tmp_path / "still", still))


def launch(runs: Runs, model: str, processes: int = 2, epochs: int = 2) -> str:
    data = kept(runs, write_tsv(runs.workspace.parent / "data.tsv"))
    config = TrainingConfig(
        model, 16, batch_size=6, epochs=epochs, learning_rate=1e-3, dropout=0.0, log_interval=1
    )
    return runs.launch(DataChoice(data, None, 0.2, 1), config, place=Place(processes))


def losses(runs: Runs, run: str) -> list[float]:
    return [row["loss"] for row in runs.store.steps(run)]


def others(runs: Runs, run: str) -> list[psutil.Process]:
    """Return the processes of a run besides its worker."""
    pid = runs.get(run).pid
    assert pid
    return psutil.Process(pid).children()


def are_gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=20)[1]


def test_two_processes_end_as_one_does(runs: Runs, model: str) -> None:
    alone = launch(runs, model, processes=1)
    assert until(runs, alone, ended, SECONDS).status == "finished", runs.log(alone)
    two = launch(runs, model)
    assert until(runs, two, ended, SECONDS).status == "finished", runs.log(two)
    assert "training on cpu, cpu" in runs.log_path(two).read_text()
    near = 1e-3 if multiplies_bfloat16("cpu") else 1e-4
    assert losses(runs, two) == pytest.approx(losses(runs, alone), abs=near)
    one, both = (runs.store.evaluations(run)[-1] for run in (alone, two))
    assert both["loss"] == pytest.approx(one["loss"], abs=near)
    assert Predictor(str(runs.bundle(two))).labels == ("분노", "행복")
    assert runs.get(two).device == "cpu"


def test_stopped_they_all_end_and_go_on_together(runs: Runs, model: str) -> None:
    run = launch(runs, model, epochs=40)
    until(runs, run, trains, SECONDS)
    (other,) = others(runs, run)
    other.terminate()  # the worker says when to end
    reached = runs.get(run).step
    until(runs, run, lambda state: state.step > reached + 2, SECONDS)
    runs.stop(run)
    stopped = until(runs, run, ended, SECONDS)
    assert stopped.status == "stopped", runs.log(run)
    assert are_gone([other])
    before = losses(runs, run)
    while process_lives(runs.directory(run)):
        time.sleep(0.05)
    runs.resume(run)
    assert until(runs, run, ended, SECONDS).status == "finished", runs.log(run)
    assert [row["step"] for row in runs.store.steps(run)] == list(range(1, stopped.steps + 1))
    assert losses(runs, run)[: len(before)] == before


def test_the_death_of_one_ends_the_run_in_words(runs: Runs, model: str) -> None:
    run = launch(runs, model, epochs=1000)
    until(runs, run, trains, SECONDS)
    (other,) = others(runs, run)
    other.kill()
    state = until(runs, run, ended, 30)
    assert state.status == "failed"
    assert str(state.error).startswith("One of the 2 processes of this run died")
    assert state.error
    assert state.error.in_language("ko").startswith("이 학습의 프로세스 2개 가운데 하나가")
    assert are_gone([other])
    deadline = time.monotonic() + 20
    while process_lives(runs.directory(run)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_death_of_the_worker_ends_them_all(runs: Runs, model: str) -> None:
    run = launch(runs, model, epochs=1000)
    pid = until(runs, run, trains, SECONDS).pid
    assert pid
    processes = others(runs, run)
    os.kill(pid, signal.SIGKILL)
    assert until(runs, run, ended, 10).status == "lost"
    assert len(processes) == 1
    assert are_gone(processes)


def test_more_processes_than_a_machine_has_devices_are_refused(runs: Runs, model: str) -> None:
    run = launch(runs, model, processes=1000)
    state = until(runs, run, ended, SECONDS)
    assert state.status == "failed"
    assert str(state.error).startswith("1000 processes were asked for, and this machine has ")


@pytest.mark.parametrize(
    ("devices", "asked", "processes"),
    [
        (["cpu"], 1, 1),
        (["cpu"], 0, 1),
        (["cuda:0", "cuda:1"], 0, 2),
        (["cuda:0", "cuda:1"], 1, 1),
        (["cuda:0", "cuda:1"], 2, 2),
    ],
)
def test_all_is_one_process_for_each_gpu(devices: list[str], asked: int, processes: int) -> None:
    assert processes_on(devices, asked) == processes


def test_no_gpu_is_shared() -> None:
    with pytest.raises(ConfigError, match=r"this machine has 2 GPUs: choose 2 or fewer") as raised:
        processes_on(["cuda:0", "cuda:1"], 3)
    assert "GPU" in raised.value.in_language("ko")
