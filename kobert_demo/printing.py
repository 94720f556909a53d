"""What the shell prints: one JSON document, a line a field, or a table; and the language it speaks."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from kobert_demo.language import Language, language_of


def spoken_language() -> Language:
    """Return the language of the shell, as POSIX has it: the first of these variables that is set."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    return language_of(next(filter(None, map(os.environ.get, names)), None))


def print_json(value: object) -> int:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False))
    return 0


def print_fields(values: dict[str, Any]) -> int:
    for name, value in values.items():
        print(f"{name:<22}{'-' if value is None else value}")
    return 0


def print_table(rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows of the same columns below their names, each column as wide as its longest cell."""
    cells = [[_cell(value) for value in row.values()] for row in rows]
    lines = [list(rows[0]), *cells] if rows else []
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)))


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
