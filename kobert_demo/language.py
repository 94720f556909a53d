"""Every sentence a person reads, in English and Korean.

The code holds the English sentence; `kobert_demo/korean/*.json` holds the Korean one under the very
same key. A `Message` keeps the sentence and its values apart until somebody's language is known.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

Language = Literal["ko", "en"]
LANGUAGES: tuple[Language, ...] = ("ko", "en")
CATALOG = Path(__file__).with_name("korean")


@dataclass(frozen=True)
class Message:
    """A sentence with named places (`str.format` syntax) and the values that fill them.

    A value may itself be a `Message`; it is then said in the same language.
    """

    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    def in_language(self, language: Language) -> str:
        return translate(self.text, language, **self.values)

    def __str__(self) -> str:
        return self.in_language("en")


def translate(text: str, language: Language, /, **values: object) -> str:
    """Return `text` in `language`, filled with `values`.

    Raises:
        KeyError: the Korean catalogue has no such sentence (the tests compare the two).
    """
    sentence = korean()[text] if language == "ko" else text
    spoken = {
        name: value.in_language(language) if isinstance(value, Message) else value
        for name, value in values.items()
    }
    return sentence.format(**spoken)


@cache
def korean() -> dict[str, str]:
    """Return the Korean catalogue: English sentence to Korean sentence."""
    catalog: dict[str, str] = {}
    for path in sorted(CATALOG.glob("*.json")):
        catalog.update(json.loads(path.read_text(encoding="utf-8")))
    return catalog


def language_of(locale: str | None) -> Language:
    """Return the language for a locale such as `ko-KR` or `ko_KR.UTF-8`; English unless Korean."""
    return "ko" if (locale or "").lower().startswith("ko") else "en"


def duration(seconds: float, language: Language) -> str:
    """Return a length of time in its two largest units, such as `3 min 20 s` or `1 h 5 min`."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return translate("{hours} h {minutes} min", language, hours=hours, minutes=minutes)
    if minutes:
        left = whole % 60
        return translate("{minutes} min {seconds} s", language, minutes=minutes, seconds=left)
    return translate("{seconds} s", language, seconds=whole if seconds >= 10 else f"{seconds:.1f}")
