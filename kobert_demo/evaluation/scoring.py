"""Labelled sentences -> `Scored`: what a classifier says of each of them."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kobert_demo.bundle import read_record
from kobert_demo.calibration import softmax
from kobert_demo.dataset import Dataset
from kobert_demo.imports import quick_imports
from kobert_demo.metrics import Counts, confusion

Rows = NDArray[np.int64]  # places in the data


@dataclass(frozen=True, eq=False)
class Scored:
    """Labelled sentences and what a classifier says of them.

    Attributes:
        data: the sentences; its labels are the classifier's, in their order.
        logits: (sentences, labels), as the bundle gives them.
        temperature: what the bundle divides its own logits by, 1 where nobody has scaled it.
        fitted_on: the SHA-256 of the data that the temperature was fitted on.
    """

    data: Dataset
    logits: NDArray[np.float32]
    temperature: float = 1.0
    fitted_on: str | None = None

    def __len__(self) -> int:
        return len(self.data)

    @cached_property
    def true(self) -> Rows:
        return self.data.label_ids.astype(np.int64)

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """(sentences, labels)"""
        return softmax(self.logits)

    @cached_property
    def predicted(self) -> Rows:
        return np.asarray(self.logits.argmax(1), np.int64)

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """The probability of what was predicted, (sentences)."""
        return np.asarray(self.probabilities.max(1))

    @cached_property
    def counts(self) -> Counts:
        """(labels, labels); row: true label, column: predicted label."""
        return confusion(self.true, self.predicted, len(self.data.labels))

    @cached_property
    def lengths(self) -> Rows:
        """In characters, (sentences)."""
        return np.fromiter(map(len, self.data.texts), np.int64, len(self))

    @cached_property
    def searchable(self) -> list[str]:
        return [searchable(text) for text in self.data.texts]


def searchable(text: str) -> str:
    """Return a text in the one form of all that a person would take for the same."""
    return unicodedata.normalize("NFKC", text).casefold()


def compute_logits(
    bundle: Path, data: Dataset, progress: Callable[[float], None] = lambda share: None
) -> NDArray[np.float32]:
    """Return a bundle's logits for every sentence, in float32 arithmetic: (sentences, labels).

    Args:
        progress: hears which share of the sentences is done.

    Raises:
        ModelError: the bundle cannot be loaded, or its answers are no numbers.
    """
    with quick_imports():
        from kobert_demo.predictor import Predictor  # imports torch: nothing else here does

    return Predictor(str(bundle), exact=True).logits(data.texts, progress)


def scored(bundle: Path, data: Dataset, logits: NDArray[np.float32]) -> Scored:
    """Put sentences, logits and the bundle's temperature together.

    Raises:
        ModelError: the bundle's record cannot be read.
    """
    record: dict[str, Any] = read_record(bundle)
    fit = record.get("temperature_fit") or {}
    return Scored(data, logits, float(record.get("temperature", 1.0)), fit.get("data_sha256"))
