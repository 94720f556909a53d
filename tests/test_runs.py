"""Runs with real worker processes: launch, queue, stop, death, and an app that goes away."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import DataChoice, detect_columns, parse, save_dataset
from kobert_demo.errors import ConfigError, DataError, ModelError, RunError
from kobert_demo.predictor import Predictor
from kobert_demo.processes import PROJECT, process_lives
from kobert_demo.reading import detect_format
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from tests.models import save_tiny_model, tiny_model, write_tsv

PATIENCE = 90  # seconds: a worker on a busy machine needs some to import torch


def kept(runs: Runs, path: Path) -> str:
    how = detect_format(path)
    data = parse(path, how, detect_columns(path, how), name=path.name)
    return save_dataset(data, runs.workspace)


def launch(runs: Runs, model: str, **changes: object) -> str:
    choice = DataChoice(kept(runs, write_tsv(runs.workspace.parent / "data.tsv")), None, 0.2, 1)
    values: dict[str, object] = {"model": model, "epochs": 1, "batch_size": 8, "max_length": 16}
    return runs.launch(choice, TrainingConfig(**{**values, **changes}))


def endless(runs: Runs, model: str) -> str:
    return launch(runs, model, epochs=1000)


def until(runs: Runs, run: str, reached: Callable[[Run], bool], seconds: float = PATIENCE) -> Run:
    deadline = time.monotonic() + seconds
    while not reached(state := runs.get(run)):
        assert time.monotonic() < deadline, (state.status, runs.log(run))
        time.sleep(0.05)
    return state


def trains(run: Run) -> bool:
    return run.step > 8


def ended(run: Run) -> bool:
    return not run.active


def test_a_run_goes_from_launch_to_a_bundle_that_classifies(runs: Runs, model: str) -> None:
    run = launch(runs, model, epochs=2)
    state = until(runs, run, ended)
    assert state.status == "finished", runs.log(run)
    assert (state.step, state.steps, state.epoch) == (8, 8, 2)
    assert state.sentences == 64
    steps, _ = runs.store.curve(run, "steps", "loss")
    assert steps == list(range(1, 9))
    assert [row["step"] for row in runs.store.evaluations(run)] == [4, 8]
    best = max(row["macro_f1"] for row in runs.store.evaluations(run))
    assert state.macro_f1 == best
    bundle = runs.bundle(run)
    assert Predictor(str(bundle)).labels == ("분노", "행복")
    assert [path.name for path in runs.directory(run).glob("*bundle*")] == [bundle.name]
    deadline = time.monotonic() + 30
    while process_lives(runs.directory(run)):
        assert time.monotonic() < deadline


def test_the_record_is_frozen_at_launch(runs: Runs, model: str) -> None:
    run = runs.get(launch(runs, model, seed=7))
    record = run.record
    assert record["config"]["seed"] == 7
    assert record["labels"] == ["분노", "행복"]
    assert record["data"]["train_rows"] == 32
    assert record["data"]["test_rows"] == 8
    assert record["data"]["majority"] == 0.5
    assert len(record["vocabulary_sha256"]) == len(record["data"]["train_sha256"]) == 64
    assert record["versions"]["torch"].startswith("2.")


def test_same_seed_same_numbers_in_two_processes(runs: Runs, model: str) -> None:
    first, second = (launch(runs, model, seed=3) for _ in range(2))
    for run in (first, second):
        assert until(runs, run, ended).status == "finished"
    losses = [runs.store.curve(run, "steps", "loss")[1] for run in (first, second)]
    assert losses[0] == losses[1]


def test_a_second_launch_waits_and_starts_when_the_first_has_ended(runs: Runs, model: str) -> None:
    first = endless(runs, model)
    second, third = launch(runs, model), launch(runs, model)
    until(runs, first, trains)
    assert [runs.get(run).waiting for run in (first, second, third)] == [0, 1, 2]
    assert runs.get(second).status == "queued"
    runs.stop(third)
    assert until(runs, third, ended).status == "stopped"
    runs.stop(first)
    assert until(runs, second, ended).status == "finished"
    until(runs, first, ended)
    assert (runs.get(second).started_at or 0) >= (runs.get(first).ended_at or 0)


def test_the_queue_goes_on_past_a_killed_worker(runs: Runs, model: str) -> None:
    first = endless(runs, model)
    pid = until(runs, first, trains).pid
    second = launch(runs, model)
    assert pid
    os.kill(pid, signal.SIGKILL)
    # Nobody looks but the waiting worker itself.
    deadline = time.monotonic() + PATIENCE
    while runs.store.run(second).status != "finished":
        assert time.monotonic() < deadline, runs.log(second)
        time.sleep(0.1)
    assert runs.store.run(first).status == "lost"


LAUNCH = """
import json, sys
from pathlib import Path
from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import DataChoice
from kobert_demo.runs import Runs
choice, config = json.loads(sys.argv[2])
print(Runs(Path(sys.argv[1])).launch(DataChoice(**choice), TrainingConfig(**config)), flush=True)
input()
"""


def test_a_run_outlives_the_process_that_launched_it(runs: Runs, model: str) -> None:
    record = runs.store.run(launch(runs, model)).record
    names = ("train", "test", "test_fraction", "seed")
    choice = {name: record["data"][name] for name in names}
    config = {**record["config"], "epochs": 1000}
    app = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(runs.workspace), json.dumps([choice, config])],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert app.stdout
    run = app.stdout.readline().strip()
    os.killpg(app.pid, signal.SIGKILL)
    app.wait()
    step = until(runs, run, trains).step
    until(runs, run, lambda state: state.step > step)
    assert runs.get(run).status == "running"


def test_problems_are_said_before_a_worker_starts(runs: Runs, model: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no model nowhere"):
        launch(runs, "nowhere")
    with pytest.raises(DataError):
        runs.launch(DataChoice("0" * 16, None, 0.2, 1), TrainingConfig(model=model))
    assert runs.list() == []


def test_more_pieces_than_the_model_has_positions_are_refused(runs: Runs, tmp_path: Path) -> None:
    short = save_tiny_model(tmp_path / "short", tiny_model(max_position_embeddings=16))
    with pytest.raises(ConfigError, match="reads 16 pieces at most"):
        launch(runs, str(short), max_length=17)
    assert until(runs, launch(runs, str(short), max_length=16), ended).status == "finished"


def test_the_queue_follows_the_order_that_it_was_given(runs: Runs, model: str) -> None:
    first = endless(runs, model)
    second, third = launch(runs, model), launch(runs, model)
    until(runs, first, trains)
    assert runs.store.swap(second, third)
    assert [runs.get(run).waiting for run in (second, third)] == [2, 1]
    runs.stop(first)
    for run in (second, third):
        assert until(runs, run, ended).status == "finished"
    assert (runs.get(third).ended_at or 0) <= (runs.get(second).started_at or 0)


def test_a_deleted_run_is_gone_with_its_files_and_leaves_the_others_alone(
    runs: Runs, model: str
) -> None:
    gone, stays = (launch(runs, model) for _ in range(2))
    for run in (gone, stays):
        assert until(runs, run, ended).bundle
    runs.delete(gone)
    assert [run.run for run in runs.list()] == [stays]
    assert not runs.directory(gone).exists()
    assert runs.store.steps(gone) == runs.store.evaluations(gone) == []
    assert Predictor(str(runs.bundle(stays))).labels
    for forgotten in (runs.get, runs.delete, runs.bundle):
        with pytest.raises(RunError, match="There is no run"):
            forgotten(gone)


def test_a_run_is_not_deleted_while_it_trains_or_waits(runs: Runs, model: str) -> None:
    trained, waiting = endless(runs, model), endless(runs, model)
    until(runs, trained, trains)
    for run in (trained, waiting):
        with pytest.raises(RunError, match="still going on: stop it before"):
            runs.delete(run)
        assert runs.directory(run).is_dir()
        assert runs.get(run).active
    for run in (waiting, trained):
        runs.stop(run)
    for run in (waiting, trained):
        until(runs, run, ended)
        runs.delete(run)
    assert runs.list() == []


def test_a_run_whose_files_are_missing_is_deleted(runs: Runs) -> None:
    runs.store.add_imported("a", "a", {}, "bundle-0")
    runs.delete("a")
    assert runs.list() == []


def test_a_run_whose_files_cannot_be_removed_stays(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    runs.store.add_imported("a", "a", {}, "bundle-0")
    monkeypatch.setattr("kobert_demo.runs.shutil.rmtree", refuse)
    with pytest.raises(RunError, match=r"cannot be removed \(Permission denied\)"):
        runs.delete("a")
    assert runs.get("a").name == "a"


def test_a_run_is_described(runs: Runs) -> None:
    runs.store.add_imported("a", "old", {}, "bundle-0")
    runs.describe("a", " 새 이름 ", ["b", " b", "", "a "], " note\n")
    run = runs.get("a")
    assert (run.name, run.tags, run.note) == ("새 이름", ("b", "a"), "note")
    with pytest.raises(RunError, match="needs a name"):
        runs.describe("a", " ", [], "")
    with pytest.raises(RunError, match="There is no run"):
        runs.describe("nobody", "name", [], "")
    assert runs.get("a") == run
