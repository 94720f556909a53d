"""Scores -> the same figures for parts of the data: by length, and by what stands in a sentence."""

import re
from dataclasses import dataclass

import numpy as np

from kobert_demo.evaluation.scoring import Rows, Scored
from kobert_demo.language import Message
from kobert_demo.metrics import accuracy, confusion, macro_f1

LENGTHS = (10, 20, 40, 80)  # characters: the last of each part but the longest
FEW = 30  # sentences: the figures of fewer say little
TRAITS = {
    "ㅋㅋ": re.compile("[ㅋᄏ]{2}"),
    "ㅠㅠ": re.compile("[ㅠㅜᅲᅮ]{2}"),
    "emoji": re.compile(
        "[\u231a\u231b\u23e9-\u23f3\u2600-\u2604\u2607-\u27bf\u2b50\u2b55\U0001f000-\U0001faff]"
    ),
    "?": re.compile("[?？]"),
    "!": re.compile("[!！]"),
}


@dataclass(frozen=True)
class Slice:
    """A part of the data; `support` is how many sentences it has.

    Attributes:
        accuracy, macro_f1: None where it has none.
        group: what the data was divided by; the slices of one group are all of the data.
    """

    group: str
    name: Message
    support: int
    accuracy: float | None
    macro_f1: float | None


def slices(scored: Scored) -> tuple[Slice, ...]:
    """Return all parts; some may have no sentence."""
    parts: list[tuple[str, Message, Rows]] = []
    low = 0
    for high in (*LENGTHS, None):
        inside = (scored.lengths > low) & (scored.lengths <= (high or np.inf))
        values = {"low": low + 1, "high": high}
        name = (
            Message("{low} to {high} characters", values)
            if high
            else Message("{low} characters or more", values)
        )
        parts.append(("length", name, np.flatnonzero(inside)))
        low = high or low
    for trait, pattern in TRAITS.items():
        found = np.array([bool(pattern.search(text)) for text in scored.data.texts])
        shown = Message("an emoji") if trait == "emoji" else trait
        parts.append((trait, Message("with {trait}", {"trait": shown}), np.flatnonzero(found)))
        parts.append((trait, Message("without {trait}", {"trait": shown}), np.flatnonzero(~found)))
    return tuple(_slice(scored, *part) for part in parts)


def _slice(scored: Scored, group: str, name: Message, rows: Rows) -> Slice:
    if not len(rows):
        return Slice(group, name, 0, None, None)
    labels = len(scored.data.labels)
    counts = confusion(scored.true[rows], scored.predicted[rows], labels)
    return Slice(group, name, len(rows), accuracy(counts), macro_f1(counts))
