"""A record -> what keeps it from being used, in words; nothing is dropped without one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kobert_demo.columns import Columns
from kobert_demo.errors import DataError
from kobert_demo.language import Message
from kobert_demo.reading import UNDECODABLE, Record

LOST_CHARACTER = "\ufffd"
DAMAGE = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{LOST_CHARACTER}\ud800-\udfff]")
VISIBLE = re.compile("[^\\s\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
EMPTY_LINE = Message("The line is empty.")
EMPTY_SENTENCE = Message("The sentence is empty.")
MISSING_LABEL = Message("The label is missing.")
UNDECODABLE_BYTES = Message("Some bytes are not text in the file's encoding.")
LOST = Message("The character U+FFFD stands where another was lost before.")
REASONS_TOLD = 5


@dataclass(frozen=True)
class Problem:
    """Why the row that starts on `line` (from 1) cannot be used."""

    line: int
    message: Message


def reasons_against(record: Record, columns: Columns, width: int) -> list[Message]:
    """Return everything that keeps a row from being used."""
    cells = record.cells
    if record.flaw:
        return [record.flaw]
    if cells == [""]:
        return [EMPTY_LINE]
    if len(cells) != width:
        return [_wrong_width(len(cells), width)]
    text, label = cells[columns.text], cells[columns.label]
    reasons = [_damage(found) for found in dict.fromkeys(DAMAGE.findall(text + label))]
    if not VISIBLE.search(text):
        reasons.append(EMPTY_SENTENCE)
    if not VISIBLE.search(label):
        reasons.append(MISSING_LABEL)
    return reasons


def _wrong_width(found: int, expected: int) -> Message:
    return Message(
        "The number of cells is {found} instead of {expected}.",
        {"found": found, "expected": expected},
    )


def _damage(character: str) -> Message:
    if character == UNDECODABLE:
        return UNDECODABLE_BYTES
    if character == LOST_CHARACTER:
        return LOST
    code = f"U+{ord(character):04X}"
    return Message("The row holds the control character {code}.", {"code": code})


def lone_label(label: str) -> Message:
    """Say that a row is the only one of its label: it cannot be both trained on and tested with."""
    return Message(
        "The label “{label}” stands on this row alone; a label needs two rows or more.",
        {"label": label},
    )


def one_label(label: str, also: tuple[Message, ...] = ()) -> DataError:
    """Say that there is nothing to tell apart."""
    return DataError(
        "All usable rows have the label “{label}”: training needs two labels or more.",
        label=label,
        also=also,
    )


def summarize(problems: Iterable[Problem]) -> tuple[Message, ...]:
    """Return one sentence for each of the commonest kinds of problem: how many rows, where first."""
    kinds: dict[str, dict[int, Message]] = {}  # what each line has of it first
    for problem in problems:
        kinds.setdefault(problem.message.text, {}).setdefault(problem.line, problem.message)
    return tuple(
        Message(
            "{reason} (rows: {count}, first line: {line})",
            {"count": len(kind), "line": (line := next(iter(kind))), "reason": kind[line]},
        )
        for kind in sorted(kinds.values(), key=len, reverse=True)[:REASONS_TOLD]
    )
