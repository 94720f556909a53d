"""A text file -> its records: numbered lines cut into cells, damage left visible.

This module knows encodings, line ends, delimiters and quotes; it knows nothing of labels or models.
It reads as a stream, so that a file of any length needs little memory.
"""

import codecs
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from kobert_demo.charset import detect_encoding, opened
from kobert_demo.columns import has_header, width_of
from kobert_demo.errors import DataError
from kobert_demo.language import Message

DELIMITERS = ("\t", ",", ";")
SAMPLE_LINES = 10_000
QUOTED_LINES = 50  # how far a quoted cell may go on; a quote left open must not swallow the file
LINES_A_TICK = 2**11
UNDECODABLE = "\udc80"  # stands for bytes that are no text in the file's encoding
MARK_UNDECODABLE = "kobert_demo.mark_undecodable"
QUOTED_CELL = re.compile(r'"((?:[^"]++|"")*+)"')
UNCLOSED_QUOTE = Message("An opening quote is never closed.")


@dataclass(frozen=True)
class Format:
    """How a file is written.

    Attributes:
        encoding: utf-8, utf-8-sig, utf-16, utf-16-le, utf-16-be or cp949.
        delimiter: a tab, a comma or a semicolon.
        header: whether the first line names the columns.
        quoted: whether cells may stand in double quotes, as CSV has them.
    """

    encoding: str
    delimiter: str
    header: bool
    quoted: bool


class Record(NamedTuple):
    """One row: the number of its first line (from 1), its cells, and what is wrong with its form."""

    line: int
    cells: list[str]
    flaw: Message | None = None


class Line(NamedTuple):
    """A line, or several that one quoted cell holds together."""

    number: int
    text: str
    flaw: Message | None = None


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return UNDECODABLE, error.end
    raise error


codecs.register_error(MARK_UNDECODABLE, _mark_undecodable)


def detect_format(path: Path) -> Format:
    """Return how the file seems to be written, judged by its bytes and its first lines.

    Raises:
        DataError: the file cannot be read, is empty or is not a text file.
    """
    encoding = detect_encoding(path)
    lines = [text for _, text in islice(_physical_lines(path, encoding), SAMPLE_LINES)]
    lines = [text for text in lines if text]
    if not lines:
        raise DataError(
            "The file is empty: choose a file with a sentence and a label on each line."
        )
    tried = [(delimiter, _is_quoted(lines, delimiter)) for delimiter in DELIMITERS]
    samples = [_split(_logical_lines(enumerate(lines), *how), *how) for how in tried]
    rows = [[record.cells for record in sample] for sample in samples]
    best = max(range(len(DELIMITERS)), key=lambda index: _consistency(rows[index], index == 0))
    delimiter, quoted = tried[best]
    return Format(encoding, delimiter, header=has_header(rows[best]), quoted=quoted)


def sample(path: Path, how: Format, count: int) -> list[Record]:
    """Return the first records of the file, its header among them."""
    return list(islice(records(path, how), count))


def column_names(path: Path, how: Format) -> tuple[str, ...]:
    """Return a name for each column: the header's, else its number from 1."""
    rows = [record.cells for record in sample(path, how, SAMPLE_LINES)]
    width = width_of(rows[1:] if how.header and len(rows) > 1 else rows)
    head = rows[0][:width] if how.header and rows else []
    names = [name.strip().replace(UNDECODABLE, "\ufffd") for name in head]
    return tuple(
        (names[column] if column < len(names) else "") or str(column + 1) for column in range(width)
    )


def records(
    path: Path, how: Format, progress: Callable[[float], None] | None = None
) -> Iterator[Record]:
    """Yield every record of the file in order, its header among them.

    Undecodable bytes come as `UNDECODABLE`; empty lines come as one empty cell, those at the end of
    the file not at all. `progress` hears now and then which share of the bytes has been read.

    Raises:
        DataError: the file cannot be read, or not in this way.
    """
    _check_format(path, how)
    lines = _physical_lines(path, how.encoding, progress)
    return _split(_logical_lines(lines, how.delimiter, how.quoted), how.delimiter, how.quoted)


def _check_format(path: Path, how: Format) -> None:
    if len(how.delimiter) != 1 or how.delimiter in '"\r\n':
        raise DataError(
            "The delimiter must be one character, such as a tab, a comma or a semicolon."
        )
    if how.encoding == "utf-16":
        with opened(path) as file:
            if file.read(2) not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                raise DataError(
                    "The file does not begin with the byte order mark of UTF-16: choose another "
                    "encoding."
                )


