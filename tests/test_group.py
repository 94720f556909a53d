"""Two processes take the steps of one: losses, weights and evaluations agree."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kobert_demo import stepping
from kobert_demo.batches import IGNORED, collate, share
from kobert_demo.events import Evaluation, Settled
from kobert_demo.group import ALONE
from kobert_demo.training import train
from tests.conftest import PROJECT
from tests.group_of_two import CASES, ROWS, SETTINGS, arrays_as_lists, comments, model_of, told
from tests.models import eight_sentences

PATIENCE = 400  # seconds, on a very busy machine; one that dies ends the other at once


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Evaluation]]:
    """One epoch of one process: its last evaluation, and a state that still owes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stepping, "multiplies_bfloat16", lambda kind: False)
        data, labels = comments()
        settings = replace(SETTINGS, epochs=1, batch_size=1)
        directory = tmp_path_factory.mktemp("two")
        for event in train(model_of(labels), data, data, settings):
            if isinstance(event, Settled) and event.owes_evaluation:
                torch.save(event.state(), directory / "start.pt")
            if isinstance(event, Evaluation):
                yield directory, event


@pytest.fixture(scope="module")
def found(whole: tuple[Path, Evaluation]) -> list[dict[str, Any]]:
    """What each of two processes found in each of the functions above."""
    directory, _ = whole
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    names = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    shared = {**os.environ, **names, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.group_of_two"],
            cwd=directory,
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        said = [process.communicate(timeout=PATIENCE)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], said
    return [torch.load(directory / f"found{rank}.pt", weights_only=False) for rank in range(2)]


def alike(one: dict[str, Any], expected: dict[str, Any]) -> None:
    assert one["losses"] == pytest.approx(expected["losses"], abs=1e-4)
    assert one["accuracies"] == pytest.approx(expected["accuracies"], abs=1e-9)
    assert one["norms"] == pytest.approx(expected["norms"], rel=1e-3)
    for mine, other in zip(one["evaluations"], expected["evaluations"], strict=True):
        assert mine["loss"] == pytest.approx(other["loss"], abs=1e-4)
        assert np.sum(mine["confusion"]) == np.sum(other["confusion"]) == ROWS


@pytest.fixture(autouse=True)
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepping, "multiplies_bfloat16", lambda kind: False)


Found = list[dict[str, Any]]


def test_two_processes_learn_what_one_learns(found: Found) -> None:
    """Odd rows, a last batch smaller than the group, class weights, accumulated batches."""
    first, second = (each["same"] for each in found)
    for name, settings in CASES.items():
        alike(first[name], told(settings, ALONE))
        for key, weight in first[name]["weights"].items():
            assert torch.equal(weight, second[name]["weights"][key]), (name, key)


def test_an_evaluation_of_two_counts_every_row_once(
    found: Found, whole: tuple[Path, Evaluation]
) -> None:
    _, alone = whole
    both = [each["evaluated"] for each in found]
    assert sorted(each["batches"] for each in both) == [9, 10]  # 19 batches of two rows
    for each in both:
        figures = {name: value for name, value in each.items() if name != "batches"}
        assert figures == arrays_as_lists(alone)


def test_a_group_goes_on_exactly_where_it_was_left(found: Found) -> None:
    for each in found:
        assert len(each["resumed"]["losses"]) == 4
        assert each["resumed"]["again"] == each["resumed"]["losses"][2:]


def test_all_leave_where_rank_0_leaves(found: Found) -> None:
    first, second = (each["left"] for each in found)
    assert first == second == {"TrainStep": 3, "Evaluating": 7}


def test_the_gradients_are_those_of_distributed_data_parallel(found: Found) -> None:
    """What fitted once sends its gradients while they are computed; what has not, afterwards."""
    for each in found:
        assert each["ddp"]["rows"] == [4, 1, 4]
        assert len(each["ddp"]["expected"]) > 10
        for step in ("first", "second"):
            torch.testing.assert_close(each["ddp"][step], each["ddp"]["expected"])


def test_memory_of_one_that_is_full_holds_up_nobody(found: Found) -> None:
    alike(found[0]["halved"], told(SETTINGS, ALONE))


def test_gradients_of_a_bfloat16_copy_are_added_up_too(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stepping, "PART_TOKENS", {"cpu": 24 * 6})
    exact = told(SETTINGS, ALONE)["losses"]
    assert found[0]["copied"] == pytest.approx(exact, rel=0.02)
    assert found[0]["copied"] != pytest.approx(exact, rel=1e-6)


def test_rows_are_shared_out_and_who_has_none_counts_nothing() -> None:
    batch = collate(eight_sentences(), np.arange(3))
    shares = [share(batch, rank, 4) for rank in range(4)]
    assert [each.labels.tolist() for each in shares] == [[0], [0], [0], [IGNORED]]
    assert all(bool(each.attention_mask[:, -1].any()) for each in shares[:3])
