"""The shell's verbs for runs: watch, history, stop, delete."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kobert_demo.cli import main
from kobert_demo.language import Message
from kobert_demo.processes import PROJECT
from kobert_demo.runs import Runs
from kobert_demo.watch import in_words
from tests.conftest import needs_comments
from tests.test_resume import launch
from tests.test_runs import trains, until

TRAIN = ["step", "epoch", "loss", "accuracy", "learning_rate", "grad_norm", "sentences", "seconds"]
EVALUATION = ["step", "epoch", "loss", "accuracy", "macro_f1", "confusion"]


@pytest.fixture(autouse=True)
def _no_worker_stays(workspace: Path) -> Iterator[None]:
    yield
    for run in Runs(workspace).list():
        if run.active and run.pid:
            os.kill(run.pid, signal.SIGKILL)


@pytest.fixture
def said(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a verb and return its exit status and what it said on both streams."""

    def said(*words: str) -> tuple[int, str, str]:
        status = main([*words, "--workspace", str(workspace)])
        return status, *capsys.readouterr()

    return said


def refused(answer: tuple[int, str, str]) -> str:
    status, out, err = answer
    assert (status, out, err.count("\n")) == (2, "", 1)
    return err


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_history_tells_each_step_and_evaluation_once(mini_runs: Path, said: Callable) -> None:
    run = Runs(mini_runs).list()[0]
    status, out, _ = said("history", run.run, "--json")
    history = json.loads(out)
    assert status == 0
    assert list(history) == ["train", "evaluations"]
    assert [row["step"] for row in history["train"]] == list(range(1, run.steps + 1))
    assert [row["step"] for row in history["evaluations"]] == [run.steps // 2, run.steps]
    assert all(list(row) == TRAIN for row in history["train"])
    assert all(list(row) == EVALUATION for row in history["evaluations"])
    assert max(row["macro_f1"] for row in history["evaluations"]) == run.macro_f1


def test_history_is_a_table_for_people(mini_runs: Path, said: Callable) -> None:
    run = Runs(mini_runs).list()[0]
    _, out, _ = said("history", run.run)
    train, evaluations = out.removeprefix("train\n").split("evaluations\n")
    assert train.splitlines()[0].split() == TRAIN
    assert [line.split()[0] for line in train.splitlines()[1:]] == [
        str(n) for n in range(1, run.steps + 1)
    ]
    assert len({len(line) for line in train.splitlines()}) == 1
    assert evaluations.splitlines()[0].split() == EVALUATION[:-1]
    assert len(evaluations.splitlines()) == 3


def test_watching_a_run_that_has_ended_tells_how_it_went(mini_runs: Path, said: Callable) -> None:
    run = Runs(mini_runs).list()[0]
    status, out, err = said("watch", run.run, "--json")
    events = lines(out)
    assert (status, err) == (0, "")
    assert [event["event"] for event in events] == ["evaluation", "evaluation", "steps", "end"]
    assert events[2]["step"] == run.steps
    assert events[2]["sentences_per_second"] > 0
    assert events[-1]["status"] == "finished"
    _, out, _ = said("watch", run.run)
    assert f"step {run.steps:>6}" in out
    assert f"test loss {events[1]['loss']:.4f}" in out
    assert out.splitlines()[-1].startswith("finished  accuracy ")


def test_nothing_is_told_before_the_first_step(workspace: Path, said: Callable) -> None:
    Runs(workspace).store.add_imported("a", "a", {}, "bundle-0")
    assert said("watch", "a") == (0, "imported  accuracy -  macro-F1 -\n", "")
    assert json.loads(said("history", "a", "--json")[1]) == {"train": [], "evaluations": []}
    assert said("history", "a") == (0, "train\nevaluations\n", "")


def test_what_a_run_has_to_say_is_told_once_and_in_its_turn(
    workspace: Path, said: Callable
) -> None:
    store = Runs(workspace).store
    store.add("a", "a", {}, steps=1)
    store.set_notice("a", Message("GPUs"))
    store.end("a", "stopped")
    status, out, _ = said("watch", "a", "--json")
    assert (status, lines(out)[0]) == (0, {"event": "notice", "text": "GPUs"})
    assert [event["event"] for event in lines(out)] == ["notice", "end"]
    assert said("watch", "a")[1].splitlines()[0] == "GPUs"


def test_what_is_not_known_is_shown_as_such() -> None:
    row = {"step": 1, "epoch": 1, "loss": None, "accuracy": 0.5, "learning_rate": 0.0}
    event = {"event": "steps", **row, "sentences_per_second": None}
    assert "loss -  accuracy 0.5000  learning rate 0.00e+00  - sentences/s" in in_words(event, "en")
    assert in_words({"event": "waiting", "place": 2}, "ko") == "차례를 기다리는 중, 2번째"


def hear_control_c() -> None:
    """As at a terminal: tests that are run in the background ignore it, and what they start would too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def watcher(workspace: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kobert_demo", "watch", *words, "--workspace", str(workspace)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_control_c,
    )


@needs_comments
def test_a_run_is_watched_live_from_the_queue_to_its_end(workspace: Path, said: Callable) -> None:
    runs = Runs(workspace)
    first = launch(runs, epochs=1000)
    until(runs, first, lambda run: run.status == "running")
    second = launch(runs, epochs=2, evaluate_every=3)
    process = watcher(workspace, second, "--json")
    assert process.stdout
    assert json.loads(process.stdout.readline()) == {"event": "waiting", "place": 1}
    status, out, _ = said("stop", first)
    assert (status, out) == (0, f"The run {first} was asked to stop.\n")
    rest, err = process.communicate(timeout=90)
    events = lines(rest)
    assert (process.returncode, err) == (0, "")
    evaluated = [event["step"] for event in events if event["event"] == "evaluation"]
    assert evaluated == [row["step"] for row in runs.store.evaluations(second)]
    steps = [event["step"] for event in events if event["event"] == "steps"]
    assert steps == sorted(set(steps))
    assert steps[-1] == runs.get(second).steps
    assert events[-1]["event"] == "end"


@needs_comments
def test_control_c_leaves_the_run_alone(workspace: Path) -> None:
    runs = Runs(workspace)
    run = launch(runs, epochs=1000)
    until(runs, run, trains)
    process = watcher(workspace, run)
    assert process.stdout
    assert process.stdout.readline().startswith("epoch ")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    step = runs.get(run).step
    until(runs, run, lambda state: state.step > step)
    assert not runs.get(run).stop_requested
    runs.stop(run)
    until(runs, run, lambda state: not state.active)


def test_a_lost_run_is_told_with_its_log(workspace: Path, said: Callable) -> None:
    Runs(workspace).store.add("a", "a", {}, steps=8)
    status, out, err = said("watch", "a")
    assert (status, out) == (2, "lost  accuracy -  macro-F1 -\n")
    assert "it was killed" in err
    assert "worker.log" in err


def test_a_run_is_stopped_and_deleted_once(mini_runs: Path, said: Callable) -> None:
    runs = Runs(mini_runs)
    run = runs.list()[0].run
    assert "has ended already" in refused(said("stop", run))
    assert said("delete", run) == (0, f"The run {run} and its files are gone.\n", "")
    assert not runs.directory(run).exists()
    assert len(runs.list()) == 1
    for verb in ("delete", "stop", "watch", "history"):
        assert f"no run {run}" in refused(said(verb, run))


@needs_comments
def test_a_run_that_goes_on_is_not_deleted(workspace: Path, said: Callable) -> None:
    runs = Runs(workspace)
    run = launch(runs, epochs=1000)
    assert "still going on" in refused(said("delete", run))
    status, out, _ = said("stop", run, "--json")
    assert (status, json.loads(out)["run"]) == (0, run)
    until(runs, run, lambda state: not state.active)
    deadline = time.monotonic() + 30
    while said("delete", run)[0]:
        assert time.monotonic() < deadline
    assert runs.list() == []


def test_a_tag_and_a_note_are_listed(workspace: Path, said: Callable) -> None:
    runs = Runs(workspace)
    runs.store.add_imported("a", "a", {"config": {"model": "mini"}}, "bundle-0")
    runs.describe("a", "이름", ["기준"], "메모")
    (listed,) = json.loads(said("runs", "--json")[1])
    assert (listed["name"], listed["tags"], listed["note"]) == ("이름", ["기준"], "메모")