def _physical_lines(
    path: Path, encoding: str, progress: Callable[[float], None] | None = None
) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line up to the last that is not empty."""
    with opened(path) as file:
        size, empty = os.fstat(file.fileno()).st_size, 0
        text = TextIOWrapper(file, encoding, MARK_UNDECODABLE, newline=_line_end(path, encoding))
        for number, line in enumerate(text, 1):
            if progress and not number % LINES_A_TICK:
                progress(file.tell() / size)
            line = line.rstrip("\r\n")
            if number == 1:
                line = line.removeprefix("\ufeff")
            if not line.strip(" "):
                empty += 1
                continue
            yield from ((number - back, "") for back in range(empty, 0, -1))
            empty = 0
            yield number, line


def _line_end(path: Path, encoding: str) -> str:
    r"""Return "\n" (its "\r" is taken off later) or, where there is none, the "\r" of old files."""
    with opened(path) as file:
        start = TextIOWrapper(file, encoding, MARK_UNDECODABLE, newline="").read(2**16)
    return "\r" if "\r" in start and "\n" not in start else "\n"


def _logical_lines(
    lines: Iterable[tuple[int, str]], delimiter: str, quoted: bool
) -> Iterator[Line]:
    """Yield the lines, those joined that a quoted cell spans."""
    source = iter(lines)
    if not quoted:
        yield from (Line(number, text) for number, text in source)
        return
    ahead: deque[tuple[int, str]] = deque()
    while ahead or (ahead := deque(islice(source, 1))):
        number, text = ahead.popleft()
        if '"' not in text or split_quoted(text, delimiter) is not None:
            yield Line(number, text)
            continue
        ahead.extend(islice(source, max(0, QUOTED_LINES - len(ahead))))
        following = _until_closed(text, [line for _, line in ahead], delimiter)
        spanned = [ahead.popleft()[1] for _ in range(following)]
        yield Line(number, "\n".join([text, *spanned]), None if following else UNCLOSED_QUOTE)


def _until_closed(text: str, following: Sequence[str], delimiter: str) -> int:
    """Return how many of the `following` lines belong to the quoted cell left open in `text`, or 0."""
    for count, line in enumerate(following, 1):
        text += "\n" + line
        if '"' not in line:
            continue
        cells = split_quoted(text, delimiter)
        if cells is not None:
            return count if cells else 0
    return 0


def split_quoted(text: str, delimiter: str) -> list[str] | None:
    """Cut a line into cells that may stand in quotes; `"abc"def` is taken as it stands.

    Returns:
        None where a quote stays open; no cells where a quote opens on one line and is closed on
        another in a way that no writer of such files produces.
    """
    cells, at = [], 0
    while True:
        cell, end = None, at
        if text.startswith('"', at):
            match = QUOTED_CELL.match(text, at)
            if match is None:
                return None
            cell, end = match[1].replace('""', '"'), match.end()
            if not text.startswith(delimiter, end) and end < len(text):
                cell = None
            if "\n" in match[0] and (cell is None or (delimiter == "\t" and "\t" in cell)):
                return []
        if cell is None:
            end = text.find(delimiter, end)
            end = len(text) if end < 0 else end
            cell = text[at:end]
        cells.append(cell)
        if end == len(text):
            return cells
        at = end + 1


def _split(lines: Iterable[Line], delimiter: str, quoted: bool) -> Iterator[Record]:
    for number, text, flaw in lines:
        cells = None
        if quoted and not flaw and '"' in text:
            cells = split_quoted(text, delimiter)
        yield Record(number, cells or text.split(delimiter), flaw)


def _is_quoted(lines: Sequence[str], delimiter: str) -> bool:
    """Say whether the quotes in the lines are those of a CSV writer.

    Such a writer doubles the quotes inside a cell and leaves none outside; people who quote a phrase
    do neither.
    """
    edge = f"[^{delimiter}\n]"
    written = re.compile(rf"(?<!{edge}){QUOTED_CELL.pattern}(?!{edge})")
    good = strong = bad = 0
    for _, text, flaw in _logical_lines(enumerate(lines), delimiter, quoted=True):
        if '"' in text:
            cells = written.findall(text)
            good += len(cells)
            strong += sum('""' in cell or delimiter in cell or "\n" in cell for cell in cells)
            bad += flaw is not None or '"' in written.sub("", text)
    return good > 0 and (bad == 0 or strong >= max(bad, 1))


def _consistency(rows: Sequence[Sequence[str]], tab: bool) -> tuple[bool, float]:
    """Order delimiters: a tab that half the rows agree on, else the share of rows that agree."""
    width = width_of(rows)
    share = sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0.0
    return tab and share >= 0.5, share
