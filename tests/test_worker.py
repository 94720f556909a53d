"""A real worker process: it stops, dies and fails, and what is left of it."""

import errno
import os
import signal
import time
from pathlib import Path

import pytest
import torch

from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import DataChoice
from kobert_demo.errors import RunError
from kobert_demo.failures import explain
from kobert_demo.predictor import Predictor
from kobert_demo.runs import Runs
from tests.models import save_tiny_model, tiny_model, write_tsv
from tests.test_runs import ended, endless, kept, launch, trains, until


def test_stop_ends_within_a_step_and_keeps_the_best_epoch(runs: Runs, model: str) -> None:
    run = endless(runs, model)
    until(runs, run, lambda state: state.bundle is not None and trains(state))
    runs.stop(run)
    asked_at = runs.get(run).step
    state = until(runs, run, ended)
    assert state.status == "stopped"
    # The worker writes steps for up to 0.2 s before they are seen, and looks for a stop as often.
    speed = state.sentences / state.seconds / 8
    assert state.step - asked_at <= 2 + speed
    assert Predictor(str(runs.bundle(run))).labels == ("분노", "행복")
    with pytest.raises(RunError, match="has ended already"):
        runs.stop(run)


def test_sigterm_stops_a_worker_as_stop_does(runs: Runs, model: str) -> None:
    run = endless(runs, model)
    state = until(runs, run, trains)
    assert state.pid
    os.kill(state.pid, signal.SIGTERM)
    assert until(runs, run, ended).status == "stopped"


def test_a_worker_lets_the_app_and_its_visitors_go_first(runs: Runs, model: str) -> None:
    pid = until(runs, endless(runs, model), trains).pid
    assert pid
    assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)


def test_a_killed_worker_is_lost_within_five_seconds(runs: Runs, model: str) -> None:
    run = endless(runs, model)
    state = until(runs, run, trains)
    assert state.pid
    os.kill(state.pid, signal.SIGKILL)
    killed = time.monotonic()
    state = until(runs, run, ended, seconds=5)
    assert time.monotonic() - killed < 5
    assert state.status == "lost"
    assert "killed" in str(state.error)
    assert "training on cpu" in runs.log(run)


def test_stop_is_heard_while_a_run_is_being_prepared(runs: Runs, model: str) -> None:
    run = launch(runs, model)
    until(runs, run, lambda state: state.status == "running")
    runs.stop(run)
    state = until(runs, run, ended)
    assert (state.status, state.step) == ("stopped", 0)


def test_what_a_killed_worker_was_writing_is_removed(runs: Runs, model: str) -> None:
    run = endless(runs, model)
    pid = until(runs, run, trains).pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    (runs.directory(run) / ".unfinished-xyz").mkdir()
    assert until(runs, run, ended).status == "lost"
    assert not list(runs.directory(run).glob(".*"))


def test_data_that_changed_on_disk_fails_in_words(runs: Runs, model: str) -> None:
    first = endless(runs, model)
    until(runs, first, trains)
    second = launch(runs, model)
    for path in (runs.workspace / "datasets").rglob("*"):
        if path.is_file():
            path.unlink()
    runs.stop(first)
    state = until(runs, second, ended)
    assert state.status == "failed"
    assert state.error


def test_a_loss_that_is_no_number_fails_in_words(runs: Runs, tmp_path: Path) -> None:
    broken = tiny_model()
    broken.bert.pooler.dense.bias.data.fill_(torch.nan)
    run = launch(runs, str(save_tiny_model(tmp_path / "broken", broken)))
    state = until(runs, run, ended)
    assert state.status == "failed"
    assert "choose a lower learning rate" in str(state.error)


def test_a_model_whose_answers_are_no_numbers_is_not_kept(runs: Runs, tmp_path: Path) -> None:
    """[UNK], which stands in the test sentences alone, breaks this model."""
    broken = tiny_model()
    broken.bert.embeddings.word_embeddings.weight.data[0] = torch.nan
    choice = DataChoice(
        kept(runs, write_tsv(tmp_path / "train.tsv")),
        kept(runs, write_tsv(tmp_path / "test.tsv", ending=" 쀍")),
        *(0.0, 0),
    )
    model = str(save_tiny_model(tmp_path / "broken", broken))
    run = runs.launch(choice, TrainingConfig(model=model, epochs=1, batch_size=8, max_length=16))
    state = until(runs, run, ended)
    assert (state.status, state.bundle) == ("failed", None)


@pytest.mark.parametrize(
    ("problem", "advice"),
    [
        (MemoryError(), "smaller batch size"),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
            "smaller batch size",
        ),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory"),
            "smaller batch size",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "free some space"),
        (KeyError("x"), "unexpected error (KeyError)"),
    ],
)
def test_each_failure_says_what_to_change(problem: Exception, advice: str) -> None:
    assert advice in str(explain(problem))
