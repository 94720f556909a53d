"""One optimizer step: as fast as the device allows, in parts that its memory can hold.

Where a CPU multiplies bfloat16 (AVX-512 BF16, AMX), a bfloat16 copy of the model computes losses and
gradients, and the float32 weights add up the steps (Micikevicius et al. 2018, arXiv:1710.03740, section
3.1). On CUDA, autocast does so. Elsewhere everything is float32.

A batch goes through the model in parts of at most so many tokens, their gradients added up: the step is
that of the whole batch, however long its texts are. What does not fit a GPU's memory is tried in halves.

In a group of processes, the backward pass of each one's last part adds up the gradients of all. What is
tried in halves must not have sent any before, so a part that is larger than all before it is taken apart,
and a row that counts nothing is the last.
"""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy

import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_
from transformers import PreTrainedModel

from kobert_demo.batches import Batch, nothing, share
from kobert_demo.device import multiplies_bfloat16
from kobert_demo.dropout import use_bits
from kobert_demo.group import ALONE, Group

PART_TOKENS = {"cuda": 2**15, "mps": 2**13, "cpu": 2**13}  # padding included

log = logging.getLogger(__name__)


class Stepper:
    """Takes optimizer steps for a model, on the device it is on.

    Args:
        model: changed in place; its weights stay float32.
        optimizer: over the parameters of `model`.
        max_grad_norm: gradients with a larger L2 norm are scaled down to it.
        rows: sentences that go through the model at once, at most; None for as many as fit.
        class_weights: (labels), how much a sentence of each label counts; None for all alike.
        group: those that take the same steps, each with its rows of every batch.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        optimizer: torch.optim.Optimizer,
        max_grad_norm: float,
        rows: int | None = None,
        class_weights: torch.Tensor | None = None,
        group: Group = ALONE,
    ) -> None:
        self._model, self._optimizer, self._max_grad_norm = model, optimizer, max_grad_norm
        self._rows, self._class_weights, self._group = rows, class_weights, group
        self._part_tokens = PART_TOKENS[model.device.type]
        halved = multiplies_bfloat16(model.device.type)
        self._reader = deepcopy(model).bfloat16() if halved else model
        if model.device.type == "cpu":
            use_bits(self._reader)
        self._together = group.parallel(model)
        self._apart = self._reader if halved else self._together
        self._fitted: list[torch.Size] = []  # of parts that went through the model apart
        self._weights = list(model.parameters())
        self._read = list(self._reader.parameters())

    def step(self, batch: Batch) -> torch.Tensor:
        """Take one step; return (3): mean loss, right answers, gradient norm, still on the device.

        Raises:
            torch.OutOfMemoryError: not even one sentence fits.
        """
        weights = self._class_weights
        count = float(len(batch.labels) if weights is None else weights[batch.labels].sum())
        batch = share(batch, self._group.rank, self._group.size)
        while True:
            mine = list(parts(batch, self._part_tokens, self._rows))
            last = self._last(mine) if self._group.size > 1 else None
            try:
                figures = self._gradients(mine, count)
                break
            except torch.OutOfMemoryError:
                if batch.input_ids.shape[1] > self._part_tokens:
                    raise
                self._part_tokens = self._halved(batch)
                torch.cuda.empty_cache()
        if last is not None:
            self._fitted += [part.input_ids.shape for part in mine if not self._fits(part)]
            figures.append(self._part(self._together, last, count))
        total = self._group.sum(torch.stack(figures).sum(0))
        norm = clip_grad_norm_(self._weights, self._max_grad_norm)
        self._optimizer.step()
        return torch.cat([total, norm.detach()[None]])

    def _halved(self, batch: Batch) -> int:
        """Return half of the tokens of the part that did not fit, and say so in the log."""
        tokens = min(self._part_tokens, batch.input_ids.numel()) // 2
        log.warning(
            "the GPU's memory is full: a batch goes through it in parts of %d tokens", tokens
        )
        return tokens

    def _last(self, mine: list[Batch]) -> Batch:
        """Take from `mine` the part whose pass adds up the gradients of all: what surely fits."""
        if self._reader is self._model and self._fits(mine[-1]):
            return mine.pop()
        return nothing(mine[-1])

    def _fits(self, part: Batch) -> bool:
        rows, width = part.input_ids.shape
        return any(rows * width <= shape.numel() and width <= shape[1] for shape in self._fitted)

    def _gradients(self, mine: list[Batch], count: float) -> list[torch.Tensor]:
        """Put the gradients of these parts in place, and of no others; return the figures of each."""
        self._reader.train()
        if self._reader is not self._model:
            with torch.no_grad():
                torch._foreach_copy_(self._read, self._weights)
        self._model.zero_grad()
        figures = []
        for part in mine:
            with self._group.apart(self._together):
                figures.append(self._part(self._apart, part, count))
            if self._reader is not self._model:
                self._add_up()
        return figures

    def _add_up(self) -> None:
        """Add the copy's gradients to those of the float32 weights."""
        for weight, read in zip(self._weights, self._read, strict=True):
            if read.grad is None:
                continue
            if weight.grad is None:
                weight.grad = read.grad.float()
            else:
                weight.grad += read.grad
            read.grad = None

    def _part(self, model: torch.nn.Module, part: Batch, count: float) -> torch.Tensor:
        """Add the gradients of one part; return (2): its part of the loss, right answers.

        Args:
            count: what the sentences of the whole batch weigh, those of other processes among them.
        """
        weights = self._class_weights
        part = part.to(self._model.device)
        with precision(self._model.device):
            logits = model(
                input_ids=part.input_ids, attention_mask=part.attention_mask
            ).logits.float()
        weights = None if weights is None else weights.to(logits.device)
        loss = cross_entropy(logits, part.labels, weights, reduction="sum") / count
        # What the processes of a group add up is divided by their number.
        (loss * self._group.size).backward()  # type: ignore[no-untyped-call]
        right = (logits.argmax(-1) == part.labels).sum()
        return torch.stack([loss.detach(), right.float()])


def parts(batch: Batch, tokens: int, rows: int | None = None) -> Iterator[Batch]:
    """Yield the batch in parts of so many tokens and rows at most, or of one sentence, each cut to fit."""
    rows = min(rows or len(batch.labels), max(1, tokens // batch.input_ids.shape[1]))
    if rows >= len(batch.labels):
        yield batch
        return
    for start in range(0, len(batch.labels), rows):
        of = slice(start, start + rows)
        width = int(batch.attention_mask[of].sum(1).max())
        yield Batch(batch.input_ids[of, :width], batch.attention_mask[of, :width], batch.labels[of])


def precision(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 matrix products on CUDA, the weights' own precision elsewhere."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()
