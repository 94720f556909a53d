"""File bytes -> the name of the encoding that its text is written in.

This module knows bytes; it knows nothing of rows, cells or labels.
"""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from kobert_demo.errors import DataError

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949")
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WORKBOOKS_AND_ARCHIVES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
OTHER_BINARY_FILES = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"%PDF",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
    b"PAR1",
    b"SQLite format",
    b"\x7fELF",
    codecs.BOM_UTF32_LE,
    codecs.BOM_UTF32_BE,
)
CONTROL_BYTES = bytes({*range(32), 127} - {*b"\t\n\r"})
SAMPLE_BYTES = 2**16
CHUNK_BYTES = 2**20


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """Open a file to read its bytes.

    Raises:
        DataError: the system does not let it be opened or read.
    """
    try:
        file = path.open("rb")
    except (OSError, ValueError):  # a ValueError where no file can have such a name
        raise _unreadable(path) from None
    with file:
        try:
            yield file
        except OSError:
            raise _unreadable(path) from None


def _unreadable(path: Path) -> DataError:
    return DataError(
        "The file {path} cannot be read: check its name, and that it may be opened.", path=path
    )


def detect_encoding(path: Path) -> str:
    """Return one of `ENCODINGS`: what the byte order mark says, else what reads the most lines.

    Raises:
        DataError: the file cannot be read, is empty or is not a text file.
    """
    with opened(path) as file:
        start = file.read(SAMPLE_BYTES)
    if not start:
        raise DataError(
            "The file is empty: choose a file with a sentence and a label on each line."
        )
    if start.startswith(WORKBOOKS_AND_ARCHIVES):
        raise DataError(
            "This is an Excel workbook or an archive: save its sheet as TSV or CSV, or unpack it, and "
            "choose that file."
        )
    if start.startswith(OTHER_BINARY_FILES):
        raise _no_text()
    for mark, encoding in BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding
    if unmarked := _unmarked_utf16(start):
        return unmarked
    if _looks_binary(start):
        raise _no_text()
    unread = _undecodable_lines(path, "utf-8")
    return "cp949" if unread and _undecodable_lines(path, "cp949") < unread else "utf-8"


def _no_text() -> DataError:
    return DataError("This is not a text file: choose a TSV, CSV or TXT file saved as UTF-8.")


def _looks_binary(start: bytes) -> bool:
    """Say whether control characters are too many for a text with a few damaged lines."""
    controls = len(start) - len(start.translate(None, CONTROL_BYTES))
    return controls > max(32, len(start) // 20)


def _unmarked_utf16(start: bytes) -> str | None:
    """Return UTF-16's byte order where most line ends and tabs are two bytes wide, one of them NUL."""
    for encoding, low, high in (
        ("utf-16-le", start[0::2], start[1::2]),
        ("utf-16-be", start[1::2], start[0::2]),
    ):
        above = [upper for lower, upper in zip(low, high, strict=False) if lower in b"\t\n"]
        if above and above.count(0) > len(above) / 2:
            return encoding
    return None


def _undecodable_lines(path: Path, encoding: str) -> int:
    count = 0
    with opened(path) as file:
        while lines := file.readlines(CHUNK_BYTES):
            if not _decodes(b"".join(lines), encoding):
                count += sum(not _decodes(line, encoding) for line in lines)
    return count


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
