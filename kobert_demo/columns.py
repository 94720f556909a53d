"""Rows of cells -> which of them is the header, which column the sentence, which the label.

This module knows cells of a sample; it knows nothing of files or of a whole dataset.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kobert_demo.errors import DataError

TEXT_NAMES = frozenset(
    {"sentence", "sentences", "text", "texts", "document", "review", "comment", "content", "tweet"}
    | {"utterance", "message", "question", "문장", "텍스트", "본문", "내용", "문서", "리뷰", "댓글"}
    | {"발화", "발화문", "대화", "후기", "사람문장1"}
)
LABEL_NAMES = frozenset(
    {"label", "labels", "emotion", "emotions", "sentiment", "class", "category", "target", "rating"}
    | {"score", "stars", "라벨", "레이블", "감정", "감성", "분류", "정답", "클래스", "평점", "별점"}
    | {"감정_대분류", "상황"}
)
OTHER_NAMES = frozenset(
    {"id", "ids", "index", "idx", "no", "num", "date", "user", "source", "split"}
    | {"번호", "순번", "날짜", "출처"}
)
KNOWN_NAMES = TEXT_NAMES | LABEL_NAMES | OTHER_NAMES
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
ROWS_TO_JUDGE = 10  # fewer rows say too little about how often a label comes back


@dataclass(frozen=True)
class Columns:
    """Which cell of a row is the sentence and which the label, counted from 0."""

    text: int
    label: int


def width_of(rows: Sequence[Sequence[str]]) -> int:
    """Return the commonest number of cells."""
    return Counter(map(len, rows)).most_common(1)[0][0] if rows else 0


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Say whether the first row names the columns: by known words, else by being unlike the rest."""
    if not rows:
        return False
    head, body = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    below = [[row[column].strip() for row in body] for column in range(len(head))]
    names = [name.strip() for name in head]
    return any(
        name.casefold() in KNOWN_NAMES and name not in cells
        for name, cells in zip(names, below, strict=True)
    ) or any(_unlike(name, cells) for name, cells in zip(names, below, strict=True))


def _unlike(name: str, cells: Sequence[str]) -> bool:
    """Say whether `name` is a word over numbers, or a value that alone never comes back."""
    if not name or not cells:
        return False
    if not NUMBER.fullmatch(name):
        numbers = sum(bool(NUMBER.fullmatch(cell)) for cell in cells)
        if numbers > 0.9 * len(cells):
            return True
    counts = Counter(cells)
    recurring = sum(count for count in counts.values() if count > 1)
    enough = len(cells) >= ROWS_TO_JUDGE and recurring > 0.98 * len(cells)
    return enough and name not in counts and len(counts) < len(cells) / 3


def choose_columns(rows: Sequence[Sequence[str]], header: bool) -> Columns:
    """Return the columns that a sample's names and cells point to.

    Raises:
        DataError: there are fewer than two columns.
    """
    body = rows[1:] if header and len(rows) > 1 else rows
    width = width_of(body)
    if width < 2:
        raise DataError(
            "The file has only one column: choose another delimiter, or a file with a sentence and a "
            "label on each line."
        )
    body = [row for row in body if len(row) == width]
    names = [name.strip().casefold() for name in rows[0]] if header else []
    text = _named(names, TEXT_NAMES, width)
    label = _named(names, LABEL_NAMES, width)
    if text is None:
        text = max((c for c in range(width) if c != label), key=lambda c: _letters(body, c))
    if label is None:
        label = min((c for c in range(width) if c != text), key=lambda c: _variety(body, c))
    return Columns(text=text, label=label)


def _named(names: Sequence[str], known: frozenset[str], width: int) -> int | None:
    """Return the first column with a known name; names that repeat say nothing."""
    found = (c for c, name in enumerate(names[:width]) if name in known and names.count(name) == 1)
    return next(found, None)


def _letters(rows: Sequence[Sequence[str]], column: int) -> int:
    """Return how many letters a column holds; a Hangul syllable says as much as three."""
    text = "".join(row[column] for row in rows)
    return sum(character.isalpha() + 2 * ("가" <= character <= "힣") for character in text)


def _variety(rows: Sequence[Sequence[str]], column: int) -> tuple[bool, float, int]:
    """Order columns by how much they look like labels: few values, but more than one; later first."""
    values = len({row[column].strip() for row in rows})
    return values < 2, values / len(rows), -column
