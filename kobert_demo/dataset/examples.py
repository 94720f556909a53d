"""`Dataset`: labelled sentences as columns, and their division into training and test data."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kobert_demo.columns import Columns
from kobert_demo.dataset.checks import Problem
from kobert_demo.errors import DataError
from kobert_demo.reading import Format


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled sentences, kept as columns.

    Attributes:
        name: what a person calls it.
        texts: the usable sentences.
        label_ids: for each sentence the place of its label in `labels`; int32, (sentences,).
        lines: for each sentence the line of the file it stood on, from 1; int32, (sentences,).
        labels: the labels in natural order, by their readable names where such were given.
        rows: how many rows of data were read, the unusable ones included.
        problems: what is wrong with the unusable rows, by line.
        format, columns, column_names: how the file was read; None and empty where there was no file.
        part_of: the dataset that these are some sentences of, and their places in it; None for a whole.
    """

    name: str
    texts: list[str]
    label_ids: NDArray[np.int32]
    lines: NDArray[np.int32]
    labels: tuple[str, ...]
    rows: int
    problems: tuple[Problem, ...] = ()
    format: Format | None = None
    columns: Columns | None = None
    column_names: tuple[str, ...] = ()
    part_of: "tuple[Dataset, NDArray[np.int64]] | None" = None

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def sha256(self) -> str:
        """The hash of sentences and labels, whatever file they came in."""
        digest = hashlib.sha256("\x1f".join(self.labels).encode())
        digest.update(self.label_ids.astype("<i4").tobytes())
        for start in range(0, len(self.texts), 10_000):
            digest.update("".join(f"\x1e{t}" for t in self.texts[start : start + 10_000]).encode())
        return digest.hexdigest()

    @property
    def id(self) -> str:
        return self.sha256[:16]

    def take(self, indices: NDArray[np.int64] | Sequence[int]) -> "Dataset":
        """Return the dataset of these sentences alone; the labels stay the same."""
        chosen = np.asarray(indices, dtype=np.int64)
        return replace(
            self,
            texts=[self.texts[index] for index in chosen],
            label_ids=self.label_ids[chosen],
            lines=self.lines[chosen],
            rows=len(chosen),
            problems=(),
            part_of=None,
        )

    def counts(self) -> dict[str, int]:
        """Return how many sentences each label has."""
        counts = np.bincount(self.label_ids, minlength=len(self.labels)).tolist()
        return dict(zip(self.labels, counts, strict=True))


def split(dataset: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Return a training and a test half; the test half gets `fraction` of each label's rows.

    Each label keeps a row or more on both sides. The same seed gives the same halves.

    Raises:
        DataError: the fraction is not between 0 and 1.
    """
    if not 0 < fraction < 1:
        raise DataError(
            "The share to test on must lie between 0 % and 100 % (as a fraction: 0 and 1)."
        )
    random = np.random.default_rng(seed)
    tests = []
    for label in range(len(dataset.labels)):
        rows = random.permutation(np.flatnonzero(dataset.label_ids == label))
        tests.append(rows[: min(max(round(len(rows) * fraction), 1), len(rows) - 1)])
    test = np.sort(np.concatenate(tests))
    train = np.setdiff1d(np.arange(len(dataset.texts)), test, assume_unique=True)
    halves = ((dataset.take(rows), rows) for rows in (train, test))
    first, second = (replace(half, part_of=(dataset, rows)) for half, rows in halves)
    return first, second
