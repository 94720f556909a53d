"""Runs of `mini` on real comments that were cut off: they go on, and end as if nothing had happened."""

import os
import random
import signal
import time

import pytest
from safetensors.numpy import load_file

from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import DataChoice
from kobert_demo.errors import RunError
from kobert_demo.processes import process_lives
from kobert_demo.runs import Runs
from kobert_demo.store import Row
from tests.conftest import COMMENTS, needs_comments
from tests.models import write_comments
from tests.test_runs import ended, kept, until

KILLS = 10
STEPS = 100  # four an epoch

pytestmark = needs_comments


def launch(runs: Runs, *, by_heart: bool = False, **changes: object) -> str:
    """Start a run of `mini` on 40 comments; one that learns by heart is tested on the same."""
    data = kept(runs, write_comments(runs.workspace.parent / "data.tsv", COMMENTS, rows=40))
    values: dict[str, object] = {"epochs": 1, "batch_size": 8, "max_length": 24}
    config = TrainingConfig("mini", **{**values, **changes})
    return runs.launch(DataChoice(data, data if by_heart else None, 0.2, 1), config)


def kill(runs: Runs, run: str) -> None:
    pid = runs.get(run).pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    while process_lives(runs.directory(run)):
        time.sleep(0.01)


def told(runs: Runs, run: str) -> tuple[list[Row], list[Row]]:
    """Return all steps and evaluations, without the run's name and the time they took."""
    rows = [
        [
            {name: value for name, value in row.items() if name not in ("run", "seconds")}
            for row in table
        ]
        for table in (runs.store.steps(run), runs.store.evaluations(run))
    ]
    return rows[0], rows[1]


def test_a_run_that_was_killed_ten_times_ends_as_one_that_never_was(runs: Runs) -> None:
    settings = {"epochs": STEPS // 4, "checkpoint_minutes": 0.002, "learning_rate": 2e-4}
    whole = launch(runs, **settings)
    assert until(runs, whole, ended, seconds=300).status == "finished", runs.log(whole)
    cut = launch(runs, **settings)
    chance = random.Random(str(runs.workspace))
    targets = sorted(chance.sample(range(1, STEPS - 30), KILLS - 3))
    for target in [None, *targets, None, None]:
        if target is None:  # any time: while it waits, reads the model, or begins
            time.sleep(chance.uniform(0, 4))
        else:
            until(runs, cut, lambda run, target=target: run.step >= target or ended(run))
        assert not ended(runs.get(cut)), "too quick to be killed in time"
        kill(runs, cut)
        assert runs.get(cut).status == "lost"
        runs.resume(cut)
    state = until(runs, cut, ended)
    assert state.status == "finished", runs.log(cut)
    assert [row["step"] for row in runs.store.steps(cut)] == list(range(1, STEPS + 1))
    assert told(runs, cut) == told(runs, whole)
    weights = [load_file(runs.bundle(run) / "model.safetensors") for run in (whole, cut)]
    assert weights[0].keys() == weights[1].keys()
    for name, tensor in weights[0].items():
        assert (tensor == weights[1][name]).all(), name
    left = {path.name for path in runs.directory(cut).iterdir()}
    assert left == {"worker.lock", "worker.log", runs.bundle(cut).name}


def test_stop_and_resume_and_stop_again(runs: Runs) -> None:
    run = launch(runs, epochs=1000, checkpoint_minutes=100)
    until(runs, run, lambda state: state.step > 10)
    runs.stop(run)
    stopped = until(runs, run, ended)
    assert stopped.status == "stopped"
    before = runs.store.steps(run)
    until(runs, run, lambda _: not process_lives(runs.directory(run)))
    runs.resume(run)
    with pytest.raises(RunError, match="goes on"):
        runs.resume(run)
    until(runs, run, lambda state: state.step > stopped.step + 5 or ended(state))
    assert runs.store.steps(run)[: len(before)] == before  # nothing was done twice
    runs.stop(run)
    again = until(runs, run, ended)
    assert again.status == "stopped"
    assert again.spent > 0
    assert again.seconds > stopped.seconds


def test_a_damaged_checkpoint_is_noticed_and_the_one_before_used(runs: Runs) -> None:
    run = launch(runs, epochs=1000)
    until(runs, run, lambda state: state.epoch > 3)
    runs.stop(run)
    stopped = until(runs, run, ended)
    until(runs, run, lambda _: not process_lives(runs.directory(run)))
    newest, _ = sorted(
        runs.directory(run).glob("checkpoint-*.pt"), key=lambda path: -path.stat().st_mtime_ns
    )
    newest.write_bytes(newest.read_bytes()[:-100])
    runs.resume(run)
    until(runs, run, lambda state: state.step > stopped.step or ended(state))
    assert f"{newest.name} is damaged" in runs.log_path(run).read_text(encoding="utf-8")
    steps = [row["step"] for row in runs.store.steps(run)]
    assert steps == list(range(1, len(steps) + 1))  # what was trained again is there once


def test_what_has_finished_is_not_resumed(runs: Runs) -> None:
    run = launch(runs)
    until(runs, run, ended)
    until(runs, run, lambda _: not process_lives(runs.directory(run)))
    with pytest.raises(RunError, match="has finished"):
        runs.resume(run)
    assert runs.get(run).status == "finished"
    with pytest.raises(RunError, match="no run"):
        runs.resume("nothing")


def test_early_stopping_in_a_run(runs: Runs) -> None:
    run = launch(runs, epochs=200, learning_rate=0.03, patience=2)
    state = until(runs, run, ended)
    assert state.status == "finished"
    assert state.step < state.steps
    assert state.bundle
    assert "ends early" in runs.log_path(run).read_text(encoding="utf-8")


def test_a_finished_run_is_trained_further_from_its_best_model(runs: Runs) -> None:
    first = launch(runs, by_heart=True, epochs=8, learning_rate=5e-4)
    assert until(runs, first, ended).status == "finished"
    further = runs.train_further(first, epochs=1, name="more")
    state = until(runs, further, ended)
    assert state.status == "finished", runs.log(further)
    assert (state.name, state.steps) == ("more", 5)
    assert state.record["config"]["model"] == str(runs.bundle(first))
    assert state.record["data"] == runs.get(first).record["data"]
    # Its first step already knows what the first run had learnt: the last layers were kept too.
    (begins, *_), (began, *_) = (runs.store.steps(run) for run in (further, first))
    assert begins["loss"] < 0.5 * began["loss"]
