"""Records and probabilities -> lines of a scored file, and what is said of all of them.

A line holds the original cells, unchanged and in their order, then label, confidence and a column a class.
"""

import csv
import heapq
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kobert_demo.dataset.checks import VISIBLE
from kobert_demo.reading import UNDECODABLE, Format, Record

ADDED = ("label", "confidence")
FORMULA = ("=", "+", "-", "@")  # what a spreadsheet would compute
LEAST_CERTAIN = 20


@dataclass(frozen=True)
class Layout:
    """How the lines of a scored file are written.

    Attributes:
        how: how the original is written; what was written without quotes stays without.
        delimiter: of the scored file.
        width: cells of an original row.
        text: which of them is the sentence, from 0; label: which its label, None where there is none.
        labels: the model's.
        guard: whether an apostrophe keeps spreadsheets from computing what begins like a formula.
    """

    how: Format
    delimiter: str
    width: int
    text: int
    label: int | None
    labels: tuple[str, ...]
    guard: bool

    def lines(self, rows: Sequence[Sequence[str]]) -> bytes:
        """Return rows of cells as bytes."""
        if self.guard:
            rows = [[f"'{cell}" if cell.startswith(FORMULA) else cell for cell in r] for r in rows]
        if self.how.quoted or self.delimiter != self.how.delimiter:
            written = io.StringIO()
            csv.writer(written, delimiter=self.delimiter, lineterminator="\n").writerows(rows)
            text = written.getvalue()
        else:
            text = "".join(f"{self.delimiter.join(row)}\n" for row in rows)
        return text.replace(UNDECODABLE, "\ufffd").encode()

    def header(self, cells: Sequence[str]) -> list[str]:
        """Return the names of all columns; one that is there already is called `predicted_` ..."""
        names = list(cells)
        for name in (*ADDED, *self.labels):
            while name in names:
                name = f"predicted_{name}"
            names.append(" ".join(name.split()))
        return names

    def sentence(self, record: Record) -> str | None:
        """Return what is to be classified; None where a row holds no sentence."""
        cells = record.cells
        if record.flaw or len(cells) != self.width or not VISIBLE.search(cells[self.text]):
            return None
        return cells[self.text].strip()

    def row(self, record: Record, probabilities: NDArray[np.float32] | None) -> list[str]:
        """Return the cells of a line: (labels) probabilities, or none and the new cells stay empty."""
        cells = [*record.cells, *[""] * (self.width - len(record.cells))]
        if probabilities is None:
            return [*cells, *[""] * (len(ADDED) + len(self.labels))]
        best = int(probabilities.argmax())
        numbers = [f"{value:.6f}" for value in (probabilities[best], *probabilities)]
        return [*cells, self.labels[best], *numbers]


@dataclass
class Summary:
    """What is said of a scored file.

    Attributes:
        rows: records without the header; scored: those that hold a sentence.
        counts: label to the sentences that got it.
        confidence: the sum of all confidences.
        least_certain: line, confidence, label and sentence of the least certain sentences, the least one
            first.
        labelled, agreed: sentences with a label that the model knows, and those whose answer is that one.
    """

    rows: int = 0
    scored: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    confidence: float = 0.0
    least_certain: list[dict[str, Any]] = field(default_factory=list)
    labelled: int = 0
    agreed: int = 0

    def add(
        self,
        layout: Layout,
        records: Sequence[Record],
        answers: Sequence[NDArray[np.float32] | None],
    ) -> None:
        """Count some more rows, with the probabilities of each."""
        known, found = set(layout.labels), {row["text"]: row for row in self.least_certain}
        for record, answer in zip(records, answers, strict=True):
            self.rows += 1
            if answer is None:
                continue
            best = int(answer.argmax())
            label, confidence = layout.labels[best], float(answer[best])
            self.scored += 1
            self.counts[label] = self.counts.get(label, 0) + 1
            self.confidence += confidence
            sentence = record.cells[layout.text].strip()
            row = {"line": record.line, "confidence": confidence, "label": label, "text": sentence}
            found.setdefault(sentence, row)  # one that comes back is told once
            if layout.label is not None and (own := record.cells[layout.label].strip()) in known:
                self.labelled += 1
                self.agreed += own == label
        self.least_certain = heapq.nsmallest(
            LEAST_CERTAIN, found.values(), key=lambda row: (row["confidence"], row["line"])
        )

    def as_json(self) -> dict[str, Any]:
        """Return it with shares in the place of sums; None where there is nothing to share by."""
        return {
            "rows": self.rows,
            "scored": self.scored,
            "labels": self.counts,
            "confidence": self.confidence / self.scored if self.scored else None,
            "labelled": self.labelled,
            "agreement": self.agreed / self.labelled if self.labelled else None,
            "least_certain": self.least_certain,
        }
