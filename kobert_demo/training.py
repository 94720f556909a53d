"""The training loop: a model and encoded sentences in, a stream of events out.

`train` is a generator. It knows nothing of files, runs or pages: stopping is leaving the `for`, and what
an event means for a run is the worker's business.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, get_cosine_schedule_with_warmup

from kobert_demo import metrics
from kobert_demo.batches import evaluation_batches, training_batches
from kobert_demo.config import TrainingConfig
from kobert_demo.encoded import Encoded
from kobert_demo.stepping import Stepper, precision

READ_INTERVAL = 0.2  # seconds between two looks at an accelerator's results: looking waits for it


@dataclass(frozen=True)
class TrainStep:
    """One optimizer step.

    Attributes:
        step: from 1, over all epochs; epoch: from 1.
        loss: mean cross-entropy of the batch, in nats.
        accuracy: share of right answers in this epoch so far, over sentences.
        learning_rate: that of this step.
        grad_norm: L2 norm of all gradients before clipping.
        sentences: trained on so far, over all epochs.
        seconds: spent in training steps so far; evaluations do not count.
    """

    step: int
    epoch: int
    loss: float
    accuracy: float
    learning_rate: float
    grad_norm: float
    sentences: int
    seconds: float


@dataclass(frozen=True)
class Evaluation:
    """The model on the test data after `step` steps, all figures exact over sentences.

    Attributes:
        loss: mean cross-entropy, in nats.
        confusion: (labels, labels) counts; row: true label, column: predicted label.
    """

    step: int
    epoch: int
    loss: float
    accuracy: float
    macro_f1: float
    confusion: NDArray[np.int64]


@dataclass(frozen=True)
class Evaluating:
    """A batch of the test data has been looked at: a moment to stop in a long evaluation."""

    step: int


Event = TrainStep | Evaluating | Evaluation


def train(
    model: PreTrainedModel,
    train_data: Encoded,
    test_data: Encoded,
    config: TrainingConfig,
) -> Iterator[Event]:
    """Fine-tune `model` in place, on the device it is on.

    Yields a `TrainStep` for each step, and an `Evaluation` after each epoch and each
    `config.evaluate_every` steps, with an `Evaluating` for each of its batches before it. On an
    accelerator the steps come in small groups, because reading a loss waits for the device.
    """
    per_epoch = config.steps_per_epoch(len(train_data))
    steps = config.epochs * per_epoch
    optimizer = torch.optim.AdamW(
        _parameter_groups(model, config.weight_decay), lr=config.learning_rate, fused=True
    )
    warmup = int(steps * config.warmup_ratio)
    schedule = get_cosine_schedule_with_warmup(optimizer, warmup, steps)
    stepper = Stepper(model, optimizer, config.max_grad_norm)
    meter, step = _Meter(model.device), 0
    for epoch in range(1, config.epochs + 1):
        meter.start_epoch(epoch)
        for batch in training_batches(train_data, config.batch_size, config.seed, epoch):
            step += 1
            rate = schedule.get_last_lr()[0]
            values = stepper.step(batch)
            schedule.step()
            meter.add(len(batch.labels), rate, values)
            evaluating = step == epoch * per_epoch or (
                config.evaluate_every > 0 and step % config.evaluate_every == 0
            )
            if evaluating or meter.due():
                yield from meter.read()
            if evaluating:
                yield from evaluate(model, test_data, 2 * config.batch_size, step, epoch)
                meter.resume()


def evaluate(
    model: PreTrainedModel, data: Encoded, batch_size: int, step: int, epoch: int
) -> Iterator[Evaluating | Evaluation]:
    """Yield an `Evaluating` a batch and the exact figures last; leaves `model` in evaluation mode."""
    model.eval()
    loss = torch.zeros((), device=model.device)
    true, predicted = [], []
    for batch in evaluation_batches(data, batch_size):
        batch = batch.to(model.device)
        with torch.no_grad(), precision(model.device):
            logits = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
        loss += cross_entropy(logits.float(), batch.labels, reduction="sum")
        true.append(batch.labels)
        predicted.append(logits.argmax(-1))
        yield Evaluating(step)
    counts = metrics.confusion(
        torch.cat(true).cpu().numpy(), torch.cat(predicted).cpu().numpy(), model.num_labels
    )
    yield Evaluation(
        step,
        epoch,
        loss.item() / len(data),
        metrics.accuracy(counts),
        metrics.macro_f1(counts),
        counts,
    )


def _parameter_groups(
    model: torch.nn.Module, weight_decay: float
) -> list[dict[str, list[torch.nn.Parameter] | float]]:
    """Weight decay for all but biases and LayerNorm weights (Devlin et al. 2018, released code)."""
    named = list(model.named_parameters())
    return [
        {"params": [p for name, p in named if not _spared(name)], "weight_decay": weight_decay},
        {"params": [p for name, p in named if _spared(name)], "weight_decay": 0.0},
    ]


def _spared(name: str) -> bool:
    return name.endswith("bias") or "norm" in name.lower()


@dataclass
class _Meter:
    """Keeps the steps whose results still lie on the device, and turns them into events."""

    device: torch.device
    epoch: int = 0
    step: int = 0
    right: int = 0
    seen: int = 0
    sentences: int = 0
    seconds: float = 0.0
    began: float = 0.0
    pending: list[tuple[int, float, torch.Tensor]] = field(default_factory=list)

    def start_epoch(self, epoch: int) -> None:
        self.epoch, self.right, self.seen = epoch, 0, 0
        self.resume()

    def resume(self) -> None:
        self.began = time.perf_counter()

    def add(self, rows: int, learning_rate: float, values: torch.Tensor) -> None:
        self.pending.append((rows, learning_rate, values))

    def due(self) -> bool:
        return self.device.type == "cpu" or time.perf_counter() - self.began > READ_INTERVAL

    def read(self) -> Iterator[TrainStep]:
        read = torch.stack([values for _, _, values in self.pending]).tolist()
        pause = (time.perf_counter() - self.began) / len(self.pending)
        for (rows, rate, _), (loss, right, norm) in zip(self.pending, read, strict=True):
            self.step += 1
            self.right, self.seen = self.right + int(right), self.seen + rows
            self.sentences, self.seconds = self.sentences + rows, self.seconds + pause
            accuracy = self.right / self.seen
            yield TrainStep(
                self.step, self.epoch, loss, accuracy, rate, norm, self.sentences, self.seconds
            )
        self.pending.clear()
        self.resume()
