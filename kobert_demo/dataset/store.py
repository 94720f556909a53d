"""Datasets on disk: uploads and datasets in the workspace, each named by the hash of its content."""

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kobert_demo.columns import Columns
from kobert_demo.dataset.checks import Problem, one_label
from kobert_demo.dataset.examples import Dataset, split
from kobert_demo.errors import DataError
from kobert_demo.language import Message
from kobert_demo.reading import Format

ID = re.compile(r"[0-9a-f]{16}")
ROWS_A_BATCH = 100_000


@dataclass(frozen=True)
class DatasetSummary:
    """What a list of datasets says about one of them.

    Attributes:
        rows, usable: how many rows the file had, and how many of them can be used.
        created: when it was last kept, ISO 8601 in UTC.
    """

    id: str
    name: str
    rows: int
    usable: int
    labels: tuple[str, ...]
    created: str


@dataclass(frozen=True)
class DataChoice:
    """The data of a run: training data, and test data of its own or split off by fraction and seed.

    `train` and `test` are dataset ids.
    """

    train: str
    test: str | None
    test_fraction: float
    seed: int

    def to_text(self) -> str:
        """Return the choice as one word, such as for an address."""
        return f"{self.train}-{self.test or ''}-{self.test_fraction:g}-{self.seed}"

    @classmethod
    def from_text(cls, text: str) -> "DataChoice | None":
        """Return what `to_text` wrote; None for anything else."""
        found = re.fullmatch(r"([0-9a-f]{16})-([0-9a-f]{16})?-(0(?:\.\d+)?)-(\d{1,10})", text)
        if found is None:
            return None
        train, test, fraction, seed = found.groups()
        return cls(train, test, float(fraction), int(seed))


def keep_upload(data: bytes | memoryview, workspace: Path) -> Path:
    """Write the bytes of a file to the workspace, named by their hash alone, and return the path."""
    path = workspace / "uploads" / hashlib.sha256(data).hexdigest()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            file.write(data)
        Path(file.name).replace(path)
    return path


def save_dataset(dataset: Dataset, workspace: Path) -> str:
    """Keep a dataset and return its id.

    One with the same sentences and labels is kept only once, described as it came last.
    """
    parent = workspace / "datasets"
    parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=parent, prefix="."))
    try:
        _write_examples(dataset, partial / "examples.parquet")
        described = json.dumps(_described(dataset), ensure_ascii=False, indent=1)
        (partial / "dataset.json").write_text(described, encoding="utf-8")
        try:
            partial.rename(parent / dataset.id)
        except OSError:  # it is there already, perhaps under another name
            for path in partial.iterdir():
                path.replace(parent / dataset.id / path.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return dataset.id


def _write_examples(dataset: Dataset, path: Path) -> None:
    """Write the rows in batches, so that a large dataset is not copied as a whole."""
    labels = pa.array(dataset.labels, pa.string())
    schema = pa.schema(
        [
            ("line", pa.int32()),
            ("text", pa.string()),
            ("label", pa.dictionary(pa.int32(), pa.string())),
        ]
    )
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, len(dataset), ROWS_A_BATCH):
            rows = slice(start, start + ROWS_A_BATCH)
            label = pa.DictionaryArray.from_arrays(pa.array(dataset.label_ids[rows]), labels)
            arrays = [pa.array(dataset.lines[rows]), pa.array(dataset.texts[rows]), label]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _described(dataset: Dataset) -> dict[str, Any]:
    return {
        "id": dataset.id,
        "name": dataset.name.encode(errors="replace").decode(),  # a file's name may be no text
        "rows": dataset.rows,
        "usable": len(dataset),
        "labels": dataset.labels,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "format": asdict(dataset.format) if dataset.format else None,
        "columns": asdict(dataset.columns) if dataset.columns else None,
        "column_names": dataset.column_names,
        "problems": _grouped(dataset.problems),
    }


