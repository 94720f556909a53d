"""Sets of demo sentences with the emotion expected of each: built in, edited, brought from a file.

A set lies in the workspace as `test_sets/ID/sentences.tsv`, beside its name and what classifiers said of it
(`trials.py`). A built-in set that was edited lies there too; deleting it brings the original back.
"""

import hashlib
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kobert_demo.columns import choose_columns
from kobert_demo.dataset.checks import VISIBLE
from kobert_demo.errors import DataError
from kobert_demo.reading import SAMPLE_LINES, Format, detect_format, records, sample

DATA = Path(__file__).with_name("data")
EVERY = 4  # of the everyday sentences of a label: 35 of 140
MOST_CASES = 500
LONGEST_NAME = 60  # characters
# In the same words whatever the visitor's language: browsers keep what was chosen by its words.
BUILT_IN = {"everyday": "일상 문장 · Everyday sentences", "hard": "어려운 문장 · Hard cases"}
OWN = Format("utf-8-sig", "\t", header=True, quoted=False)  # as `as_tsv` writes
ID = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Case:
    """A sentence and the label that is expected of it."""

    text: str
    expected: str


@dataclass(frozen=True)
class SentenceSet:
    """A named set of sentences.

    Attributes:
        edited: whether a built-in set is no longer as it came.
    """

    id: str
    name: str
    cases: tuple[Case, ...]
    edited: bool = False


class SentenceSets:
    """The sets of one workspace, those built in among them.

    Args:
        workspace: the directory that holds datasets and runs.
    """

    def __init__(self, workspace: Path) -> None:
        self._root = workspace / "test_sets"

    def directory(self, id: str) -> Path:
        return self._root / id

    def list(self) -> list[SentenceSet]:
        """Return all sets: the built-in ones, then the others by name."""
        found = []
        for path in self._root.glob("*/name.txt"):
            with suppress(DataError):  # damaged, or deleted just now
                found.append(self.get(path.parent.name))
        return [*map(self.get, BUILT_IN), *sorted(found, key=lambda each: each.name)]

    def get(self, id: str) -> SentenceSet:
        """Return a set.

        Raises:
            DataError: there is none of this id, or its file is damaged.
        """
        own = self.directory(id) / "sentences.tsv"
        if id in BUILT_IN:
            edited = own.is_file()
            cases = read_cases(own, OWN)[0] if edited else _built_in(id)
            return SentenceSet(id, BUILT_IN[id], cases, edited)
        try:
            if not ID.fullmatch(id):
                raise FileNotFoundError(id)
            name = (self.directory(id) / "name.txt").read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise DataError("There is no such set any more: choose another one.") from None
        return SentenceSet(id, name, read_cases(own, OWN)[0])

    def add(self, name: str, cases: Sequence[Case]) -> str:
        """Keep a new set and return its id.

        Raises:
            DataError: the name is empty, or another set's; or there are no sentences or too many.
        """
        name = " ".join("".join(c for c in name if c.isprintable()).split())[:LONGEST_NAME]
        if not name:
            raise DataError("A set needs a name: type one.")
        id = hashlib.sha256(name.encode()).hexdigest()[:12]
        if self.directory(id).exists():
            raise DataError("There is a set of this name already: type another one.")
        self.save(id, cases)
        (self.directory(id) / "name.txt").write_text(name, encoding="utf-8")
        return id

    def save(self, id: str, cases: Sequence[Case]) -> None:
        """Put sentences in the place of those that a set had.

        Raises:
            DataError: there are none, or too many.
        """
        cases = _checked(cases)
        self.directory(id).mkdir(parents=True, exist_ok=True)
        new = self.directory(id) / "sentences.tsv.new"
        new.write_bytes(as_tsv(cases))
        new.replace(self.directory(id) / "sentences.tsv")

    def delete(self, id: str) -> None:
        """Remove a set with its trials; a built-in one becomes as it came, and keeps them.

        Raises:
            DataError: there is no such set.
        """
        self.get(id)
        if id in BUILT_IN:
            (self.directory(id) / "sentences.tsv").unlink(missing_ok=True)
        else:
            shutil.rmtree(self.directory(id), ignore_errors=True)


def _built_in(id: str) -> tuple[Case, ...]:
    """Return the sentences of a built-in set, each label in the same number."""
    if id == "hard":
        return read_cases(DATA / "hard-cases.tsv")[0]
    of: dict[str, list[Case]] = defaultdict(list)
    for case in read_cases(DATA / "everyday.tsv")[0]:
        of[case.expected].append(case)
    return tuple(case for cases in of.values() for case in cases[::EVERY])


def _checked(cases: Sequence[Case]) -> list[Case]:
    if not cases:
        raise DataError("A set needs at least one sentence with its expected emotion.")
    if len(cases) > MOST_CASES:
        raise DataError("A set holds at most {most} sentences: leave some out.", most=MOST_CASES)
    return [Case(" ".join(c.text.split()), " ".join(c.expected.split())) for c in cases]


def as_tsv(cases: Iterable[Case]) -> bytes:
    """Return sentences as a TSV file that spreadsheets read as Korean."""
    lines = [f"{case.text}\t{case.expected}\n" for case in cases]
    return "".join(["sentence\tlabel\n", *lines]).encode("utf-8-sig", errors="replace")


def read_cases(path: Path, how: Format | None = None) -> tuple[tuple[Case, ...], int]:
    """Return the sentences of a file with their labels, and how many rows lack one of the two.

    Args:
        how: how the file is written; detected where nobody knows.

    Raises:
        DataError: the file is not text, has fewer than two columns, holds nothing, or too much.
    """
    how = how or detect_format(path)
    columns = choose_columns(
        [record.cells for record in sample(path, how, SAMPLE_LINES)], how.header
    )
    cases, lacking = [], 0
    for number, record in enumerate(records(path, how)):
        if how.header and not number:
            continue
        cells = record.cells
        if record.flaw or len(cells) <= max(columns.text, columns.label):
            lacking += 1
            continue
        case = Case(cells[columns.text], cells[columns.label])
        if VISIBLE.search(case.text) and VISIBLE.search(case.expected):
            cases.append(case)
        else:
            lacking += 1
        if len(cases) > MOST_CASES:
            break
    return tuple(_checked(cases)), lacking
