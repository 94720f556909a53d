"""What the shell prints: one JSON document, or a line a field; and the language it speaks."""

import json
import os
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
