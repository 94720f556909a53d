"""Files of sentences -> numbered parts of bounded size, and a part -> the bytes of its answers.

This module knows TSV and Parquet; it knows nothing of where parts are scored.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from kobert_demo.columns import choose_columns
from kobert_demo.data_arguments import column_index
from kobert_demo.errors import DataError
from kobert_demo.file_scoring import answers_of, choose_layout
from kobert_demo.reading import Format, Record, records
from kobert_demo.scored_rows import ADDED, Layout, Summary

if TYPE_CHECKING:
    from kobert_demo.predictor import Predictor

PART_ROWS = 10_000
PARQUET = ".parquet"
ENDINGS = (".tsv", ".csv", ".txt", PARQUET)
SAMPLE_ROWS = 1_000
TABLE = Format("utf-8", "\t", header=True, quoted=False)  # stands for Parquet, which has no such


@dataclass(frozen=True)
class Part:
    """Some rows of one file.

    Attributes:
        number: from 0, in the order of the files and their rows.
        first: the rows of the file before it, its header not counted.
        rows: how many there are.
    """

    number: int
    path: Path
    layout: Layout
    first: int
    rows: int

    @property
    def name(self) -> str:
        """The name of the file with its answers."""
        ending = PARQUET if self.path.suffix == PARQUET else ".tsv"
        return f"part-{self.number:06d}{ending}"


def find_files(where: Path) -> list[Path]:
    """Return the files of a folder, of a glob, or the one that is named, in the order of their names.

    Raises:
        DataError: there is none.
    """
    paths = where.iterdir() if where.is_dir() else where.parent.glob(where.name)
    found = sorted(path.resolve() for path in paths if path.suffix in ENDINGS and path.is_file())
    if not found:
        raise DataError(
            "There is no file to score in {where}: name a folder or a pattern of {endings} files.",
            where=where,
            endings=", ".join(ENDINGS),
        )
    return found


def cut(
    files: list[Path],
    labels: tuple[str, ...],
    read: Callable[[Path], tuple[Format, tuple[str, ...]]],
    named: tuple[str | None, str | None],
    guard: bool,
) -> list[Part]:
    """Return all parts of the files; reads text files once to count their rows.

    Args:
        read: tells how a text file is written, and the names of its columns.
        named: the columns of sentence and label, by name or number from 1; None to find them.
    """
    parts: list[Part] = []
    for path in files:
        if path.suffix == PARQUET:
            layout, rows = _parquet_layout(path, labels, named), _open(path).metadata.num_rows
        else:
            how, names = read(path)
            columns = _indices(named, names, how.header)
            layout = choose_layout(path, how, labels, Path("part.tsv"), *columns, guard)
            rows = sum(1 for _ in records(path, how)) - how.header
        parts += [
            Part(len(parts) + number, path, layout, first, min(PART_ROWS, rows - first))
            for number, first in enumerate(range(0, rows, PART_ROWS))
        ]
    return parts


def _indices(
    named: tuple[str | None, str | None], names: Sequence[str], header: bool
) -> tuple[int | None, int | None]:
    text, label = (None if name is None else column_index(name, names, header) for name in named)
    return text, label


def score_part(part: Part, predictor: "Predictor") -> tuple[bytes, Summary]:
    """Return the content of a part's file and what is said of it.

    Raises:
        DataError: the file has other rows now than when it was cut.
    """
    table, block = _read_table(part) if part.path.suffix == PARQUET else (None, _read_text(part))
    if len(block) != part.rows:
        raise DataError("{path} was changed while it was scored: begin anew.", path=part.path)
    answers, summary = answers_of(block, part.layout, predictor), Summary()
    summary.add(part.layout, block, answers)
    if table is None:
        lines = [part.layout.row(*each) for each in zip(block, answers, strict=True)]
        head = [part.layout.header(_header(part))] if part.layout.how.header else []
        return part.layout.lines([*head, *lines]), summary
    names = part.layout.header(table.column_names)[len(table.column_names) :]
    labels = part.layout.labels
    best = [None if answer is None else int(answer.argmax()) for answer in answers]
    added: list[list[Any]] = [[None if at is None else labels[at] for at in best]]
    added.append([None if a is None else float(a.max()) for a in answers])
    added += [[None if a is None else float(a[at]) for a in answers] for at in range(len(labels))]
    types = [pa.string(), *[pa.float32()] * (len(ADDED) - 1 + len(labels))]
    for name, values, kind in zip(names, added, types, strict=True):
        table = table.append_column(name, pa.array(values, kind))
    written = io.BytesIO()
    pq.write_table(table, written)
    return written.getvalue(), summary


def as_key(part: Part) -> dict[str, Any]:
    """Return all that a part's bytes depend on, besides the model, as JSON has it."""
    status = part.path.stat()
    layout = {**asdict(part.layout), "labels": list(part.layout.labels)}
    place = {"path": str(part.path), "first": part.first, "rows": part.rows, "layout": layout}
    return {**place, "bytes": status.st_size, "modified": status.st_mtime_ns}


def _header(part: Part) -> list[str]:
    return next(records(part.path, part.layout.how)).cells


def _read_text(part: Part) -> list[Record]:
    start = part.first + part.layout.how.header
    return list(islice(records(part.path, part.layout.how), start, start + part.rows))


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError):
        raise DataError(
            "{path} is no Parquet file that can be read: choose another one.", path=path
        ) from None


def _read_table(part: Part) -> tuple[pa.Table, list[Record]]:
    """Return the rows of a part, reading no more row groups than hold them."""
    file, groups, before, skipped = _open(part.path), [], 0, 0
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if before + rows <= part.first:
            skipped += rows
        elif before < part.first + part.rows:
            groups.append(group)
        before += rows
    table = file.read_row_groups(groups).slice(part.first - skipped, part.rows)
    return table, list(_as_records(table, part.first + 1))


def _as_records(table: pa.Table, first: int) -> Iterator[Record]:
    columns = [column.to_pylist() for column in table.columns]
    for number, row in enumerate(zip(*columns, strict=True), first):
        yield Record(number, ["" if value is None else str(value) for value in row])


def _parquet_layout(
    path: Path, labels: tuple[str, ...], named: tuple[str | None, str | None]
) -> Layout:
    file = _open(path)
    names = file.schema_arrow.names
    text, label = _indices(named, names, header=True)
    batch = next(file.iter_batches(SAMPLE_ROWS), None)
    if len(names) > 1 and batch is not None:
        sample = [record.cells for record in _as_records(pa.Table.from_batches([batch]), 1)]
        found = choose_columns([names, *sample], header=True)
        text = found.text if text is None else text
        label = found.label if label is None and found.label != text else label
    return Layout(TABLE, "\t", len(names), text or 0, label, labels, guard=False)
