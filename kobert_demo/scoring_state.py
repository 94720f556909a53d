"""What a file that is scored was asked for and how far it is, as two small files of its directory.

This module knows what is written down; it knows nothing of processes.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from kobert_demo.errors import DataError
from kobert_demo.language import Message
from kobert_demo.reading import Format

UNREADABLE = (OSError, ValueError, TypeError, KeyError)
Stage = Literal["starting", "scoring", "done", "stopped", "failed"]


@dataclass(frozen=True)
class Order:
    """What is to be scored and how, written down once.

    Attributes:
        path: of the file; name: what the person calls it, for reading only.
        classifier: what pages call the model (a run's id, or its name); model: what it is loaded by.
        how: how the file is written.
        text, label: columns from 0; label is None where there is none.
        guard: whether an apostrophe keeps spreadsheets from computing.
        created: seconds since 1970.
        exact: whether it is computed in float32, also where bfloat16 or int8 is quicker.
    """

    path: str
    name: str
    classifier: str
    model: str
    how: Format
    text: int
    label: int | None
    guard: bool
    created: float
    exact: bool = False

    @property
    def ending(self) -> str:
        """Return how the scored file's name ends, which decides its delimiter."""
        return ".csv" if self.how.delimiter == "," else ".tsv"


@dataclass(frozen=True)
class State:
    """How far a job is.

    Attributes:
        share: of the file that is done.
        left: seconds that it will still take; None before that is known.
        labels: the model's, and summary: `scored_rows.Summary.as_json`, both of a job that is done.
        error: why it failed.
    """

    stage: Stage
    share: float = 0.0
    left: float | None = None
    labels: tuple[str, ...] = ()
    summary: dict[str, Any] | None = None
    error: Message | None = None

    @property
    def active(self) -> bool:
        return self.stage in ("starting", "scoring")


def no_job() -> DataError:
    return DataError("There is no such scored file any more: choose another one.")


def output(directory: Path, order: Order) -> Path:
    """Return where the scored file of a job lies when it is whole."""
    return directory / f"scored{order.ending}"


def write_order(directory: Path, order: Order) -> None:
    """Write down what a new job is asked to do."""
    directory.mkdir(parents=True)
    _write(directory / "order.json", asdict(order))


def read_order(directory: Path) -> Order:
    """Return what a job was asked to do.

    Raises:
        DataError: there is no such job.
    """
    try:
        row = json.loads((directory / "order.json").read_text(encoding="utf-8"))
        return Order(**{**row, "how": Format(**row["how"])})
    except UNREADABLE:
        raise no_job() from None


def read_state(directory: Path) -> State:
    """Return what a job's process wrote last; before its first word it is stopped."""
    try:
        row = json.loads((directory / "state.json").read_text(encoding="utf-8"))
        error = Message(**row["error"]) if row["error"] else None
        return State(**{**row, "labels": tuple(row["labels"]), "error": error})
    except UNREADABLE:
        return State("stopped")


def write_state(directory: Path, state: State) -> None:
    """Put a state in the place of the one before; a reader sees one or the other."""
    row = asdict(state)
    if state.error:
        values = {name: str(value) for name, value in state.error.values.items()}
        row["error"] = {"text": state.error.text, "values": values}
    _write(directory / "state.json", row)


def _write(path: Path, row: dict[str, Any]) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
    new.replace(path)
