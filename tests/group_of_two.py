"""What each of two processes of a group does; it leaves what it found in `found0.pt` and `found1.pt`.

python -m tests.group_of_two
"""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from transformers import BertForSequenceClassification

from kobert_demo import stepping
from kobert_demo.batches import collate, share
from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import detect_columns, parse
from kobert_demo.encoded import Encoded, encode_texts
from kobert_demo.events import Evaluating, Evaluation, Settled, TrainStep
from kobert_demo.group import Group, joined
from kobert_demo.reading import detect_format
from kobert_demo.training import train
from tests.conftest import COMMENTS
from tests.models import EIGHT, eight_sentences, tiny_model, vocabulary

ROWS = 37  # of real comments; the last batch of each epoch has one row only


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


if __name__ == "__main__":
    main()
