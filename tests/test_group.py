"""Two processes take the steps of one: losses, weights and evaluations agree."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from transformers import BertForSequenceClassification

from kobert_demo import stepping
from kobert_demo.batches import IGNORED, collate, share
from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import detect_columns, parse
from kobert_demo.encoded import Encoded, encode_texts
from kobert_demo.events import Evaluating, Evaluation, Settled, TrainStep
from kobert_demo.group import ALONE, Group, joined
from kobert_demo.reading import detect_format
from kobert_demo.training import train
from tests.conftest import COMMENTS, PROJECT
from tests.models import EIGHT, eight_sentences, tiny_model, vocabulary

ROWS = 37  # of real comments; the last batch of each epoch has one row only
PATIENCE = 400  # seconds, on a very busy machine; one that dies ends the other at once


def comments() -> tuple[Encoded, int]:
    """Real rows with their number of labels, or the tests' own sentences where there are none."""
    if not COMMENTS.is_file():
        texts, labels = zip(*(EIGHT * 5)[:ROWS], strict=True)
        return encode_texts(texts, np.array(labels), vocabulary(), 24), 2
    how = detect_format(COMMENTS)
    data = parse(COMMENTS, how, detect_columns(COMMENTS, how), name="comments")
    rows = slice(None, None, len(data.texts) // ROWS)
    encoded = encode_texts(
        data.texts[rows][:ROWS], np.array(data.label_ids[rows][:ROWS]), vocabulary(), 24
    )
    return encoded, len(data.labels)


SETTINGS = TrainingConfig(epochs=2, batch_size=6, learning_rate=1e-3, dropout=0.0, warmup_ratio=0.0)
CASES = {
    "plain": SETTINGS,
    "weights": replace(SETTINGS, class_weights=1.0),
    "accumulated": replace(SETTINGS, batch_size=3, gradient_accumulation=4),
}


def model_of(labels: int, dropout: float = 0.0) -> BertForSequenceClassification:
    return tiny_model(labels, hidden_dropout_prob=dropout, attention_probs_dropout_prob=0.0)


def told(settings: TrainingConfig, group: Group) -> dict[str, Any]:
    data, labels = comments()
    model = model_of(labels)
    events = list(train(model, data, data, settings, group=group))
    return {
        "losses": [event.loss for event in events if isinstance(event, TrainStep)],
        "accuracies": [event.accuracy for event in events if isinstance(event, TrainStep)],
        "norms": [event.grad_norm for event in events if isinstance(event, TrainStep)],
        "evaluations": [
            arrays_as_lists(event) for event in events if isinstance(event, Evaluation)
        ],
        "weights": model.state_dict(),
    }


def same(group: Group) -> dict[str, Any]:
    """Train each case."""
    return {name: told(settings, group) for name, settings in CASES.items()}


def evaluated(group: Group) -> dict[str, Any]:
    """Evaluate the weights of one process in both processes."""
    data, labels = comments()
    model = model_of(labels)
    settings = replace(
        SETTINGS, learning_rate=1e-8, epochs=1, batch_size=1, gradient_accumulation=1
    )
    start = torch.load("start.pt", weights_only=True)
    events = list(train(model, data, data, settings, start, group))
    (evaluation,) = (event for event in events if isinstance(event, Evaluation))
    batches = sum(isinstance(event, Evaluating) for event in events)
    return {"batches": batches, **arrays_as_lists(evaluation)}


def arrays_as_lists(evaluation: Evaluation) -> dict[str, Any]:
    arrays = ("confusion", "answers")
    return {**asdict(evaluation), **{name: getattr(evaluation, name).tolist() for name in arrays}}


def resumed(group: Group) -> dict[str, Any]:
    """Train with dropout, and go on from the middle in another model."""
    settings = replace(SETTINGS, dropout=0.3)
    sentences = eight_sentences()
    states, losses = {}, []
    for event in train(model_of(2, 0.3), sentences, sentences, settings, group=group):
        if isinstance(event, TrainStep):
            losses.append(event.loss)
        if isinstance(event, Settled) and event.step == 2 and not event.owes_evaluation:
            torch.save(event.state(), f"middle{group.rank}.pt")
    start = torch.load(f"middle{group.rank}.pt", weights_only=True)
    other = model_of(2, 0.3)
    torch.manual_seed(99)
    rest = train(other, sentences, sentences, settings, start, group)
    states["losses"] = losses
    again = [event.loss for event in rest if isinstance(event, TrainStep)]
    return {**states, "again": again}


def left(group: Group) -> dict[str, Any]:
    """Rank 0 leaves after its third step, then within an evaluation; the other follows, and says where."""
    found = {}
    for kind, steps in ((TrainStep, 3), (Evaluating, 2)):
        data, labels = comments()
        last, seen = 0, 0
        for event in train(model_of(labels), data, data, SETTINGS, group=group):
            last = event.step
            seen += isinstance(event, kind)
            if group.rank == 0 and seen == steps:
                break
        found[kind.__name__] = last
    return found


def ddp(group: Group) -> dict[str, Any]:
    """Take a step by torch's DistributedDataParallel, and one by the Stepper, from the same weights."""
    data, labels = comments()
    batch = collate(data, np.arange(8))
    mine = share(batch, group.rank, group.size)
    model = model_of(labels)
    wrapped = DistributedDataParallel(model)
    logits = wrapped(input_ids=mine.input_ids, attention_mask=mine.attention_mask).logits
    cross_entropy(logits, mine.labels).backward()  # the mean of equal shares' means is that of all
    expected = [weight.grad for weight in model.parameters()]

    other = model_of(labels)
    rows: list[int] = []
    other.register_forward_pre_hook(
        lambda _model, _none, inputs: rows.append(len(inputs["input_ids"])), with_kwargs=True
    )
    still = torch.optim.SGD(other.parameters(), lr=0.0)
    stepper = stepping.Stepper(other, still, max_grad_norm=1e6, group=group)
    found = {"expected": expected, "rows": rows}
    for step in ("first", "second"):
        stepper.step(batch)
        found[step] = [
            weight.grad.clone() for weight in other.parameters() if weight.grad is not None
        ]
    return found


def halved(group: Group) -> dict[str, Any]:
    """The memory of rank 1 holds two rows at once, that of rank 0 all of them."""
    taken = stepping.Stepper._part

    def part(self: Any, model: Any, rows: Any, count: float) -> torch.Tensor:
        if group.rank == 1 and len(rows.labels) > 2:
            raise torch.OutOfMemoryError
        return taken(self, model, rows, count)

    stepping.Stepper._part = part  # type: ignore[method-assign]
    stepping.PART_TOKENS["cpu"] = 24 * 6
    return told(SETTINGS, group)


def copied(group: Group) -> list[float]:
    """A bfloat16 copy computes."""
    stepping.multiplies_bfloat16 = lambda kind: True  # type: ignore[assignment]
    losses: list[float] = told(SETTINGS, group)["losses"]
    return losses


def main() -> None:
    stepping.multiplies_bfloat16 = lambda kind: False  # type: ignore[assignment]
    group = joined("cpu")
    told_by = (same, evaluated, resumed, left, ddp, halved, copied)
    found = {what.__name__: what(group) for what in told_by}
    torch.save(found, f"found{group.rank}.pt")


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
            [sys.executable, "-m", "tests.test_group"],
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


if __name__ == "__main__":
    main()
