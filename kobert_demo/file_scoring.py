"""A file of sentences -> the same file with a label, a confidence and a column a class.

Rows pass in blocks, so that memory does not grow with them. What is done so far lies beside the output,
under another name; after a cut the work goes on at the last whole block, and the bytes are those of an
uncut one.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kobert_demo.columns import choose_columns, width_of
from kobert_demo.errors import DataError
from kobert_demo.hub import digest
from kobert_demo.reading import SAMPLE_LINES, Format, Record, records, sample
from kobert_demo.scored_rows import Layout, Summary

if TYPE_CHECKING:
    from kobert_demo.predictor import Predictor

ROWS = 1_024  # of a block: a large model on a CPU takes some ten seconds for it
CHUNK = 1 << 20  # bytes
UNREADABLE = (OSError, ValueError, TypeError, KeyError)


def choose_layout(
    path: Path,
    how: Format,
    labels: tuple[str, ...],
    out: Path,
    text: int | None = None,
    label: int | None = None,
    guard: bool = False,
) -> Layout:
    """Return how a file will be scored: by the columns that were named, else by those it seems to have.

    Args:
        labels: the model's.
        out: decides the delimiter: a comma for `.csv`, else a tab.
        text, label: columns from 0.
    """
    rows = [record.cells for record in sample(path, how, SAMPLE_LINES)]
    width = width_of(rows[1:] if how.header and len(rows) > 1 else rows)
    if width > 1:
        found = choose_columns(rows, how.header)
        text = found.text if text is None else text
        label = found.label if label is None and found.label != text else label
    delimiter = "," if out.suffix.lower() == ".csv" else "\t"
    return Layout(how, delimiter, width, text or 0, label, labels, guard)


@dataclass
class _Work:
    """What is done: the rows and bytes that are safe on disk, and what is said of them.

    Attributes:
        key: all that the bytes depend on.
    """

    key: dict[str, Any]
    records: int
    bytes: int
    summary: Summary


def score_file(
    path: Path,
    layout: Layout,
    predictor: "Predictor",
    out: Path,
    resume: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Summary:
    """Write `out`, which appears when it is whole; leaving in the middle keeps what is done for `resume`.

    Args:
        progress: hears which share of the file is done: where it begins, and after each block.

    Raises:
        DataError: `out` is there already, or what is done belongs to other work.
        ModelError: the model's answers are no numbers.
    """
    partial, state = out.with_name(f"{out.name}.partial"), out.with_name(f"{out.name}.state")
    work = _begin(path, layout, predictor, out, partial, state, resume)
    tell, lines = progress or (lambda share: None), _count_lines(path)
    source = records(path, layout.how)
    with partial.open("r+b" if partial.exists() else "w+b") as file:
        file.truncate(work.bytes)
        file.seek(work.bytes)
        if work.records:  # passes over what is done
            last = next(islice(source, work.records - 1, None), None)
            tell(min(last.line / lines, 1.0) if last else 1.0)
        else:
            tell(0.0)
            if layout.how.header:
                work.records = 1
                file.write(layout.lines([layout.header(next(source).cells)]))
        for block in _blocks(source):
            answers = answers_of(block, layout, predictor)
            rows = [layout.row(*each) for each in zip(block, answers, strict=True)]
            file.write(layout.lines(rows))
            file.flush()
            os.fsync(file.fileno())
            work.summary.add(layout, block, answers)
            work.records += len(block)
            work.bytes = file.tell()
            _save(work, state)
            tell(min(block[-1].line / lines, 1.0))
    partial.replace(out)
    state.unlink(missing_ok=True)
    return work.summary


def _count_lines(path: Path) -> int:
    """Return about how many lines a file has, at least 1; UTF-16 may have a few more of these bytes."""
    feeds = returns = 0
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            feeds, returns = feeds + part.count(b"\n"), returns + part.count(b"\r")
    return max(feeds, returns, 1)


def _begin(
    path: Path,
    layout: Layout,
    predictor: "Predictor",
    out: Path,
    partial: Path,
    state: Path,
    resume: bool,
) -> _Work:
    """Return what is done already; nothing where there is nothing to go on from."""
    if out.exists():
        raise DataError("{out} is there already: choose another name.", out=out)
    key = {
        "file": digest(path),
        "model": predictor.sha256,
        "precision": predictor.precision,
        "layout": json.loads(json.dumps(asdict(layout))),
    }
    if not partial.exists():
        return _Work(key, 0, 0, Summary())
    if not resume:
        raise DataError(
            "{partial} is there, from work that was cut off: go on with it by --resume, or delete it.",
            partial=partial,
        )
    try:
        kept = json.loads(state.read_text(encoding="utf-8"))
        work = _Work(kept["key"], kept["records"], kept["bytes"], Summary(**kept["summary"]))
    except FileNotFoundError:  # cut off before its first block
        return _Work(key, 0, 0, Summary())
    except UNREADABLE:
        raise DataError(
            "{state} is damaged: delete it together with {partial} and begin anew.",
            state=state,
            partial=partial,
        ) from None
    if work.key != key:
        raise DataError(
            "{partial} comes from another file, model or setting: give those again, or delete it.",
            partial=partial,
        )
    return work


def _save(work: _Work, state: Path) -> None:
    new = state.with_name(f"{state.name}.new")
    new.write_text(json.dumps(asdict(work), ensure_ascii=False), encoding="utf-8")
    new.replace(state)


def _blocks(source: Iterator[Record]) -> Iterator[list[Record]]:
    while block := list(islice(source, ROWS)):
        yield block


def answers_of(
    block: list[Record], layout: Layout, predictor: "Predictor"
) -> list[NDArray[np.float32] | None]:
    """Return the probabilities of each record, (labels); None where it holds no sentence."""
    sentences = [layout.sentence(record) for record in block]
    known = iter(predictor.probabilities([text for text in sentences if text is not None]))
    return [None if text is None else next(known) for text in sentences]
