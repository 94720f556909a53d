"""`Encoded` -> batches: sentences of like length together, in a random order.

Padding to the longest sentence of a batch, rather than to `max_length`, saves most of the work on short
texts; lengths are only sorted within a random group of batches, so that the order stays random.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from kobert_demo.encoded import Encoded

MOST_TOKENS = 2**14  # in a batch that is only read, padding included
IGNORED = -100  # the label of a row without loss, as torch's `cross_entropy` has it
GROUP = 50  # batches whose sentences are sorted by length together


@dataclass(frozen=True)
class Batch:
    """What one forward pass reads.

    Attributes:
        input_ids, attention_mask: (batch, tokens), int64.
        labels: (batch), int64.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    labels: torch.Tensor

    def to(self, device: torch.device) -> "Batch":
        return Batch(
            self.input_ids.to(device, non_blocking=True),
            self.attention_mask.to(device, non_blocking=True),
            self.labels.to(device, non_blocking=True),
        )


def collate(encoded: Encoded, rows: NDArray[np.int64]) -> Batch:
    """Return the batch of these rows, padded to the longest of them."""
    lengths = encoded.lengths[rows]
    attention_mask = np.arange(lengths.max()) < lengths[:, None]  # (batch, tokens)
    input_ids = np.full(attention_mask.shape, encoded.pad_id, np.int64)
    pieces = [encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]] for row in rows]
    input_ids[attention_mask] = np.concatenate(pieces)
    return Batch(
        torch.from_numpy(input_ids),
        torch.from_numpy(attention_mask.astype(np.int64)),
        torch.from_numpy(encoded.labels[rows]),
    )


def training_batches(
    encoded: Encoded, batch_size: int, seed: int, epoch: int, done: int = 0
) -> Iterator[Batch]:
    """Yield every row once, in an order that `seed` and `epoch` alone decide.

    Args:
        done: how many batches of this epoch have been trained on already; they are passed over.
    """
    random = np.random.default_rng((seed, epoch))
    order = random.permutation(len(encoded))
    group = batch_size * GROUP
    lengths = encoded.lengths
    chosen = [
        part[begin : begin + batch_size]
        for start in range(0, len(order), group)
        for part in [sorted_by_length(order[start : start + group], lengths)]
        for begin in range(0, len(part), batch_size)
    ]
    for index in random.permutation(len(chosen))[done:]:
        yield collate(encoded, chosen[index])


def share(batch: Batch, rank: int, size: int) -> Batch:
    """Return the rows of one of `size` processes, cut to fit; `nothing` where it has none."""
    rows = slice(rank, None, size)
    if rank >= len(batch.labels):
        return nothing(batch)
    width = int(batch.attention_mask[rows].sum(1).max())
    return Batch(
        batch.input_ids[rows, :width], batch.attention_mask[rows, :width], batch.labels[rows]
    )


def nothing(batch: Batch) -> Batch:
    """Return one row of one token that counts nothing: its gradients are zeros."""
    ignored = torch.full_like(batch.labels[:1], IGNORED)
    return Batch(batch.input_ids[:1, :1], batch.attention_mask[:1, :1], ignored)


def evaluation_batches(encoded: Encoded, batch_size: int) -> Iterator[Batch]:
    """Yield every row once, short sentences first, fewer at once where they are long."""
    order = evaluation_order(encoded)
    begin = 0
    while begin < len(order):
        longest = encoded.lengths[order[min(begin + batch_size, len(order)) - 1]]
        rows = max(1, min(batch_size, MOST_TOKENS // int(longest)))
        yield collate(encoded, order[begin : begin + rows])
        begin += rows


def evaluation_order(encoded: Encoded) -> NDArray[np.int64]:
    """Return the rows in the order in which `evaluation_batches` yields them."""
    return sorted_by_length(np.arange(len(encoded)), encoded.lengths)


def sorted_by_length(rows: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[np.argsort(lengths[rows], kind="stable")]