def _grouped(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Return each reason once with the lines it concerns."""
    groups: dict[str, dict[str, Any]] = {}
    for problem in problems:
        text, values = problem.message.text, dict(problem.message.values)
        key = json.dumps([text, values])
        groups.setdefault(key, {"text": text, "values": values, "lines": []})
        groups[key]["lines"].append(problem.line)
    return list(groups.values())


def load_dataset(workspace: Path, dataset_id: str) -> Dataset:
    """Return a dataset that was kept.

    Raises:
        DataError: there is none of this id, or its files are damaged.
    """
    directory = workspace / "datasets" / dataset_id
    if not ID.fullmatch(dataset_id) or not directory.is_dir():
        raise DataError(
            "There is no dataset {id} in the workspace: choose another, or upload the file again.",
            id=dataset_id,
        )
    try:
        about = json.loads((directory / "dataset.json").read_text(encoding="utf-8"))
        table = pq.read_table(directory / "examples.parquet")
        return _loaded(about, table)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        raise DataError(
            "The dataset {id} is damaged on disk: delete its folder and upload the file again.",
            id=dataset_id,
        ) from None


def _loaded(about: dict[str, Any], table: pa.Table) -> Dataset:
    ids = {label: index for index, label in enumerate(about["labels"])}
    labels = table["label"].cast(pa.string()).to_pylist()
    problems = [
        Problem(line, message)
        for group in about["problems"]
        for message in [Message(group["text"], group["values"])]
        for line in group["lines"]
    ]
    return Dataset(
        name=about["name"],
        texts=table["text"].to_pylist(),
        label_ids=np.fromiter((ids[label] for label in labels), np.int32, len(labels)),
        lines=table["line"].to_numpy().astype(np.int32),
        labels=tuple(about["labels"]),
        rows=about["rows"],
        problems=tuple(sorted(problems, key=lambda problem: problem.line)),
        format=Format(**about["format"]) if about["format"] else None,
        columns=Columns(**about["columns"]) if about["columns"] else None,
        column_names=tuple(about["column_names"]),
    )


def list_datasets(workspace: Path) -> list[DatasetSummary]:
    """Return the datasets of the workspace, the newest first; damaged ones are left out."""
    found = []
    for path in (workspace / "datasets").glob("*/dataset.json"):
        with suppress(OSError, ValueError, KeyError):
            if ID.fullmatch(path.parent.name):
                found.append(_summary(json.loads(path.read_text(encoding="utf-8"))))
    return sorted(found, key=lambda summary: summary.created, reverse=True)


def _summary(about: dict[str, Any]) -> DatasetSummary:
    return DatasetSummary(
        id=about["id"],
        name=about["name"],
        rows=about["rows"],
        usable=about["usable"],
        labels=tuple(about["labels"]),
        created=about["created"],
    )


def load_choice(workspace: Path, choice: DataChoice) -> tuple[Dataset, Dataset]:
    """Return training and test data, with the labels of the training data on both.

    Test rows with another label are no part of the test data and are told among its problems.

    Raises:
        DataError: a dataset is missing or damaged, the training data has fewer than two labels or too
            few rows to split, or no test row has a label of the training data.
    """
    train = load_dataset(workspace, choice.train)
    if len(train.labels) < 2:
        raise one_label(train.labels[0])
    if choice.test is None:
        _check_divisible(train)
        return split(train, choice.test_fraction, choice.seed)
    return train, with_labels_of(train.labels, load_dataset(workspace, choice.test))


def _check_divisible(dataset: Dataset) -> None:
    lone = [label for label, count in dataset.counts().items() if count < 2]
    if lone:
        raise DataError(
            "No test data can be split off, because these labels have a single sentence each: {labels}. "
            "Choose test data of its own, or add sentences.",
            labels=", ".join(lone),
        )


def with_labels_of(labels: Sequence[str], test: Dataset) -> Dataset:
    """Return the test rows whose labels are among the training `labels`; the others are its problems.

    Raises:
        DataError: there is no such row.
    """
    ids = {label: index for index, label in enumerate(labels)}
    new_ids = np.array([ids.get(label, -1) for label in test.labels], dtype=np.int32)[
        test.label_ids
    ]
    kept = test.take(np.flatnonzero(new_ids >= 0))
    if not kept.texts:
        raise DataError(
            "No test sentence has a label of the training data: choose the test data that belongs to it."
        )
    strange = [
        Problem(int(test.lines[row]), _unknown_label(test.labels[test.label_ids[row]]))
        for row in np.flatnonzero(new_ids < 0)
    ]
    problems = tuple(sorted([*test.problems, *strange], key=lambda problem: problem.line))
    return replace(
        kept,
        label_ids=new_ids[new_ids >= 0],
        labels=tuple(labels),
        rows=test.rows,
        problems=problems,
    )


def _unknown_label(label: str) -> Message:
    return Message("The label “{label}” is not among the training labels.", {"label": label})
