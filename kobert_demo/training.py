"""The training loop: a model and encoded sentences in, a stream of events out.

`train` is a generator. It knows nothing of files, runs or pages: stopping is leaving the `for`, and what
an event means for a run is the worker's business.
"""

from collections.abc import Generator, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, get_cosine_schedule_with_warmup

from kobert_demo import metrics
from kobert_demo.batches import Batch, evaluation_batches, evaluation_order, training_batches
from kobert_demo.config import TrainingConfig
from kobert_demo.encoded import Encoded
from kobert_demo.events import Evaluating, Evaluation, Event, Settled, State
from kobert_demo.group import ALONE, Group
from kobert_demo.meter import Best, Meter
from kobert_demo.stepping import Stepper, precision


def train(
    model: PreTrainedModel,
    train_data: Encoded,
    test_data: Encoded,
    config: TrainingConfig,
    start: State | None = None,
    group: Group = ALONE,
) -> Generator[Event, None, None]:
    """Fine-tune `model` in place, on the device it is on.

    Yields a `TrainStep` for each step, and an `Evaluation` after each epoch and each
    `config.evaluate_every` steps, with an `Evaluating` for each of its batches before it. On an
    accelerator the steps come in small groups, because reading a loss waits for the device. A `Settled`
    follows each group and each evaluation.

    Args:
        start: the state to go on from; on a CPU all that follows is then as if nothing had come between.
        group: the processes that train together. Each is given the same model, data, settings and start,
            and tells the same; when rank 0's events are left, those of the others end at the same step.
    """
    try:
        yield from _train(model, train_data, test_data, config, start, group)
        group.goes_on()
    except GeneratorExit:
        if group.rank == 0:
            group.goes_on(False)
        raise
    except Left:
        pass


class Left(Exception):
    """Rank 0 has left the training."""


