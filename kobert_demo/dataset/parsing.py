"""Records -> `Dataset`: usable sentences with their labels, and what is wrong with the other rows."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from kobert_demo.columns import NUMBER, Columns, choose_columns
from kobert_demo.dataset.checks import (
    Problem,
    lone_label,
    one_label,
    reasons_against,
    summarize,
)
from kobert_demo.dataset.examples import Dataset
from kobert_demo.errors import DataError
from kobert_demo.language import Message
from kobert_demo.reading import SAMPLE_LINES, Format, Record, column_names, records, sample


def detect_columns(path: Path, how: Format) -> Columns:
    """Return which column seems to hold the sentence and which the label.

    Raises:
        DataError: the file has fewer than two columns.
    """
    return choose_columns([record.cells for record in sample(path, how, SAMPLE_LINES)], how.header)


@dataclass
class _Rows:
    """What parsing has gathered so far.

    `ids` maps each label to its id, from 0, and `seen` each way in which one is written.
    """

    texts: list[str] = field(default_factory=list)
    label_ids: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    count: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)

    def label_id(self, cell: str) -> int:
        """Return the id of a label; labels that look alike are one."""
        if cell not in self.seen:
            self.seen[cell] = self.ids.setdefault(_composed(cell), len(self.ids))
        return self.seen[cell]

    def add(self, record: Record, columns: Columns, width: int) -> None:
        self.count += 1
        reasons = reasons_against(record, columns, width)
        if reasons:
            self.problems.extend(Problem(record.line, reason) for reason in reasons)
            return
        self.texts.append(record.cells[columns.text].strip())
        self.label_ids.append(self.label_id(record.cells[columns.label]))
        self.lines.append(record.line)


def _composed(label: str) -> str:
    """Return a label in the one form of all that look like it."""
    return unicodedata.normalize("NFC", label.strip())


def parse(
    path: Path,
    how: Format,
    columns: Columns,
    names: Mapping[str, str] | None = None,
    progress: Callable[[float], None] | None = None,
    name: str = "",
    least: int = 2,
) -> Dataset:
    """Read a file into a `Dataset`; every row is either usable or told among its problems.

    Args:
        names: readable names for labels, by the label as written in the file.
        progress: hears now and then which share of the file has been read.
        name: what a person calls the data.
        least: how many rows a label needs, and how many labels the data: 2 to train, 1 to test only.

    Raises:
        DataError: the columns are not there, no row is usable, there are too few labels, or two
            labels would have the same name.
    """
    headings = column_names(path, how)
    _check_columns(columns, len(headings))
    rows = _Rows()
    for index, record in enumerate(records(path, how, progress)):
        if index or not how.header:
            rows.add(record, columns, len(headings))
    dataset = _gathered(rows, _named(rows.ids, names or {}), name, least)
    _check_usable(dataset, least)
    return replace(dataset, format=how, columns=columns, column_names=headings)


def _check_columns(columns: Columns, width: int) -> None:
    if columns.text == columns.label:
        raise DataError("Sentence and label are the same column: choose two different ones.")
    if not (0 <= columns.text < width and 0 <= columns.label < width):
        raise DataError(
            "The rows have {width} columns: choose the sentence and the label among them, or another "
            "delimiter.",
            width=width,
        )


def _named(labels: Iterable[str], names: Mapping[str, str]) -> list[str]:
    """Return each label's readable name, or the label itself where none was given.

    Raises:
        DataError: two labels would have the same name, and so become one.
    """
    wearers: dict[str, list[str]] = {}
    for label in labels:
        wearers.setdefault(_composed(names.get(label, "")) or label, []).append(label)
    problems = [
        Message(
            "The labels {labels} would all be called “{name}”: give each a name of its own.",
            {
                "labels": ", ".join(f"“{label}”" for label in sorted(shared, key=natural_order)),
                "name": name,
            },
        )
        for name, shared in wearers.items()
        if len(shared) > 1
    ]
    if problems:
        first, *others = problems
        raise DataError(first.text, also=tuple(others), **first.values)
    return list(wearers)


def _gathered(rows: _Rows, labels: Sequence[str], name: str, least: int) -> Dataset:
    """Return the rows whose label has enough of them, with the labels in natural order.

    Args:
        labels: what each label is called, by its id.
    """
    written = list(rows.ids)
    label_ids = np.array(rows.label_ids, dtype=np.int32)
    counts = np.bincount(label_ids, minlength=len(labels))
    kept = [index for index in range(len(labels)) if counts[index] >= least]
    kept.sort(key=lambda index: natural_order(written[index]))
    new_ids = np.full(len(labels), -1, dtype=np.int32)
    new_ids[kept] = np.arange(len(kept), dtype=np.int32)
    gathered = Dataset(
        name=name,
        texts=rows.texts,
        label_ids=new_ids[label_ids] if len(labels) else label_ids,
        lines=np.array(rows.lines, dtype=np.int32),
        labels=tuple(labels[index] for index in kept),
        rows=rows.count,
    )
    lone = [
        Problem(rows.lines[index], lone_label(labels[rows.label_ids[index]]))
        for index in np.flatnonzero(gathered.label_ids < 0)
    ]
    problems = tuple(sorted([*rows.problems, *lone], key=lambda problem: problem.line))
    usable = gathered.take(np.flatnonzero(gathered.label_ids >= 0)) if lone else gathered
    return replace(usable, rows=rows.count, problems=problems)


def _check_usable(dataset: Dataset, least: int) -> None:
    reasons = summarize(dataset.problems)
    if not dataset.rows:
        raise DataError(
            "The file has no rows: choose a file with a sentence and a label on each line."
        )
    if not dataset.texts:
        raise DataError(
            "None of the {rows} rows can be used: check encoding, delimiter and columns.",
            rows=dataset.rows,
            also=reasons,
        )
    if len(dataset.labels) < least:
        raise one_label(dataset.labels[0], reasons)


def natural_order(label: str) -> tuple[bool, float, list[tuple[int, str]]]:
    """Order labels as a person counts: numbers by value before words, `item 2` before `item 10`."""
    if NUMBER.fullmatch(label):
        return False, float(label), []
    # Every second part is a number; without leading zeros the one with more digits is the larger.
    parts = re.split(r"(\d+)", label)
    numbers = {at: part.lstrip("0") for at, part in enumerate(parts) if at % 2}
    return (
        True,
        0.0,
        [(len(numbers.get(at, "")), numbers.get(at, part)) for at, part in enumerate(parts)],
    )