def _train(
    model: PreTrainedModel,
    train_data: Encoded,
    test_data: Encoded,
    config: TrainingConfig,
    start: State | None,
    group: Group,
) -> Iterator[Event]:
    per_epoch = config.steps_per_epoch(len(train_data))
    loop = _Loop(model, train_data, config, group)
    if start:
        loop.restore(start)

    def evaluation() -> Iterator[Event]:
        batch_size, epoch = 2 * config.batch_size, -(-loop.step // per_epoch)
        for event in evaluate(model, test_data, batch_size, loop.step, epoch, group):
            loop.best.see(event)
            yield event
        loop.owes_evaluation = False
        loop.meter.resume()
        yield loop.settled()

    if loop.owes_evaluation:
        yield from evaluation()
    while loop.step < config.epochs * per_epoch and not loop.best.is_hopeless(config.patience):
        epoch, done = divmod(loop.step, per_epoch)
        loop.meter.start_epoch(epoch + 1, anew=not done)
        size = config.sentences_a_step
        for batch in training_batches(train_data, size, config.seed, epoch + 1, done):
            loop.take_step(batch)
            loop.owes_evaluation = loop.step % per_epoch == 0 or (
                config.evaluate_every > 0 and loop.step % config.evaluate_every == 0
            )
            if loop.owes_evaluation or loop.meter.due():
                yield from loop.meter.read()
                yield loop.settled()
            if loop.owes_evaluation:
                yield from evaluation()
                if loop.best.is_hopeless(config.patience):
                    break


def evaluate(
    model: PreTrainedModel,
    data: Encoded,
    batch_size: int,
    step: int,
    epoch: int,
    group: Group = ALONE,
) -> Iterator[Evaluating | Evaluation]:
    """Yield an `Evaluating` a batch and the exact figures last; leaves `model` in evaluation mode.

    Each process of a group reads some of the batches that one process would read, each batch once.

    Raises:
        Left: rank 0 has left.
    """
    model.eval()
    losses, pairs = [], torch.zeros(len(data), dtype=torch.int64, device=model.device)
    done = 0
    for number, batch in enumerate(evaluation_batches(data, batch_size)):
        losses.append(torch.zeros((), device=model.device))
        rows = slice(done, done := done + len(batch.labels))
        if number % group.size != group.rank:
            continue
        batch = batch.to(model.device)
        with torch.no_grad(), precision(model.device):
            logits = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
        losses[-1] = cross_entropy(logits.float(), batch.labels, reduction="sum")
        pairs[rows] = batch.labels * model.num_labels + logits.argmax(-1)
        yield Evaluating(step)
    if not group.goes_on():
        raise Left
    loss = float(group.sum(torch.stack(losses)).sum())  # in one order, however they were shared out
    answers = np.empty((2, len(data)), np.int64)
    answers[:, evaluation_order(data)] = np.divmod(group.sum(pairs).cpu().numpy(), model.num_labels)
    confusion = metrics.confusion(answers[0], answers[1], model.num_labels)
    yield Evaluation(
        step,
        epoch,
        loss / len(data),
        metrics.accuracy(confusion),
        metrics.macro_f1(confusion),
        confusion,
        answers,
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


class _Loop:
    """What changes from step to step."""

    def __init__(
        self, model: PreTrainedModel, data: Encoded, config: TrainingConfig, group: Group
    ) -> None:
        self.step, self.meter, self.best = 0, Meter(model.device), Best()
        self.owes_evaluation = False
        self._model, self._group, self._seed = model, group, config.seed
        self._optimizer = torch.optim.AdamW(
            _parameter_groups(model, config.weight_decay), lr=config.learning_rate, fused=True
        )
        steps = config.epochs * config.steps_per_epoch(len(data))
        warmup = int(steps * config.warmup_ratio)
        self._schedule = get_cosine_schedule_with_warmup(self._optimizer, warmup, steps)
        weights = class_weights(data.labels, model.num_labels, config.class_weights)
        self._stepper = Stepper(
            model, self._optimizer, config.max_grad_norm, config.batch_size, weights, group
        )

    def take_step(self, batch: Batch) -> None:
        """Take the next step.

        In a group, its dropout is drawn from seed, step and rank: to go on, nothing need be gathered.

        Raises:
            Left: rank 0 has left.
        """
        if not self._group.goes_on():
            raise Left
        if self._group.size > 1:
            seeds = np.random.SeedSequence((self._seed, self.step, self._group.rank))
            torch.manual_seed(int(seeds.generate_state(1)[0]))
        rate = self._schedule.get_last_lr()[0]
        values = self._stepper.step(batch)
        self._schedule.step()
        self.step += 1
        self.meter.add(len(batch.labels), rate, values)

    def settled(self) -> Settled:
        return Settled(self.step, self.owes_evaluation, self.state)

    def state(self) -> State:
        return {
            "step": self.step,
            "owes_evaluation": self.owes_evaluation,
            "model": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "meter": self.meter.state(),
            "best": asdict(self.best),
            "random": {kind: source.get_rng_state() for kind, source in self._random()},
        }

    def restore(self, state: State) -> None:
        self.step, self.owes_evaluation = state["step"], state["owes_evaluation"]
        self._model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self.meter = Meter(self._model.device, step=self.step, **state["meter"])
        self.best = Best(**state["best"])
        for kind, source in self._random():
            if kind in state["random"]:  # not where the run goes on, on another kind of device
                source.set_rng_state(state["random"][kind])

    def _random(self) -> Iterator[tuple[str, Any]]:
        yield "cpu", torch.random
        if (kind := self._model.device.type) != "cpu":
            yield kind, torch.get_device_module(kind)


def class_weights(labels: NDArray[np.int64], count: int, power: float) -> torch.Tensor | None:
    """Return how much a sentence of each label counts, (count); None where all count alike.

    With power 1 they are scikit-learn's "balanced" ones, sentences / (labels * sentences of the label).
    """
    if not power:
        return None
    counts = np.bincount(labels, minlength=count).clip(1)
    return torch.from_numpy((len(labels) / (count * counts)) ** power).float()
